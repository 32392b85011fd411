//! What may stand between the tokens of a text: white space, and the codes of a terminal's colours.

use std::borrow::Cow;

use braintrust_row::terminal::{ESCAPE, code_length, start_of_code};

/// White space of JSON.
pub const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// The text without these spaces and codes at its beginning.
pub fn trim_start<'t>(mut text: &'t str, spaces: &[char]) -> &'t str {
  loop {
    text = text.trim_start_matches(spaces);
    match code_length(text.as_bytes()) {
      0 => return text,
      length => text = text.get(length..).unwrap_or_default(),
    }
  }
}

/// The text without these spaces and codes at its end.
pub fn trim_end<'t>(mut text: &'t str, spaces: &[char]) -> &'t str {
  loop {
    text = text.trim_end_matches(spaces);
    let code = text.strip_suffix(|last: char| last.is_ascii_alphabetic());
    let Some(start) = code.and_then(|code| start_of_code(code.as_bytes())) else { return text };
    text = text.get(..start).unwrap_or_default();
  }
}

/// The word of such letters in which a text ends. It may follow a code of colours, which ends with a letter.
pub fn word_at_end<'t>(text: &'t str, is_part: &dyn Fn(char) -> bool) -> Option<&'t str> {
  let mut start = text.trim_end_matches(is_part).len();
  if let Some(code) = start_of_code(text.as_bytes().get(..start)?) {
    start = code + code_length(text.as_bytes().get(code..)?);
  }
  text.get(start..).filter(|word| !word.is_empty())
}

/// The position of the first such letter in a text, else that of its end.
pub fn find_end(text: &str, is_end: &dyn Fn(char) -> bool) -> usize {
  text.find(is_end).unwrap_or(text.len())
}

/// The line with which a text begins, without its end.
pub fn line(text: &str) -> &str {
  text.get(..find_end(text, &|letter| letter == '\n')).unwrap_or_default()
}

/// The text without codes.
pub fn without_codes(text: Cow<'_, str>) -> Cow<'_, str> {
  if !text.as_bytes().contains(&ESCAPE) {
    return text;
  }
  let mut parts = text.split('\x1B');
  let mut without = parts.next().unwrap_or_default().to_owned();
  for part in parts {
    let code = format!("\x1B{part}");
    without.push_str(code.get(code_length(code.as_bytes())..).unwrap_or_default());
  }
  Cow::Owned(without)
}
