//! The placeholder that stands for content.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::context::Context;

/// How many bytes of the hash a placeholder shows: enough to tell contents apart.
const HASH_BYTES: usize = 8;
/// A longer text is not a media type.
const LONGEST_MEDIA_TYPE: usize = 100;

/// The placeholder for content: its media type where that is known, its size, and the beginning of its SHA-256.
pub fn of(bytes: &[u8], context: &Context<'_>) -> String {
  let kind = if context.is_image {
    "image"
  } else if context.media_type.is_some() {
    "file"
  } else {
    "binary"
  };
  let mut out = format!("[{kind} data omitted: ");
  let media_type = context.media_type.as_deref().filter(|text| text.len() <= LONGEST_MEDIA_TYPE);
  if let Some(media_type) = media_type {
    out.push_str(media_type);
    out.push_str(", ");
  }
  // Writing to a string cannot fail.
  let _ = write!(out, "{} bytes, sha256 ", bytes.len());
  for byte in Sha256::digest(bytes).iter().take(HASH_BYTES) {
    let _ = write!(out, "{byte:02x}");
  }
  out.push(']');
  out
}
