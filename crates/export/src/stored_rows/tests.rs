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
fn what_a_span_propagates_is_limited_to_the_fields_that_rules_and_policy_know() {
  let propagated = |policy: ContentPolicy, rules: Value, event: &Value| -> Value {
    let rules = serde_json::from_value(rules).unwrap();
    let redactor = Redactor::new(&rules, policy.reasoning, policy.errors).unwrap();
    let text = propagated(&event.to_string(), policy, redactor.as_ref()).unwrap();
    serde_json::from_str(&text).unwrap()
  };
  let event = json!({ "input": "plum", "output": "plum", "other": "plum", "error": "plum", "tags": ["plum"],
    "metadata": { "flue.plum": "plum", "a": 1 }, "metrics": "plum",
    "span_attributes": { "type": "task", "note": "plum" } });
  let rules = json!({ "patterns": ["plum"], "replacement": "*" });
  let redacted = json!({ "input": "*", "output": "*", "error": "*", "tags": ["*"],
    "metadata": { "flue.*": "*", "a": 1 }, "span_attributes": { "type": "task", "note": "*" } });
  assert_eq!(propagated(ContentPolicy::ALL, rules, &event), redacted);
  let bare = json!({ "error": OMITTED_MESSAGE, "span_attributes": { "type": "task" } });
  assert_eq!(propagated(ContentPolicy::NONE, json!({}), &event), bare);
  assert_eq!(propagated(ContentPolicy::ALL, json!({}), &event), event);
  assert_eq!(super::propagated("7", ContentPolicy::ALL, None), None);
}

#[test]
fn without_rules_a_row_does_not_change() {
  assert_eq!(after(ContentPolicy::ALL, json!({}), &row()), row());
}
