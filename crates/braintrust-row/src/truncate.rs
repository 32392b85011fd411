//! A row that is too large for Braintrust, made smaller: its largest values are replaced by their heads,
//! each with a mark that says so.
//!
//! Works on the row's bytes as they go on the wire. What identifies the span, and when it was, is never
//! touched.

use std::{cmp::Reverse, collections::HashMap, ops::Range};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{json::Json, string};

/// What is kept of a value that is cut, in bytes of JSON, if there is room.
const HEAD: usize = 8 * 1024;
/// The room that a cut value needs at least, for the mark alone. One that is no larger is never cut.
const LEAST: usize = 96;
/// How the mark of a cut value begins and ends; between them is the size of the value in bytes of JSON.
const MARK: (&str, &str) = ("… [flue-braintrust: cut, ", " bytes]");
/// The one fact that stands for all of them when even their heads are too many.
const ALL_FACTS: &str = "flue-braintrust.metadata";

/// What may be cut in a row.
#[derive(Deserialize)]
struct Row<'a> {
  #[serde(borrow)]
  input: Option<&'a RawValue>,
  #[serde(borrow)]
  output: Option<&'a RawValue>,
  #[serde(borrow)]
  error: Option<&'a RawValue>,
  #[serde(borrow)]
  expected: Option<&'a RawValue>,
  #[serde(borrow)]
  metadata: Option<&'a RawValue>,
  #[serde(borrow)]
  span_attributes: Option<Attributes<'a>>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
  #[serde(borrow)]
  name: Option<&'a RawValue>,
}

/// A value that may be cut.
struct Part<'a> {
  text: &'a str,
  /// Where it stands in the row.
  at: Range<usize>,
  shape: Shape,
}

/// What a value is after it is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
  /// A string.
  String,
  /// An object with one member, which is a string.
  Object,
}

/// How the metadata is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metadata {
  /// Each fact by itself.
  Each,
  /// All facts as one value, which stays an object.
  AsOne,
}

/// Makes a row, as [`write_row`](super::write_row) writes it, fit into `most` bytes.
///
/// As few values as possible are cut, the largest first, among the input, the output, the error, the
/// expected output, each fact of the metadata, and the span's name. Of each the head remains, a few
/// kilobytes if there is room, and a mark with its size. A row that fits stays as it is. `None` if it
/// cannot be made so small, or is no row.
pub fn truncate(row: &[u8], most: usize) -> Option<Vec<u8>> {
  if row.len() <= most {
    return Some(row.to_vec());
  }
  let row = std::str::from_utf8(row).ok()?;
  let parsed: Row = serde_json::from_str(row).ok()?;
  let each_fact = parsed.parts(row, Metadata::Each);
  let shorter = shorten(row, &each_fact, most, HEAD);
  let shorter = shorter.or_else(|| shorten(row, &each_fact, most, LEAST));
  shorter.or_else(|| shorten(row, &parsed.parts(row, Metadata::AsOne), most, LEAST))
}

/// Cuts the values of a row that take more than `most` bytes each. `None` if there is none.
pub fn cut_fields(row: &[u8], most: usize) -> Option<Vec<u8>> {
  if row.len() <= most {
    return None;
  }
  let row = std::str::from_utf8(row).ok()?;
  let parsed: Row = serde_json::from_str(row).ok()?;
  let mut parts = parsed.parts(row, Metadata::Each);
  parts.retain(|part| part.text.len() > most);
  (!parts.is_empty()).then(|| replace(row, &parts, most))
}

impl<'a> Row<'a> {
  /// What may be cut, the largest first.
  fn parts(&self, row: &str, metadata: Metadata) -> Vec<Part<'a>> {
    let name = self.span_attributes.as_ref().and_then(|attributes| attributes.name);
    let values = [self.input, self.output, self.error, self.expected, name];
    let mut parts: Vec<Part> = values
      .into_iter()
      .flatten()
      .filter_map(|value| Part::of(row, value, Shape::String))
      .collect();
    if metadata == Metadata::AsOne {
      parts.extend(self.metadata.and_then(|facts| Part::of(row, facts, Shape::Object)));
    } else {
      let facts = self.metadata.map(|facts| serde_json::from_str(facts.get()));
      let facts: HashMap<String, &RawValue> = facts.and_then(Result::ok).unwrap_or_default();
      parts.extend(facts.into_values().filter_map(|fact| Part::of(row, fact, Shape::String)));
    }
    parts.sort_by_key(|part| (Reverse(part.text.len()), part.at.start));
    parts
  }
}

impl<'a> Part<'a> {
  fn of(row: &str, value: &'a RawValue, shape: Shape) -> Option<Self> {
    let text = value.get();
    // The value is borrowed from the row: how far into it is the distance of the two.
    let start = text.as_ptr().addr().checked_sub(row.as_ptr().addr())?;
    let at = start..start.checked_add(text.len())?;
    (row.get(at.clone())? == text).then_some(Self { text, at, shape })
  }

  /// The value cut to at most `room` bytes, which must be [`LEAST`] or more.
  fn cut(&self, room: usize) -> String {
    if self.shape == Shape::Object {
      let (open, close) = (format!("{{\"{ALL_FACTS}\":"), "}");
      let text = cut(self.text, room.saturating_sub(open.len() + close.len()));
      return open + &text + close;
    }
    cut(self.text, room)
  }
}

/// Cuts the first few of the parts so that the row fits and each of them has `least` bytes or more. `None`
/// if that is not to be had.
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

/// The row with these parts cut to `each` bytes.
fn replace(row: &str, parts: &[Part], each: usize) -> Vec<u8> {
  let mut parts: Vec<&Part> = parts.iter().collect();
  parts.sort_by_key(|part| part.at.start);
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

/// A JSON string of at most `room` bytes: the head of a value's text, and the mark. Of a string it is the
/// head of what is in it; one that was cut before keeps its mark, which has the true size.
fn cut(value: &str, room: usize) -> String {
  let new_mark = format!("{}{}{}", MARK.0, value.len(), MARK.1);
  let string = string::content(value);
  let (text, mark) = match string.and_then(marked) {
    Some(cut_before) => cut_before,
    None => (string.unwrap_or(value), new_mark.as_str()),
  };
  let room = room.saturating_sub(mark.len() + "\"\"".len());
  if string.is_some() {
    // It is escaped already.
    format!("\"{}{mark}\"", head(text, room, unit_of_string))
  } else {
    Json::text(&format!("{}{mark}", head(text, room, unit_of_text))).as_str().into_owned()
  }
}

/// The text before a mark, and the mark, if there is one at the end.
fn marked(text: &str) -> Option<(&str, &str)> {
  let (before, mark) = text.split_at_checked(text.rfind(MARK.0)?)?;
  let size = mark.strip_prefix(MARK.0)?.strip_suffix(MARK.1)?;
  size.parse::<usize>().ok().map(|_| (before, mark))
}

/// As many units of the text as fit into `room`. `unit` tells how many bytes the first has here, and how
/// many when it is written.
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
    // White space: a JSON text has no other control characters.
    '"' | '\\' | '\n' | '\r' | '\t' => 2,
    other => other.len_utf8(),
  };
  Some((first.len_utf8(), there))
}

/// A character of a text that is escaped already: one, an escape, or the two escapes of a pair.
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
