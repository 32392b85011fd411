//! Reading messages, as far as the trace around them needs it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::messages;
use braintrust_row::Json;
use flue_event::Payload;

/// A message, as far as it matters here.
#[derive(Deserialize)]
struct Message<'a> {
  #[serde(borrow)]
  role: Option<&'a RawValue>,
  #[serde(borrow)]
  content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
  #[serde(borrow, rename = "type")]
  kind: Option<&'a RawValue>,
  #[serde(borrow)]
  text: Option<&'a RawValue>,
  #[serde(borrow, rename = "mimeType")]
  mime_type: Option<&'a RawValue>,
}

/// The messages of a list; none when it is no list.
pub fn list(messages: Payload<'_>) -> Vec<&RawValue> {
  messages.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

/// The members of an input's `metadata`: facts that whoever started a run wants on its spans.
pub fn metadata(input: Payload<'_>) -> Vec<(String, Json)> {
  #[derive(Deserialize)]
  struct Input<'a> {
    #[serde(borrow)]
    metadata: Option<HashMap<String, &'a RawValue>>,
  }
  let input = input.and_then(messages::object::<Input>);
  let members = input.and_then(|input| input.metadata).unwrap_or_default();
  let mut members: Vec<_> =
    members.into_iter().map(|(name, value)| (name, Json::raw(value))).collect();
  members.sort_by(|(a, _), (b, _)| a.cmp(b));
  members
}

/// What the user said last, as Flue itself tells it where it does: the text, beside the types of images
/// if there are any.
pub fn last_user_text(messages: Payload<'_>) -> Option<Json> {
  let messages = list(messages);
  let said = messages
    .iter()
    .rev()
    .filter_map(|message| messages::object::<Message>(message))
    .find(|message| message.role.is_some_and(|role| role.get() == "\"user\""));
  let content = said?.content?;
  let said = text(content);
  let images: Vec<String> = parts(content).filter_map(|part| image(&part)).collect();
  if images.is_empty() {
    return said;
  }
  let said = said.unwrap_or_else(|| Json::text(""));
  let images = images.join(",");
  Some(Json::concat(&["{\"text\":", &said.as_str(), ",\"images\":[", &images, "]}"]))
}

/// What an assistant message says, without its thoughts and calls.
pub fn text_of(message: Payload<'_>) -> Option<Json> {
  text(messages::object::<Message>(message?)?.content?)
}

/// The text of a content: a string, or the text parts of a list.
fn text(content: &RawValue) -> Option<Json> {
  if content.get().starts_with('"') {
    return Some(Json::raw(content));
  }
  let texts = parts(content).filter_map(|part| serde_json::from_str(part.text?.get()).ok());
  let texts: Vec<String> = texts.collect();
  (!texts.is_empty()).then(|| Json::text(&texts.join("\n")))
}

fn parts(content: &RawValue) -> impl Iterator<Item = Part<'_>> {
  list(Some(content)).into_iter().filter_map(messages::object)
}

/// What is told of an image.
fn image(part: &Part<'_>) -> Option<String> {
  let mime_type =
    part.mime_type.filter(|_| part.kind.is_some_and(|kind| kind.get() == "\"image\""))?;
  Some(format!("{{\"mimeType\":{}}}", mime_type.get()))
}
