//! What stands for content: a placeholder, or the reference to an attachment.

use std::{cell::OnceCell, ops::Range};

use sha2::{Digest, Sha256};

use super::context::{Content, Context};
use crate::attachment::{Attachment, is_common_type};

/// How many bytes of the hash a placeholder shows: enough to distinguish contents.
const HASH_BYTES: usize = 8;
/// A longer text is not a media type.
const LONGEST_MEDIA_TYPE: usize = 80;

/// Takes attachments.
pub trait Attach {
  /// Takes one. False if it is refused: then a placeholder stands for it.
  fn attach(&mut self, attachment: Attachment) -> bool;

  /// The ranges of a text that redaction replaces, in their order. What they contain is not attached.
  fn redacted(&self, _text: &str) -> Vec<Range<usize>> {
    Vec::new()
  }

  /// Whether the media type that an event states for a file may be sent although it is not a common one.
  fn shows_type(&self, _media_type: &str) -> bool {
    true
  }
}

impl<F: FnMut(Attachment) -> bool> Attach for F {
  fn attach(&mut self, attachment: Attachment) -> bool {
    self(attachment)
  }
}

/// A text that may have content, and what redaction replaces in it, which is found once.
pub struct Source<'a> {
  text: &'a str,
  redacted: OnceCell<Vec<Range<usize>>>,
}

impl<'a> Source<'a> {
  /// Nothing is searched yet.
  pub fn new(text: &'a str) -> Self {
    Self { text, redacted: OnceCell::new() }
  }

  /// Whether redaction replaces a part of that range.
  fn is_redacted(&self, range: &Range<usize>, attach: &dyn Attach) -> bool {
    let redacted = self.redacted.get_or_init(|| attach.redacted(self.text));
    let next = redacted.partition_point(|redacted| redacted.end <= range.start);
    redacted.get(next).is_some_and(|redacted| redacted.start < range.end)
  }
}

/// What stands for content.
pub struct Replacement {
  /// In the midst of a text.
  pub text: String,
  /// As a value of its own, as JSON: the reference to the attachment, if it is one.
  pub reference: Option<String>,
}

/// Replaces content by placeholders, or by references to attachments.
pub struct Replacer<'a> {
  attach: Option<&'a mut dyn Attach>,
  /// Whether nothing is attached at present.
  refuses: bool,
}

impl<'a> Replacer<'a> {
  /// With `None`, only placeholders.
  pub fn new(attach: Option<&'a mut dyn Attach>) -> Self {
    Self { attach, refuses: false }
  }

  /// Replaces content in JSON text. Nothing in it is attached if redaction replaces JSON rather than a string in it.
  pub fn within_json<T>(&mut self, text: &str, replace: impl FnOnce(&mut Self) -> T) -> T {
    let is_across = |range: Range<usize>| text.get(range).is_some_and(|part| part.contains('"'));
    let is_redacted = |one: &dyn Attach| one.redacted(text).into_iter().any(is_across);
    self.unless(is_redacted, replace)
  }

  /// What stands for the content in that range of a text. It is not attached if redaction changes the text there.
  pub fn of_text(
    &mut self,
    content: Content,
    context: &Context<'_>,
    source: &Source<'_>,
    range: &Range<usize>,
  ) -> Replacement {
    self
      .unless(|attach| source.is_redacted(range, attach), |replacer| replacer.of(content, context))
  }

  /// Runs `work`, within which nothing is attached if redaction changes the text.
  fn unless<T>(
    &mut self,
    is_redacted: impl FnOnce(&dyn Attach) -> bool,
    work: impl FnOnce(&mut Self) -> T,
  ) -> T {
    let before = self.refuses;
    self.refuses = before || self.attach.as_deref().is_some_and(is_redacted);
    let result = work(self);
    self.refuses = before;
    result
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
      && !self.refuses
      && is_decoded
      && !bytes.is_empty()
    {
      let shown = media_type.filter(|one| is_common_type(one) || attach.shows_type(one));
      let attachment = Attachment::new(&hash, bytes, shown, kind);
      let reference = attachment.reference();
      let text = format!("[{kind} attached: {details}, key {}]", attachment.key);
      if attach.attach(attachment) {
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
