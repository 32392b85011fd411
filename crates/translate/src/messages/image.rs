//! The bytes of images, and what is said in their place.
//!
//! Flue 0.8 and 0.10 hand out the bytes as base64; later releases put a placeholder of their own.

use std::{borrow::Cow, ops::Range};

use braintrust_row::string::content;

use super::walk::{Edit, Step, replace, walk};

/// What Flue puts where the bytes were.
const FLUES: &str = r#""[image data omitted from event]""#;
/// Placeholders are short. Longer than this, it is no placeholder whatever it begins with.
const LONGEST_PLACEHOLDER: usize = 200;
/// Without a media type beside it, only so long a run of base64 letters counts as bytes.
const SHORTEST_BYTES: usize = 64;

/// The JSON text without the bytes of images: of any `{type: 'image', data, mimeType}` in it.
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

/// What is known of an object so far.
#[derive(Default)]
struct Seen {
  image: bool,
  data: Option<Range<usize>>,
  mime: Option<Range<usize>>,
}

/// The JSON string that stands for an image in the chat form; `None` when `data` is no text.
pub fn shown<'a>(data: &'a str, mime: Option<&str>) -> Option<Cow<'a, str>> {
  if let Some(placeholder) = placeholder(data, mime) {
    return Some(Cow::Owned(placeholder));
  }
  if data == FLUES {
    return Some(Cow::Owned(told(mime, None)));
  }
  data.starts_with('"').then_some(Cow::Borrowed(data))
}

/// The JSON string to put in the place of `data` if that has bytes. Both are JSON values.
fn placeholder(data: &str, mime: Option<&str>) -> Option<String> {
  let Some(text) = content(data) else {
    // A list or object of bytes.
    return data.starts_with(['[', '{']).then(|| told(mime, None));
  };
  // No base64 begins with a bracket.
  if text.is_empty() || (text.starts_with('[') && text.len() <= LONGEST_PLACEHOLDER) {
    return None;
  }
  let encoded = text.split_once(";base64,").map(|(_, encoded)| encoded);
  let bytes = encoded.is_some()
    || mime.and_then(content).is_some()
    || (text.len() >= SHORTEST_BYTES && text.bytes().all(is_base64));
  let size = encoded.unwrap_or(text).trim_end_matches('=').len() * 3 / 4;
  bytes.then(|| told(mime, Some(size)))
}

fn is_base64(byte: u8) -> bool {
  byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn told(mime: Option<&str>, size: Option<usize>) -> String {
  // Any longer one is no media type.
  let mime = mime.and_then(content).filter(|mime| mime.len() <= 100);
  let size = size.map(|size| format!("{size} bytes"));
  let facts: Vec<&str> = mime.into_iter().chain(size.as_deref()).collect();
  match facts.as_slice() {
    [] => r#""[image data omitted]""#.to_owned(),
    facts => format!(r#""[image data omitted: {}]""#, facts.join(", ")),
  }
}
