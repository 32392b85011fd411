//! The parts of a message's content.

use std::borrow::Cow;

use flue_event::members::raw_members;
use serde_json::value::RawValue;

use super::{
  image,
  value::{elements, object, string},
};

/// A part. Its texts are JSON strings with their quotes and escapes.
pub struct Part<'a> {
  /// Its JSON text.
  pub raw: &'a RawValue,
  /// What it is.
  pub kind: Kind<'a>,
}

/// What a part is.
pub enum Kind<'a> {
  /// A text.
  Text(&'a str),
  /// An image: its placeholder or its URL, a JSON string, or the reference to an attachment.
  Image(Cow<'a, str>),
  /// Reasoning of a model.
  Thinking(Thinking<'a>),
  /// A call of a tool.
  Call(Call<'a>),
  /// Anything else.
  Other,
}

/// Reasoning of a model.
#[derive(Clone, Copy)]
pub struct Thinking<'a> {
  /// Its text; `None` when it is empty.
  pub text: Option<&'a str>,
  /// Whether the provider redacted it.
  pub redacted: bool,
}

/// A call of a tool.
#[derive(Clone, Copy)]
pub struct Call<'a> {
  /// The id of the call.
  pub id: Option<&'a str>,
  /// The name of the tool.
  pub name: &'a str,
  /// The arguments, a JSON value.
  pub arguments: Option<&'a str>,
}

raw_members! {
  /// The members of a part of any kind.
  Members { r#type = "type", text, data, mime_type = "mimeType", thinking, redacted, id, name, arguments }
}

/// The parts of a content; `None` when it is not a list.
pub fn parts(content: &RawValue) -> Option<Vec<Part<'_>>> {
  let parts = elements(content)?.into_iter().map(|raw| Part {
    kind: object(raw).and_then(|members| kind(&members)).unwrap_or(Kind::Other),
    raw,
  });
  Some(parts.collect())
}

fn kind<'a>(part: &Members<'a>) -> Option<Kind<'a>> {
  Some(match part.r#type?.get() {
    r#""text""# => Kind::Text(string(part.text)?),
    r#""image""# => {
      Kind::Image(image::chat_url(part.data?.get(), part.mime_type.map(RawValue::get))?)
    }
    r#""thinking""# => Kind::Thinking(Thinking {
      text: string(part.thinking).filter(|text| *text != r#""""#),
      redacted: part.redacted.is_some_and(|flag| flag.get() == "true"),
    }),
    r#""toolCall""# => Kind::Call(Call {
      id: part.id.map(RawValue::get),
      name: string(part.name)?,
      arguments: part.arguments.map(RawValue::get),
    }),
    _ => return None,
  })
}

/// Writes a part that is a text.
pub fn write_text(out: &mut String, text: &str) {
  out.push_str(r#"{"type":"text","text":"#);
  out.push_str(text);
  out.push('}');
}

/// Writes a part in the chat form.
pub fn write(out: &mut String, part: &Part<'_>) {
  match &part.kind {
    Kind::Text(text) => write_text(out, text),
    Kind::Image(url) => {
      out.push_str(r#"{"type":"image_url","image_url":{"url":"#);
      out.push_str(url);
      out.push_str("}}");
    }
    _ => out.push_str(&image::without(part.raw.get())),
  }
}
