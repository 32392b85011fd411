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
  /// Whether it is opaque data of a provider, such as reasoning that it has redacted.
  pub is_opaque: bool,
}

/// Content.
pub struct Content {
  /// Its bytes; the text itself when it is not base64.
  pub bytes: Vec<u8>,
  /// Whether the bytes are decoded from base64.
  pub is_decoded: bool,
}

/// Where a text is.
#[derive(Clone, Copy)]
pub struct Position {
  /// The meaning of the member's name.
  pub name: Name,
  /// Whether an object may stand in its place. Elsewhere, readers of events expect a text.
  pub takes_object: bool,
}

impl Position {
  /// A text that stays one, of a member without a meaning.
  pub const TEXT: Self = Self { name: Name::Other, takes_object: false };
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
/// The ends of the names of members that have opaque base64.
const OPAQUE_NAMES: [&[u8]; 5] =
  [b"signature", b"encryptedcontent", b"redactedthinking", b"redactedcontent", b"redacteddata"];
/// Members whose value an object may replace, beside those that have content.
const MEDIA_NAMES: [&[u8]; 6] = [b"expected", b"images", b"input", b"output", b"uri", b"url"];
/// The ends of the names of members that have ids.
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
    let plain = Plain::of(name);
    let name = plain.name();
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

/// Whether an object may replace the text of a member with this name, or of a list with this name.
pub fn takes_object(name: &str) -> bool {
  let plain = Plain::of(name);
  let name = plain.name();
  CONTENT_NAMES.contains(&name) || MEDIA_NAMES.contains(&name)
}

/// A name in lower case without `_`, as far as it can matter: the names above are short.
struct Plain {
  bytes: [u8; 40],
  length: usize,
}

impl Plain {
  /// Empty for a longer name.
  fn of(name: &str) -> Self {
    let mut plain = Self { bytes: [0; 40], length: 0 };
    for byte in name.bytes().filter(|byte| *byte != b'_') {
      let Some(place) = plain.bytes.get_mut(plain.length) else {
        return Self { bytes: [0; 40], length: 0 };
      };
      *place = byte.to_ascii_lowercase();
      plain.length += 1;
    }
    plain
  }

  fn name(&self) -> &[u8] {
    self.bytes.get(..self.length).unwrap_or_default()
  }
}
