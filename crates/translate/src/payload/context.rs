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

/// The members that have content, in lower case without `_`.
const CONTENT_NAMES: [&[u8]; 14] = [
  b"base64",
  b"b64",
  b"b64json",
  b"blob",
  b"buffer",
  b"bytes",
  b"data",
  b"file",
  b"filedata",
  b"image",
  b"imagedata",
  b"imageurl",
  b"result",
  b"screenshot",
];
/// The last part of names of opaque base64, and of ids.
const OPAQUE_NAMES: [&[u8]; 3] = [b"signature", b"encryptedcontent", b"redactedthinking"];
const ID_NAMES: [&[u8]; 4] = [b"id", b"ids", b"token", b"cursor"];

/// The meaning of a member's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Name {
  /// Members with this name have content.
  Content,
  /// Members with this name have opaque base64 of a provider that stays: signatures, encrypted reasoning.
  Opaque,
  /// Members with this name have ids or tokens, which may look like base64.
  Id,
  /// Anything else.
  Other,
}

impl Name {
  /// The meaning of a name.
  pub fn of(name: &str) -> Self {
    // Lower case without `_`, as far as it can matter: the names are short.
    let mut bytes = [0; 40];
    let mut length = 0;
    for byte in name.bytes().filter(|byte| *byte != b'_') {
      let Some(place) = bytes.get_mut(length) else { return Self::Other };
      *place = byte.to_ascii_lowercase();
      length += 1;
    }
    let name = bytes.get(..length).unwrap_or_default();
    let ends_with = |ends: &[&[u8]]| ends.iter().any(|end| name.ends_with(end));
    if ends_with(&OPAQUE_NAMES) {
      Self::Opaque
    } else if CONTENT_NAMES.contains(&name) {
      Self::Content
    } else if ends_with(&ID_NAMES) {
      Self::Id
    } else {
      Self::Other
    }
  }
}
