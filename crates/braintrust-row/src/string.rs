//! JSON strings as they occur in JSON text: with quotes and escapes.

use std::{borrow::Cow, ops::RangeInclusive};

/// Whether a text needs no escapes as a JSON string.
pub fn is_plain(text: &str) -> bool {
  text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// The position after the string whose opening quote is at `quote`; `None` when it does not end.
pub fn end(text: &[u8], quote: usize) -> Option<usize> {
  Some(end_of_content(text, quote + 1)? + 1)
}

/// The position of the quote that ends the string whose content begins at `at`; `None` when it does not end.
pub fn end_of_content(text: &[u8], mut at: usize) -> Option<usize> {
  loop {
    let rest = text.get(at..)?;
    let found = memchr::memchr2(b'"', b'\\', rest)?;
    if rest.get(found) == Some(&b'"') {
      return Some(at + found);
    }
    // After the backslash and what it escapes.
    at += found + 2;
  }
}

/// The text between the quotes, with its escapes; `None` when `token` is not a string.
pub fn content(token: &str) -> Option<&str> {
  token.strip_prefix('"')?.strip_suffix('"')
}

/// The text that a string stands for. Escapes of half a surrogate pair become U+FFFD. Empty when `token` is
/// not a string.
pub fn unescaped(token: &str) -> Cow<'_, str> {
  let inside = content(token).unwrap_or_default();
  if !inside.contains('\\') {
    return Cow::Borrowed(inside);
  }
  match serde_json::from_str(token) {
    Ok(text) => Cow::Owned(text),
    Err(_) => Cow::Owned(serde_json::from_str(&without_halves(token)).unwrap_or_default()),
  }
}

/// The string with `\ufffd` in the place of escapes that are half a surrogate pair.
pub fn without_halves(token: &str) -> String {
  const HIGH: RangeInclusive<u16> = 0xD800..=0xDBFF;
  const LOW: RangeInclusive<u16> = 0xDC00..=0xDFFF;
  let mut out = String::with_capacity(token.len());
  let mut rest = token;
  while let Some(at) = rest.find('\\') {
    out.push_str(rest.get(..at).unwrap_or_default());
    rest = rest.get(at..).unwrap_or_default();
    let (first, second) = (unit(rest), rest.get(6..).and_then(unit));
    let is = |unit: Option<u16>, half: RangeInclusive<u16>| unit.is_some_and(|u| half.contains(&u));
    let length = if is(first, HIGH) && is(second, LOW) {
      12
    } else if rest.starts_with("\\u") {
      6
    } else {
      2
    };
    if length == 6 && (is(first, HIGH) || is(first, LOW)) {
      out.push_str("\\ufffd");
    } else {
      out.push_str(rest.get(..length).unwrap_or(rest));
    }
    rest = rest.get(length..).unwrap_or_default();
  }
  out.push_str(rest);
  out
}

/// The UTF-16 code unit of the `\u` escape at the beginning of `text`.
pub fn unit(text: &str) -> Option<u16> {
  u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
