//! JavaScript's UTF-16 text as UTF-8 that every JSON parser accepts.

use std::borrow::Cow;

/// Converts texts to UTF-8, one after the other in the same buffer.
#[derive(Default)]
pub struct Utf8 {
  /// The rest of earlier texts, followed by NULs.
  buffer: String,
}

impl Utf8 {
  /// UTF-16 as UTF-8. Texts between NULs, which JavaScript does not escape because it takes long, become JSON strings.
  /// Lone surrogates, bare or as the escapes that `JSON.stringify` makes of them, become U+FFFD: they are no
  /// characters, and most parsers reject a text that has them.
  pub fn read(&mut self, text: &[u16]) -> Cow<'_, str> {
    // No unit takes more than three bytes.
    let longest = text.len() * 3;
    if self.buffer.len() < longest {
      self.buffer = "\0".repeat(longest);
    }
    let length = encoding_rs::mem::convert_utf16_to_str(text, &mut self.buffer);
    Self::checked(Cow::Borrowed(self.buffer.get(..length).unwrap_or_default()))
  }

  /// The same of a text that is UTF-8 already.
  pub fn checked(text: Cow<'_, str>) -> Cow<'_, str> {
    let text = if text.contains(BARE) { Cow::Owned(with_quotes(&text)) } else { text };
    if text.contains(SURROGATE) { Cow::Owned(without_surrogates(&text)) } else { text }
  }

  /// Frees the buffer if it is larger than 1 MiB.
  pub fn forget_large(&mut self) {
    if self.buffer.len() > LARGE {
      self.buffer = String::new();
    }
  }
}

/// The largest buffer that is kept, in bytes.
const LARGE: usize = 1024 * 1024;

/// Stands in place of the quotes of a text that is not escaped. Neither JSON nor such a text has it.
const BARE: char = '\0';

/// The event as JSON: every second part of it is such a text.
fn with_quotes(text: &str) -> String {
  let mut json = String::with_capacity(text.len() + text.len() / 16);
  for (number, part) in text.split(BARE).enumerate() {
    if number % 2 == 0 {
      json.push_str(part);
    } else {
      json.push_str(&serde_json::Value::from(part).to_string());
    }
  }
  json
}

/// How the escape of a surrogate begins. `JSON.stringify` writes whole pairs as they are.
const SURROGATE: &str = "\\ud";
/// The length of such an escape.
const ESCAPE: usize = "\\ud800".len();

fn without_surrogates(text: &str) -> String {
  let mut clean = String::with_capacity(text.len());
  let mut rest = text;
  while let Some((before, after)) = rest.find(SURROGATE).and_then(|at| rest.split_at_checked(at)) {
    let escaped = before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let length = if escaped { SURROGATE.len() } else { ESCAPE };
    // A text that ends here is truncated, and not JSON anyway.
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
    // The rest of an earlier text changes nothing.
    utf8.read(&"\u{10ffff} a longer one, with \\ud800".encode_utf16().collect::<Vec<_>>());
    utf8.read(text).into_owned()
  }

  fn of(text: &str) -> String {
    utf8(&text.encode_utf16().collect::<Vec<_>>())
  }

  #[test]
  fn whole_characters_stay_and_lone_surrogates_are_replaced() {
    assert_eq!(of("⚓️ naïve 𝄞"), "⚓️ naïve 𝄞");
    assert_eq!(utf8(&[0x61, 0xd834, 0x62]), "a\u{fffd}b");
  }

  #[test]
  fn texts_between_nuls_become_json_strings() {
    assert_eq!(
      of("{\"a\":\0line \"1\"\n\u{1}𝄞\0,\"b\":[\0\0]}"),
      r#"{"a":"line \"1\"\n\u0001𝄞","b":[""]}"#
    );
    assert_eq!(of("[\0C:\\udder\0]"), r#"["C:\\udder"]"#);
    assert_eq!(utf8(&[0, 0xd834, 0]), "\"\u{fffd}\"");
    // No event, but no other one either.
    assert_eq!(of("{\"a\":\0cut"), r#"{"a":"cut""#);
  }

  #[test]
  fn escaped_lone_surrogates_are_replaced_and_lookalikes_stay() {
    assert_eq!(of(r#""a\ud800b\udfff""#), r#""a\ufffdb\ufffd""#);
    assert_eq!(of(r#""C:\\udder""#), r#""C:\\udder""#);
    assert_eq!(of(r#""\\\ud800""#), r#""\\\ufffd""#);
    assert_eq!(of(r#""cut \ud8"#), r#""cut \ud8"#);
  }
}
