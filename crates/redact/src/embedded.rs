//! Finds JSON inside of text: a tool's arguments, a line of a log, an event of a stream.

use std::{collections::VecDeque, ops::Range};

use braintrust_row::{
  scan::{Scanner, Step, Token},
  string, terminal,
};
use serde_json::value::RawValue;

use super::blanks::{SPACES, trim_start};

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
  /// Its position. Of JSON that is cut, the end is where its structure ends.
  pub range: Range<usize>,
  /// What it is.
  pub form: Form,
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
  /// A list or an object.
  Json,
  /// The same with the structure of JSON, but malformed strings or scalars.
  Malformed,
  /// The beginning of an object that is cut, or whose structure is malformed from there.
  Cut,
  /// Members of an object whose opening bracket is missing, or behind a malformed part of it.
  Members,
  /// The content of a string with escapes, without its quotes.
  Content,
}

impl Form {
  /// Whether what follows in the text may belong to it.
  pub fn is_open(self) -> bool {
    matches!(self, Self::Cut | Self::Members)
  }
}

/// The lists, objects, members and contents of strings in a text that is not JSON as a whole, in their order.
///
/// Each part of the text is read a few times at most: what has been read is read again from its last string on only,
/// because a quote that ends a string may have been read as one that begins a string.
pub struct Values<'a> {
  text: &'a str,
  has_members: bool,
  found: VecDeque<Value>,
  /// The end of what has been found.
  covered: usize,
  /// Where the search continues; `None` at the end of the text.
  at: Option<usize>,
  /// The first bracket from there on, if it is known.
  bracket: usize,
}

impl<'a> Values<'a> {
  /// Those of a text; members without their object only if `has_members`.
  pub fn new(text: &'a str, has_members: bool) -> Self {
    Self { text, has_members, found: VecDeque::new(), covered: 0, at: Some(0), bracket: 0 }
  }

  /// The next one. After one that [is open](Form::is_open), [`resume`](Self::resume) is to be called.
  pub fn next_value(&mut self) -> Option<Value> {
    while self.found.is_empty() {
      self.find(self.at?);
    }
    self.found.pop_front()
  }

  /// Continues the search at a position behind the beginning of the last value.
  pub fn resume(&mut self, at: usize) {
    self.covered = at;
    self.at = Some(at);
  }

  fn find(&mut self, at: usize) {
    let text = self.text;
    if self.bracket <= at {
      let bytes = text.as_bytes();
      let brackets = memchr::memchr2_iter(b'{', b'[', bytes.get(at..).unwrap_or_default());
      let mut brackets = brackets.filter(|found| !terminal::is_in_code(bytes, at + found));
      self.bracket = brackets.next().map_or(text.len(), |found| at + found);
    }
    let start = self.bracket;
    if self.has_members
      && let Some(name) = next_name(text, at..start)
    {
      let members = text.get(name..).unwrap_or_default();
      let part = Part::read(text, name, Scanner::of_members(members));
      self.push(name..part.end, Form::Members);
      return;
    }
    if start >= text.len() {
      self.contents(text.len());
      self.at = None;
      return;
    }
    let part = Part::read(text, start, Scanner::new(text.get(start..).unwrap_or_default()));
    self.at = Some(part.resume);
    if part.is_cut_object {
      self.push(start..part.end, Form::Cut);
      return;
    }
    for range in part.complete {
      self.at = self.at.max(Some(range.end));
      let value = text.get(range.clone()).unwrap_or_default();
      if value.contains('"') {
        let form = if parse(value).is_ok() { Form::Json } else { Form::Malformed };
        self.push(range, form);
      }
    }
  }

  /// Adds what has been found, and the contents of strings before it.
  fn push(&mut self, range: Range<usize>, form: Form) {
    self.contents(range.start);
    self.covered = range.end;
    self.found.push_back(Value { range, form });
  }

  /// Adds the contents of the strings with escapes from what has been found to `end`, where no lists and objects are.
  /// Where a string begins is not known: the text between two strings may be one, and one that may have JSON need not
  /// have both quotes.
  fn contents(&mut self, end: usize) {
    let (text, part) = (self.text, self.covered..end);
    let bytes = text.get(..part.end).unwrap_or_default().as_bytes();
    let mut start = part.start;
    while start < part.end {
      let end = string::end_of_content(bytes, start).unwrap_or(part.end);
      let content = text.get(start..end).unwrap_or_default();
      let is_string = || {
        let quoted = start.checked_sub(1).filter(|quote| *quote >= part.start);
        let string = quoted.and_then(|quote| text.get(quote..(end + 1).min(text.len())));
        // The text may end in it. Patterns need no members, and see what is behind escapes by themselves.
        let may_be_cut = self.has_members && end == text.len();
        string.is_some_and(|string| parse(string).is_ok() || may_be_cut && begins_string(string))
      };
      if content.contains('\\') && (self.may_have_json(content) || is_string()) {
        self.found.push_back(Value { range: start..end, form: Form::Content });
      }
      start = end + 1;
    }
  }

  /// Whether the content of a string may have JSON: brackets, or the name of a member whose bracket is missing.
  fn may_have_json(&self, content: &str) -> bool {
    let mut quotes = content.match_indices("\\\"").peekable();
    let is_name = |(at, quote): (usize, &str)| {
      let behind = content.get(at + quote.len()..).unwrap_or_default();
      behind.trim_start_matches(SPACES).starts_with(':')
    };
    quotes.peek().is_some()
      && (content.contains(['{', '[']) || self.has_members && quotes.any(is_name))
  }
}

/// Whether a text is a JSON string without its end. It may be cut within an escape.
fn begins_string(text: &str) -> bool {
  let is_begun = |text: &str| parse(&format!("{text}\"")).is_ok();
  is_begun(text) || text.rfind('\\').and_then(|escape| text.get(..escape)).is_some_and(is_begun)
}

/// The first string in a part of a text that is the name of a member.
fn next_name(text: &str, part: Range<usize>) -> Option<usize> {
  let mut quotes = text.get(part.clone())?.match_indices('"').map(|(quote, _)| part.start + quote);
  quotes.find(|quote| {
    let rest = text.get(quote + 1..).unwrap_or_default();
    let end = rest.find(['"', '\\']).and_then(|end| rest.get(end..));
    let behind = end.and_then(|rest| rest.strip_prefix('"')).unwrap_or_default();
    trim_start(behind, &SPACES).starts_with(':')
  })
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
  /// Reads what begins at a position, from which the scanner reads.
  fn read(text: &str, start: usize, mut scanner: Scanner<'_>) -> Self {
    let bytes = text.as_bytes();
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
          if scanner.depth() == 0 {
            break;
          }
        }
        // The name of a member stands where none belongs: others may begin there.
        Token::String if scanner.next_is(b':') => {
          (end, resume) = (range.start, range.start);
          break;
        }
        Token::Name | Token::String => resume = range.start + 1,
        Token::Scalar => {}
      }
    }
    // A string may have been read that does not end, or that is not a name.
    let rest = text.get(end..).unwrap_or_default();
    let next = text.len() - trim_start(rest, &[' ', '\t', '\n', '\r', ',', ':']).len();
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
