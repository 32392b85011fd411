//! The format of a file: a header, and content that is opaque to the spool.
//!
//! ```text
//!  0  "flue-bt" and the version of the format
//!  8  created, milliseconds since the epoch
//! 16  rows in the content
//! 20  length of the content
//! 28  CRC-32 of the content
//! 32  CRC-32 of bytes 0 to 31
//! 36  the content
//! ```
//!
//! Numbers are little-endian. The header has its own checksum, so that the rows of damaged content can be
//! counted.

use thiserror::Error;

use super::checksum;

/// The name of the format and its version. Another version also gets other file endings, so that neither version
/// reads files of the other.
const MAGIC: &[u8; 8] = b"flue-bt\x01";

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
  /// When the content was written, milliseconds since the epoch.
  pub created: i64,
  /// The number of rows in the content.
  pub rows: u32,
  /// The length of the content in bytes.
  length: u64,
  checksum: u32,
}

/// The file is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
  /// The file is shorter than a header.
  #[error("the file ends within the header")]
  NoHeader,
  /// The file does not begin with the name of the format and this version.
  #[error("not a spool file of this version")]
  Magic,
  /// The checksum of the header is wrong.
  #[error("the header is damaged")]
  Header,
  /// The content has another length than the header states.
  #[error("expected {expected} bytes of content, found {found}")]
  Length { expected: u64, found: u64 },
  /// The checksum of the content is wrong.
  #[error("the content is damaged")]
  Content,
}

impl Header {
  /// The length of the header in bytes.
  pub const LENGTH: usize = 36;
  /// How many bytes of the header its checksum covers.
  const COVERED: usize = 32;

  /// The header of `content`.
  pub fn of(content: &[u8], rows: u32, created: i64) -> Self {
    Self { created, rows, length: content.len() as u64, checksum: checksum::hash(content) }
  }

  /// The encoded header.
  pub fn encode(&self) -> [u8; Self::LENGTH] {
    let mut bytes = Vec::with_capacity(Self::LENGTH);
    bytes.extend(MAGIC);
    bytes.extend(self.created.to_le_bytes());
    bytes.extend(self.rows.to_le_bytes());
    bytes.extend(self.length.to_le_bytes());
    bytes.extend(self.checksum.to_le_bytes());
    let covered = checksum::hash(&bytes);
    bytes.extend(covered.to_le_bytes());
    let mut header = [0; Self::LENGTH];
    header.copy_from_slice(&bytes);
    header
  }

  /// Decodes the header at the beginning of `file`.
  ///
  /// # Errors
  /// `NoHeader`, `Magic` and `Header`.
  pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
    let mut rest = file;
    let magic: [u8; 8] = take(&mut rest)?;
    let created = i64::from_le_bytes(take(&mut rest)?);
    let rows = u32::from_le_bytes(take(&mut rest)?);
    let length = u64::from_le_bytes(take(&mut rest)?);
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    let covered = u32::from_le_bytes(take(&mut rest)?);
    if magic != *MAGIC {
      return Err(DecodeError::Magic);
    }
    if file.get(..Self::COVERED).is_none_or(|header| checksum::hash(header) != covered) {
      return Err(DecodeError::Header);
    }
    Ok(Self { created, rows, length, checksum })
  }

  /// Checks the length of the file.
  ///
  /// # Errors
  /// `Length` when a file of `bytes` bytes is not complete.
  pub fn check_length(&self, bytes: u64) -> Result<(), DecodeError> {
    let found = bytes.saturating_sub(Self::LENGTH as u64);
    if found == self.length {
      Ok(())
    } else {
      Err(DecodeError::Length { expected: self.length, found })
    }
  }
}

/// Decodes a whole file: its header and its content.
///
/// # Errors
/// [`DecodeError`] when the file is not what was written.
pub fn decode(file: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
  let header = Header::decode(file)?;
  header.check_length(file.len() as u64)?;
  let content = file.get(Header::LENGTH..).unwrap_or_default();
  if checksum::hash(content) != header.checksum {
    return Err(DecodeError::Content);
  }
  Ok((header, content))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DecodeError> {
  let (taken, left) = rest.split_first_chunk().ok_or(DecodeError::NoHeader)?;
  *rest = left;
  Ok(*taken)
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  fn encode(content: &[u8], rows: u32, created: i64) -> Vec<u8> {
    [&Header::of(content, rows, created).encode(), content].concat()
  }

  #[test]
  fn the_format_has_these_bytes() {
    let bytes = encode(b"{\"id\":\"a\"}\n{\"id\":\"b\"}", 2, 1_795_417_364_000);
    let lines: Vec<String> = bytes
      .chunks(16)
      .enumerate()
      .map(|(line, chunk)| {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = chunk.escape_ascii().to_string();
        format!("{:02x}  {:47}  {text}", line * 16, hex.join(" "))
      })
      .collect();
    insta::assert_snapshot!(lines.join("\n"));
  }

  #[test]
  fn rows_of_damaged_content_can_be_counted() {
    let mut bytes = encode(b"seven rows", 7, 5);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(decode(&bytes), Err(DecodeError::Content));
    bytes.truncate(Header::LENGTH + 3);
    assert_eq!(decode(&bytes), Err(DecodeError::Length { expected: 10, found: 3 }));
    assert_eq!(Header::decode(&bytes).unwrap().rows, 7);
    bytes.truncate(Header::LENGTH - 1);
    assert_eq!(decode(&bytes), Err(DecodeError::NoHeader));
  }

  proptest! {
    #[test]
    fn decoding_returns_what_was_encoded(content: Vec<u8>, rows: u32, created: i64) {
      let bytes = encode(&content, rows, created);
      let (header, read) = decode(&bytes).unwrap();
      prop_assert_eq!((read, header.rows, header.created), (&content[..], rows, created));
    }

    #[test]
    fn any_changed_bit_is_detected(
      content in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0_u32..8,
    ) {
      let mut bytes = encode(&content, 3, 1);
      let at = at.index(bytes.len());
      bytes[at] ^= 1_u8 << bit;
      let error = decode(&bytes).unwrap_err();
      prop_assert_eq!(at < 8, error == DecodeError::Magic);
      prop_assert_eq!((8..Header::LENGTH).contains(&at), error == DecodeError::Header);
    }

    #[test]
    fn any_other_length_is_detected(content: Vec<u8>, change in 1_usize..40, longer: bool) {
      let mut bytes = encode(&content, 3, 1);
      let length = if longer { bytes.len() + change } else { bytes.len().saturating_sub(change) };
      bytes.resize(length, 0);
      prop_assert!(decode(&bytes).is_err());
    }
  }
}
