//! A walk over the objects of a JSON text at any depth: in one pass, without recursion, building nothing.

use std::{cmp::Reverse, ops::Range};

/// What the walk comes across.
pub enum Step<'a> {
  /// An object begins.
  Open,
  /// A member of the innermost object is complete. Its value's own steps came before.
  Member(Member<'a>),
  /// The innermost object ends.
  Close,
}

/// A member of an object.
pub struct Member<'a> {
  /// Its name, as escaped.
  pub name: &'a str,
  /// The name under which its object is found; empty in a list and at the top.
  pub within: &'a str,
  /// What stands between the member before it, or the brace, and this one.
  pub gap: Range<usize>,
  pub value: Range<usize>,
}

/// An object or list that is open.
#[derive(Default)]
struct Frame {
  object: bool,
  /// Where the last member ended, or the brace.
  last: usize,
  /// The current member's name with its quotes, once it was read.
  name: Option<Range<usize>>,
  /// Where the current member's value begins.
  value: usize,
}

/// Walks over a text that is known to be JSON.
pub fn walk<'a>(text: &'a str, mut on: impl FnMut(Step<'a>)) {
  let bytes = text.as_bytes();
  let mut open: Vec<Frame> = Vec::new();
  let mut at = 0;
  while let Some(byte) = bytes.get(at) {
    let begun = at;
    match byte {
      b'{' | b'[' => {
        begin(&mut open, begun);
        at += 1;
        let object = *byte == b'{';
        if object {
          on(Step::Open);
        }
        open.push(Frame { object, last: at, ..Frame::default() });
      }
      b'}' | b']' => {
        at += 1;
        if open.pop().is_some_and(|frame| frame.object) {
          on(Step::Close);
        }
        end(text, &mut open, at, &mut on);
      }
      b'"' => {
        at = string_end(bytes, at);
        match open.last_mut() {
          Some(frame) if frame.object && frame.name.is_none() => frame.name = Some(begun..at),
          _ => {
            begin(&mut open, begun);
            end(text, &mut open, at, &mut on);
          }
        }
      }
      b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
      _ => {
        let rest = bytes.get(at..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        at += rest.iter().position(ends).unwrap_or(rest.len());
        begin(&mut open, begun);
        end(text, &mut open, at, &mut on);
      }
    }
  }
}

fn begin(open: &mut [Frame], at: usize) {
  if let Some(frame) = open.last_mut() {
    frame.value = at;
  }
}

/// A value ended: in an object, that completes a member.
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

/// A string without its quotes.
fn inside(text: &str, quoted: Range<usize>) -> &str {
  text.get(quoted.start + 1..quoted.end.saturating_sub(1)).unwrap_or_default()
}

/// The position behind the string that begins here.
fn string_end(bytes: &[u8], quote: usize) -> usize {
  let mut at = quote + 1;
  loop {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
      None => return bytes.len(),
      Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
      Some(found) => at += found + 2,
    }
  }
}

/// The text with some of its ranges replaced. Of ranges that overlap, the outer one counts.
pub fn replace(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
  edits.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
  let mut out = String::with_capacity(text.len());
  let mut at = 0;
  for (range, new) in edits {
    if range.start >= at {
      out.push_str(text.get(at..range.start).unwrap_or_default());
      out.push_str(&new);
      at = range.end;
    }
  }
  out.push_str(text.get(at..).unwrap_or_default());
  out
}
