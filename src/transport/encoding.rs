//! Decodes responses. None is asked to be encoded; gateways encode some all the same.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// The buffer of a decoder, in bytes.
const BUFFER_BYTES: usize = 4096;

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

/// Decodes a body of at most `limit` bytes. `encoding` is its `content-encoding`.
///
/// # Errors
/// When the encoding is unknown, the bytes are not of it, or the body is larger.
pub fn decode(encoding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, EncodingError> {
  match encoding.trim().to_ascii_lowercase().as_str() {
    "identity" | "" => Ok(body.to_vec()),
    "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), limit),
    // Some servers omit the frame that the standard demands.
    "deflate" => match read(ZlibDecoder::new(body), limit) {
      Err(EncodingError::Invalid(_)) => read(DeflateDecoder::new(body), limit),
      decoded => decoded,
    },
    "br" => read(Decompressor::new(body, BUFFER_BYTES), limit),
    other => Err(EncodingError::Unknown(other.to_owned())),
  }
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, EncodingError> {
  let mut decoded = Vec::new();
  decoder.take(limit as u64 + 1).read_to_end(&mut decoded)?;
  if decoded.len() > limit { Err(EncodingError::TooLarge) } else { Ok(decoded) }
}
