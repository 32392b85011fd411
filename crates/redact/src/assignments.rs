//! Names with an equals sign and a string after them, as Python prints members, and as code assigns them:
//! `User(password='x')`, `headers["password"] = "x"`, `--password="x"`.

use super::{
  blanks::{trim_end, word_at_end},
  marked_lines::MarkedLine,
  quotes::{backslashes, end_of_escape, end_of_string, is_apostrophe, is_quote},
};

/// How many bytes before the quote are looked at to see whether it begins a string.
const MAX_BEFORE: usize = 256;
/// What an equals sign may follow where it assigns: `:=` of Go and Python, `+=`, `??=`, `||=`.
const OPERATORS: [&str; 4] = [":", "+", "??", "||"];
/// What may stand before the quote of a string.
const PREFIXES: &[u8] = b"bBrRfFuUN";

/// The name in which a text ends, and one before its type, if `value` begins with a string.
pub fn names<'t>(text: &'t str, value: &str) -> Option<[Option<&'t str>; 2]> {
  quote(value.as_bytes())?;
  let text = without_operator(text);
  Some([last_name(text), typed_name(text)])
}

/// Whether the quote with which `value` begins ends a string that began before the equals sign.
pub fn ends_string(text: &str, value: &str) -> bool {
  // One with a backslash may begin a string in a string.
  let quote = quote(value.as_bytes()).filter(|_| !value.starts_with('\\'));
  quote.is_some_and(|quote| is_inside(without_operator(text).as_bytes(), quote))
}

fn without_operator(text: &str) -> &str {
  let text = trim_end(text, &[' ', '\t']);
  let text = OPERATORS.iter().find_map(|operator| text.strip_suffix(operator)).unwrap_or(text);
  trim_end(text, &[' ', '\t'])
}

fn last_name(text: &str) -> Option<&str> {
  let item = text.strip_suffix(']').unwrap_or(text);
  if let Some(last) = item.chars().next_back().filter(|last| matches!(last, '\'' | '"')) {
    let quoted = item.strip_suffix(last)?.trim_end_matches('\\');
    return quoted.rsplit_once(last).map(|(_, name)| name);
  }
  word(text)
}

/// The name before the type with which a text ends: `token: string`.
fn typed_name(text: &str) -> Option<&str> {
  let far = text.len().saturating_sub(MAX_BEFORE);
  let colon = far + memchr::memrchr(b':', text.as_bytes().get(far..)?)?;
  let is_type = |letter: char| letter.is_alphanumeric() || " _$.<>[]|?&'\"".contains(letter);
  let before = text
    .get(..colon)
    .filter(|_| text.get(colon + 1..).is_some_and(|kind| kind.chars().all(is_type)));
  word(before?.trim_end_matches(['?', '!']))
}

/// The last word of a text.
pub fn word(text: &str) -> Option<&str> {
  let name = word_at_end(text, &|letter| letter.is_alphanumeric() || "_$-".contains(letter))?;
  // Options of commands, and removed lines of a difference.
  Some(name.trim_start_matches('-'))
}

/// Where the string with which `value` begins ends, with those that are joined to it.
pub fn end(before: &str, value: &str) -> usize {
  let text = value.as_bytes();
  let line = MarkedLine::of(before);
  let mut end = 0;
  loop {
    let rest = text.get(end..).unwrap_or_default();
    let start = end + rest.iter().take_while(|byte| PREFIXES.contains(byte)).count();
    end = end_of_literal(text, start);
    if end >= text.len() {
      let shown = value.get(start..).unwrap_or_default();
      let is_part = |quote| text.get(start) != Some(&quote) && is_inside(before.as_bytes(), quote);
      let length = match &line {
        // A string around it ends in its line: `find("token='")`.
        _ if [b'"', b'\''].into_iter().any(is_part) => shown.find('\n').unwrap_or(shown.len()),
        Some(line) => line.end(shown),
        None => return text.len(),
      };
      return value.get(..start + length).unwrap_or(value).trim_end().len();
    }
    let rest = value.get(end..).unwrap_or_default();
    if rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
      // The quote is one in the string, as of JSON whose quotes are not escaped: where that ends is not known.
      return end + rest.find('\n').unwrap_or(rest.len());
    }
    let plus = rest.trim_start_matches([' ', '\t']).strip_prefix('+');
    let next = plus.map_or(rest, str::trim_start);
    // Without a plus, the quote may be that of a string around this one.
    let is_joined =
      |quote| plus.is_some() || is_quote(quote) && !is_inside(before.as_bytes(), quote);
    if !quote(next.as_bytes()).is_some_and(is_joined) {
      return end;
    }
    end = value.len() - next.len();
  }
}

/// The position after the string whose first quote, which may be escaped, is at `start`.
fn end_of_literal(text: &[u8], start: usize) -> usize {
  match text.get(start..).unwrap_or_default() {
    [b'\\', rest @ ..] => {
      let end = end_of_escape(text, start);
      let length = backslashes(rest) + 2;
      let line = || memchr::memchr(b'\n', rest).map_or(text.len(), |line| start + 1 + line);
      if end >= start + length { end + 1 } else { line() }
    }
    [first, second, third, rest @ ..] if first == second && second == third => {
      let end = memchr::memmem::find(rest, &[*first; 3]);
      end.map_or(text.len(), |end| start + end + 6)
    }
    _ => (end_of_string(text, start) + 1).min(text.len()),
  }
}

/// The quote of the string with which a text begins.
fn quote(text: &[u8]) -> Option<u8> {
  let prefix = text.iter().take(2).take_while(|byte| PREFIXES.contains(byte)).count();
  let rest = text.get(prefix..)?;
  rest.get(backslashes(rest)).copied().filter(|byte| matches!(byte, b'\'' | b'"' | b'`'))
}

/// Whether a text ends in a string with these quotes, which began in the same line: `grep "password=" a`.
pub fn is_inside(text: &[u8], quote: u8) -> bool {
  let far = text.len().saturating_sub(MAX_BEFORE);
  let near = text.get(far..).unwrap_or_default();
  let line = match memchr::memrchr(b'\n', near) {
    Some(end) => far + end + 1,
    None if far == 0 => 0,
    None => return false,
  };
  let quotes = memchr::memchr_iter(quote, text.get(line..).unwrap_or_default());
  quotes.filter(|at| quote != b'\'' || !is_apostrophe(text, line + at)).count() % 2 == 1
}
