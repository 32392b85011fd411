//! Content that is uploaded instead of omitted: its key, and the reference that replaces it in a row.

use std::fmt;

use serde::Serialize;

/// How the reference to an attachment begins, as JSON.
pub const REFERENCE_START: &str = r#"{"type":"braintrust_attachment""#;
/// The media type of content whose type is unknown.
const UNKNOWN: &str = "application/octet-stream";
/// The known top-level media types. An event may state any text as media type.
const MEDIA_KINDS: [&str; 7] = ["application", "audio", "font", "image", "model", "text", "video"];
/// Common subtypes, which are not content.
const COMMON_SUBTYPES: &str = "aac avif bmp csv flac gif gzip heic html jpeg json markdown mp3 mp4 mpeg octet-stream ogg \
  pdf plain png svg+xml tiff wav webm webp x-icon xml zip";
/// What the subtypes of texts end with, besides those of `text`.
const TEXTS: [&str; 5] = ["csv", "javascript", "json", "xml", "yaml"];
/// The longest subtype whose name is a file extension, in bytes.
const LONGEST_EXTENSION: usize = 5;
/// The lengths of the groups of digits of a key.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// The key of an attachment: a UUID (version 8) derived from the SHA-256 of its bytes, so that the same content has the
/// same key in every span and every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentKey([u8; 16]);

impl AttachmentKey {
  /// The length of its text, in bytes.
  pub const LENGTH: usize = 36;

  /// The key of the content with this SHA-256.
  pub fn of_hash(hash: &[u8; 32]) -> Self {
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(hash) {
      *byte = *from;
    }
    // The version and the variant of RFC 9562.
    if let Some(version) = bytes.get_mut(6) {
      *version = (*version & 0x0f) | 0x80;
    }
    if let Some(variant) = bytes.get_mut(8) {
      *variant = (*variant & 0x3f) | 0x80;
    }
    Self(bytes)
  }

  /// Parses the text of a key.
  pub fn parse(text: &[u8]) -> Option<Self> {
    if text.len() != Self::LENGTH {
      return None;
    }
    let mut bytes = [0; 16];
    let mut digits = 0;
    for (at, byte) in text.iter().enumerate() {
      if matches!(at, 8 | 13 | 18 | 23) {
        if *byte != b'-' {
          return None;
        }
        continue;
      }
      let digit = u8::try_from(char::from(*byte).to_digit(16)?).ok()?;
      let slot = bytes.get_mut(digits / 2)?;
      *slot = (*slot << 4) | digit;
      digits += 1;
    }
    Some(Self(bytes))
  }
}

impl fmt::Display for AttachmentKey {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut bytes = self.0.iter();
    for (at, digits) in GROUPS.into_iter().enumerate() {
      if at > 0 {
        f.write_str("-")?;
      }
      for byte in bytes.by_ref().take(digits / 2) {
        write!(f, "{byte:02x}")?;
      }
    }
    Ok(())
  }
}

/// Content that is uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
  /// Its key.
  pub key: AttachmentKey,
  /// Its media type, as the event states it, else by its first bytes; `application/octet-stream` when it is unknown.
  pub media_type: String,
  /// A file name, derived from the hash because names in events may contain content.
  pub filename: String,
  /// Its bytes; never empty.
  pub bytes: Vec<u8>,
}

#[derive(Serialize)]
struct Reference<'a> {
  r#type: &'static str,
  key: String,
  filename: &'a str,
  content_type: &'a str,
}

impl Attachment {
  /// The attachment of content with this SHA-256. `kind` is the first part of its file name.
  pub fn new(hash: &[u8; 32], bytes: Vec<u8>, media_type: Option<&str>, kind: &str) -> Self {
    let stated = media_type.map(str::to_ascii_lowercase).filter(|stated| is_known_kind(stated));
    let media_type = stated.unwrap_or_else(|| shown_type(&bytes).unwrap_or(UNKNOWN).to_owned());
    let short: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let filename = format!("{kind}-{short}.{}", extension(&media_type));
    Self { key: AttachmentKey::of_hash(hash), media_type, filename, bytes }
  }

  /// Whether it may be text, in UTF-8 or another encoding: its media type states that, or names no other kind, and
  /// it begins with the mark of UTF-16 or has no control characters.
  pub fn may_be_text(&self) -> bool {
    let media_type = self.media_type.as_str();
    if media_type.starts_with("text/") || TEXTS.iter().any(|end| media_type.ends_with(end)) {
      return true;
    }
    let is_other = !media_type.starts_with("application/") || media_type.ends_with("pdf");
    let is_control = |byte: &u8| matches!(byte, 1..=8 | 14..=26 | 28..=31);
    let has_mark = matches!(self.bytes.as_slice(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    !is_other && (has_mark || !self.bytes.iter().any(is_control))
  }

  /// The reference that stands for the content in a row, as JSON.
  pub fn reference(&self) -> String {
    let reference = Reference {
      r#type: "braintrust_attachment",
      key: self.key.to_string(),
      filename: &self.filename,
      content_type: &self.media_type,
    };
    serde_json::to_string(&reference).unwrap_or_default()
  }
}

/// Whether a media type is a common one.
pub fn is_common_type(media_type: &str) -> bool {
  let media_type = media_type.to_ascii_lowercase();
  let subtype = media_type.split_once('/').map_or("", |(_, subtype)| subtype);
  is_known_kind(&media_type) && COMMON_SUBTYPES.split(' ').any(|common| common == subtype)
}

fn is_known_kind(media_type: &str) -> bool {
  media_type.split_once('/').is_some_and(|(kind, subtype)| {
    MEDIA_KINDS.contains(&kind) && !subtype.is_empty() && subtype != "*"
  })
}

/// The media type that the first bytes of a file show.
fn shown_type(bytes: &[u8]) -> Option<&'static str> {
  let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
  Some(match bytes {
    _ if bytes.starts_with(b"\x89PNG") => "image/png",
    _ if bytes.starts_with(b"\xff\xd8\xff") => "image/jpeg",
    _ if bytes.starts_with(b"GIF8") => "image/gif",
    _ if bytes.starts_with(b"RIFF") && part(8, 12) == b"WEBP" => "image/webp",
    _ if bytes.starts_with(b"RIFF") && part(8, 12) == b"WAVE" => "audio/wav",
    _ if bytes.starts_with(b"%PDF") => "application/pdf",
    _ if bytes.starts_with(b"ID3") => "audio/mpeg",
    _ if bytes.starts_with(b"PK\x03\x04") => "application/zip",
    _ if part(4, 8) == b"ftyp" && part(8, 12) == b"avif" => "image/avif",
    _ if part(4, 8) == b"ftyp" && part(8, 11) == b"hei" => "image/heic",
    _ if part(4, 8) == b"ftyp" => "video/mp4",
    _ => return None,
  })
}

fn extension(media_type: &str) -> &str {
  let subtype = media_type.split_once('/').map_or("", |(_, subtype)| subtype);
  match subtype {
    "jpeg" => "jpg",
    "svg+xml" => "svg",
    "plain" => "txt",
    "mpeg" => "mp3",
    "markdown" => "md",
    _ if subtype.len() <= LONGEST_EXTENSION
      && subtype.bytes().all(|b| b.is_ascii_alphanumeric()) =>
    {
      subtype
    }
    _ => "bin",
  }
}
