//! Text with escapes that is not JSON: JSON that is cut, a string of Python or JavaScript.

use std::{borrow::Cow, ops::Range};

use braintrust_row::string;

/// How many levels of escapes are decoded in text that is not JSON.
pub const DEEPEST_ESCAPES: usize = 4;

/// A text whose escapes are decoded.
#[derive(Debug)]
pub struct Decoded {
  /// The decoded text.
  pub text: String,
  /// The ends of the escapes: in the decoded text, and in the original.
  ends: Vec<(usize, usize)>,
}

/// The text with its escapes decoded, from the first quote on. `None` when there are none.
pub fn decoded(text: &str) -> Option<Decoded> {
  decoded_from(text, text.find(['"', '\'', '`'])?)
}

/// The text that a string stands for, even one that no JSON parser accepts: what is not an escape stays as it is.
pub fn unescaped(token: &str) -> Cow<'_, str> {
  let content = string::content(token).unwrap_or_default();
  match string::unescaped(token) {
    // No parser accepts it.
    text if text.is_empty() => unescaped_content(content),
    text => text,
  }
}

/// The text that the content of a string stands for. What is not an escape stays as it is written.
pub fn unescaped_content(content: &str) -> Cow<'_, str> {
  decoded_from(content, 0).map_or(Cow::Borrowed(content), |decoded| Cow::Owned(decoded.text))
}

/// The text with its escapes from a position on decoded. `None` when there are none.
fn decoded_from(text: &str, mut at: usize) -> Option<Decoded> {
  let mut decoded = Decoded { text: String::with_capacity(text.len()), ends: Vec::new() };
  let mut copied = 0;
  while let Some(found) = text.get(at..)?.find('\\') {
    let start = at + found;
    let rest = text.get(start..)?;
    let Some((character, length)) = escape(rest) else {
      at = start + 1;
      continue;
    };
    decoded.text.push_str(text.get(copied..start)?);
    // A position before the escape is mapped by the end of what precedes it.
    decoded.ends.push((decoded.text.len(), start));
    decoded.text.push(character);
    copied = start + length;
    at = copied;
    decoded.ends.push((decoded.text.len(), copied));
  }
  decoded.text.push_str(text.get(copied..)?);
  (copied > 0).then_some(decoded)
}

impl Decoded {
  /// The range of the original text for one of the decoded text. Part of an escape becomes the whole.
  pub fn original(&self, range: &Range<usize>) -> Range<usize> {
    self.position(range.start)..self.position(range.end)
  }

  /// Whether an escape is in a range of the decoded text, or beside it.
  pub fn touches_escape(&self, range: &Range<usize>) -> bool {
    let next = self.ends.partition_point(|(end, _)| *end < range.start);
    self.ends.get(next).is_some_and(|(end, _)| *end <= range.end)
  }

  fn position(&self, at: usize) -> usize {
    let next = self.ends.partition_point(|(end, _)| *end <= at);
    let last = next.checked_sub(1).and_then(|last| self.ends.get(last));
    last.map_or(at, |(end, original)| original + (at - end))
  }
}

/// The character that the escape at the beginning of a text stands for, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
  let letter = text.chars().nth(1)?;
  Some(match letter {
    'n' => ('\n', 2),
    'r' => ('\r', 2),
    't' => ('\t', 2),
    'b' => ('\u{8}', 2),
    'f' => ('\u{c}', 2),
    '"' | '\'' | '`' | '\\' | '/' => (letter, 2),
    'x' => (char::from_u32(hexadecimal(text, 2..4)?)?, 4),
    'u' => {
      let first = hexadecimal(text, 2..6)?;
      match char::from_u32(first) {
        Some(character) => (character, 6),
        None => (surrogate_pair(text, first)?, 12),
      }
    }
    _ => return None,
  })
}

fn surrogate_pair(text: &str, first: u32) -> Option<char> {
  let second = text.get(6..8).filter(|escape| *escape == r"\u").and(hexadecimal(text, 8..12))?;
  let is_pair = (0xD800..0xDC00).contains(&first) && (0xDC00..0xE000).contains(&second);
  char::from_u32(0x1_0000 + ((first & 0x3FF) << 10) + (second & 0x3FF)).filter(|_| is_pair)
}

fn hexadecimal(text: &str, range: Range<usize>) -> Option<u32> {
  let digits = text.get(range).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
  u32::from_str_radix(digits, 16).ok()
}
