//! Applies the rules and the content policy of this process to rows that another process has written, and to what a span
//! passes on to another process.
//!
//! The other process may have had no rules. Rules apply as to rows of this process. A content policy applies to fields
//! and members, because the events that a row came from are gone. A masking function is not called.

use braintrust_row::{Json, Members, is_known_metric, read_members as read};
use flue_event::{ContentPolicy, OMITTED_MESSAGE};
use redact::Redactor;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The fields that are redacted as a whole.
const FIELDS: [&str; 7] =
  ["input", "output", "expected", "error", "tags", "scores", "_audit_metadata"];
/// The fields that are redacted by members. All others are ids, times and constants.
const OBJECTS: [&str; 3] = ["metadata", "metrics", "span_attributes"];
/// The members of `metadata` that are not content, besides those of Flue.
const SETTINGS: [&str; 6] =
  ["model", "provider", "reasoning_effort", "max_tokens", "temperature", "tools"];
/// A custom span has it, too.
const INTERRUPTED: &str = "flue.interrupted";
/// Replaces an input that was cut and begins with a system prompt.
const OMITTED_PROMPT: &str = "[flue-braintrust: system prompt not kept]";
/// What precedes the names of Flue's members of `metadata`.
const FLUE: &str = "flue.";

/// The row after the content policy and the rules. `None` when it does not change, or is not a JSON object.
pub fn rewritten(
  row: &[u8],
  policy: ContentPolicy,
  redactor: Option<&Redactor>,
) -> Option<Vec<u8>> {
  if policy == ContentPolicy::ALL && redactor.is_none() {
    return None;
  }
  let mut fields = read(std::str::from_utf8(row).ok()?)?;
  let is_custom = is_custom(&fields);
  apply_content_policy(&mut fields, policy, is_custom);
  if let Some(redactor) = redactor {
    redact(&mut fields, redactor, is_custom);
  }
  let rewritten = written(&fields);
  (rewritten.as_bytes() != row).then(|| rewritten.into_bytes())
}

/// What a span propagates to its descendants in other processes, after the content policy and the rules, which know the
/// fields of a row alone. `None` when it is not a JSON object.
pub fn propagated(
  event: &str,
  policy: ContentPolicy,
  redactor: Option<&Redactor>,
) -> Option<String> {
  let mut fields = read(event)?;
  if policy == ContentPolicy::ALL && redactor.is_none() {
    return Some(event.into());
  }
  retain(&mut fields, |name| FIELDS.contains(&name) || OBJECTS.contains(&name));
  for name in OBJECTS {
    let is_object = fields.get(name).is_some_and(|value| read(&value.as_str()).is_some());
    // Among the metadata of a custom span, members that are named like Flue's are content, too.
    if !is_object || (name == "metadata" && !policy.output) {
      fields.remove(name);
    }
  }
  apply_content_policy(&mut fields, policy, true);
  if let Some(redactor) = redactor {
    redact(&mut fields, redactor, true);
  }
  Some(written(&fields))
}

fn apply_content_policy(fields: &mut Members<Json>, policy: ContentPolicy, is_custom: bool) {
  let has_content = |fields: &Members<Json>, field: &str| {
    fields.get(field).is_some_and(|value| is_custom || !is_bare(&value.as_str()))
  };
  if !policy.input && has_content(fields, "input") {
    fields.remove("input");
  } else if !policy.system_prompt {
    change(fields, "input", without_system_prompt);
  }
  if !policy.output {
    for field in ["output", "expected", "tags", "scores", "_audit_metadata"] {
      if has_content(fields, field) {
        fields.remove(field);
      }
    }
    // A row of nothing but a comment still needs one.
    change_members(fields, "comment", |comment| {
      change(comment, "text", |_| Some(Json::text(OMITTED_MESSAGE)))
    });
    change_members(fields, "metrics", |metrics| {
      retain(metrics, is_known_metric);
    });
    change_members(fields, "span_attributes", |attributes| {
      retain(attributes, |name| ["name", "type"].contains(&name));
    });
  }
  if !policy.errors {
    change(fields, "error", |error| (error != "null").then(|| Json::text(OMITTED_MESSAGE)));
  }
  change_members(fields, "metadata", |metadata| {
    retain(metadata, |name| match name {
      "flue.cwd" | "flue.tracestate" => policy.input,
      "tools" if !is_custom => policy.tools,
      _ if name.starts_with(FLUE) => true,
      // The metadata of a custom span is output, the others of a run are members of its input.
      _ if is_custom => policy.output,
      _ => policy.input || SETTINGS.contains(&name),
    });
    if !policy.output {
      change(metadata, "flue.logs", |lines| {
        Some(without_messages(lines).unwrap_or_else(|| Json::concat(&["[]"])))
      });
    }
  });
}

