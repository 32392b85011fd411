//! A position in an expression.

use super::charset::{self, Charset};

/// The flags that change what an expression matches.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
  pub ignore_case: bool,
  pub multiline: bool,
  pub dot_all: bool,
  /// The flag `u` or `v`.
  pub unicode: bool,
  /// The flag `v`.
  pub sets: bool,
}

impl Flags {
  /// The flags with these letters.
  pub fn new(letters: &str) -> Self {
    let sets = letters.contains('v');
    Self {
      ignore_case: letters.contains('i'),
      multiline: letters.contains('m'),
      dot_all: letters.contains('s'),
      unicode: sets || letters.contains('u'),
      sets,
    }
  }
}

/// A position in an expression.
#[derive(Debug)]
pub struct Cursor {
  /// Code points with the flags `u` and `v`, otherwise UTF-16 code units.
  units: Vec<u32>,
  at: usize,
  /// The flags at this position; groups may change them.
  pub flags: Flags,
}

impl Cursor {
  /// The beginning of an expression.
  pub fn new(source: &str, flags: Flags) -> Self {
    let units = if flags.unicode {
      source.chars().map(u32::from).collect()
    } else {
      source.encode_utf16().map(u32::from).collect()
    };
    Self { units, at: 0, flags }
  }

  /// What is not read.
  pub fn rest(&self) -> &[u32] {
    self.units.get(self.at..).unwrap_or_default()
  }

  /// Skips so many units.
  pub fn skip(&mut self, length: usize) {
    self.at += length;
  }

  /// What comes next.
  pub fn peek(&self) -> Option<u32> {
    self.units.get(self.at).copied()
  }

  /// Whether that character comes after `skipped` others.
  pub fn peek_is(&self, skipped: usize, character: char) -> bool {
    self.units.get(self.at + skipped) == Some(&u32::from(character))
  }

  /// Reads what comes next.
  pub fn take(&mut self) -> Option<u32> {
    let unit = self.peek()?;
    self.at += 1;
    Some(unit)
  }

  /// Reads that character if it comes next.
  pub fn eat(&mut self, character: char) -> bool {
    let is_next = self.peek_is(0, character);
    self.at += usize::from(is_next);
    is_next
  }

  /// Reads that character if it comes twice.
  pub fn eat_pair(&mut self, character: char) -> bool {
    let is_next = self.peek_is(0, character) && self.peek_is(1, character);
    self.at += if is_next { 2 } else { 0 };
    is_next
  }

  /// Whether the expression matches code points.
  pub fn is_unicode(&self) -> bool {
    self.flags.unicode
  }

  /// The set with what equals its members, if case is ignored.
  pub fn cased(&self, set: Charset) -> Charset {
    if self.flags.ignore_case { charset::ignoring_case(set, self.flags.unicode) } else { set }
  }
}
