//! Values without quotes: `password=x` in a file of variables, a form, a command or a text that Java prints, and
//! `x-api-key: x` in a line of its own.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter};

use super::{
  assignments::{is_inside, word},
  blanks::{find_end, line},
  marked_lines::is_line_start,
  quotes::{end_of_escape, end_of_string, is_apostrophe},
};

/// Longer values are no code.
const LONGEST_CODE: usize = 256;
/// Values that are no secrets.
const CONSTANTS: [&str; 7] = ["None", "null", "nil", "undefined", "true", "false", "True"];
/// How types begin whose names end with their size.
const TYPES: [&str; 8] = ["u", "i", "f", "int", "uint", "float", "utf", "sha"];
/// Names of headers without a dash.
const HEADERS: [&str; 2] = ["authorization", "cookie"];
/// What may follow a value without a space.
const MARKS: &str = "&,;|<>()[]{}\\";
/// How a file of logins begins, `.netrc`.
const LOGINS: [&str; 2] = ["machine ", "default login "];
const QUOTES: &str = "\"'`";
/// What stands before the value of a header.
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "token"];
/// What may stand between a colon and a value.
pub const BLANKS: [char; 2] = [' ', '\t'];

/// The name in which the text before an equals sign ends, also as an item: `user[password]=x`.
pub fn assigned_name(text: &str) -> Option<&str> {
  word(text.strip_suffix(']').unwrap_or(text).trim_end_matches(['"', '\'']))
}

/// The length of the value with which the text behind an equals sign begins, of a name with this text before it; 0 if it is
/// code.
pub fn assigned_length(before: &str, name: &str, value: &str) -> usize {
  if begins_container(value) {
    return end_of_container(value);
  }
  let end = find_end(value, &is_end_of_word);
  let is_exported = before.ends_with("export ");
  let is_line = is_exported || is_line_start(before);
  let is_code = || match is_exported || is_line && is_capital(name) {
    true => is_reference(name, value.split_at(end)),
    false => is_code(name, value.split_at(end)),
  };
  // What is longer is not searched again from each of its equals signs.
  if end <= LONGEST_CODE && is_code() {
    return 0;
  }
  // A line of variables: the value may have any mark, also quotes.
  let end = if is_line { find_end(value, &char::is_whitespace) } else { end };
  let (shown, behind) = value.split_at(end);
  let is_scheme = SCHEMES.iter().any(|scheme| shown.eq_ignore_ascii_case(scheme));
  match behind.strip_prefix(' ').filter(|_| is_scheme) {
    Some(behind) => end + 1 + find_end(behind, &is_end_of_line_value),
    None => end,
  }
}

fn is_end_of_line_value(letter: char) -> bool {
  letter.is_whitespace() || QUOTES.contains(letter)
}

fn is_end_of_word(letter: char) -> bool {
  is_end_of_line_value(letter) || MARKS.contains(letter)
}

/// The name and the value of each option of a command that has a space between them: `--password x`, `-Password x`. The
/// value has quotes, or is a word with a digit: other words may be those of prose.
pub fn options(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
  memchr_iter(b'-', text.as_bytes()).filter_map(|found| {
    let (before, rest) = text.split_at_checked(found)?;
    let is_part = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    // In a line of dashes, none begins.
    if !rest.get(1..)?.starts_with(is_part) || before.ends_with(is_part) {
      return None;
    }
    let (dashed, behind) = rest.split_at(find_end(rest, &|letter| !is_part(letter)));
    let name = dashed.trim_start_matches('-');
    let value = behind.trim_start_matches(BLANKS);
    if name.is_empty() || value.len() == behind.len() {
      return None;
    }
    let start = text.len() - value.len();
    if value.starts_with(['"', '\'']) {
      return Some((name, start..start + string_length(text.get(..start)?, value)?));
    }
    let word = value
      .get(..find_end(value, &is_end_of_word))
      .filter(|word| !word.starts_with('-') && is_random(name, word))?;
    Some((name, start..start + word.len()))
  })
}

/// The length of the string in quotes with which a text begins, with this text before it. One that does not end in its line
/// hides no others. It may end a string around it: `"--token " + token`.
fn string_length(before: &str, value: &str) -> Option<usize> {
  let end = end_of_string(value.as_bytes(), 0);
  if end < value.len() {
    return Some(end + 1);
  }
  let line = line(value).trim_end();
  let quote = value.bytes().next()?;
  (!is_inside(before.as_bytes(), quote)).then_some(line.len())
}

/// The names in capitals and the strings behind them, as in SQL and C: `PASSWORD 'x'`.
pub fn strings(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
  memchr2_iter(b'\'', b'"', text.as_bytes()).filter_map(|start| {
    let (before, value) = text.split_at_checked(start)?;
    let named = before.strip_suffix(BLANKS).filter(|named| named.ends_with(char::is_uppercase))?;
    let name = word(named).filter(|name| is_capital(name))?;
    Some((name, start..start + string_length(before, value)?))
  })
}

