//! Values without quotes: `password=x` in a file of variables, a form, a command or a text that Java prints, and
//! `x-api-key: x` in a line of its own.

use super::{
  assignments::word,
  marked_lines::is_line_start,
  quotes::{end_of_escape, end_of_string, is_apostrophe},
};

/// Longer values are no code.
const LONGEST_CODE: usize = 256;
/// Values that are no secrets.
const CONSTANTS: [&str; 7] = ["None", "null", "nil", "undefined", "true", "false", "True"];
/// Names of headers without a dash.
const HEADERS: [&str; 2] = ["authorization", "cookie"];
/// What may follow a value without a space.
const MARKS: &str = "&,;|<>()[]{}\\";
const QUOTES: &str = "\"'`";
/// What may stand between a colon and a value.
pub const BLANKS: [char; 2] = [' ', '\t'];

/// The name in which the text before an equals sign ends.
pub fn assigned_name(text: &str) -> Option<&str> {
  // `user[password]=x`, also as in a form.
  if let Some(item) = text.strip_suffix("%5D") {
    return word(item)?.strip_prefix("5B");
  }
  word(text.strip_suffix(']').unwrap_or(text).trim_end_matches(['"', '\'']))
}

/// The length of the value with which the text behind an equals sign begins, of a name with this text before it; 0 if it is
/// code.
pub fn assigned_length(before: &str, name: &str, value: &str) -> usize {
  if begins_container(value) {
    return end_of_container(value);
  }
  let is_end = |letter: char| letter.is_whitespace() || QUOTES.contains(letter);
  let end = value.find(|letter| is_end(letter) || MARKS.contains(letter)).unwrap_or(value.len());
  // What is longer is not searched again from each of its equals signs.
  if end <= LONGEST_CODE && is_code(name, value.split_at(end)) {
    return 0;
  }
  // A line of variables: the value may have any mark.
  let line = before.strip_suffix("export ").unwrap_or(before);
  if is_line_start(line) { value.find(is_end).unwrap_or(value.len()) } else { end }
}

/// Whether a list or an object begins there, as Python and Ruby print them: other brackets are code.
fn begins_container(value: &str) -> bool {
  let inner =
    value.strip_prefix(['{', '[', '(']).map(|inner| inner.trim_start_matches(['[', '(', ' ']));
  inner.is_some_and(|inner| inner.starts_with(|first| QUOTES.contains(first) || first == ':'))
}

/// The position after the list or object with which a text begins; that of its end if it has none.
fn end_of_container(shown: &str) -> usize {
  let text = shown.as_bytes();
  let (mut at, mut depth) = (0, 0_usize);
  while let Some(byte) = text.get(at) {
    match byte {
      b'\\' => at = end_of_escape(text, at),
      b'\'' if is_apostrophe(text, at) => {}
      b'\'' | b'"' | b'`' => at = end_of_string(text, at),
      b'(' | b'[' | b'{' => depth += 1,
      b')' | b']' | b'}' if depth > 1 => depth -= 1,
      b')' | b']' | b'}' => return at + 1,
      _ => {}
    }
    at += 1;
  }
  text.len()
}

/// The value behind a colon, of a name that begins a line or a string: that of a header, or a word with a digit, as passwords
/// have and prose has not. It is all that is behind the colon in that line or string.
pub fn in_line<'t>(before: &str, name: &str, behind: &'t str) -> Option<&'t str> {
  let outer = before.strip_suffix(name)?;
  let quote = outer.chars().next_back().filter(|last| QUOTES.contains(*last));
  if quote.is_none() && !is_line_start(outer) {
    return None;
  }
  let is_end = |letter: char| matches!(letter, '\n' | '\r') || Some(letter) == quote;
  let line = behind.get(..behind.find(is_end).unwrap_or(behind.len()))?;
  let value = line.trim_start_matches(BLANKS).trim_end_matches([' ', '\t', '\\']);
  let is_header =
    name.contains('-') || HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header));
  (!value.is_empty() && (is_header || is_random(name, value))).then_some(value)
}

/// Whether a value is one word with a digit, and no code, which has a mark behind it.
fn is_random(name: &str, value: &str) -> bool {
  let end = value.find(|letter| MARKS.contains(letter)).unwrap_or(value.len());
  value.len() <= LONGEST_CODE
    && !value.contains(|letter: char| letter.is_whitespace() || QUOTES.contains(letter))
    && !value.ends_with([',', ';', '(', '{', '['])
    && value.contains(|letter: char| letter.is_ascii_digit())
    && !is_type(value)
    && !is_code(name, value.split_at(end))
}

/// Whether a word is that of a type: `u8`, `int32`.
fn is_type(word: &str) -> bool {
  let letters = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
  let is_size = letters.len() < word.len() && word.len() - letters.len() <= 3;
  is_size && letters.len() <= 5 && letters.bytes().all(|letter| letter.is_ascii_lowercase())
}

/// Whether a value without quotes is code, with what follows it: a call, an item, a member, a constant, the variable with
/// the name.
fn is_code(name: &str, (value, behind): (&str, &str)) -> bool {
  let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
  let mut parts = value.split('.');
  let is_path =
    value.contains('.') && parts.all(|part| !part.is_empty() && part.bytes().all(is_letter));
  let is_call = behind.starts_with(['(', '[']) || value == "$" && behind.starts_with('{');
  let is_format = value.len() == 2 && value.starts_with('%');
  is_path
    || is_call
    || is_format
    || value == name
    || CONSTANTS.contains(&value)
    || value.starts_with(['=', '~'])
}
