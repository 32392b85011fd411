//! The tests of the crate, by topic.

mod api_keys;
mod builtins;
mod embedded;
mod forms;
mod literals;
mod malformed;
mod pairs;
mod patterns;
mod policy;
mod unquoted;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use braintrust_row::{CustomFields, Json, List, Row, SpanContext, write_row};

fn redactor(rules: Value) -> Redactor {
  Redactor::new(&serde_json::from_value(rules).unwrap(), true, true).unwrap().unwrap()
}

fn error(rules: Value) -> String {
  Redactor::new(&serde_json::from_value(rules).unwrap(), true, true).unwrap_err().to_string()
}

fn row(input: &Value) -> Row {
  let mut row = Row::of(SpanContext::root("run", &["run_1"]));
  row.input = Some(Json::of(input));
  row
}

/// An input after redaction.
fn input(rules: Value, value: &Value) -> Value {
  redacted(&redactor(rules), value)
}

/// The same by rules that are compiled already.
fn redacted(redactor: &Redactor, value: &Value) -> Value {
  let mut row = row(value);
  redactor.row(&mut row);
  serde_json::from_str(&row.input.unwrap().as_str()).unwrap()
}

#[test]
fn a_key_covers_the_whole_value_at_any_depth_and_in_any_spelling() {
  let rules = json!({ "keys": ["api_key", "Password"] });
  let value =
    json!({ "apiKey": { "deep": [1] }, "list": [{ "API-KEY": 7, "password": null }], "key": "k" });
  let expected = json!({ "apiKey": "[redacted]", "list": [{ "API-KEY": "[redacted]", "password": "[redacted]" }], "key": "k" });
  assert_eq!(input(rules, &value), expected);
}

#[test]
fn what_separates_the_words_of_a_name_is_no_part_of_it() {
  for name in [
    "Pass Word",
    "\u{feff}password",
    "pass\u{200b}word",
    "pass.word",
    "\u{ff30}assword",
    "password:",
  ] {
    let value = input(json!({ "keys": ["password"] }), &json!({ name: "hunter2" }));
    assert_eq!(value, json!({ name: "[redacted]" }));
  }
  let marks = input(json!({ "keys": ["--"] }), &json!({ "--": 1, "__": 2, "": 3 }));
  assert_eq!(marks, json!({ "--": "[redacted]", "__": 2, "": 3 }));
}

#[test]
fn a_path_covers_exactly_its_members() {
  let value =
    json!({ "user": { "email": "a", "name": "b" }, "list": [{ "email": "c" }], "email": "d" });
  let email = |path: &str| input(json!({ "paths": [path] }), &value);
  assert_eq!(email("input.user.email")["user"], json!({ "email": "[redacted]", "name": "b" }));
  assert_eq!(email("input.list.email")["list"], json!([{ "email": "[redacted]" }]));
  assert_eq!(email("input.*.email")["email"], "d");
  assert_eq!(email("input.**.email")["email"], "[redacted]");
  assert_eq!(email("input.**.email")["user"]["email"], "[redacted]");
  assert_eq!(email("**.email")["email"], "[redacted]");
  assert_eq!(email("output.user.email"), value);
  assert_eq!(email("input"), "[redacted]");
}

#[test]
fn a_name_with_a_dot_is_one_name() {
  let value = json!({ "a.b": { "x": 1 }, "a": { "b": { "x": 2 } }, "x.y": 3 });
  let covered = |path: &str| input(json!({ "paths": [path] }), &value);
  let mark = "[redacted]";
  assert_eq!(
    covered("input.*.x"),
    json!({ "a.b": { "x": mark }, "a": { "b": { "x": 2 } }, "x.y": 3 })
  );
  assert_eq!(
    covered("input.a.b.x"),
    json!({ "a.b": { "x": mark }, "a": { "b": { "x": mark } }, "x.y": 3 })
  );
  assert_eq!(covered("input.**.y"), value);
  assert_eq!(covered("input.x.y")["x.y"], mark);
}