/// The words of a file of logins, each with the next one: `machine x login y password z`, also in lines of their own.
pub fn logins(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
  let is_file = LOGINS.iter().any(|start| text.starts_with(start));
  let words = move || if is_file { text } else { "" }.split_whitespace();
  words().zip(words().skip(1)).map(|(name, value)| {
    let start = value.as_ptr().addr() - text.as_ptr().addr();
    (name, start..start + value.len())
  })
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
/// have and prose has not. It is all that is behind the colon in that line or string; `outer`: the text before the name.
pub fn in_line<'t>(outer: &str, name: &str, behind: &'t str) -> Option<&'t str> {
  let quote = outer.chars().next_back().filter(|last| QUOTES.contains(*last));
  if quote.is_none() && !is_line_start(outer) {
    return None;
  }
  let is_end = |letter: char| letter == '\n' || Some(letter) == quote;
  let value = rest_of_line(behind.get(..find_end(behind, &is_end))?)?.trim_end_matches('\\');
  let is_header =
    name.contains('-') || HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header));
  let is_value = is_header || is_random(name, value) || begins_block(value);
  (!value.is_empty() && is_value).then_some(value)
}

/// What is left of a line, without blanks and a comment.
pub fn rest_of_line(behind: &str) -> Option<&str> {
  let line = line(behind);
  let line = line.split_once(" #").map_or(line, |(line, _)| line);
  Some(line.trim_start_matches(BLANKS).trim_end()).filter(|value| !value.is_empty())
}

/// Whether the lines below a value of YAML are the text that it is: `|`, `>-`.
pub fn begins_block(value: &str) -> bool {
  value.starts_with(['|', '>'])
    && find_end(value, &|letter| !"|>+-0123456789".contains(letter)) == value.len()
}

/// The value that stands in brackets behind a name and a colon without a space, as Go prints it: `{Password:x User:y}`,
/// `map[password:x]`.
pub fn in_brackets<'t>(before: &str, name: &str, behind: &'t str) -> Option<&'t str> {
  let outer = before.strip_suffix(name).filter(|outer| outer.ends_with(['{', '[', ' ']))?;
  let near = behind.as_bytes().get(..behind.len().min(LONGEST_CODE))?;
  let value = behind.get(..memchr::memchr3(b' ', b'}', b']', near)?)?;
  let next = behind.get(value.len()..)?;
  let is_next_name = || {
    let next = next.trim_start();
    let end = find_end(next, &|letter| !letter.is_alphanumeric() && letter != '_');
    next.get(end..).is_some_and(|behind| behind.starts_with(':'))
  };
  let is_member = next.starts_with(['}', ']']) || is_in_open_brackets(outer) && is_next_name();
  (is_member && is_random(name, value)).then_some(value)
}

/// Whether brackets that do not end begin near the end of a text.
fn is_in_open_brackets(text: &str) -> bool {
  let mut closed = 0_usize;
  for byte in text.bytes().rev().take(LONGEST_CODE) {
    match byte {
      b'}' | b']' => closed += 1,
      b'{' | b'[' if closed == 0 => return true,
      b'{' | b'[' => closed -= 1,
      _ => {}
    }
  }
  false
}

/// Whether a value is one word with a digit, and no code, which has a mark behind it.
fn is_random(name: &str, value: &str) -> bool {
  let end = find_end(value, &|letter| MARKS.contains(letter));
  let last = value.as_bytes().last().copied().unwrap_or_default();
  value.len() <= LONGEST_CODE
    && find_end(value, &is_end_of_line_value) == value.len()
    && !b",;({[".contains(&last)
    && value.bytes().any(|byte| byte.is_ascii_digit())
    && !is_type(value)
    && !is_code(name, value.split_at(end))
}

/// Whether a word is that of a type: `u8`, `int32`.
fn is_type(word: &str) -> bool {
  let letters = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
  (1..=3).contains(&(word.len() - letters.len())) && TYPES.contains(&letters)
}

/// Whether a name is that of a variable of the environment.
fn is_capital(name: &str) -> bool {
  name.contains(char::is_uppercase) && !name.contains(char::is_lowercase)
}

/// Whether the value of a variable of the environment, with what follows it, is no secret: a command, another variable, a
/// constant, or in code a call, an item or a member with the name.
fn is_reference(name: &str, (value, behind): (&str, &str)) -> bool {
  let is_name =
    |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
  let is_variable =
    |variable: &str| variable.eq_ignore_ascii_case(name) || variable.chars().all(is_name);
  let is_command = value == "$" && behind.starts_with(['(', '{']);
  let is_part = |part: &str| {
    part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
      && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
  };
  let is_path = value.split('.').all(is_part);
  let is_call = || {
    let argument = behind.strip_prefix(['(', '[']).unwrap_or_default();
    argument.starts_with(|first| first == ')' || QUOTES.contains(first))
  };
  let is_member =
    || value.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(name));
  is_command
    || CONSTANTS.contains(&value)
    || value.len() > 1 && value.strip_prefix('$').is_some_and(is_variable)
    || is_path && (is_call() || is_member())
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
