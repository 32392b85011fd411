//! Applies the rules and the content policy of this process to rows that another process has written.
//!
//! The other process may have had no rules. Rules apply as to rows of this process. A content policy applies to
//! fields and members, because the events that a row came from are gone. A masking function is not called.

use braintrust_row::{Json, Members, USAGE_METRICS, read_members as read};
use flue_event::{ContentPolicy, OMITTED_MESSAGE};
use redact::Redactor;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The fields that are redacted as a whole.
const FIELDS: [&str; 7] =
  ["input", "output", "expected", "error", "tags", "scores", "_audit_metadata"];
/// The fields that are redacted by members. All others are ids, times and constants.
const OBJECTS: [&str; 3] = ["metadata", "metrics", "span_attributes"];
/// The members of `metadata` that are no content, besides those of Flue.
const SETTINGS: [&str; 6] =
  ["model", "provider", "reasoning_effort", "max_tokens", "temperature", "tools"];
/// A custom span has it, too.
const INTERRUPTED: &str = "flue.interrupted";
/// Replaces an input that was cut and begins with a system prompt.
const OMITTED_PROMPT: &str = "[flue-braintrust: system prompt not kept]";
/// What precedes the names of Flue's members of `metadata`.
const FLUE: &str = "flue.";
/// The metrics that are no content, besides [`USAGE_METRICS`].
const TIMES: [&str; 3] = ["start", "end", "duration_ms"];

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
      retain(metrics, |name| USAGE_METRICS.contains(&name) || TIMES.contains(&name));
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
mod tests {
  use serde_json::json;

  use super::*;

  fn row() -> Value {
    json!({ "id": "plum", "created": "plum", "input": [{ "role": "system", "content": "s" }, "a plum"], "output": "plum",
      "error": "plum", "tags": ["plum"], "scores": { "plum": 1 }, "expected": "{\"a\":\"\\nplum\"}",
      "metadata": { "flue.cwd": "/x", "flue.tracestate": "plum=1", "tools": ["t"], "model": "m", "note": "plum" },
      "metrics": { "start": 1.5, "tokens": 2, "plums": 3 },
      "span_attributes": { "name": "a plum", "type": "llm", "note": "plum" } })
  }

  #[test]
  fn log_lines_keep_their_time_and_level_without_the_output() {
    let logs = |lines: Value| json!({ "metadata": { "flue.agent": "a", "flue.logs": lines } });
    let policy = ContentPolicy { output: false, ..ContentPolicy::ALL };
    let line =
      json!([{ "time": "t", "level": "info", "message": "plum", "attributes": { "a": "plum" } }]);
    let bare = json!([{ "time": "t", "level": "info", "message": "" }]);
    assert_eq!(after(policy, json!({}), &logs(line)), logs(bare));
    assert_eq!(after(policy, json!({}), &logs(json!("plum"))), logs(json!([])));
  }

  #[test]
  fn the_numbers_of_a_compaction_and_empty_fields_are_no_content() {
    let row = json!({ "input": { "estimatedTokens": 9 }, "output": { "messagesBefore": 3, "messagesAfter": 1 },
      "error": null, "metadata": { "flue.compaction_reason": "threshold" } });
    assert_eq!(after(ContentPolicy::NONE, json!({}), &row), row);
    let empty = json!({ "input": [], "output": null, "metadata": { "flue.agent": "a" } });
    assert_eq!(after(ContentPolicy::NONE, json!({}), &empty), empty);
    for output in
      [json!({ "messagesBefore": "plum" }), json!({ "plums": 3 }), json!(["plum"]), json!(7)]
    {
      let row = json!({ "output": output, "metadata": { "flue.agent": "a" } });
      let without = json!({ "metadata": { "flue.agent": "a" } });
      assert_eq!(after(ContentPolicy::NONE, json!({}), &row), without);
    }
  }

  #[test]
  fn of_messages_that_were_cut_a_mark_is_left_without_the_system_prompt() {
    let policy = ContentPolicy { system_prompt: false, ..ContentPolicy::ALL };
    let input = |text: &str| json!({ "metadata": { "flue.agent": "a" }, "input": text });
    let cut = r#"[{"role":"system","content":"plum"},{"ro… [flue-braintrust: cut, 9999 bytes]"#;
    assert_eq!(after(policy, json!({}), &input(cut)), input(OMITTED_PROMPT));
    let other = r#"[{"role":"user","content":"plum… [flue-braintrust: cut, 9999 bytes]"#;
    assert_eq!(after(policy, json!({}), &input(other)), input(other));
    assert_eq!(after(policy, json!({}), &input("the system")), input("the system"));
  }

  fn after(policy: ContentPolicy, rules: Value, row: &Value) -> Value {
    let rules = serde_json::from_value(rules).unwrap();
    let redactor = Redactor::new(&rules, policy.reasoning, policy.errors).unwrap();
    let text = row.to_string();
    let changed = rewritten(text.as_bytes(), policy, redactor.as_ref());
    changed.map_or_else(|| row.clone(), |changed| serde_json::from_slice(&changed).unwrap())
  }

