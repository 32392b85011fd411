//! Values as Python and JavaScript print them.

use braintrust_row::terminal;

use super::{
  marked_lines::MarkedLine,
  quotes::{end_of_escape, end_of_string, is_apostrophe, is_quote},
};

/// Whether a text begins with a string, a number, a list or an object, also one of a class: `Secret {`, `Row(2) [`,
/// `Some("x")`.
pub fn is_shown(text: &[u8]) -> bool {
  match text {
    [b'\'' | b'"' | b'`' | b'[' | b'{', ..] | [b'<', b'B', b'u', b'f', ..] => true,
    // A word behind a number makes it prose: `5 left`.
    [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => {
      let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
      let number = text.iter().take_while(is_part).count();
      let behind = text.get(number..).unwrap_or_default();
      !matches!(behind, [b' ', b'a'..=b'z', ..])
    }
    _ => {
      let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
      let name = text.iter().take_while(is_part).count();
      let behind = text.get(name..).unwrap_or_default();
      name > 0 && matches!(behind, [b' ', b'{' | b'[', ..] | [b'(', b'0'..=b'9' | b'\'' | b'"', ..])
    }
  }
}

/// Where the value at the beginning of a text ends: at a comma, at the end of its object or its line. If a string or a
/// bracket of it does not end: with the text, or with what belongs to its line if that has marks.
pub fn end_of_value(shown: &str, line: Option<&MarkedLine<'_>>) -> usize {
  let text = shown.as_bytes();
  let (mut at, mut depth, mut last) = (0, 0_usize, b' ');
  while let Some(byte) = text.get(at) {
    match byte {
      b'\\' => at = end_of_escape(text, at),
      b'\'' if is_apostrophe(text, at) => {}
      b'\'' | b'"' | b'`' => {
        let end = end_of_string(text, at);
        if end >= text.len()
          && let Some(line) = line
        {
          return at + line.end(shown.get(at..).unwrap_or_default());
        }
        at = end;
      }
      b'[' if terminal::is_in_code(text, at) => {}
      b'(' | b'[' | b'{' => depth += 1,
      b')' | b']' | b'}' if depth > 0 => depth -= 1,
      b')' | b']' | b'}' => return at,
      b',' if depth == 0 => return at,
      // The lines of a string may be joined by `+`; Python's `pprint` puts a string on each.
      b'\n' if depth == 0 && last != b'+' && !(is_quote(last) && is_string_next(text, at)) => {
        return at;
      }
      b'\n'
        if depth > 0
          && line.is_some_and(|line| !line.has(shown.get(at + 1..).unwrap_or_default(), true)) =>
      {
        return at;
      }
      _ => {}
    }
    if !byte.is_ascii_whitespace() {
      last = *byte;
    }
    at += 1;
  }
  text.len()
}

/// Whether white space and then a string follow that is not the name of a member.
fn is_string_next(text: &[u8], at: usize) -> bool {
  let next = text.get(at..).unwrap_or_default().trim_ascii_start();
  next.first().is_some_and(|first| is_quote(*first)) && {
    let behind = next.get(end_of_string(next, 0) + 1..).unwrap_or_default();
    !behind.trim_ascii_start().starts_with(b":")
  }
}
