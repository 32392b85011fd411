//! Decodes responses. None is asked to be encoded; gateways encode some all the same.

use std::{
  borrow::Cow,
  io::{self, Read},
};

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// The buffer of a decoder, in bytes.
const BUFFER_BYTES: usize = 4096;
/// The most encodings of one body.
const MAX_ENCODINGS: usize = 5;

/// Why a body cannot be decoded.
#[derive(Debug, Error)]
pub enum EncodingError {
  /// The encoding is none of gzip, deflate and br.
  #[error("the response has the unknown encoding {0:?}")]
  Unknown(String),
  /// The bytes are not of that encoding.
  #[error("the response cannot be decoded: {0}")]
  Invalid(#[from] io::Error),
  /// The decoded body exceeds the limit.
  #[error("the response is too large")]
  TooLarge,
}

/// Decodes a body of at most `limit` bytes. `encodings` is its `content-encoding`: a list in the order in which they were
/// applied. Some servers state there what is no encoding, such as a character set: JSON is then taken as it is.
///
/// # Errors
/// When an encoding is unknown, the bytes are not of it, or the body is larger.
pub fn decode(encodings: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, EncodingError> {
  let mut body = Cow::Borrowed(body);
  for (done, encoding) in encodings.rsplit(',').enumerate() {
    body = match encoding.trim().to_ascii_lowercase().as_str() {
      "identity" | "" => body,
      "gzip" | "x-gzip" if done < MAX_ENCODINGS => read(MultiGzDecoder::new(&*body), limit)?.into(),
      // Some servers omit the frame that the standard demands.
      "deflate" if done < MAX_ENCODINGS => match read(ZlibDecoder::new(&*body), limit) {
        Err(EncodingError::Invalid(_)) => read(DeflateDecoder::new(&*body), limit)?.into(),
        decoded => decoded?.into(),
      },
      "br" if done < MAX_ENCODINGS => read(Decompressor::new(&*body, BUFFER_BYTES), limit)?.into(),
      _ if is_like_json(&body) => break,
      other => return Err(EncodingError::Unknown(other.to_owned())),
    }
  }
  Ok(body.into_owned())
}

fn is_like_json(body: &[u8]) -> bool {
  matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, EncodingError> {
  let mut decoded = Vec::new();
  decoder.take(limit as u64 + 1).read_to_end(&mut decoded)?;
  if decoded.len() > limit { Err(EncodingError::TooLarge) } else { Ok(decoded) }
}