  #[test]
  fn patterns_apply_to_content_and_names_and_not_to_ids() {
    let expected = json!({ "id": "plum", "created": "plum", "input": [{ "role": "system", "content": "s" }, "a *"],
      "output": "*", "error": "*", "tags": ["*"], "scores": { "*": 1 }, "expected": "{\"a\":\"\\n*\"}",
      "metadata": { "flue.cwd": "/x", "flue.tracestate": "*=*", "tools": ["t"], "model": "m", "note": "*" },
      "metrics": { "start": 1.5, "tokens": 2, "*s": 3 },
      "span_attributes": { "name": "a *", "type": "llm", "note": "*" } });
    let rules = json!({ "patterns": ["plum|1"], "replacement": "*" });
    assert_eq!(after(ContentPolicy::ALL, rules, &row()), expected);
  }

  #[test]
  fn what_a_key_or_a_path_covers_stays_of_the_type_that_a_row_needs() {
    let paths = ["metadata", "tags", "scores", "metrics", "span_attributes"];
    let changed =
      after(ContentPolicy::ALL, json!({ "paths": paths, "keys": ["type", "start"] }), &row());
    let mark = "[redacted]";
    assert_eq!(changed["tags"], json!([mark]));
    assert_eq!(changed["scores"], json!({}));
    assert_eq!(changed["metadata"]["model"], mark);
    assert_eq!(changed["metrics"], row()["metrics"]);
    let attributes = json!({ "name": "a plum", "type": "llm", "note": mark });
    assert_eq!(changed["span_attributes"], attributes);
  }

  #[test]
  fn without_content_no_text_of_the_application_is_left() {
    let expected = json!({ "id": "plum", "created": "plum", "error": OMITTED_MESSAGE,
      "metadata": { "model": "m" }, "metrics": { "start": 1.5, "tokens": 2 },
      "span_attributes": { "name": "a plum", "type": "llm" } });
    assert_eq!(after(ContentPolicy::NONE, json!({}), &row()), expected);
  }

  #[test]
  fn each_switch_omits_its_own_part() {
    let without = |edit: fn(&mut ContentPolicy)| {
      let mut policy = ContentPolicy::ALL;
      edit(&mut policy);
      after(policy, json!({}), &row())
    };
    assert_eq!(without(|policy| policy.system_prompt = false)["input"], json!(["a plum"]));
    assert_eq!(without(|policy| policy.errors = false)["error"], OMITTED_MESSAGE);
    let without_input = without(|policy| policy.input = false);
    assert_eq!(without_input["input"], Value::Null);
    assert_eq!(without_input["metadata"], json!({ "tools": ["t"], "model": "m" }));
    let thought = json!({ "output": [{ "type": "thinking", "thinking": "plum" }, "yes"] });
    let mut policy = ContentPolicy::ALL;
    policy.reasoning = false;
    let changed = after(policy, json!({}), &thought);
    assert_eq!(changed["output"], json!([{ "type": "thinking", "thinking": "[redacted]" }, "yes"]));
  }

  #[test]
  fn the_metadata_of_a_custom_span_is_output() {
    let custom = json!({ "metadata": { "tools": 1, "note": 2 }, "metrics": { "start": 1 } });
    let mut policy = ContentPolicy::ALL;
    (policy.output, policy.errors) = (false, false);
    let expected = json!({ "metadata": {}, "metrics": { "start": 1 } });
    assert_eq!(after(policy, json!({}), &custom), expected);
  }

  #[test]
  fn feedback_is_content_and_a_comment_keeps_a_text() {
    let row = |text: &str, metadata: Value| {
      json!({ "id": "c", "origin": { "id": "plum" }, "_audit_source": "app", "_audit_metadata": metadata,
        "comment": { "text": text } })
    };
    let left = row("a plum", json!({ "user": "plum" }));
    let rules = |rules: Value| after(ContentPolicy::ALL, rules, &left);
    let redacted = row("a *", json!({ "user": "*" }));
    assert_eq!(rules(json!({ "patterns": ["plum"], "replacement": "*" })), redacted);
    assert_eq!(
      rules(json!({ "paths": ["metadata.user"] })),
      row("a plum", json!({ "user": "[redacted]" }))
    );
    assert_eq!(rules(json!({ "paths": ["comment", "metadata"] })), row("[redacted]", json!({})));
    let mut bare = row(OMITTED_MESSAGE, Value::Null);
    bare.as_object_mut().unwrap().remove("_audit_metadata");
    assert_eq!(after(ContentPolicy::NONE, json!({}), &left), bare);
  }

  #[test]
  fn without_rules_a_row_does_not_change() {
    assert_eq!(after(ContentPolicy::ALL, json!({}), &row()), row());
  }
}
