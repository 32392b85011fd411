//! The forms of a text that translations match.

use std::{borrow::Cow, ops::Range};

/// JavaScript's line terminators.
pub const TERMINATORS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

/// In which form an expression sees a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
  /// A character above U+FFFF is two characters: the halves of its surrogate pair, as [`split`] writes them.
  pub units: bool,
  /// A line terminator is written between two `\n`, so that `(?m:^)` and `(?m:$)` match there: see [`marked`].
  pub lines: bool,
  /// `ſ` and U+212A are written as the letters that they equal with the flags `i` and `u`, so that `\b` sees them.
  pub word_letters: bool,
}

/// The characters that stand for the line terminators between two `\n`. They are not characters of Unicode.
pub const MARKS: (char, char) = ('\u{fdd0}', '\u{fdd3}');
/// What is written for one of [`MARKS`].
const NO_MARK: char = '\u{fdd4}';
/// The first of the characters that stand for the halves of surrogate pairs. A view with them has no others above
/// U+FFFF.
const FIRST_HALF: u32 = 0xF_0000;

/// The character that stands for half a surrogate pair.
pub fn split(unit: u32) -> u32 {
  unit.wrapping_sub(0xD800).wrapping_add(FIRST_HALF)
}

/// The character that stands for a code unit.
pub fn unit(unit: u16) -> char {
  let unit = u32::from(unit);
  char::from_u32(unit)
    .or_else(|| char::from_u32(split(unit)))
    .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A line terminator in a view with `lines`.
pub fn marked(terminator: char) -> [char; 3] {
  let index = TERMINATORS.iter().position(|known| *known == terminator).unwrap_or_default();
  let mark = u32::from(MARKS.0) + index as u32;
  ['\n', char::from_u32(mark).unwrap_or(NO_MARK), '\n']
}

/// A text as an expression sees it.
#[derive(Debug)]
pub struct Text<'t> {
  view: View,
  original: &'t str,
  /// The view of the text.
  pub seen: Cow<'t, str>,
}

impl View {
  /// Whether a text may look different.
  pub fn changes(self, text: &str) -> bool {
    (self.units && text.bytes().any(|byte| byte >= 0xF0))
      || (self.lines
        && text.contains(|c: char| TERMINATORS.contains(&c) || (MARKS.0..=MARKS.1).contains(&c)))
      || (self.word_letters && text.contains(['\u{17f}', '\u{212a}']))
  }

  /// The text in this form.
  pub fn of(self, text: &str) -> Text<'_> {
    let seen = if self.changes(text) {
      let mut seen = String::with_capacity(text.len() * 2);
      text.chars().for_each(|character| self.write(character, &mut seen));
      Cow::Owned(seen)
    } else {
      Cow::Borrowed(text)
    };
    Text { view: self, original: text, seen }
  }

  fn write(self, character: char, out: &mut String) {
    match character {
      '\u{10000}'.. if self.units => {
        out.extend(character.encode_utf16(&mut [0; 2]).iter().map(|half| unit(*half)));
      }
      _ if self.lines && TERMINATORS.contains(&character) => out.extend(marked(character)),
      _ if self.lines && (MARKS.0..=MARKS.1).contains(&character) => out.push(NO_MARK),
      '\u{17f}' if self.word_letters => out.push('s'),
      '\u{212a}' if self.word_letters => out.push('k'),
      _ => out.push(character),
    }
  }
}

impl Text<'_> {
  /// The ranges of the original text for ascending ranges of the view. Half a character becomes the whole.
  pub fn originals(&self, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    if let Cow::Borrowed(_) = self.seen {
      return ranges;
    }
    let mut piece = String::new();
    let mut pieces = self.original.char_indices().map(|(start, character)| {
      piece.clear();
      self.view.write(character, &mut piece);
      (start..start + character.len_utf8(), piece.len())
    });
    let (mut current, mut seen_end) = (0..0, 0);
    let mut originals: Vec<Range<usize>> = Vec::new();
    for range in ranges {
      while seen_end <= range.start
        && let Some((original, length)) = pieces.next()
      {
        current = original;
        seen_end += length;
      }
      let start = current.start;
      while seen_end < range.end
        && let Some((original, length)) = pieces.next()
      {
        current = original;
        seen_end += length;
      }
      // Two matches may share a character whose halves they match.
      match originals.last_mut().filter(|last| last.end > start) {
        Some(last) => last.end = current.end,
        None => originals.push(start..current.end),
      }
    }
    originals
  }
}