#[test]
fn matches_of_patterns_are_replaced_in_values_and_names() {
  let rules = json!({ "patterns": ["plum-[0-9]+", { "source": "QUINCE", "flags": "gi" }], "replacement": "*" });
  let value = json!({ "plum-1": ["a plum-22, a quince", 5], "x": "\u{e4}\"plum-3\"\n" });
  assert_eq!(input(rules, &value), json!({ "*": ["a *, a *", 5], "x": "\u{e4}\"*\"\n" }));
}

#[test]
fn patterns_match_unescaped_text() {
  let mut row = row(&Value::Null);
  row.input = Some(Json::concat(&[r#"["\u0070lum","\ud83cplum","a\\\"plum"]"#]));
  redactor(json!({ "patterns": ["plum"] })).row(&mut row);
  let text = row.input.unwrap().as_str().into_owned();
  assert_eq!(text, "[\"[redacted]\",\"\u{fffd}[redacted]\",\"a\\\\\\\"[redacted]\"]");
}

#[test]
fn numbers_are_redacted_except_scores_and_metrics() {
  let mut row = row(&json!({ "card": 4111111111111111_u64, "count": 7 }));
  row.metrics.insert("tokens".into(), 4111111111111111.0);
  redactor(json!({ "builtins": ["credit-cards"] })).row(&mut row);
  assert_eq!(row.input.unwrap().as_str(), r#"{"card":"[redacted]","count":7}"#);
  assert_eq!(row.metrics.get("tokens"), Some(&4111111111111111.0));
}

#[test]
fn a_long_text_with_many_brackets_takes_linear_time() {
  for piece in ["[", "{\"a\":", "[\"", "\\\"[", "eyJ", "sk-", "::", "1 "] {
    let text = piece.repeat(200_000);
    input(
      json!({ "builtins": ["api-keys", "credit-cards", "ip-addresses", "jwts"], "keys": ["x"] }),
      &json!(text),
    );
  }
}

#[test]
fn anchors_stand_for_the_borders_of_the_name_that_a_span_name_is_composed_of() {
  let anchored = redactor(json!({ "patterns": ["^ACME-[0-9]+$", "^tool:plum"] }));
  for (name, expected) in [
    ("workflow:ACME-123", Some("workflow:[redacted]")),
    (":ACME-123", None),
    ("ACME-123", Some("[redacted]")),
    ("tool:plums", Some("[redacted]s")),
    ("llm:model:ACME-123", None),
    ("see ACME: ACME-123", None),
  ] {
    assert_eq!(anchored.span_name(name).as_deref(), expected);
  }
  let overlapping = redactor(json!({ "patterns": ["^ACME-[0-9]+$", "^workflow:ACME"] }));
  assert_eq!(overlapping.span_name("workflow:ACME-123").as_deref(), Some("[redacted]"));
}

#[test]
fn every_field_of_a_row_is_redacted() {
  let mut row = row(&json!("plum"));
  row.name = Some("tool:plum".into());
  row.output = Some(Json::of(&json!({ "plum": "plum" })));
  row.error = Some(Json::text("Error: plum\n  at plum.js"));
  row.set_metadata("plum", Some(Json::text("plum")));
  row.metrics.insert("plums".into(), 2.0);
  row.metadata.insert("secret".into(), Json::of(&json!({ "a": 1 })));
  let rules = redactor(json!({ "patterns": ["plum"], "paths": ["metadata.secret"] }));
  rules.row(&mut row);
  let mut bytes = Vec::new();
  write_row(&mut bytes, &row, &[]);
  let written: Value = serde_json::from_slice(&bytes).unwrap();
  assert!(!written.to_string().contains("plum"), "{written}");
  assert_eq!(written["metadata"], json!({ "[redacted]": "[redacted]", "secret": "[redacted]" }));
}

#[test]
fn times_and_usage_of_a_span_keep_their_names() {
  let mut row = row(&json!("plum"));
  for name in ["start", "end", "duration_ms", "prompt_cached_tokens", "starts"] {
    row.metrics.insert(name.into(), 2.0);
  }
  redactor(json!({ "patterns": ["^(start|end|duration)", "[a-z_]{20}"] })).row(&mut row);
  let names: Vec<_> = row.metrics.iter().map(|(name, _)| name.to_string()).collect();
  assert_eq!(names, ["start", "end", "duration_ms", "prompt_cached_tokens", "[redacted]s"]);
}

#[test]
fn tags_that_become_equal_are_one() {
  let mut row = row(&json!("x"));
  row.custom = Some(Box::new(CustomFields {
    tags: Some(Json::of(&json!(["ada@example.com", "plum", "bob@example.com"]))),
    ..CustomFields::default()
  }));
  redactor(json!({ "builtins": ["emails"] })).row(&mut row);
  let tags = row.custom.and_then(|custom| custom.tags).unwrap();
  assert_eq!(tags.as_str(), r#"["[redacted]","plum"]"#);
}

#[test]
fn a_field_that_is_covered_stays_of_the_type_that_a_row_needs() {
  let mut row = row(&json!("x"));
  row.name = Some("tool:plum".into());
  row.set_metadata("flue.cwd", Some(Json::text("x")));
  row.metrics.insert("tokens".into(), 2.0);
  row.custom = Some(Box::new(CustomFields {
    tags: Some(Json::of(&json!(["x"]))),
    scores: Some(Json::of(&json!({ "a": 1, "b": 0.5 }))),
    ..CustomFields::default()
  }));
  let written = |paths: Value| {
    let mut row = row.clone();
    redactor(json!({ "paths": paths })).row(&mut row);
    let mut bytes = Vec::new();
    write_row(&mut bytes, &row, &[]);
    serde_json::from_slice::<Value>(&bytes).unwrap()
  };
  let whole = written(json!(["tags", "scores", "metadata", "metrics", "span_attributes.name"]));
  assert_eq!(whole["tags"], json!(["[redacted]"]));
  assert_eq!(whole["scores"], json!({}));
  assert_eq!(whole["metadata"], json!({ "flue.cwd": "[redacted]" }));
  assert_eq!(whole["metrics"], json!({ "tokens": 2.0 }));
  assert_eq!(whole["span_attributes"]["name"], "[redacted]");
  assert_eq!(written(json!(["scores.a"]))["scores"], json!({ "a": null, "b": 0.5 }));
  assert_eq!(written(json!(["**.flue.cwd"]))["metadata"], json!({ "flue.cwd": "[redacted]" }));
}

#[test]
fn shared_items_are_redacted_once_and_stay_shared() {
  let list = List::default().extend_from(0, ["\"plum\"".into(), "\"fig\"".into()]);
  let rules = redactor(json!({ "patterns": ["plum"], "replacement": "a longer text than before" }));
  let system: std::sync::Arc<str> = "\"plum\"".into();
  let show = |list: &List| {
    let mut row = row(&Value::Null);
    row.input = Some(Json::list(vec![system.clone()], list, 0..list.len()));
    rules.row(&mut row);
    let input = row.input.unwrap();
    assert_eq!(input.bytes(), input.as_str().len());
    input.as_str().into_owned()
  };
  let mark = "\"a longer text than before\"";
  assert_eq!(show(&list), format!("[{mark},{mark},\"fig\"]"));
  let grown = list.extend_from(2, ["\"plum\"".into()]);
  assert_eq!(show(&grown), format!("[{mark},{mark},\"fig\",{mark}]"));
  let forked = grown.extend_from(1, ["\"plum, too\"".into()]);
  assert_eq!(show(&forked), format!("[{mark},{mark},\"a longer text than before, too\"]"));
}

#[test]
fn rules_that_cannot_be_applied_are_errors_with_a_reason() {
  let cases = [
    (
      json!({ "builtins": ["email"] }),
      "unknown builtin \"email\" in redact.builtins; known: api-keys, bearer-tokens",
    ),
    (json!({ "patterns": ["a", "("] }), "redact.patterns[1] cannot be used: "),
    (json!({ "patterns": ["(?=a)b"] }), "look-around"),
    (
      json!({ "patterns": [{ "source": "a", "flags": "y" }] }),
      "redact.patterns[0] has the unsupported flag 'y'",
    ),
    (json!({ "paths": ["input..x"] }), "redact.paths[0] is not a path"),
    (json!({ "patterns": ["(?:a{1000}){1000}"] }), "redact.patterns[0] cannot be used: "),
  ];
  for (rules, reason) in cases {
    let error = error(rules);
    assert!(error.contains(reason), "{error}");
  }
}

#[test]
fn values_that_are_nested_too_deep_are_replaced() {
  let nested = |depth: usize| format!("{}\"plum\"{}", "[".repeat(depth), "]".repeat(depth));
  for (depth, contained) in [(100, "[redacted]"), (1000, "too deep"), (100_000, "too deep")] {
    let mut row = row(&Value::Null);
    row.input = Some(Json::concat(&[&nested(depth)]));
    redactor(json!({ "patterns": ["plum"] })).row(&mut row);
    let text = row.input.unwrap().as_str().into_owned();
    assert!(text.contains(contained) && !text.contains("plum"), "depth {depth}");
  }
}

fn any_value() -> impl Strategy<Value = Value> {
  let text =
    || prop_oneof!["\\PC{0,12}", "[a-c \"\\\\\n{}\\[\\]:,]{0,12}", Just("CANARY".to_owned())];
  let leaf = prop_oneof![
    any::<f64>().prop_map(|number| json!(number)),
    text().prop_map(Value::from),
    any::<bool>().prop_map(Value::from),
    Just(Value::Null),
  ];
  leaf.prop_recursive(4, 24, 4, move |inner| {
    prop_oneof![
      prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
      prop::collection::hash_map(text(), inner.clone(), 0..4).prop_map(|map| json!(map)),
      inner.prop_map(|value| Value::from(value.to_string())),
    ]
  })
}

proptest! {
  #[test]
  fn all_canaries_are_redacted_and_the_rest_is_unchanged(value in any_value()) {
    let after = input(json!({ "patterns": ["CANARY"] }), &value);
    prop_assert!(!after.to_string().contains("CANARY"));
    let expected = value.to_string().replace("CANARY", "[redacted]");
    // Members whose redacted names are equal become one member.
    if value.to_string().matches("CANARY").count() <= 1 {
      prop_assert_eq!(&after, &serde_json::from_str::<Value>(&expected).unwrap());
    }
    prop_assert_eq!(input(json!({ "patterns": ["CANARY"] }), &after), after);
  }

  #[test]
  fn values_that_no_rule_covers_are_unchanged(value in any_value()) {
    let rules = redactor(json!({ "patterns": ["nowhere"], "keys": ["nowhere"], "paths": ["a.b.c"] }));
    let mut row = row(&value);
    let before = row.input.clone();
    rules.row(&mut row);
    prop_assert_eq!(row.input, before);
  }

  #[test]
  fn redacted_json_is_json_whatever_the_rules(
    value in any_value(),
    keys in prop::collection::vec("[a-c]{1,2}", 0..3),
    paths in prop::collection::vec("(input|\\*|\\*\\*|[a-c])(\\.(\\*|\\*\\*|[a-c])){0,2}", 0..3),
    pattern in "[a-c.]{1,2}[*+?]?",
    replacement in "\\PC{0,4}",
  ) {
    let rules = json!({ "keys": keys, "paths": paths, "patterns": [pattern], "replacement": replacement });
    let mut row = row(&value);
    redactor(rules).row(&mut row);
    prop_assert!(serde_json::from_str::<Value>(&row.input.unwrap().as_str()).is_ok());
  }

  #[test]
  fn any_text_is_redacted(text in "\\PC{0,40}|[\\[\\]{}\",:\\\\u0-9a-f]{0,40}") {
    let rules = redactor(json!({ "patterns": ["[0-9a]"], "keys": ["a"] }));
    let after = json::rewritten(&rules.rules, &text, &rules.rules.location(&["input"]));
    prop_assert!(after.is_none_or(|after| serde_json::from_str::<Value>(&text).is_err() || serde_json::from_str::<Value>(&after).is_ok()));
  }
}
