//! What stands for content: a placeholder, or the reference to an attachment.

use sha2::{Digest, Sha256};

use super::context::{Content, Context};
use crate::attachment::Attachment;

/// How many bytes of the hash a placeholder shows: enough to tell contents apart.
const HASH_BYTES: usize = 8;
/// A longer text is not a media type.
const LONGEST_MEDIA_TYPE: usize = 80;

/// Takes attachments. False for one that is refused: then a placeholder stands for it.
pub type Attach<'a> = dyn FnMut(Attachment) -> bool + 'a;

/// What stands for content.
pub struct Replacement {
  /// In the midst of a text.
  pub text: String,
  /// As a value of its own, as JSON: the reference to the attachment, if it is one.
  pub reference: Option<String>,
}

/// Replaces content by placeholders, or by references to attachments.
pub struct Replacer<'a> {
  attach: Option<&'a mut Attach<'a>>,
}

impl<'a> Replacer<'a> {
  /// With `None`, only placeholders.
  pub fn new(attach: Option<&'a mut Attach<'a>>) -> Self {
    Self { attach }
  }

  /// What stands for the content: its media type where that is known, its size, and the beginning of its SHA-256; the
  /// key of the attachment, if it is one.
  pub fn of(&mut self, content: Content, context: &Context<'_>) -> Replacement {
    let media_type = context.media_type.as_deref().filter(|text| is_media_type(text));
    let kind = if context.is_image {
      "image"
    } else if media_type.is_some() {
      "file"
    } else {
      "binary"
    };
    let Content { bytes, is_decoded } = content;
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let mut details = String::new();
    if let Some(media_type) = media_type {
      details.push_str(media_type);
      details.push_str(", ");
    }
    details.push_str(&format!("{} bytes, sha256 ", bytes.len()));
    hash.iter().take(HASH_BYTES).for_each(|byte| details.push_str(&format!("{byte:02x}")));
    if let Some(attach) = &mut self.attach
      && is_decoded
      && !bytes.is_empty()
    {
      let attachment = Attachment::new(&hash, bytes, media_type, kind);
      let reference = attachment.reference();
      let text = format!("[{kind} attached: {details}, key {}]", attachment.key);
      if attach(attachment) {
        return Replacement { text, reference: Some(reference) };
      }
    }
    Replacement { text: format!("[{kind} data omitted: {details}]"), reference: None }
  }
}

/// Whether a text that is stated as a media type is one: it may be any text of a model or a tool.
fn is_media_type(text: &str) -> bool {
  let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte);
  text.len() <= LONGEST_MEDIA_TYPE
    && text.bytes().filter(|byte| *byte == b'/').count() == 1
    && text.bytes().all(is_part)
}
