//! JavaScript's text as text that every JSON parser takes.

use std::borrow::Cow;

/// Changes texts to UTF-8, one after the other in the same place.
#[derive(Default)]
pub struct Utf8 {
  /// Whatever the last text left here, and NULs behind it.
  place: String,
}

impl Utf8 {
  /// UTF-16 as UTF-8. Halves of surrogate pairs, bare or as the escapes that `JSON.stringify` makes of
  /// them, become U+FFFD: they are no characters, and most parsers refuse a text that has them.
  pub fn read(&mut self, text: &[u16]) -> Cow<'_, str> {
    // No unit takes more than three bytes.
    let longest = text.len() * 3;
    if self.place.len() < longest {
      self.place = "\0".repeat(longest);
    }
    let length = encoding_rs::mem::convert_utf16_to_str(text, &mut self.place);
    Self::checked(Cow::Borrowed(self.place.get(..length).unwrap_or_default()))
  }

  /// The same for a text that is UTF-8 already.
  pub fn checked(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(HALF) { Cow::Owned(without_halves(&text)) } else { text }
  }

  /// Gives back the memory that a large text needed.
  pub fn forget_large(&mut self) {
    if self.place.len() > LARGE {
      self.place = String::new();
    }
  }
}

/// A place of this size is kept, in bytes.
const LARGE: usize = 1024 * 1024;

/// How the escape of a half begins. `JSON.stringify` writes whole pairs as they are.
const HALF: &str = "\\ud";
/// The length of such an escape.
const ESCAPE: usize = "\\ud800".len();

fn without_halves(text: &str) -> String {
  let mut clean = String::with_capacity(text.len());
  let mut rest = text;
  while let Some((before, after)) = rest.find(HALF).and_then(|at| rest.split_at_checked(at)) {
    let escaped = before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let length = if escaped { HALF.len() } else { ESCAPE };
    // A text that ends here is cut off, and no JSON anyway.
    let Some((found, tail)) = after.split_at_checked(length) else {
      break;
    };
    clean.push_str(before);
    clean.push_str(if escaped { found } else { "\\ufffd" });
    rest = tail;
  }
  clean.push_str(rest);
  clean
}

#[cfg(test)]
mod tests {
  use super::*;

  fn utf8(text: &[u16]) -> String {
    let mut utf8 = Utf8::default();
    // What was there before changes nothing.
    utf8.read(&"\u{10ffff} a longer one, with \\ud800".encode_utf16().collect::<Vec<_>>());
    utf8.read(text).into_owned()
  }

  fn of(text: &str) -> String {
    utf8(&text.encode_utf16().collect::<Vec<_>>())
  }

  #[test]
  fn whole_characters_stay_and_halves_are_replaced() {
    assert_eq!(of("⚓️ naïve 𝄞"), "⚓️ naïve 𝄞");
    assert_eq!(utf8(&[0x61, 0xd834, 0x62]), "a\u{fffd}b");
  }

  #[test]
  fn escaped_halves_are_replaced_and_what_only_looks_like_one_stays() {
    assert_eq!(of(r#""a\ud800b\udfff""#), r#""a\ufffdb\ufffd""#);
    assert_eq!(of(r#""C:\\udder""#), r#""C:\\udder""#);
    assert_eq!(of(r#""\\\ud800""#), r#""\\\ufffd""#);
    assert_eq!(of(r#""cut \ud8"#), r#""cut \ud8"#);
  }
}
