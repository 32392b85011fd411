//! Replaces base64 content and lists of bytes in the JSON text of an event by placeholders, or by references to
//! attachments.
//!
//! Applied to the text of an event before it is read, so no span, snapshot or spool file has the content. It covers
//! the shapes of Flue, Anthropic, OpenAI, the AI SDK, MCP, Gemini and Bedrock at any depth, also in JSON text inside
//! strings, and base64 in any other text. The text of most events has none, and costs one fast search.
//!
//! The reference to an attachment is an object, which replaces a value that is nothing but content where an object may
//! stand (`context`), also in JSON text inside strings. Elsewhere the placeholder has the key of the attachment.
//!
//! The files, each of which imports only those above it: `runs` (what base64 is), `context` (what surrounds it),
//! `placeholder`, `base64` (what of it is content).

mod base64;
mod context;
mod placeholder;
mod runs;

use std::{borrow::Cow, mem, ops::Range};

use braintrust_row::{
  Json,
  scan::{Container, Malformed, Scanner, Step, Token},
  string::{content, unescaped, without_halves},
};

use self::{
  base64::Replaced,
  context::{Content, Context, Name, Position, SHORTEST, takes_object},
  placeholder::{Replacement, Replacer},
};
use super::messages::walk::{Edit, replace};

pub use self::placeholder::Attach;

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

/// The `type` of objects that have opaque data of a provider.
const OPAQUE_TYPES: [&str; 4] =
  ["redacted_thinking", "redacted-reasoning", "reasoning.encrypted", "encrypted_reasoning"];

/// The JSON text of an event without base64 content. A text that is not JSON is returned as it is.
pub fn without_payloads(text: &str) -> Cow<'_, str> {
  rewritten(text, 0, &mut Replacer::new(None))
    .ok()
    .flatten()
    .map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The same with references to attachments, which `attach` takes. Where it refuses one, or redaction changes the text, a
/// placeholder stands. The attachments of a text that turns out not to be JSON have been taken as well.
pub fn with_attachments<'a>(text: &'a str, attach: &mut dyn Attach) -> Cow<'a, str> {
  let mut replacer = Replacer::new(Some(attach));
  rewritten(text, 0, &mut replacer).ok().flatten().map_or(Cow::Borrowed(text), Cow::Owned)
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
  /// Their numbers, of an object whose members are not in their order.
  numbers: Vec<usize>,
}

impl<'a> Frame<'a> {
  fn new(container: Container, start: usize) -> Self {
    Self {
      container,
      start,
      name: Cow::Borrowed(""),
      context: Context::default(),
      values: Vec::new(),
      bytes: Some(Vec::new()),
      numbers: Vec::new(),
    }
  }

  /// Notes a string in it. `outer`: what it is in, if it is a list.
  fn note_string(&mut self, token: &'a str, range: Range<usize>, outer: Option<&Self>) {
    self.bytes = None;
    if self.container == Container::Object {
      note_context(&mut self.context, &self.name, token);
    }
    let name = Name::of(&self.name);
    if range.len() > SHORTEST && may_have_content(token, name) {
      let takes_object = takes_object(outer.map_or(&self.name, |outer| &outer.name));
      let position = Position { name, takes_object };
      self.values.push(Candidate { range, position, bytes: None, is_stated: false });
    }
  }

  fn note_scalar(&mut self, scalar: &str) {
    let Some(bytes) = &mut self.bytes else { return };
    let number = match self.container {
      Container::List => Some(bytes.len()),
      Container::Object => self.name.parse().ok(),
    };
    let (Ok(byte), Some(number)) = (scalar.parse(), number) else {
      self.bytes = None;
      return;
    };
    if number != bytes.len() && self.numbers.is_empty() {
      self.numbers.extend(0..bytes.len());
    }
    if number != bytes.len() || !self.numbers.is_empty() {
      self.numbers.push(number);
    }
    bytes.push(byte);
  }

  /// The bytes in their order; `None` when it is not a list of bytes, or too short.
  fn into_bytes(self) -> Option<Vec<u8>> {
    let bytes = self.bytes.filter(|bytes| bytes.len() >= SHORTEST_LIST)?;
    if self.numbers.is_empty() {
      return Some(bytes);
    }
    let mut ordered = vec![None; bytes.len()];
    for (number, byte) in self.numbers.into_iter().zip(bytes) {
      *ordered.get_mut(number)? = Some(byte);
    }
    ordered.into_iter().collect()
  }
}

