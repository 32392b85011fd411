//! What is known about a value beside its text.

use std::borrow::Cow;

/// Shorter strings are never content, in bytes.
pub const SHORTEST: usize = 16;

/// What the members of an object state about the content beside them.
#[derive(Default)]
pub struct Context<'a> {
  /// The media type.
  pub media_type: Option<Cow<'a, str>>,
  /// Whether the object is of a type that has content.
  pub has_content: bool,
  /// Whether it is an image.
  pub is_image: bool,
}

/// The meaning of a member's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Name {
  /// Members with this name have content.
  Content,
  /// Members with this name have opaque base64 that stays.
  Opaque,
  /// Anything else.
  Other,
}
