//! The codes in text by which a terminal shows colours.

/// The character that begins a code.
pub const ESCAPE: u8 = 0x1B;

/// A code has no more bytes of parameters.
const MOST_PARAMETERS: usize = 64;

/// The length of the code at the beginning of a text (ECMA-48, control sequences); 0 if there is none.
pub fn code_length(text: &[u8]) -> usize {
  let Some(rest) = text.strip_prefix(&[ESCAPE, b'[']) else { return 0 };
  let length = parameters(rest.iter());
  if rest.get(length).is_some_and(u8::is_ascii_alphabetic) { length + 3 } else { 0 }
}

/// Where the code begins of whose parameters the last ones end a text, or whose bracket does.
pub fn start_of_code(text: &[u8]) -> Option<usize> {
  let before = text.get(..text.len() - parameters(text.iter().rev()))?;
  Some(before.strip_suffix(&[ESCAPE, b'['])?.len())
}

/// How many of the first bytes are parameters of a code.
fn parameters<'b>(bytes: impl Iterator<Item = &'b u8>) -> usize {
  bytes.take(MOST_PARAMETERS).take_while(|byte| (b'0'..=b'?').contains(byte)).count()
}

/// Whether the byte at a position is the bracket of a code.
pub fn is_in_code(text: &[u8], at: usize) -> bool {
  at.checked_sub(1).and_then(|before| text.get(before)) == Some(&ESCAPE)
}
