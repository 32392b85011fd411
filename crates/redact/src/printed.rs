//! Members of what was printed as a string: `{ out: '{\n  password: \'x\'\n}' }`.

use std::{mem, ops::Range};

use super::{
  escapes::{DEEPEST_ESCAPES, Decoded, IN_ALL, decoded, map_to_original},
  literals::Literals,
  paths::PathState,
  rules::Rules,
};

/// How many times a text is read again at most behind what is redacted already.
const READ_AGAIN: usize = 4;
/// What stands around a string that was printed as a string.
const QUOTES: [char; 3] = ['"', '\'', '\\'];

/// The covered values of members in what the escapes of a text stand for, such as those of an object that was printed as a
/// string, of a URL in another one, or of HTML; of several levels. Also the contents of elements and the options of
/// commands, in the text itself, too. In no order.
pub fn in_escapes(rules: &Rules, text: &str, location: &PathState) -> Vec<Range<usize>> {
  let mut levels: Vec<Decoded> = Vec::new();
  let mut ranges = Literals::new(rules, text, location).elements_and_options();
  while levels.len() < DEEPEST_ESCAPES
    && let Some(mut level) = decoded(levels.last().map_or(text, |level| &level.text), IN_ALL)
  {
    let mut literals = Literals::of_decoded(rules, &level, location);
    let mut found = if level.has_tags { literals.elements_and_options() } else { Vec::new() };
    // What is redacted already, as JSON or as other text.
    let is_mark = |range: &Range<usize>| {
      let value = level.text.get(range.clone()).unwrap_or_default();
      let inner = value.trim_start_matches(QUOTES);
      let behind = inner.strip_prefix(rules.replacement()).filter(|_| inner.len() < value.len());
      behind.is_some_and(|behind| behind.starts_with(QUOTES))
    };
    let mut read_again = 0;
    while let Some(range) = literals.next_before(level.text.len()) {
      if !is_mark(&range) {
        found.push(range);
      } else if read_again < READ_AGAIN * text.len() {
        // Others may follow before the end of what looks like one value.
        read_again += range.len();
        literals.covered = range.start + 1;
      }
    }
    // The next level would read the escapes of a value as its end.
    let mut bytes = mem::take(&mut level.text).into_bytes();
    for range in &found {
      bytes.get_mut(range.clone()).unwrap_or_default().fill(b'*');
    }
    level.text = String::from_utf8(bytes).unwrap_or_default();
    levels.push(level);
    map_to_original(&levels, &mut found);
    ranges.append(&mut found);
  }
  ranges
}
