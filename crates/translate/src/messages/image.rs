//! Replaces the bytes of images by placeholders.
//!
//! Events of Flue 0.8 and 0.10 contain the bytes as base64. Those of later releases contain Flue's placeholder.

use std::{borrow::Cow, ops::Range};

use braintrust_row::string::content;

use super::walk::{Edit, Step, replace, walk};
use crate::attachment::REFERENCE_START;

/// Flue's placeholder.
const FLUE_PLACEHOLDER: &str = r#""[image data omitted from event]""#;
/// The longest placeholder, in bytes. A longer text is not a placeholder.
const LONGEST_PLACEHOLDER: usize = 260;
/// The shortest base64 text that counts as bytes when there is no media type, in bytes.
const SHORTEST_BYTES: usize = 64;

/// The JSON text with the bytes of images, of any `{type: 'image', data, mimeType}` in it, replaced by placeholders.
pub fn without(text: &str) -> Cow<'_, str> {
  if !text.contains(r#""image""#) {
    return Cow::Borrowed(text);
  }
  let part = |range: Range<usize>| text.get(range).unwrap_or_default();
  let mut open: Vec<Seen> = Vec::new();
  let mut edits = Vec::new();
  walk(text, |step| match step {
    Step::Open => open.push(Seen::default()),
    Step::Member(member) => {
      if let Some(seen) = open.last_mut() {
        match member.name {
          "type" => seen.image = part(member.value) == r#""image""#,
          "data" => seen.data = Some(member.value),
          "mimeType" => seen.mime = Some(member.value),
          _ => {}
        }
      }
    }
    Step::Close => {
      if let Some(Seen { image: true, data: Some(data), mime }) = open.pop()
        && let Some(placeholder) = placeholder(part(data.clone()), mime.map(part))
      {
        edits.push(Edit { range: data, new: placeholder });
      }
    }
  });
  if edits.is_empty() {
    return Cow::Borrowed(text);
  }
  Cow::Owned(replace(text, edits))
}

/// The members of an object that were found so far.
#[derive(Default)]
struct Seen {
  image: bool,
  data: Option<Range<usize>>,
  mime: Option<Range<usize>>,
}

/// The JSON for the URL of an image in the chat form: the placeholder, or `data` itself. `None` when `data` is neither
/// a string nor a reference to an attachment.
pub fn chat_url<'a>(data: &'a str, mime: Option<&str>) -> Option<Cow<'a, str>> {
  if let Some(placeholder) = placeholder(data, mime) {
    return Some(Cow::Owned(placeholder));
  }
  if data == FLUE_PLACEHOLDER {
    return Some(Cow::Owned(placeholder_text(mime, None)));
  }
  (data.starts_with('"') || is_reference(data)).then_some(Cow::Borrowed(data))
}

/// Whether a JSON value is the reference to an attachment.
pub fn is_reference(value: &str) -> bool {
  value.starts_with(REFERENCE_START)
}

/// The placeholder for `data`, as a JSON string; `None` when `data` has no bytes. Both arguments are JSON values.
fn placeholder(data: &str, mime: Option<&str>) -> Option<String> {
  let Some(text) = content(data) else {
    // A list or object of bytes.
    let is_bytes = data.starts_with(['[', '{']) && !is_reference(data);
    return is_bytes.then(|| placeholder_text(mime, None));
  };
  // Base64 has no brackets, so this is a placeholder.
  if text.is_empty() || (text.starts_with('[') && text.len() <= LONGEST_PLACEHOLDER) {
    return None;
  }
  let encoded = text.split_once(";base64,").map(|(_, encoded)| encoded);
  let bytes = encoded.is_some()
    || mime.and_then(content).is_some()
    || (text.len() >= SHORTEST_BYTES && text.bytes().all(is_base64));
  let size = encoded.unwrap_or(text).trim_end_matches('=').len() * 3 / 4;
  bytes.then(|| placeholder_text(mime, Some(size)))
}

fn is_base64(byte: u8) -> bool {
  byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// A placeholder with the media type and the size in bytes, as far as they are known.
fn placeholder_text(mime: Option<&str>, size: Option<usize>) -> String {
  // A longer text is not a media type.
  let mime = mime.and_then(content).filter(|mime| mime.len() <= 100);
  let size = size.map(|size| format!("{size} bytes"));
  let details: Vec<&str> = mime.into_iter().chain(size.as_deref()).collect();
  match details.as_slice() {
    [] => r#""[image data omitted]""#.to_owned(),
    details => format!(r#""[image data omitted: {}]""#, details.join(", ")),
  }
}
