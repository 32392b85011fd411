//! The quotes of strings in text that is not JSON.

use braintrust_row::terminal;

/// Whether a quote is a part of a word, as in `don't`, and not behind the prefix of a string, as in `b'x'`, or a code of
/// colours.
pub fn is_apostrophe(text: &[u8], quote: usize) -> bool {
  let before = text.get(..quote).unwrap_or_default();
  let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
  let length = before.iter().rev().take_while(is_part).take(3).count();
  let word = before.get(before.len() - length..).unwrap_or_default();
  let is_prefix = length < 2 || length == 2 && word.iter().all(|l| b"bBrRfF".contains(l));
  let is_code =
    || before.split_last().and_then(|(_, code)| terminal::start_of_code(code)).is_some();
  !is_prefix && text.get(quote + 1).is_some_and(u8::is_ascii_alphabetic) && !is_code()
}

/// Whether a byte is the quote of a string in Python and JavaScript.
pub fn is_quote(byte: u8) -> bool {
  matches!(byte, b'\'' | b'"')
}

/// How many backslashes a text begins with.
pub fn backslashes(text: &[u8]) -> usize {
  text.iter().take_while(|byte| **byte == b'\\').count()
}

/// The end of the backslashes at `at` and of what they escape: of a string, if that is its quote, which ends in this line.
pub fn end_of_escape(text: &[u8], at: usize) -> usize {
  let rest = text.get(at..).unwrap_or_default();
  let length = backslashes(rest);
  let quote = rest.get(..=length).filter(|quote| quote.last().is_some_and(|last| is_quote(*last)));
  let string = quote.and_then(|quote| {
    let behind = rest.get(quote.len()..)?;
    let is_end = |end: &usize| !behind.get(..*end).unwrap_or_default().ends_with(b"\\");
    let end = memchr::memmem::find_iter(behind, quote).find(is_end)?;
    let content = behind.get(..end)?;
    memchr::memchr(b'\n', content).is_none().then_some(content)
  });
  // Otherwise each backslash escapes one byte.
  at + string.map_or((length - 1) | 1, |string| 2 * length + 1 + string.len())
}

/// The position of the quote that ends the string whose first quote is at `quote`. One that does not end in its line is
/// cut: where it ends is not known.
pub fn end_of_string(text: &[u8], quote: usize) -> usize {
  let mut at = quote + 1;
  while let Some(byte) = text.get(at).filter(|byte| Some(*byte) != text.get(quote)) {
    match byte {
      b'\n' if text.get(quote) != Some(&b'`') => return text.len(),
      b'\\' => at += 2,
      _ => at += 1,
    }
  }
  at
}
