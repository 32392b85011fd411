//! What the model read and wrote, in the form in which Braintrust shows it best.
//!
//! Owns the chat form: Braintrust's rules ask for OpenAI chat completions wherever it does not know the
//! provider's own form, and Flue's form is nobody's. What has no place there (an unknown role, an
//! unknown part, something that is no message at all) is written as it came.
//!
//! - **Thinking** becomes `reasoning: [{content}]` on the assistant's message, because that is the one
//!   extension Braintrust's chat schema has for it; the `summary` items of its rules belong to OpenAI's
//!   other API, where reasoning stands beside messages instead of in them. What the provider redacted
//!   carries `redacted: true`. Signatures are for the provider alone and are left out.
//! - **A tool's message** is always text, as the chat form wants; a failed one carries `is_error: true`.
//! - **Images** are told, never sent: a placeholder with type and size stands where the bytes were, in
//!   both forms and at any depth.
//!
//! Pure, and it never fails. Texts are copied as they were escaped, not read.

mod content;
mod image;
mod message;
mod tools;
mod value;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

use braintrust_row::Json;
use flue_event::Payload;

use self::{
  value::{elements, present},
  write::List,
};
pub use value::object;

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
  /// OpenAI chat completions, which Braintrust shows best.
  #[default]
  OpenAi,
  /// As Flue has them.
  Flue,
}

/// What the model read: the system prompt as the first message, then the conversation.
pub fn input(form: Form, system_prompt: Payload<'_>, messages: Payload<'_>) -> Option<Json> {
  let (prompt, messages) = (present(system_prompt), present(messages));
  match messages.map(|messages| (messages, elements(messages))) {
    None => prompt.map(|prompt| input_of(form, Some(prompt), &[])),
    // A prompt cannot stand in front of what is no list, only beside it.
    Some((messages, None)) if prompt.is_some() => Some(input_of(form, prompt, &[messages])),
    Some((messages, None)) => Some(without_images(messages)),
    Some((messages, Some(_))) if form == Form::Flue && prompt.is_none() => {
      Some(without_images(messages))
    }
    Some((_, Some(messages))) => Some(input_of(form, prompt, &messages)),
  }
}

/// The same of some of the conversation's messages.
pub fn input_of(form: Form, system_prompt: Payload<'_>, messages: &[&RawValue]) -> Json {
  let prompt = present(system_prompt);
  let texts = messages.iter().chain(&prompt);
  let size: usize = texts.map(|text| text.get().len()).sum();
  let mut list = List::with_capacity(size + size / 4 + 64);
  if let Some(prompt) = prompt {
    write_system(list.next(), prompt);
  }
  for message in messages {
    write_message(form, list.next(), message);
  }
  list.end()
}

/// One message, as it stands in [`input`].
pub fn message(form: Form, message: &RawValue) -> String {
  let mut out = String::with_capacity(message.get().len() * 5 / 4);
  write_message(form, &mut out, message);
  out
}

/// The system prompt, as it stands in [`input`]; `None` when there is none.
pub fn system(prompt: Payload<'_>) -> Option<String> {
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

/// What the model wrote: in the chat form a list of one choice.
pub fn output(form: Form, output: Payload<'_>, finish_reason: Option<&str>) -> Option<Json> {
  let output = present(output)?;
  if form == Form::Flue || !output.get().starts_with('{') {
    return Some(without_images(output));
  }
  let mut out = String::with_capacity(output.get().len() * 5 / 4 + 128);
  out.push_str(r#"[{"index":0,"finish_reason":"#);
  match finish_reason {
    Some("toolUse") => out.push_str(r#""tool_calls""#),
    // `stop`, `length`, `error` and `aborted` are called the same, or have no other name.
    Some(reason) => out.push_str(&Json::text(reason).as_str()),
    None => out.push_str("null"),
  }
  out.push_str(r#","message":"#);
  message::write_answer(&mut out, output);
  out.push_str("}]");
  Some(Json::concat(&[&out]))
}

/// The tools the model could call; `None` when there were none.
pub fn tools(form: Form, tools: Payload<'_>) -> Option<Json> {
  let tools = present(tools)?;
  let Some(all) = elements(tools) else { return Some(Json::raw(tools)) };
  if all.is_empty() {
    return None;
  }
  if form == Form::Flue {
    return Some(Json::raw(tools));
  }
  let mut list = List::with_capacity(tools.get().len() + all.len() * 32);
  for tool in all {
    tools::write(list.next(), tool);
  }
  Some(list.end())
}

/// Any content: the bytes of images replaced by a placeholder, all else byte for byte.
pub fn without_images(value: &RawValue) -> Json {
  match image::without(value.get()) {
    Cow::Borrowed(_) => Json::raw(value),
    Cow::Owned(text) => Json::concat(&[&text]),
  }
}
