//! The bytes of a file: a header, and content that only its writer understands.
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
//! Numbers are little-endian. The header has a checksum of its own, so that the rows of damaged content
//! can be counted. Pure.

use thiserror::Error;

/// The name of the format and its version. A version with other bytes also gets another file ending, so
/// that neither reads the other's files.
const MAGIC: &[u8; 8] = b"flue-bt\x01";

/// What a file tells of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
  /// When the file was written, milliseconds since the epoch.
  pub created: i64,
  /// How many rows the content has.
  pub rows: u32,
  /// How many bytes the content has.
  length: u64,
  checksum: u32,
}

/// It is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
  #[error("it ends within the header")]
  NoHeader,
  #[error("it is no spool file of this version")]
  Magic,
  #[error("the header is damaged")]
  Header,
  #[error("{found} bytes of content where {told} were written")]
  Length { told: u64, found: u64 },
  #[error("the content is damaged")]
  Content,
}

impl Header {
  /// How many bytes stand before the content.
  pub const LENGTH: usize = 36;
  /// How many of them are under the header's checksum.
  const COVERED: usize = 32;

  /// The header of `content`.
  pub fn of(content: &[u8], rows: u32, created: i64) -> Self {
    Self { created, rows, length: content.len() as u64, checksum: crc32fast::hash(content) }
  }

  /// The bytes that stand before the content.
  pub fn encode(&self) -> [u8; Self::LENGTH] {
    let mut bytes = Vec::with_capacity(Self::LENGTH);
    bytes.extend(MAGIC);
    bytes.extend(self.created.to_le_bytes());
    bytes.extend(self.rows.to_le_bytes());
    bytes.extend(self.length.to_le_bytes());
    bytes.extend(self.checksum.to_le_bytes());
    let covered = crc32fast::hash(&bytes);
    bytes.extend(covered.to_le_bytes());
    let mut header = [0; Self::LENGTH];
    header.copy_from_slice(&bytes);
    header
  }

  /// Reads the header at the beginning of `file`.
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
    if file.get(..Self::COVERED).is_none_or(|header| crc32fast::hash(header) != covered) {
      return Err(DecodeError::Header);
    }
    Ok(Self { created, rows, length, checksum })
  }

  /// Whether a file of `bytes` bytes can be whole.
  pub fn check_length(&self, bytes: u64) -> Result<(), DecodeError> {
    let found = bytes.saturating_sub(Self::LENGTH as u64);
    if found == self.length {
      Ok(())
    } else {
      Err(DecodeError::Length { told: self.length, found })
    }
  }
}

/// Reads a whole file: what its header tells, and the content.
pub fn decode(file: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
  let header = Header::decode(file)?;
  header.check_length(file.len() as u64)?;
  let content = file.get(Header::LENGTH..).unwrap_or_default();
  if crc32fast::hash(content) != header.checksum {
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
  fn the_bytes_are_these() {
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
  fn damage_to_the_content_leaves_the_rows_countable() {
    let mut bytes = encode(b"seven rows", 7, 5);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(decode(&bytes), Err(DecodeError::Content));
    bytes.truncate(Header::LENGTH + 3);
    assert_eq!(decode(&bytes), Err(DecodeError::Length { told: 10, found: 3 }));
    assert_eq!(Header::decode(&bytes).unwrap().rows, 7);
    bytes.truncate(Header::LENGTH - 1);
    assert_eq!(decode(&bytes), Err(DecodeError::NoHeader));
  }

  proptest! {
    #[test]
    fn what_was_written_is_read(content: Vec<u8>, rows: u32, created: i64) {
      let bytes = encode(&content, rows, created);
      let (header, read) = decode(&bytes).unwrap();
      prop_assert_eq!((read, header.rows, header.created), (&content[..], rows, created));
    }

    #[test]
    fn any_bit_that_changes_is_noticed(
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
    fn a_file_of_any_other_length_is_noticed(content: Vec<u8>, change in 1_usize..40, longer: bool) {
      let mut bytes = encode(&content, 3, 1);
      let length = if longer { bytes.len() + change } else { bytes.len().saturating_sub(change) };
      bytes.resize(length, 0);
      prop_assert!(decode(&bytes).is_err());
    }
  }
}
