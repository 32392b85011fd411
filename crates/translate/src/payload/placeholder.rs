//! The placeholder that stands for content.

use sha2::{Digest, Sha256};

use super::context::Context;

/// How many bytes of the hash a placeholder shows: enough to tell contents apart.
const HASH_BYTES: usize = 8;
/// A longer text is not a media type.
const LONGEST_MEDIA_TYPE: usize = 80;

/// The placeholder for content: its media type where that is known, its size, and the beginning of its SHA-256.
pub fn of(bytes: &[u8], context: &Context<'_>) -> String {
  let media_type = context.media_type.as_deref().filter(|text| is_media_type(text));
  let kind = if context.is_image {
    "image"
  } else if media_type.is_some() {
    "file"
  } else {
    "binary"
  };
  let mut out = format!("[{kind} data omitted: ");
  if let Some(media_type) = media_type {
    out.push_str(media_type);
    out.push_str(", ");
  }
  let hash = Sha256::digest(bytes);
  let hash: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
  out.push_str(&format!("{} bytes, sha256 {hash}]", bytes.len()));
  out
}

/// Whether a text that is stated as a media type is one: it may be any text of a model or a tool.
fn is_media_type(text: &str) -> bool {
  let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte);
  text.len() <= LONGEST_MEDIA_TYPE
    && text.bytes().filter(|byte| *byte == b'/').count() == 1
    && text.bytes().all(is_part)
}
