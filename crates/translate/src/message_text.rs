//! Reads messages and run inputs, as far as spans other than the turn's show them.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::messages;
use braintrust_row::{Json, read_members};
use flue_event::RawJson;

/// The members of a message that are read here.
#[derive(Deserialize)]
struct Message<'a> {
  #[serde(borrow)]
  role: Option<&'a RawValue>,
  #[serde(borrow)]
  content: Option<&'a RawValue>,
}

/// The members of a part that are read here.
#[derive(Deserialize)]
struct Part<'a> {
  #[serde(borrow, rename = "type")]
  kind: Option<&'a RawValue>,
  #[serde(borrow)]
  text: Option<&'a RawValue>,
  #[serde(borrow, rename = "mimeType")]
  mime_type: Option<&'a RawValue>,
}

/// The elements of a list; none if the value is not one.
pub fn list(messages: RawJson<'_>) -> Vec<&RawValue> {
  messages.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

/// The members of `metadata` in a run's input. Names that begin with `flue.` are Flue's own.
pub fn run_metadata(input: RawJson<'_>) -> Vec<(String, Json)> {
  #[derive(Deserialize)]
  struct Input<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
  }
  let input = input.and_then(messages::object::<Input>);
  let members = input.and_then(|input| read_members(input.metadata?.get())).unwrap_or_default();
  let members = members.iter().filter(|(name, _)| !name.starts_with("flue."));
  members.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// The text of the last user message, beside the types of its images if it has any: the form of Flue's own
/// `agentInput`.
pub fn last_user_text(messages: RawJson<'_>) -> Option<Json> {
  let messages = list(messages);
  let message = messages
    .iter()
    .rev()
    .filter_map(|message| messages::object::<Message>(message))
    .find(|message| message.role.is_some_and(|role| role.get() == "\"user\""));
  let content = message?.content?;
  let text = text(content);
  let images: Vec<String> = parts(content).filter_map(|part| image(&part)).collect();
  if images.is_empty() {
    return text;
  }
  let text = text.unwrap_or_else(|| Json::text(""));
  let images = images.join(",");
  Some(Json::concat(&["{\"text\":", &text.as_str(), ",\"images\":[", &images, "]}"]))
}

/// The text of an assistant message, without reasoning and tool calls.
pub fn assistant_text(message: RawJson<'_>) -> Option<Json> {
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

/// An image without its data: an object with its MIME type.
fn image(part: &Part<'_>) -> Option<String> {
  let mime_type =
    part.mime_type.filter(|_| part.kind.is_some_and(|kind| kind.get() == "\"image\""))?;
  Some(format!("{{\"mimeType\":{}}}", mime_type.get()))
}