/// A value that may be content.
struct Candidate {
  range: Range<usize>,
  position: Position,
  /// The bytes of a list of bytes; `None` for a string.
  bytes: Option<Vec<u8>>,
  /// Whether its name states that it is a list of bytes.
  is_stated: bool,
}

/// The rewritten text; `None` when nothing changes.
fn rewritten(
  text: &str,
  depth: usize,
  replacer: &mut Replacer<'_>,
) -> Result<Option<String>, Malformed> {
  let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
  let mut scanner = Scanner::new(text);
  let mut open: Vec<Frame<'_>> = Vec::new();
  let mut edits = Vec::new();
  while let Some(Step { token, range }) = scanner.next_step()? {
    match token {
      Token::Open(container) => open.push(Frame::new(container, range.start)),
      Token::Close(_) => {
        let Some(mut frame) = open.pop() else { continue };
        for candidate in mem::take(&mut frame.values) {
          edits.extend(edit(text, candidate, &frame.context, depth, replacer)?);
        }
        if let Some(outer) = open.last_mut() {
          outer.bytes = None;
          let start = frame.start;
          if let Some(bytes) = frame.into_bytes() {
            let position =
              Position { name: Name::of(&outer.name), takes_object: takes_object(&outer.name) };
            let range = start..range.end;
            let is_stated = outer.name == "bytes";
            outer.values.push(Candidate { range, position, bytes: Some(bytes), is_stated });
          }
        }
      }
      Token::Name => {
        if let Some(frame) = open.last_mut() {
          frame.name = unescaped(part(&range));
          let context = Context::default();
          if let Some(new) = base64::without(&frame.name, Position::TEXT, &context, replacer) {
            edits.push(Edit { range, new: json(new) });
          }
        }
      }
      Token::Scalar => {
        if let Some(frame) = open.last_mut() {
          frame.note_scalar(part(&range));
        }
      }
      Token::String => {
        let Some((frame, around)) = open.split_last_mut() else {
          // A string as the whole of a JSON text.
          let position = Position { takes_object: depth > 0, ..Position::TEXT };
          let candidate = Candidate { range, position, bytes: None, is_stated: false };
          edits.extend(edit(text, candidate, &Context::default(), depth, replacer)?);
          continue;
        };
        let outer = around.last().filter(|_| frame.container == Container::List);
        frame.note_string(part(&range), range, outer);
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
fn note_context<'a>(context: &mut Context<'a>, name: &str, token: &'a str) {
  let value = || content(token).unwrap_or_default();
  match name {
    "type" | "kind" => {
      let kind = value();
      context.has_content |= CONTENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind));
      context.is_image |= kind.contains("image");
      context.is_opaque |= OPAQUE_TYPES.contains(&kind);
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
  replacer: &mut Replacer<'_>,
) -> Result<Option<Edit>, Malformed> {
  let Candidate { range, mut position, bytes, is_stated } = candidate;
  let new = if let Some(bytes) = bytes {
    let is_content = is_stated || (context.has_content && position.name == Name::Content);
    is_content.then(|| {
      let Replacement { text, reference } =
        replacer.of(Content { bytes, is_decoded: true }, context);
      reference.filter(|_| position.takes_object).map_or(Replaced::Text(text), Replaced::Reference)
    })
  } else {
    if context.is_opaque && position.name == Name::Content {
      position.name = Name::Opaque;
    }
    let string = decoded(text.get(range.clone()).unwrap_or_default())?;
    without(&string, position, context, depth, replacer)
  };
  Ok(new.map(|new| Edit { range, new: json(new) }))
}

fn json(new: Replaced) -> String {
  match new {
    Replaced::Text(text) => Json::text(&text).as_str().into_owned(),
    Replaced::Reference(reference) => reference,
  }
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

/// What a string without content is; `None` when it has none.
fn without(
  text: &str,
  position: Position,
  context: &Context<'_>,
  depth: usize,
  replacer: &mut Replacer<'_>,
) -> Option<Replaced> {
  if depth < DEEPEST_TEXT
    && is_like_json(text)
    && let Ok(inner) = replacer.within_json(text, |replacer| rewritten(text, depth + 1, replacer))
  {
    return inner.map(Replaced::Text);
  }
  base64::without(text, position, context, replacer)
}

#[cfg(test)]
mod tests;
