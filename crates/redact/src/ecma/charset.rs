//! Sets of characters, and how they are written in the `regex` crate's syntax.

use std::fmt::Write;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{
  fold,
  view::{self, TERMINATORS},
};

/// A set of characters. A UTF-16 code unit is a character, too: see [`view::unit`].
pub type Charset = ClassUnicode;

/// JavaScript's white space, without the line terminators: `WhiteSpace` in ECMA-262.
const SPACES: [(char, char); 9] = [
  ('\t', '\t'),
  ('\u{b}', '\u{c}'),
  (' ', ' '),
  ('\u{a0}', '\u{a0}'),
  ('\u{1680}', '\u{1680}'),
  ('\u{2000}', '\u{200a}'),
  ('\u{202f}', '\u{202f}'),
  ('\u{205f}', '\u{205f}'),
  ('\u{3000}', '\u{3000}'),
];
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The set of these ranges, whose ends are included.
pub fn of(ranges: impl IntoIterator<Item = (char, char)>) -> Charset {
  Charset::new(ranges.into_iter().map(|(first, last)| ClassUnicodeRange::new(first, last)))
}

/// The complement.
pub fn negated(mut set: Charset) -> Charset {
  set.negate();
  set
}

/// The line terminators.
pub fn terminators() -> Charset {
  of(TERMINATORS.map(|character| (character, character)))
}

/// `\d`
pub fn digits() -> Charset {
  of([('0', '9')])
}

/// `\s`
pub fn spaces() -> Charset {
  let mut set = of(SPACES);
  set.union(&of([(BYTE_ORDER_MARK, BYTE_ORDER_MARK)]));
  set.union(&terminators());
  set
}

/// `\w`
pub fn word() -> Charset {
  of([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])
}

/// The characters from `first` to `last`, which are code points, or code units when `is_unicode` is not set.
pub fn range(first: u32, last: u32, is_unicode: bool) -> Charset {
  const HALVES: (u32, u32) = (0xD800, 0xDFFF);
  let mut set = Charset::empty();
  let mut push = |first: u32, last: u32| {
    if let (true, Some(first), Some(last)) =
      (first <= last, char::from_u32(first), char::from_u32(last))
    {
      set.push(ClassUnicodeRange::new(first, last));
    }
  };
  push(first, last.min(HALVES.0 - 1));
  push(first.max(HALVES.1 + 1), last);
  if !is_unicode {
    let (first, last) = (first.max(HALVES.0), last.min(HALVES.1));
    push(view::split(first), view::split(last));
  }
  set
}

/// Whether the set has halves of surrogate pairs.
pub fn has_halves(set: &Charset) -> bool {
  set.ranges().last().is_some_and(|last| u32::from(last.end()) > 0xFFFF)
}

/// The characters that equal one of the set when case is ignored.
pub fn ignoring_case(mut set: Charset, is_unicode: bool) -> Charset {
  if is_unicode {
    fold::extend_unicode(&mut set);
    return set;
  }
  fold::extend(&mut set);
  set
}

/// A set as an expression. With `lines`, line terminators are written as [`view::View::lines`] writes them.
pub fn expression(set: &Charset, lines: bool) -> String {
  if !lines {
    return class(set);
  }
  let mut others = set.clone();
  others.difference(&terminators());
  others.difference(&of([view::MARKS]));
  let mut alternatives = vec![class(&others)];
  for terminator in TERMINATORS {
    let is_member =
      set.ranges().iter().any(|range| range.start() <= terminator && terminator <= range.end());
    if is_member {
      alternatives.push(view::marked(terminator).iter().map(|c| literal(*c)).collect());
    }
  }
  if alternatives.len() == 1 {
    alternatives.concat()
  } else {
    format!("(?:{})", alternatives.join("|"))
  }
}

fn class(set: &Charset) -> String {
  match set.ranges() {
    [] => return r"[^\x{0}-\x{10FFFF}]".to_owned(),
    [only] if only.start() == only.end() => return literal(only.start()),
    _ => {}
  }
  let mut text = "[".to_owned();
  for range in set.ranges() {
    text.push_str(&literal(range.start()));
    if range.start() != range.end() {
      text.push('-');
      text.push_str(&literal(range.end()));
    }
  }
  text.push(']');
  text
}

fn literal(character: char) -> String {
  if character.is_ascii_alphanumeric() {
    return character.to_string();
  }
  let mut text = String::new();
  // Writing to a string does not fail.
  write!(text, r"\x{{{:X}}}", u32::from(character)).unwrap_or_default();
  text
}
