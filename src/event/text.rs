//! JavaScript's text as text that every JSON parser takes.

/// UTF-16 as UTF-8. Halves of surrogate pairs, bare or as the escapes that `JSON.stringify` makes of
/// them, become U+FFFD: they are no characters, and most parsers refuse a text that has them.
pub fn utf8(text: &[u16]) -> String {
  let mut bytes = vec![0; text.len() * 3];
  let length = encoding_rs::mem::convert_utf16_to_utf8(text, &mut bytes);
  bytes.truncate(length);
  let text = String::from_utf8(bytes)
    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
  if text.contains(HALF) { without_halves(&text) } else { text }
}

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
