//! The chat form: its rules, recorded turns, and properties of any JSON.

mod images;
mod properties;
mod recorded;
mod rules;
mod schemas;

use serde_json::value::RawValue;

use super::{Form, input, input_of, output, tools, without_images};

/// The bytes of a one-pixel picture.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

fn raw(text: &str) -> &RawValue {
  serde_json::from_str(text).unwrap()
}

/// A message alone.
fn message(form: Form, text: &str) -> String {
  let list = input_of(form, None, None, &[raw(text)]);
  let text = list.as_str();
  let inside = text.strip_prefix('[').unwrap().strip_suffix(']');
  inside.unwrap().to_owned()
}

/// A message in the chat form.
fn chat(text: &str) -> String {
  message(Form::OpenAi, text)
}

/// The content, and what follows it, of an assistant's message in the chat form.
fn assistant_content(parts: &str) -> String {
  let text = chat(&format!(r#"{{"role":"assistant","content":{parts}}}"#));
  let rest = text.strip_prefix(r#"{"role":"assistant","content":"#);
  rest.unwrap().strip_suffix('}').unwrap().to_owned()
}
