//! Replaces base64 content and lists of bytes in the JSON text of an event by placeholders.
//!
//! Applied to the text of an event before it is read, so no span, snapshot or spool file has the content. It covers
//! the shapes of Flue, Anthropic, OpenAI, the AI SDK, MCP, Gemini and Bedrock at any depth, also in JSON text inside
//! strings, and base64 in any other text. The text of most events has none, and costs one fast search.
//!
//! The files, each of which imports only those above it: `runs` (what base64 is), `context` (what surrounds it),
//! `placeholder`, `base64` (what of it is content).

mod base64;
mod context;
mod placeholder;
mod runs;

use std::{borrow::Cow, ops::Range};

use braintrust_row::{
  Json,
  scan::{Container, Malformed, Scanner, Step, Token},
  string::{content, unescaped, without_halves},
};

use self::context::{Context, Name, SHORTEST};
use super::messages::walk::{Edit, replace};

/// How many levels of JSON inside JSON strings are read with their structure. Each level doubles the escapes. Deeper
/// text is searched for base64 as plain text.
const DEEPEST_TEXT: usize = 8;
/// The shortest list of bytes that counts as content, in bytes.
const SHORTEST_LIST: usize = 16;
/// The `type` of an object whose members have content.
const CONTENT_TYPES: [&str; 17] = [
  "audio",
  "base64",
  "blob",
  "buffer",
  "document",
  "file",
  "file-data",
  "image",
  "image-data",
  "image_generation_call",
  "image_url",
  "input_audio",
  "input_file",
  "input_image",
  "media",
  "resource",
  "video",
];
/// The values of `format` beside content: OpenAI's audio, Bedrock's images.
const FORMATS: [&str; 9] = ["wav", "mp3", "flac", "opus", "pcm16", "png", "jpeg", "gif", "webp"];

/// The JSON text of an event without base64 content. A text that is not JSON is returned as it is.
pub fn without_payloads(text: &str) -> Cow<'_, str> {
  rewritten(text, 0).ok().flatten().map_or(Cow::Borrowed(text), Cow::Owned)
}

/// An object or list that is open.
struct Frame<'a> {
  container: Container,
  start: usize,
  name: Cow<'a, str>,
  context: Context<'a>,
  /// The values that may be content; known when all members are.
  values: Vec<Candidate>,
  /// The bytes so far; `None` when something else is in it.
  bytes: Option<Vec<u8>>,
}

/// A value that may be content.
struct Candidate {
  range: Range<usize>,
  name: Name,
  /// The bytes of a list of bytes; `None` for a string.
  bytes: Option<Vec<u8>>,
}

fn rewritten(text: &str, depth: usize) -> Result<Option<String>, Malformed> {
  let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
  let mut scanner = Scanner::new(text);
  let mut open: Vec<Frame<'_>> = Vec::new();
  let mut edits = Vec::new();
  while let Some(Step { token, range }) = scanner.next_step()? {
    match token {
      Token::Open(container) => open.push(Frame {
        container,
        start: range.start,
        name: Cow::Borrowed(""),
        context: Context::default(),
        values: Vec::new(),
        bytes: Some(Vec::new()),
      }),
      Token::Close(_) => {
        let Some(frame) = open.pop() else { continue };
        for candidate in frame.values {
          edits.extend(edit(text, candidate, &frame.context, depth)?);
        }
        if let Some(outer) = open.last_mut() {
          outer.bytes = None;
          if let Some(bytes) = frame.bytes.filter(|bytes| bytes.len() >= SHORTEST_LIST) {
            let name = Name::of(&outer.name);
            let range = frame.start..range.end;
            outer.values.push(Candidate { range, name, bytes: Some(bytes) });
          }
        }
      }
      Token::Name => {
        if let Some(frame) = open.last_mut() {
          frame.name = unescaped(part(&range));
          if let Some(new) = base64::without(&frame.name, Name::Other, &Context::default()) {
            edits.push(Edit { range, new: Json::text(&new).as_str().into_owned() });
          }
        }
      }
      Token::Scalar => {
        if let Some(frame) = open.last_mut() {
          match (part(&range).parse(), &mut frame.bytes) {
            (Ok(byte), Some(bytes)) => bytes.push(byte),
            _ => frame.bytes = None,
          }
        }
      }
      Token::String => {
        let Some(frame) = open.last_mut() else {
          let candidate = Candidate { range, name: Name::Other, bytes: None };
          edits.extend(edit(text, candidate, &Context::default(), depth)?);
          continue;
        };
        frame.bytes = None;
        if frame.container == Container::Object {
          note(&mut frame.context, &frame.name, part(&range));
        }
        if range.len() > SHORTEST {
          let name = Name::of(&frame.name);
          if may_have_content(part(&range), name) {
            frame.values.push(Candidate { range, name, bytes: None });
          }
        }
      }
    }
  }
  Ok((!edits.is_empty()).then(|| replace(text, edits)))
}

/// Whether a string, with its quotes and escapes, may have content. Fast, because it is asked of every string.
fn may_have_content(token: &str, name: Name) -> bool {
  content(token).is_some_and(|text| is_like_json(text) || base64::is_possible(text, name))
}

/// Whether a text, with or without escapes, begins as JSON with members or items does.
fn is_like_json(text: &str) -> bool {
  text.trim_ascii_start().starts_with(['{', '[', '"', '\\'])
}

/// Notes what a member states about the content beside it.
fn note<'a>(context: &mut Context<'a>, name: &str, token: &'a str) {
  let value = || content(token).unwrap_or_default();
  match name {
    "type" | "kind" => {
      let kind = value();
      context.has_content |= CONTENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind));
      context.is_image |= kind.contains("image");
    }
    "mimeType" | "mime_type" | "mediaType" | "media_type" | "contentType" | "content_type"
      if value().contains('/') =>
    {
      context.is_image |= value().starts_with("image/");
      context.media_type = Some(unescaped(token));
      context.has_content = true;
    }
    "format" => context.has_content |= FORMATS.contains(&value()),
    _ => {}
  }
}

/// The edit that removes content from a value; `None` when it has none.
fn edit(
  text: &str,
  candidate: Candidate,
  context: &Context<'_>,
  depth: usize,
) -> Result<Option<Edit>, Malformed> {
  let Candidate { range, name, bytes } = candidate;
  let new = if let Some(bytes) = bytes {
    let is_content = context.has_content && name == Name::Content;
    is_content.then(|| placeholder::of(&bytes, context))
  } else {
    let string = decoded(text.get(range.clone()).unwrap_or_default())?;
    without(&string, name, context, depth)
  };
  Ok(new.map(|new| Edit { range, new: Json::text(&new).as_str().into_owned() }))
}

/// The text that a string stands for. Fails on one that no JSON parser accepts.
fn decoded(token: &str) -> Result<Cow<'_, str>, Malformed> {
  let inside = content(token).ok_or(Malformed)?;
  if !inside.contains('\\') {
    return Ok(Cow::Borrowed(inside));
  }
  let text = serde_json::from_str(token).or_else(|_| serde_json::from_str(&without_halves(token)));
  text.map(Cow::Owned).map_err(|_| Malformed)
}

/// The text of a string without content; `None` when it has none.
fn without(text: &str, name: Name, context: &Context<'_>, depth: usize) -> Option<String> {
  if depth < DEEPEST_TEXT
    && is_like_json(text)
    && let Ok(inner) = rewritten(text, depth + 1)
  {
    return inner;
  }
  base64::without(text, name, context)
}

#[cfg(test)]
mod tests;
