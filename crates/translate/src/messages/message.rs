//! Messages in the chat form, by role.

use flue_event::members::raw_members;
use serde_json::value::RawValue;

use super::{
  content::{Call, Kind, Part, Thinking, parts, write as write_part, write_text},
  image,
  value::{object, string},
  write::{join, list},
};

raw_members! {
  /// The members of a message of any role.
  Members { role, content, tool_call_id = "toolCallId", tool_name = "toolName", is_error = "isError" }
}

/// Writes a message of a conversation.
pub fn write(out: &mut String, message: &RawValue) {
  if in_chat_form(out, message).is_none() {
    out.push_str(&image::without(message.get()));
  }
}

/// Writes the message that a model returned. Without a role it is an assistant's.
pub fn write_response(out: &mut String, message: &RawValue) {
  match object::<Members>(message) {
    Some(response) if response.role.is_none() => assistant(out, response.content),
    _ => write(out, message),
  }
}

/// Writes a message in the chat form. Writes nothing and returns `None` when it has none.
fn in_chat_form(out: &mut String, message: &RawValue) -> Option<()> {
  let message: Members = object(message)?;
  match message.role?.get() {
    r#""user""# => user(out, message.content?),
    r#""assistant""# => assistant(out, message.content),
    r#""toolResult""# => tool(out, string(message.tool_call_id)?, &message),
    _ => return None,
  }
  Some(())
}

fn user(out: &mut String, content: &RawValue) {
  out.push_str(r#"{"role":"user","content":"#);
  match parts(content).as_deref() {
    None => out.push_str(&image::without(content.get())),
    Some([Part { kind: Kind::Text(text), .. }]) => out.push_str(text),
    Some(parts) => list(out, parts, write_part),
  }
  out.push('}');
}

fn assistant(out: &mut String, content: Option<&RawValue>) {
  let parts = content.map(|content| (content, parts(content)));
  out.push_str(r#"{"role":"assistant","content":"#);
  match parts {
    None => out.push_str("null"),
    Some((content, None)) => out.push_str(&image::without(content.get())),
    Some((_, Some(parts))) => {
      self::content(out, &parts);
      reasoning(out, &parts);
      calls(out, &parts);
    }
  }
  out.push('}');
}

/// Writes the texts as one string, or a list of parts if one of them is not a text. Reasoning and calls are not
/// content.
fn content(out: &mut String, parts: &[Part<'_>]) {
  let parts =
    || parts.iter().filter(|part| !matches!(part.kind, Kind::Thinking(_) | Kind::Call(_)));
  if parts().any(|part| !matches!(part.kind, Kind::Text(_))) {
    return list(out, parts(), write_part);
  }
  let texts = || {
    parts().filter_map(|part| match part.kind {
      Kind::Text(text) => Some(text).filter(|text| *text != r#""""#),
      _ => None,
    })
  };
  if texts().next().is_none() {
    out.push_str("null");
  } else {
    join(out, texts());
  }
}

fn reasoning(out: &mut String, parts: &[Part<'_>]) {
  let thoughts: Vec<(&str, bool)> = parts
    .iter()
    .filter_map(|part| match part.kind {
      Kind::Thinking(Thinking { text, redacted }) => {
        let hidden = redacted.then_some(r#""[Reasoning redacted]""#);
        Some((text.or(hidden)?, redacted))
      }
      _ => None,
    })
    .collect();
  if thoughts.is_empty() {
    return;
  }
  out.push_str(r#","reasoning":"#);
  list(out, thoughts, |out, (text, redacted)| {
    out.push_str(r#"{"content":"#);
    out.push_str(text);
    out.push_str(if redacted { r#","redacted":true}"# } else { "}" });
  });
}

fn calls(out: &mut String, parts: &[Part<'_>]) {
  let mut calls = parts
    .iter()
    .filter_map(|part| match part.kind {
      Kind::Call(call) => Some(call),
      _ => None,
    })
    .peekable();
  if calls.peek().is_none() {
    return;
  }
  out.push_str(r#","tool_calls":"#);
  list(out, calls, |out, Call { id, name, arguments }| {
    out.push('{');
    if let Some(id) = id {
      out.push_str(r#""id":"#);
      out.push_str(id);
      out.push(',');
    }
    out.push_str(r#""type":"function","function":{"name":"#);
    out.push_str(name);
    out.push_str(r#","arguments":"#);
    write_arguments(out, arguments.unwrap_or("{}"));
    out.push_str("}}");
  });
}

/// Writes arguments in the chat form: a string of JSON.
fn write_arguments(out: &mut String, arguments: &str) {
  if arguments.starts_with('"') {
    // The text of the model.
    out.push_str(arguments);
    return;
  }
  let text = serde_json::to_string(image::without(arguments).as_ref());
  out.push_str(text.as_deref().unwrap_or(r#""""#));
}

fn tool(out: &mut String, call: &str, message: &Members<'_>) {
  out.push_str(r#"{"role":"tool","tool_call_id":"#);
  out.push_str(call);
  if let Some(name) = string(message.tool_name) {
    out.push_str(r#","name":"#);
    out.push_str(name);
  }
  out.push_str(r#","content":"#);
  match message.content.map(|content| (content, parts(content))) {
    None => out.push_str(r#""""#),
    Some((content, None)) => out.push_str(&image::without(content.get())),
    Some((_, Some(parts))) => result(out, &parts),
  }
  let failed = message.is_error.is_some_and(|flag| flag.get() == "true");
  out.push_str(if failed { r#","is_error":true}"# } else { "}" });
}

/// Writes the texts and the placeholders of images as one string, or a list of parts if one of them is neither.
fn result(out: &mut String, parts: &[Part<'_>]) {
  if parts.iter().all(|part| line(part).is_some()) {
    return join(out, parts.iter().filter_map(line));
  }
  list(out, parts, |out, part| match line(part) {
    Some(text) => write_text(out, text),
    None => write_part(out, part),
  });
}

/// A part of a tool's message as a line of text: in the chat form it has no images, but for attachments.
fn line<'a>(part: &'a Part<'_>) -> Option<&'a str> {
  match &part.kind {
    Kind::Text(text) => Some(text),
    Kind::Image(url) if !image::is_reference(url) => Some(url),
    _ => None,
  }
}
