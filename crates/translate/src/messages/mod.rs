//! Inputs and outputs of models, in the message form that Braintrust displays best.
//!
//! Braintrust requires OpenAI chat completions where it does not know the provider's form, and it does not know
//! Flue's. Values without a chat form (an unknown role, an unknown part, anything but a message) are copied
//! unchanged.
//!
//! - **Thinking** becomes `reasoning: [{content}]` of the assistant's message, the extension in Braintrust's chat
//!   schema. (The `summary` items of its rules belong to OpenAI's Responses API, where reasoning is beside
//!   messages.) Reasoning that the provider redacted has `redacted: true`. Signatures are omitted.
//! - **A tool's message** is text, as the chat form requires, or a list of parts if one of them is an attachment. That
//!   of a failed call has `is_error: true`.
//! - **Images** are never sent: a placeholder with type and size replaces the bytes, in both forms and at any
//!   depth. References to attachments stay.
//!
//! Nothing here fails. Texts are copied with their escapes and never unescaped. The files, each of which imports only
//! those above it: `value` and `write` (JSON), `walk` (objects of a text), `image`, `content` (parts of messages),
//! `message`, `tools`.

mod content;
mod image;
mod message;
mod tools;
mod value;
pub(crate) mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

use braintrust_row::Json;
use flue_event::RawJson;

use self::{
  value::{elements, present},
  write::ListWriter,
};
pub use value::object;

/// The form of messages in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
  /// OpenAI chat completions, which Braintrust displays best.
  #[default]
  OpenAi,
  /// Flue's form, unchanged.
  Flue,
}

/// The input of a model: the system prompt as the first message, then the conversation. `None` when there is
/// neither.
pub fn input(form: Form, system_prompt: RawJson<'_>, messages: RawJson<'_>) -> Option<Json> {
  let (prompt, messages) = (present(system_prompt), present(messages));
  match messages.map(|messages| (messages, elements(messages))) {
    None => prompt.map(|prompt| input_of(form, Some(prompt), None, &[])),
    // Messages that are not a list become one message after the prompt.
    Some((messages, None)) if prompt.is_some() => Some(input_of(form, prompt, None, &[messages])),
    Some((messages, None)) => Some(without_images(messages)),
    Some((messages, Some(_))) if form == Form::Flue && prompt.is_none() => {
      Some(without_images(messages))
    }
    Some((_, Some(messages))) => Some(input_of(form, prompt, None, &messages)),
  }
}

/// The input of a model with some messages of the conversation. `note` is a message in their form, before them.
pub fn input_of(
  form: Form,
  system_prompt: RawJson<'_>,
  note: Option<&str>,
  messages: &[&RawValue],
) -> Json {
  let prompt = present(system_prompt);
  let texts = messages.iter().chain(&prompt);
  let size: usize = texts.map(|text| text.get().len()).sum();
  let mut list = ListWriter::with_capacity(size + size / 4 + 64);
  if let Some(prompt) = prompt {
    write_system(list.next(), prompt);
  }
  if let Some(note) = note {
    list.next().push_str(note);
  }
  for message in messages {
    write_message(form, list.next(), message);
  }
  list.end()
}

/// A message, as [`input`] writes it.
pub fn message(form: Form, message: &RawValue) -> String {
  let mut out = String::with_capacity(message.get().len() * 5 / 4);
  write_message(form, &mut out, message);
  out
}

/// The message of the system prompt, as [`input`] writes it; `None` without a prompt.
pub fn system(prompt: RawJson<'_>) -> Option<String> {
  let mut out = String::new();
  write_system(&mut out, present(prompt)?);
  Some(out)
}

fn write_system(out: &mut String, prompt: &RawValue) {
  out.push_str(r#"{"role":"system","content":"#);
  out.push_str(prompt.get());
  out.push('}');
}

fn write_message(form: Form, out: &mut String, message: &RawValue) {
  match form {
    Form::OpenAi => message::write(out, message),
    Form::Flue => out.push_str(&image::without(message.get())),
  }
}

/// The output of a model, in the chat form a list of one choice. `None` when there is no output.
pub fn output(form: Form, output: RawJson<'_>, finish_reason: Option<&str>) -> Option<Json> {
  let output = present(output)?;
  if form == Form::Flue || !output.get().starts_with('{') {
    return Some(without_images(output));
  }
  let mut out = String::with_capacity(output.get().len() * 5 / 4 + 128);
  out.push_str(r#"[{"index":0,"finish_reason":"#);
  match finish_reason {
    Some("toolUse") => out.push_str(r#""tool_calls""#),
    // `stop` and `length` have the same names; `error` and `aborted` have none in the chat form.
    Some(reason) => out.push_str(&Json::text(reason).as_str()),
    None => out.push_str("null"),
  }
  out.push_str(r#","message":"#);
  message::write_response(&mut out, output);
  out.push_str("}]");
  Some(Json::concat(&[&out]))
}

/// The tools that the model could call; `None` when there were none.
pub fn tools(form: Form, tools: RawJson<'_>) -> Option<Json> {
  let tools = present(tools)?;
  let Some(all) = elements(tools) else { return Some(Json::raw(tools)) };
  if all.is_empty() {
    return None;
  }
  if form == Form::Flue {
    return Some(Json::raw(tools));
  }
  let mut list = ListWriter::with_capacity(tools.get().len() + all.len() * 32);
  for tool in all {
    tools::write(list.next(), tool);
  }
  Some(list.end())
}

/// A value with the bytes of images replaced by placeholders. All other bytes are unchanged.
pub fn without_images(value: &RawValue) -> Json {
  match image::without(value.get()) {
    Cow::Borrowed(_) => Json::raw(value),
    Cow::Owned(text) => Json::concat(&[&text]),
  }
}