/// Whether a field of a span of Flue has no content: it is empty, or has numbers of a compaction alone.
fn is_bare(value: &str) -> bool {
  const NUMBERS: [&str; 3] = ["estimatedTokens", "messagesBefore", "messagesAfter"];
  match serde_json::from_str(value) {
    Ok(Value::Null) => true,
    Ok(Value::Array(items)) => items.is_empty(),
    Ok(Value::Object(members)) => {
      members.iter().all(|(name, value)| NUMBERS.contains(&name.as_str()) && value.is_number())
    }
    _ => false,
  }
}

/// Log lines with their time and level alone. `None` if they are none.
fn without_messages(lines: &str) -> Option<Json> {
  let lines: Vec<&RawValue> = serde_json::from_str(lines).ok()?;
  let bare = lines.iter().map(|line| {
    let mut line = read(line.get())?;
    retain(&mut line, |name| ["time", "level"].contains(&name));
    line.insert("message".into(), Json::text(""));
    Some(written(&line))
  });
  let bare = bare.collect::<Option<Vec<_>>>()?;
  Some(Json::concat(&["[", &bare.join(","), "]"]))
}

fn redact(fields: &mut Members<Json>, redactor: &Redactor, is_custom: bool) {
  for (field, value) in fields.iter_mut() {
    let is_object = || read(&value.as_str()).is_some();
    if FIELDS.contains(&field) || (OBJECTS.contains(&field) && !is_object()) {
      redactor.field(field, value);
    }
  }
  change_members(fields, "comment", |comment| {
    comment.iter_mut().for_each(|(_, text)| redactor.field("comment", text));
  });
  change_members(fields, "metadata", |metadata| redactor.metadata(metadata, is_custom));
  change_members(fields, "span_attributes", |attributes| {
    let kind = attributes.get("type").cloned();
    let name = attributes.get("name").cloned();
    attributes.remove("type");
    attributes.remove("name");
    redactor.attributes(attributes);
    if let Some(name) = name {
      let text: Option<String> = serde_json::from_str(&name.as_str()).ok();
      let changed = text.and_then(|text| redactor.span_name(&text));
      attributes.insert("name".into(), changed.map_or(name, |changed| Json::text(&changed)));
    }
    if let Some(kind) = kind {
      attributes.insert("type".into(), kind);
    }
  });
  change_members(fields, "metrics", |metrics| redactor.metric_names(metrics));
}

/// Whether the row is of a span that the application has made: Flue's have members of its own in `metadata`.
fn is_custom(fields: &Members<Json>) -> bool {
  let metadata = fields.get("metadata").and_then(|metadata| read(&metadata.as_str()));
  !metadata.is_some_and(|metadata| {
    metadata.iter().any(|(name, _)| name.starts_with(FLUE) && name != INTERRUPTED)
  })
}

/// The messages without a first one of the role `system`. `None` when there is none. Of a list that was cut, which is a
/// text, a mark is left.
fn without_system_prompt(messages: &str) -> Option<Json> {
  #[derive(Deserialize)]
  struct Message<'a> {
    #[serde(borrow)]
    role: std::borrow::Cow<'a, str>,
  }
  if let Ok(text) = serde_json::from_str::<String>(messages) {
    let has_prompt = text.starts_with('[') && text.contains(r#""system""#);
    return has_prompt.then(|| Json::text(OMITTED_PROMPT));
  }
  let messages: Vec<&RawValue> = serde_json::from_str(messages).ok()?;
  let (first, others) = messages.split_first()?;
  let message: Message<'_> = serde_json::from_str(first.get()).ok()?;
  let others: Vec<&str> = others.iter().map(|message| message.get()).collect();
  (message.role == "system").then(|| Json::concat(&["[", &others.join(","), "]"]))
}

/// Replaces a field if there is one and something replaces it.
fn change(fields: &mut Members<Json>, field: &str, changed: impl Fn(&str) -> Option<Json>) {
  let values = fields.iter_mut().filter(|(name, _)| *name == field);
  for (_, value) in values {
    if let Some(changed) = changed(&value.as_str()) {
      *value = changed;
    }
  }
}

/// Changes the members of a field that is an object.
fn change_members(fields: &mut Members<Json>, field: &str, edit: impl Fn(&mut Members<Json>)) {
  change(fields, field, |object| {
    let mut members = read(object)?;
    edit(&mut members);
    Some(Json::concat(&[&written(&members)]))
  });
}

fn retain(members: &mut Members<Json>, is_kept: impl Fn(&str) -> bool) {
  for (name, value) in std::mem::take(members).into_iter() {
    if is_kept(&name) {
      members.insert(name, value);
    }
  }
}

fn written(members: &Members<Json>) -> String {
  let members: Vec<String> = members
    .iter()
    .map(|(name, value)| format!("{}:{}", Json::text(name).as_str(), value.as_str()))
    .collect();
  format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests;
