//! Reading messages, as far as the trace around them needs it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{event::Payload, span::Json};

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
  #[serde(borrow)]
  text: Option<&'a RawValue>,
}

/// The messages of a list; none when it is no list.
pub fn list(messages: Payload<'_>) -> Vec<&RawValue> {
  messages.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

/// What the user said last.
pub fn last_user_text(messages: Payload<'_>) -> Option<Json> {
  let messages = list(messages);
  let said = messages
    .iter()
    .rev()
    .filter_map(|message| read(message))
    .find(|message| message.role.is_some_and(|role| role.get() == "\"user\""));
  text(said?.content?)
}

/// What an assistant message says, without its thoughts and calls.
pub fn text_of(message: Payload<'_>) -> Option<Json> {
  text(read(message?)?.content?)
}

fn read(message: &RawValue) -> Option<Message<'_>> {
  serde_json::from_str(message.get()).ok()
}

/// The text of a content: a string, or the text parts of a list.
fn text(content: &RawValue) -> Option<Json> {
  if content.get().starts_with('"') {
    return Some(Json::raw(content));
  }
  let parts: Vec<Part> = serde_json::from_str(content.get()).ok()?;
  let texts = parts.iter().filter_map(|part| serde_json::from_str::<String>(part.text?.get()).ok());
  let texts: Vec<String> = texts.collect();
  (!texts.is_empty()).then(|| Json::text(&texts.join("\n")))
}
