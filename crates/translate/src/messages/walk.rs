//! Visits the objects of a JSON text at any depth, in one pass and without recursion.

use std::ops::Range;

use braintrust_row::{
  scan::{self, Container, Scanner, Token},
  sort_by_key, string,
};

/// What [`walk`] visits.
pub enum Step<'a> {
  /// An object begins.
  Open,
  /// A member of the innermost object ends. The steps of its value came before.
  Member(Member<'a>),
  /// The innermost object ends.
  Close,
}

/// A member of an object.
pub struct Member<'a> {
  /// Its name without quotes, with its escapes.
  pub name: &'a str,
  /// The name of the member whose value its object is; empty in a list and at the top.
  pub within: &'a str,
  /// The bytes between the previous member, or the brace, and this one.
  pub gap: Range<usize>,
  /// The bytes of its value.
  pub value: Range<usize>,
}

/// An object or list that is open.
#[derive(Default)]
struct Frame {
  object: bool,
  /// The position after the previous member, or the brace.
  last: usize,
  /// The name of the current member, with its quotes.
  name: Option<Range<usize>>,
  /// The position of the current member's value.
  value: usize,
}

/// Visits the objects of a text that is valid JSON.
pub fn walk<'a>(text: &'a str, mut on: impl FnMut(Step<'a>)) {
  let mut scanner = Scanner::new(text);
  let mut open: Vec<Frame> = Vec::new();
  while let Ok(Some(scan::Step { token, range })) = scanner.next_step() {
    match token {
      Token::Open(container) => {
        begin(&mut open, range.start);
        let object = container == Container::Object;
        if object {
          on(Step::Open);
        }
        open.push(Frame { object, last: range.end, ..Frame::default() });
      }
      Token::Close(_) => {
        if open.pop().is_some_and(|frame| frame.object) {
          on(Step::Close);
        }
        end(text, &mut open, range.end, &mut on);
      }
      Token::Name => {
        if let Some(frame) = open.last_mut() {
          frame.name = Some(range);
        }
      }
      Token::String | Token::Scalar => {
        begin(&mut open, range.start);
        end(text, &mut open, range.end, &mut on);
      }
    }
  }
}

fn begin(open: &mut [Frame], at: usize) {
  if let Some(frame) = open.last_mut() {
    frame.value = at;
  }
}

/// Ends a value, which in an object ends a member.
fn end<'a>(text: &'a str, open: &mut [Frame], at: usize, on: &mut impl FnMut(Step<'a>)) {
  let Some((frame, around)) = open.split_last_mut() else { return };
  if let Some(name) = frame.name.take() {
    let outer = around.last().and_then(|outer| outer.name.clone());
    on(Step::Member(Member {
      name: inside(text, name.clone()),
      within: outer.map_or("", |name| inside(text, name)),
      gap: frame.last..name.start,
      value: frame.value..at,
    }));
    frame.last = at;
  }
}

/// The content of the string in that range.
fn inside(text: &str, quoted: Range<usize>) -> &str {
  text.get(quoted).and_then(string::content).unwrap_or_default()
}

/// A replacement of a range of a text.
pub struct Edit {
  /// The bytes to be replaced.
  pub range: Range<usize>,
  /// Their replacement.
  pub new: String,
}

/// The text with some of its ranges replaced. Of nested ranges, the outer one is replaced.
pub fn replace(text: &str, mut edits: Vec<Edit>) -> String {
  sort_by_key(&mut edits, |edit| (edit.range.start as u64, u64::MAX - edit.range.end as u64));
  let mut out = String::with_capacity(text.len());
  let mut at = 0;
  for Edit { range, new } in edits {
    if range.start >= at {
      out.push_str(text.get(at..range.start).unwrap_or_default());
      out.push_str(&new);
      at = range.end;
    }
  }
  out.push_str(text.get(at..).unwrap_or_default());
  out
}
