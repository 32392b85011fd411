//! Members of what was printed as a string: `{ out: '{\n  password: \'x\'\n}' }`.

use std::ops::Range;

use super::{
  escapes::{DEEPEST_ESCAPES, Decoded, decoded},
  literals::{Literals, mark},
  paths::PathState,
  rules::Rules,
};

/// The covered values of members in what the escapes of a text stand for, such as those of an object that was printed as a
/// string; of several levels, in no order.
pub fn in_escapes(rules: &Rules, text: &str, location: &PathState) -> Vec<Range<usize>> {
  let mut levels: Vec<Decoded> = Vec::new();
  let mut ranges = Vec::new();
  while levels.len() < DEEPEST_ESCAPES
    && let Some(level) = decoded(levels.last().map_or(text, |level| &level.text))
  {
    let mut literals = Literals::new(rules, &level.text, location);
    let all = std::iter::from_fn(|| literals.next_before(level.text.len()));
    let mut found: Vec<_> = all.collect();
    levels.push(level);
    for level in levels.iter().rev() {
      found.iter_mut().for_each(|range| *range = level.original(range));
    }
    ranges.append(&mut found);
  }
  let mark = mark(rules);
  ranges.retain(|range| !text.get(range.start..).is_some_and(|value| value.starts_with(&mark)));
  ranges
}
