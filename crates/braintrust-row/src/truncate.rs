//! Truncation of rows that are larger than Braintrust accepts: the largest values are replaced by their
//! first bytes and a mark with their size.
//!
//! Works on the bytes of the encoded row. Ids, times and metrics are never changed.

use std::ops::Range;

use super::{
  json::Json,
  order::sort_by_key,
  scan::{Container, Malformed, Scanner, Step, Token},
  string,
};

/// The size of a truncated value, in bytes of JSON, if there is room.
const HEAD: usize = 8 * 1024;
/// The least size of a truncated value, in bytes of JSON: room for the mark. A value that is no larger is never
/// truncated.
const LEAST: usize = 96;
/// The beginning and the end of the mark of a truncated value. Between them stands the size of the whole value
/// in bytes of JSON.
const MARK: (&str, &str) = ("… [flue-braintrust: cut, ", " bytes]");
/// The member that replaces all metadata when even its truncated members are too large.
const WHOLE_METADATA: &str = "flue-braintrust.metadata";

/// A value that can be truncated.
struct Part<'a> {
  text: &'a str,
  /// Where it stands in the row.
  at: Range<usize>,
  shape: Shape,
}

/// The shape of a truncated value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
  /// A string.
  String,
  /// An object with one member, which is a string.
  Object,
}

/// How metadata is truncated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metadata {
  /// Each member by itself.
  Each,
  /// All members as one value, which stays an object.
  AsOne,
}

/// Makes a row, as [`write_row`](super::write_row) writes it, fit into `most` bytes.
///
/// Truncates as few values as possible, the largest first, among the input, the output, the error, the expected output,
/// each member of the metadata and of the audit metadata, the text of a comment, and the span's name. A truncated value
/// is a string of its first bytes, 8 KiB if there is room, and a mark with its size. A row that fits is returned
/// unchanged. `None` if the row cannot be made small enough, or is not a row.
pub fn truncate(row: &[u8], most: usize) -> Option<Vec<u8>> {
  if row.len() <= most {
    return Some(row.to_vec());
  }
  let row = std::str::from_utf8(row).ok()?;
  let parts = parts(row, Metadata::Each).ok()?;
  let shorter = shorten(row, &parts, most, HEAD);
  let shorter = shorter.or_else(|| shorten(row, &parts, most, LEAST));
  shorter.or_else(|| shorten(row, &self::parts(row, Metadata::AsOne).ok()?, most, LEAST))
}

/// Truncates each value of a row that has more than `most` bytes to `most` bytes. `None` if there is none.
pub fn cut_fields(row: &[u8], most: usize) -> Option<Vec<u8>> {
  if row.len() <= most {
    return None;
  }
  let row = std::str::from_utf8(row).ok()?;
  let mut parts = parts(row, Metadata::Each).ok()?;
  parts.retain(|part| part.text.len() > most);
  (!parts.is_empty()).then(|| replace(row, &parts, most))
}

/// The values of a row that can be truncated, the largest first.
///
/// # Errors
/// [`Malformed`] when the row is not an object. Values are not validated.
fn parts(row: &str, metadata: Metadata) -> Result<Vec<Part<'_>>, Malformed> {
  let mut scanner = Scanner::new(row);
  if scanner.next_step()?.map(|step| step.token) != Some(Token::Open(Container::Object)) {
    return Err(Malformed);
  }
  let mut parts = Vec::new();
  // The object that is open besides the row.
  let mut inside = "";
  while let Some(Step { token, range }) = scanner.next_step()? {
    if token == Token::Close(Container::Object) {
      inside = "";
    }
    if token != Token::Name {
      continue;
    }
    let name = row.get(range).and_then(string::content).unwrap_or_default();
    let shape = match (inside, name) {
      ("", "metadata") if metadata == Metadata::AsOne => Some(Shape::Object),
      ("", "metadata" | "span_attributes" | "comment" | "_audit_metadata")
        if scanner.next_is(b'{') =>
      {
        inside = name;
        continue;
      }
      ("", "input" | "output" | "error" | "expected")
      | ("metadata" | "_audit_metadata", _)
      | ("comment", "text")
      | ("span_attributes", "name") => Some(Shape::String),
      _ => None,
    };
    let at = scanner.skip_value()?;
    if let Some(shape) = shape {
      parts.push(Part { text: row.get(at.clone()).unwrap_or_default(), at, shape });
    }
  }
  sort_by_key(&mut parts, |part| (u64::MAX - part.text.len() as u64, part.at.start as u64));
  Ok(parts)
}

