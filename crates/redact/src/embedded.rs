//! Finds JSON inside of text: a tool's arguments, a line of a log, an event of a stream.

use std::ops::Range;

use braintrust_row::{
  scan::{Scanner, Step, Token},
  string,
};
use serde_json::value::RawValue;

/// How many bytes are read in the search for JSON, as a multiple of the text's length.
const EFFORT: usize = 8;
/// White space of JSON.
const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// Whether the whole text is a JSON string, list or object.
pub fn is_json(text: &str) -> bool {
  let trimmed = text.trim_matches(SPACES);
  let ends = (trimmed.as_bytes().first(), trimmed.as_bytes().last());
  matches!(ends, (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) | (Some(b'"'), Some(b'"')))
    && trimmed.len() > 1
    && parse(trimmed).is_ok()
}

/// JSON in a text.
#[derive(Debug)]
pub struct Value {
  /// Its position.
  pub range: Range<usize>,
  /// Whether it is a value. Otherwise, it is the beginning of an object that is cut, or that is malformed from there.
  pub is_complete: bool,
}

/// The lists, objects and strings with escapes in a text that is not JSON as a whole, in their order.
pub fn values(text: &str) -> Vec<Value> {
  let bytes = text.as_bytes();
  let has_escapes = bytes.contains(&b'\\');
  let mut found = Vec::new();
  let mut effort = text.len().saturating_mul(EFFORT);
  let mut at = 0;
  while let Some(start) = next_start(bytes, at, has_escapes) {
    let part = Part::read(text, start);
    let Some(rest) = effort.checked_sub(part.end - start) else { break };
    effort = rest;
    at = part.resume;
    if part.is_cut_object {
      found.push(Value { range: start..part.end, is_complete: false });
      continue;
    }
    for range in part.complete {
      if text.get(range.clone()).is_none_or(|text| parse(text).is_err()) {
        at = range.start + 1;
        break;
      }
      at = at.max(range.end);
      found.push(Value { range, is_complete: true });
    }
  }
  found
}

/// What looks like JSON at a position of a text.
struct Part {
  /// The lists, objects, and strings with escapes that are complete, and in no other complete one.
  complete: Vec<Range<usize>>,
  /// Whether it is an object with members that does not end.
  is_cut_object: bool,
  /// Where reading ended.
  end: usize,
  /// Where other JSON may begin. A quote that ends a string may have been read as one that begins a string.
  resume: usize,
}

impl Part {
  fn read(text: &str, start: usize) -> Self {
    let bytes = text.as_bytes();
    if bytes.get(start) == Some(&b'"') {
      let end = string::end(bytes, start);
      let complete = end.map(|end| start..end).filter(|range| has_escape(bytes, range));
      return Self {
        complete: complete.into_iter().collect(),
        is_cut_object: false,
        end: end.unwrap_or(bytes.len()),
        resume: start + 1,
      };
    }
    let mut scanner = Scanner::new(text.get(start..).unwrap_or_default());
    let (mut open, mut complete) = (Vec::new(), Vec::<Range<usize>>::new());
    let (mut end, mut resume, mut has_names) = (start, start + 1, false);
    while let Ok(Some(Step { token, range })) = scanner.next_step() {
      let range = start + range.start..start + range.end;
      end = range.end;
      resume = end;
      has_names |= token == Token::Name;
      match token {
        Token::Open(_) => open.push(range.start),
        Token::Close(_) => {
          let Some(first) = open.pop() else { break };
          let inner = complete.partition_point(|inner| inner.start < first);
          complete.truncate(inner);
          complete.push(first..end);
          if open.is_empty() {
            break;
          }
        }
        Token::Name | Token::String => {
          resume = range.start + 1;
          if has_escape(bytes, &range) {
            complete.push(range);
          }
        }
        Token::Scalar => {}
      }
    }
    // A string may have been read that does not end, or that is no name.
    let next = bytes.get(end..).unwrap_or_default().iter();
    let next = end + next.take_while(|byte| b" \t\n\r,:".contains(byte)).count();
    if bytes.get(next) == Some(&b'"') {
      end = string::end(bytes, next).unwrap_or(bytes.len());
    }
    let is_cut_object = has_names && !open.is_empty();
    Self { complete, is_cut_object, end, resume: if is_cut_object { end } else { resume } }
  }
}

fn has_escape(text: &[u8], range: &Range<usize>) -> bool {
  text.get(range.clone()).is_some_and(|string| string.contains(&b'\\'))
}

fn parse(text: &str) -> Result<&RawValue, serde_json::Error> {
  serde_json::from_str(text)
}

fn next_start(text: &[u8], from: usize, has_escapes: bool) -> Option<usize> {
  let is_start = |byte: &u8| matches!(byte, b'{' | b'[') || (has_escapes && *byte == b'"');
  Some(from + text.get(from..)?.iter().position(is_start)?)
}
