//! The content of a message, part by part.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
  image,
  value::{elements, object, string},
};

/// One part. The pieces of text are JSON strings, as escaped.
pub struct Part<'a> {
  pub raw: &'a RawValue,
  pub kind: Kind<'a>,
}

pub enum Kind<'a> {
  Text(&'a str),
  /// What is told of it.
  Image(Cow<'a, str>),
  Thinking(Thinking<'a>),
  Call(Call<'a>),
  Other,
}

/// What a model thought.
#[derive(Clone, Copy)]
pub struct Thinking<'a> {
  pub text: Option<&'a str>,
  /// Whether the provider redacted it.
  pub redacted: bool,
}

/// A call of a tool.
#[derive(Clone, Copy)]
pub struct Call<'a> {
  pub id: Option<&'a str>,
  pub name: &'a str,
  pub arguments: Option<&'a str>,
}

/// Every member that a part may have.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Members<'a> {
  #[serde(borrow)]
  r#type: Option<&'a RawValue>,
  #[serde(borrow)]
  text: Option<&'a RawValue>,
  #[serde(borrow)]
  data: Option<&'a RawValue>,
  #[serde(borrow)]
  mime_type: Option<&'a RawValue>,
  #[serde(borrow)]
  thinking: Option<&'a RawValue>,
  #[serde(borrow)]
  redacted: Option<&'a RawValue>,
  #[serde(borrow)]
  id: Option<&'a RawValue>,
  #[serde(borrow)]
  name: Option<&'a RawValue>,
  #[serde(borrow)]
  arguments: Option<&'a RawValue>,
}

/// The parts of a content that is a list.
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
    r#""image""# => Kind::Image(image::shown(part.data?.get(), part.mime_type.map(RawValue::get))?),
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

/// Writes a text as a part.
pub fn write_text(out: &mut String, text: &str) {
  out.push_str(r#"{"type":"text","text":"#);
  out.push_str(text);
  out.push('}');
}

/// Writes a part as the chat form has it.
pub fn write(out: &mut String, part: &Part<'_>) {
  match &part.kind {
    Kind::Text(text) => write_text(out, text),
    Kind::Image(told) => {
      out.push_str(r#"{"type":"image_url","image_url":{"url":"#);
      out.push_str(told);
      out.push_str("}}");
    }
    _ => out.push_str(&image::without(part.raw.get())),
  }
}
