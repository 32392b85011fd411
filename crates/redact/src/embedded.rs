//! Finds JSON inside of text: a tool's arguments, a line of a log, an event of a stream.

use std::ops::Range;

use braintrust_row::{
  scan::{Scanner, Step, Token},
  string,
};
use serde_json::value::RawValue;

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
  /// What it is.
  pub form: Form,
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
  /// A list or an object.
  Json,
  /// The same with the structure of JSON, but malformed strings or scalars; or the beginning of an object that is cut,
  /// or whose structure is malformed from there.
  Malformed,
  /// The content of a string with escapes, without its quotes.
  Content,
}

/// The lists, objects and contents of strings in a text that is not JSON as a whole, in their order.
pub fn values(text: &str) -> Vec<Value> {
  let mut found = Vec::new();
  let mut at = 0;
  for value in containers(text) {
    let start = value.range.start;
    contents(text, at..start, &mut found);
    at = value.range.end;
    found.push(value);
  }
  contents(text, at..text.len(), &mut found);
  found
}

/// The lists and objects in a text that have strings, in their order.
///
/// Each part of the text is read a few times at most: what has been read is read again from its last string on only,
/// because a quote that ends a string may have been read as one that begins a string.
fn containers(text: &str) -> Vec<Value> {
  let mut found = Vec::new();
  let mut at = 0;
  while let Some(start) = next_container(text.as_bytes(), at) {
    let part = Part::read(text, start);
    at = part.resume;
    if part.is_cut_object {
      found.push(Value { range: start..part.end, form: Form::Malformed });
      continue;
    }
    for range in part.complete {
      at = at.max(range.end);
      let value = text.get(range.clone()).unwrap_or_default();
      if value.contains('"') {
        let form = if parse(value).is_ok() { Form::Json } else { Form::Malformed };
        found.push(Value { range, form });
      }
    }
  }
  found
}

/// The contents of the strings with escapes in a part of a text without lists and objects. Where a string begins is not
/// known: the text between two strings may be one, and one that may have JSON need not have both quotes.
fn contents(text: &str, part: Range<usize>, found: &mut Vec<Value>) {
  let bytes = text.get(..part.end).unwrap_or_default().as_bytes();
  let mut start = part.start;
  while start < part.end {
    let end = string::end_of_content(bytes, start).unwrap_or(part.end);
    let content = text.get(start..end).unwrap_or_default();
    let is_string = || {
      let quoted = start.checked_sub(1).filter(|quote| *quote >= part.start);
      quoted.and_then(|quote| text.get(quote..=end)).is_some_and(|string| parse(string).is_ok())
    };
    let may_have_json = content.contains("\\\"") && content.contains(['{', '[']);
    if content.contains('\\') && (may_have_json || is_string()) {
      found.push(Value { range: start..end, form: Form::Content });
    }
    start = end + 1;
  }
}

/// What looks like a list or an object at a position of a text.
struct Part {
  /// The lists and objects that are complete, and in no other complete one.
  complete: Vec<Range<usize>>,
  /// Whether it is an object with members that does not end.
  is_cut_object: bool,
  /// Where reading ended.
  end: usize,
  /// Where others may begin. A quote that ends a string may have been read as one that begins a string.
  resume: usize,
}

impl Part {
  fn read(text: &str, start: usize) -> Self {
    let bytes = text.as_bytes();
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
        Token::Name | Token::String => resume = range.start + 1,
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

fn parse(text: &str) -> Result<&RawValue, serde_json::Error> {
  serde_json::from_str(text)
}

fn next_container(text: &[u8], from: usize) -> Option<usize> {
  Some(from + text.get(from..)?.iter().position(|byte| matches!(byte, b'{' | b'['))?)
}