impl Part<'_> {
  /// The value truncated to at most `room` bytes, which must be [`LEAST`] or more.
  fn cut(&self, room: usize) -> String {
    if self.shape == Shape::Object {
      let (open, close) = (format!("{{\"{WHOLE_METADATA}\":"), "}");
      let text = cut(self.text, room.saturating_sub(open.len() + close.len()));
      return open + &text + close;
    }
    cut(self.text, room)
  }
}

/// Truncates the first few of the parts, so that the row fits and each of them has at least `least` bytes. `None`
/// if that is not possible.
fn shorten(row: &str, parts: &[Part], most: usize, least: usize) -> Option<Vec<u8>> {
  let mut rest = row.len();
  for (count, part) in (1..).zip(parts).take_while(|(_, part)| part.text.len() > least) {
    rest = rest.saturating_sub(part.text.len());
    let each = most.saturating_sub(rest) / count;
    if each >= least {
      return Some(replace(row, parts.get(..count)?, each.min(HEAD)));
    }
  }
  None
}

/// The row with these parts truncated to `each` bytes.
fn replace(row: &str, parts: &[Part], each: usize) -> Vec<u8> {
  let mut parts: Vec<&Part> = parts.iter().collect();
  sort_by_key(&mut parts, |part| (part.at.start as u64, 0));
  let mut shorter = Vec::new();
  let mut done = 0;
  for part in parts {
    shorter.extend_from_slice(row.get(done..part.at.start).unwrap_or_default().as_bytes());
    shorter.extend_from_slice(part.cut(each).as_bytes());
    done = part.at.end;
  }
  shorter.extend_from_slice(row.get(done..).unwrap_or_default().as_bytes());
  shorter
}

/// A JSON string of at most `room` bytes: the first bytes of a value, and the mark. Of a string, those of its
/// content. A value that was truncated before keeps its mark, which has the size of the whole value.
fn cut(value: &str, room: usize) -> String {
  let new_mark = format!("{}{}{}", MARK.0, value.len(), MARK.1);
  let string = string::content(value);
  let (text, mark) = match string.and_then(marked) {
    Some(cut_before) => cut_before,
    None => (string.unwrap_or(value), new_mark.as_str()),
  };
  let room = room.saturating_sub(mark.len() + "\"\"".len());
  if string.is_some() {
    // The content is already escaped.
    format!("\"{}{mark}\"", head(text, room, unit_of_string))
  } else {
    Json::text(&format!("{}{mark}", head(text, room, unit_of_text))).as_str().into_owned()
  }
}

/// The digits of the largest size.
const MAX_DIGITS: usize = 20;

/// The text before the mark, and the mark; `None` if the text does not end with one.
fn marked(text: &str) -> Option<(&str, &str)> {
  let (before, mark) = text.split_at_checked(text.rfind(MARK.0)?)?;
  let size = mark.strip_prefix(MARK.0)?.strip_suffix(MARK.1)?;
  // One of any length might not fit.
  let is_size =
    (1..=MAX_DIGITS).contains(&size.len()) && size.bytes().all(|byte| byte.is_ascii_digit());
  is_size.then_some((before, mark))
}

/// As many units of the text as fit into `room` bytes. `unit` returns the bytes of the first unit in the text and
/// when it is written.
fn head(text: &str, room: usize, unit: fn(&str) -> Option<(usize, usize)>) -> &str {
  let (mut end, mut written) = (0, 0);
  while let Some((here, there)) = text.get(end..).and_then(unit)
    && written + there <= room
  {
    end += here;
    written += there;
  }
  text.get(..end).unwrap_or_default()
}

/// A character of a text that will be escaped.
fn unit_of_text(text: &str) -> Option<(usize, usize)> {
  let first = text.chars().next()?;
  let there = match first {
    // JSON text has no other control characters than white space.
    '"' | '\\' | '\n' | '\r' | '\t' => 2,
    other => other.len_utf8(),
  };
  Some((first.len_utf8(), there))
}

/// A unit of a text that is already escaped: a character, an escape, or the two escapes of a surrogate pair.
fn unit_of_string(text: &str) -> Option<(usize, usize)> {
  let bytes = match text.chars().next()? {
    '\\' if text.starts_with("\\u") => {
      match (string::unit(text), text.get(6..).and_then(string::unit)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
        _ => 6,
      }
    }
    '\\' => 2,
    other => other.len_utf8(),
  };
  Some((bytes, bytes))
}

#[cfg(test)]
mod tests;
