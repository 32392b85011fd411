//! Text with escapes that is not JSON: JSON that is cut, a string of Python or JavaScript, a part of a URL or of HTML.

use std::{borrow::Cow, ops::Range};

use braintrust_row::string;
use memchr::{memchr, memchr3};

/// How many levels of escapes are decoded in text that is not JSON.
pub const DEEPEST_ESCAPES: usize = 4;

/// How many bytes a reference of HTML has at most.
const LONGEST_REFERENCE: usize = 10;

/// A text whose escapes are decoded.
#[derive(Debug, Default)]
pub struct Decoded {
  /// The decoded text.
  pub text: String,
  /// Whether an escape stands for the bracket that begins an element.
  pub has_tags: bool,
  /// The ends of the escapes: in the decoded text, and in the original.
  ends: Vec<(usize, usize)>,
}

/// What begins the escapes of strings, the references of HTML, and the escapes of URLs.
pub const IN_STRINGS: &[u8] = b"\\";
pub const IN_PAGES: &[u8] = b"\\&";
pub const IN_ALL: &[u8] = b"\\&%";

/// Whether a text may have escapes in which patterns find something.
pub fn has_escapes(text: &str) -> bool {
  text.contains('\\') || text.contains("&#")
}

/// The text with the escapes decoded that these begin; those of strings from the first quote on. `None` when there are
/// none.
pub fn decoded(text: &str, begins: &[u8]) -> Option<Decoded> {
  decoded_from(text, begins, text.find(['"', '\'', '`']).unwrap_or(text.len()))
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
  decoded_from(content, IN_STRINGS, 0)
    .map_or(Cow::Borrowed(content), |decoded| Cow::Owned(decoded.text))
}

/// The text with the escapes decoded that these begin, where strings begin at a position.
fn decoded_from(text: &str, begins: &[u8], strings: usize) -> Option<Decoded> {
  let mut decoded = Decoded::default();
  decoded.text.reserve(text.len());
  let (mut at, mut copied) = (0, 0);
  while let Some(found) = memchr3(b'\\', b'&', b'%', text.as_bytes().get(at..)?) {
    let start = at + found;
    let rest = text.get(start..)?;
    let is_escape = |byte| begins.contains(byte) && (*byte != b'\\' || start >= strings);
    let first = rest.as_bytes().first().filter(|byte| is_escape(byte));
    let Some((character, length)) = first.and_then(|first| escape(*first, rest)) else {
      at = start + 1;
      continue;
    };
    decoded.text.push_str(text.get(copied..start)?);
    // A position before the escape is mapped by the end of what precedes it.
    decoded.ends.push((decoded.text.len(), start));
    decoded.text.push(character);
    decoded.has_tags |= character == '<';
    copied = start + length;
    at = copied;
    decoded.ends.push((decoded.text.len(), copied));
  }
  decoded.text.push_str(text.get(copied..)?);
  (copied > 0).then_some(decoded)
}

/// Maps ranges of the last of these texts, each decoded from the one before it, to ranges of what the first one was decoded
/// from.
pub fn map_to_original(levels: &[Decoded], ranges: &mut [Range<usize>]) {
  for level in levels.iter().rev() {
    ranges.iter_mut().for_each(|range| *range = level.original(range));
  }
}

impl Decoded {
  /// The range of the original text for one of the decoded text. Part of an escape becomes the whole.
  fn original(&self, range: &Range<usize>) -> Range<usize> {
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
fn escape(first: u8, text: &str) -> Option<(char, usize)> {
  match first {
    b'&' => reference(text),
    // Those of other characters are parts of one.
    b'%' => hexadecimal(text, 1..3)
      .filter(|byte| *byte < 0x80)
      .and_then(char::from_u32)
      .map(|one| (one, 3)),
    _ => escape_of_string(text),
  }
}

/// The character of a reference of HTML: `&quot;`, `&#34;`, `&#x22;`.
fn reference(text: &str) -> Option<(char, usize)> {
  let end = memchr(b';', text.as_bytes().get(..text.len().min(LONGEST_REFERENCE))?)?;
  let character = match text.get(1..end)? {
    "quot" => '"',
    "apos" => '\'',
    "amp" => '&',
    "lt" => '<',
    "gt" => '>',
    name => {
      let number = name.strip_prefix('#')?;
      let hexadecimal =
        number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
      char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)?
    }
  };
  Some((character, end + 1))
}

fn escape_of_string(text: &str) -> Option<(char, usize)> {
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
