//! Reasoning and errors.

use super::*;

#[test]
fn reasoning_is_redacted_unless_it_is_kept() {
  let raw = serde_json::from_value(json!({})).unwrap();
  assert!(Redactor::new(&raw, true, true).unwrap().is_none());
  let redactor = Redactor::new(&raw, false, true).unwrap().unwrap();
  let mut row =
    row(&json!([{ "role": "assistant", "reasoning": [{ "content": "hm" }], "content": "yes" }]));
  row.output = Some(Json::of(&json!({ "content": [{ "type": "thinking", "thinking": "hm" }] })));
  row.set_metadata("reasoning", Some(Json::text("high")));
  redactor.row(&mut row);
  assert!(!format!("{row:?}").contains("hm"));
  assert!(format!("{row:?}").contains("yes") && format!("{row:?}").contains("high"));
}

#[test]
fn reasoning_in_the_forms_of_other_libraries_is_redacted() {
  let redactor =
    Redactor::new(&serde_json::from_value(json!({})).unwrap(), false, true).unwrap().unwrap();
  let value = json!([
    { "type": "reasoning", "text": "hm" },
    { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "hm" }], "encrypted_content": "hm" },
    { "type": "redacted_thinking", "data": "hm" },
    { "thought": true, "text": "hm" },
    { "role": "assistant", "reasoning_content": "hm", "content": "yes" },
    { "arguments": "{\"type\":\"thinking\",\"text\":\"hm\"}" },
  ]);
  let mut row = row(&value);
  row.custom = Some(Box::default());
  row.set_metadata("messages", Some(Json::of(&value)));
  redactor.row(&mut row);
  let text = format!("{row:?}");
  assert!(!text.contains("hm") && text.contains("yes"), "{text}");
}

#[test]
fn reasoning_in_streams_and_summaries_is_redacted_and_settings_are_not() {
  let redactor =
    Redactor::new(&serde_json::from_value(json!({})).unwrap(), false, true).unwrap().unwrap();
  let value = json!([
    { "type": "reasoning-delta", "text": "hm" },
    { "type": "reasoning_text", "text": "hm" },
    { "type": "response.reasoning_summary_text.delta", "delta": "hm" },
    { "type": "reasoning_summary", "text": "hm" },
    { "type": "Thinking_Delta", "thinking": "hm" },
    { "reasoning_summary": ["hm"], "reasoningParts": "hm" },
  ]);
  let after = redacted(&redactor, &value).to_string();
  assert!(!after.contains("hm"), "{after}");
  let kept = json!({ "reasoning_effort": "high", "reasoningTokens": 7, "reasoningLevel": "low",
    "usage": { "reasoning_tokens": 3 }, "type": "text", "schema": { "type": { "enum": ["thinking"] } } });
  assert_eq!(redacted(&redactor, &kept), kept);
}

#[test]
fn reasoning_and_errors_in_json_that_is_malformed_or_cut_are_redacted() {
  let raw = serde_json::from_value(json!({})).unwrap();
  let redactor = Redactor::new(&raw, false, false).unwrap().unwrap();
  let value = json!([
    "{\"type\":\"thinking\",\"text\":\"hm\",\"score\":NaN}",
    "data: {\"type\":\"reasoning\",\"text\":\"hm",
    "[{\"type\":\"reasoning\",\"text\":\"hm\"},{\"type\":\"te",
    "{\"thinking\":\"hm\",\"note\":\"it\\'s\"}",
  ]);
  let mut row = row(&value);
  let logs = json!([{ "message": "{\"name\":\"E\",\"stack\":\"hm\",\"message\":\"hm" }]);
  row.set_metadata("flue.logs", Some(Json::of(&logs)));
  redactor.row(&mut row);
  let text = format!("{row:?}");
  assert!(!text.contains("hm"), "{text}");
}

#[test]
fn errors_in_log_lines_are_redacted_unless_errors_are_kept() {
  let redactor =
    Redactor::new(&serde_json::from_value(json!({})).unwrap(), true, false).unwrap().unwrap();
  let mut row = row(&json!({ "error": "plum" }));
  let logs =
    json!([{ "message": "a line", "attributes": { "error": { "message": "plum" }, "n": 1 } }]);
  row.set_metadata("flue.logs", Some(Json::of(&logs)));
  redactor.row(&mut row);
  let logs = row.metadata.get("flue.logs").unwrap().as_str().into_owned();
  assert!(!logs.contains("plum") && logs.contains("a line"), "{logs}");
  assert_eq!(row.input.unwrap().as_str(), r#"{"error":"plum"}"#);
}
