//! Values that another value names.

use super::*;

fn keys() -> Value {
  json!({ "keys": ["password", "authorization"] })
}

fn check(value: &Value, expected: &Value) {
  assert_eq!(input(keys(), value), *expected, "{value}");
  // The same as JSON in a text, and in JSON.
  let text = input(keys(), &json!(format!("see {value}, done")));
  assert_eq!(text, format!("see {expected}, done"));
  assert_eq!(input(keys(), &json!(value.to_string())), expected.to_string());
}

#[test]
fn a_member_with_a_covered_name_covers_the_value_beside_it() {
  let mark = "[redacted]";
  for (value, expected) in [
    (
      json!({ "name": "password", "value": "hunter2" }),
      json!({ "name": "password", "value": mark }),
    ),
    (json!([["password", "hunter2", true]]), json!([["password", mark, true]])),
    (json!([["password", 0, 5]]), json!([["password", 0, 5]])),
    (
      json!([{ "Key": "Password", "Value": "x" }, { "Key": "a", "Value": "y" }]),
      json!([{ "Key": "Password", "Value": mark }, { "Key": "a", "Value": "y" }]),
    ),
    (
      json!({ "key": "authorization", "value": { "stringValue": "x" }, "b": 1 }),
      json!({ "key": "authorization", "value": mark, "b": 1 }),
    ),
    (
      json!({ "ParameterKey": "password", "ParameterValue": 1 }),
      json!({ "ParameterKey": "password", "ParameterValue": mark }),
    ),
    (
      json!({ "header": "Authorization", "values": ["x"] }),
      json!({ "header": "Authorization", "values": mark }),
    ),
    (
      json!({ "value": { "name": "password", "value": "x" }, "id": "y" }),
      json!({ "value": { "name": "password", "value": mark }, "id": "y" }),
    ),
  ] {
    check(&value, &expected);
  }
  // The value may come first, and the JSON may be cut.
  let text = r#"{"value":"hunter2","name":"password"}"#;
  assert_eq!(input(keys(), &json!(text)), r#"{"value":"[redacted]","name":"password"}"#);
  let cut = input(keys(), &json!(r#"[{"name":"password","value":"hunt"#));
  assert_eq!(cut, r#"[{"name":"password","value":"[redacted]""#);
}

#[test]
fn the_field_of_a_form_names_what_is_typed_into_it() {
  let mark = "[redacted]";
  for (member, name) in [
    ("selector", "#password"),
    ("selector", "input[name=\"password\"]"),
    ("locator", "form input#password"),
    ("element", "Password textbox"),
    ("placeholder", "Your password"),
    ("target", "#password"),
    ("field", "password"),
    ("path", "/password"),
  ] {
    check(&json!({ member: name, "text": "x y" }), &json!({ member: name, "text": mark }));
    check(&json!({ member: name, "value": "x" }), &json!({ member: name, "value": mark }));
  }
  for value in [
    json!({ "selector": "#passwords", "text": "x" }),
    json!({ "type": "password", "text": "x" }),
    json!({ "label": "Your password", "text": "x" }),
    json!({ "selector": "#password", "timeout": 5 }),
  ] {
    check(&value, &value);
  }
}

#[test]
fn a_path_covers_a_value_that_another_member_names() {
  let rules = json!({ "paths": ["input.headers.x-token"] });
  let value =
    |text: &str| json!({ "headers": [{ "name": "x-token", "value": text }], "value": "b" });
  assert_eq!(input(rules, &value("hunter2")), value("[redacted]"));
}

#[test]
fn a_name_in_a_list_covers_the_item_behind_it() {
  let mark = "[redacted]";
  for (value, expected) in [
    (json!([["password", "hunter2"], ["a", "b"]]), json!([["password", mark], ["a", "b"]])),
    (json!([["Authorization", { "a": 1 }]]), json!([["Authorization", mark]])),
    (json!(["login", "--password", "x", "-u"]), json!(["login", "--password", mark, "-u"])),
    (
      json!({ "rawHeaders": ["Host", "a", "Authorization", "x", "B", "password"] }),
      json!({ "rawHeaders": ["Host", "a", "Authorization", mark, "B", "password"] }),
    ),
  ] {
    check(&value, &expected);
  }
  for cut in
    [r#"[["password","hunt"#, r#"{"args":["--password","hunt"#, r#"{"h":[["password","hunt"#]
  {
    let left = input(keys(), &json!(cut));
    assert!(!left.to_string().contains("hunt"), "{left}");
  }
}

#[test]
fn lists_of_names_and_objects_without_a_covered_name_stay() {
  for value in [
    json!({ "required": ["password", "email"], "properties": { "a": { "type": "string" } } }),
    json!([["password", "email", "c"], ["a"]]),
    json!(["--password", "--verbose", "x"]),
    json!({ "type": "password", "value": "x" }),
    json!({ "text": "password", "value": "x" }),
    json!({ "name": "x", "value": { "name": "y" } }),
    json!({ "headers": ["password", "email"] }),
  ] {
    check(&value, &value);
  }
}

#[test]
fn printed_pairs_are_covered() {
  for (text, expected) in [
    (
      "{'name': 'password', 'value': 'hunter2', 'b': 1}",
      "{'name': 'password', 'value': '[redacted]', 'b': 1}",
    ),
    ("[ { key: 'password', value: 'hunter2' } ]", "[ { key: 'password', value: '[redacted]' } ]"),
    (
      "[ [ 'password', 'hunter2' ], [ 'a', 'b' ] ]",
      "[ [ 'password', '[redacted]' ], [ 'a', 'b' ] ]",
    ),
    (
      "dict_items([('a', 1), ('password', 'x')])",
      "dict_items([('a', 1), ('password', '[redacted]')])",
    ),
    (
      "{ name: \u{1b}[32m'password'\u{1b}[39m, value: \u{1b}[32m'hunter2'\u{1b}[39m }",
      "{ name: \u{1b}[32m'password'\u{1b}[39m, value: \u{1b}[32m'[redacted]'\u{1b}[39m }",
    ),
    (
      "f(a, [('password', 'hunter2',), ('password',\n 'hunter2'\n)",
      "f(a, [('password', '[redacted]',), ('password',\n '[redacted]'\n)",
    ),
    ("f(a, [['password', 'hunter2',", "f(a, [['password', '[redacted]',"),
    (
      "[(\"password\", 'hunter2', flag), ('a', 'b', True)]",
      "[(\"password\", '[redacted]', flag), ('a', 'b', True)]",
    ),
    ("[['password', 0, 5]]", "[['password', 0, 5]]"),
    ("['password', 'email']", "['password', 'email']"),
    ("omit(user, ['password', 'email', 'id'])", "omit(user, ['password', 'email', 'id'])"),
    ("f('password', 'email')", "f('password', 'email')"),
    ("{ type: 'password', value: 'x' }", "{ type: 'password', value: 'x' }"),
  ] {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn pairs_take_linear_time() {
  for piece in [
    "{\"value\":",
    "[{\"value\":1,\"a\":[x ",
    "[[\"password\",",
    "[\"--password\",\"-\",",
    "{\"value\":1,\"value\":1},",
    "'value':',",
    "[('password', (",
    "[('password', 'a' + (",
    "[('password', 'a', ",
    "',",
  ] {
    input(keys(), &json!(piece.repeat(50_000)));
  }
  input(keys(), &json!(format!("{{{}", "\"text\":\"y\",".repeat(200_000))));
  let deep = format!("{}1{}", "{\"value\":".repeat(120), ",\"b\":1}".repeat(120));
  input(keys(), &json!(format!("[{}]", vec![deep; 500].join(","))));
}
