//! JSON inside of text.

use super::*;

#[test]
fn json_inside_a_string_is_redacted() {
  let arguments =
    json!({ "password": "p", "more": json!({ "password": 1 }).to_string() }).to_string();
  let value = json!({ "arguments": arguments, "text": "{not json: password}" });
  let after = input(json!({ "keys": ["password"] }), &value);
  let arguments: Value = serde_json::from_str(after["arguments"].as_str().unwrap()).unwrap();
  assert_eq!(
    arguments,
    json!({ "password": "[redacted]", "more": "{\"password\":\"[redacted]\"}" })
  );
  assert_eq!(after["text"], "{not json: password}");
}

/// JSON text in so many JSON strings.
fn wrapped(value: &Value, times: usize) -> Value {
  (0..times).fold(value.clone(), |inner, _| json!({ "text": inner.to_string() }))
}

#[test]
fn patterns_see_json_inside_strings_decoded_and_leave_it_valid() {
  let rules = redactor(
    json!({ "patterns": [{ "source": "M\u{fc}ller", "flags": "" }], "builtins": ["api-keys", "emails"] }),
  );
  for key in ["ghp_abcdefghijklmnopqrst1234", "M\u{fc}ller", "ada@example.com"] {
    for before in ["a\n", "a\t", "\"", "\\", "x "] {
      for times in 1..=8 {
        let value = wrapped(&json!({ "list": [format!("{before}{key}")] }), times);
        let escaped = value.to_string().replace('\u{fc}', "\\u00fc");
        let mut row = row(&Value::Null);
        row.input = Some(Json::concat(&[&escaped]));
        rules.row(&mut row);
        let mut after: Value = serde_json::from_str(&row.input.unwrap().as_str()).unwrap();
        for _ in 0..times {
          after = serde_json::from_str(after["text"].as_str().unwrap()).unwrap();
        }
        assert_eq!(after["list"][0], format!("{before}[redacted]"), "{times} times");
      }
    }
  }
}

#[test]
fn json_in_more_strings_than_are_read_is_replaced() {
  let after = input(json!({ "patterns": ["plum"] }), &wrapped(&json!(["plum"]), 12));
  let text = after.to_string();
  assert!(text.contains("too deep") && !text.contains("plum"), "{text}");
}

#[test]
fn json_amid_text_is_redacted_inside() {
  let cases = [
    ("data: {\"a\":\"\\u0070lum\"}\n\n", "data: {\"a\":\"[redacted]\"}\n\n"),
    ("[see] {\"a\":1}\n{\"password\":2}", "[see] {\"a\":1}\n{\"password\":\"[redacted]\"}"),
    ("{broken \"\\u0070lum\" [", "{broken \"[redacted]\" ["),
  ];
  for (text, expected) in cases {
    assert_eq!(
      input(json!({ "patterns": ["plum"], "keys": ["password"] }), &json!(text)),
      expected
    );
  }
}

#[test]
fn a_pattern_that_is_meant_for_json_text_redacts_it() {
  let rules = json!({ "patterns": [r#""pin": ?"?[0-9]+"#] });
  let after = input(rules, &json!({ "arguments": r#"{"pin":1234}"# }));
  assert_eq!(after["arguments"], "\"[redacted]\"");
}

#[test]
fn the_beginning_of_json_that_is_cut_is_redacted_inside() {
  let rules =
    json!({ "keys": ["password"], "patterns": [{ "source": "\\bACME-\\d{6}\\b", "flags": "" }] });
  let cases = [
    (r#"{"password":"hunter2","other":"cut o"#, r#"{"password":"[redacted]","other":"cut o"#),
    (
      r#"{"a":{"b":{"c":{"d":{"e":{"password":"x","f":[1,"#,
      r#"{"a":{"b":{"c":{"d":{"e":{"password":"[redacted]","f":[1,"#,
    ),
    (r#"{"password":"hunt"#, r#"{"password":"[redacted]""#),
    (r#"{"password":{"a":[1,{"b":"hunt"#, r#"{"password":"[redacted]""#),
    (
      r#"{"list":[{"a":"\nACME-123456"},{"a":"x\nACME-123456 and"#,
      r#"{"list":[{"a":"\n[redacted]"},{"a":"x\n[redacted] and"#,
    ),
    (
      r#"[{"password":1},{"password":2},{"pass"#,
      r#"[{"password":"[redacted]"},{"password":"[redacted]"},{"pass"#,
    ),
    (
      r#"[INFO] took [3 ms] {"password":1} [x"#,
      r#"[INFO] took [3 ms] {"password":"[redacted]"} [x"#,
    ),
    (r#"[foo, {"password":"\n"}]"#, r#"[foo, {"password":"[redacted]"}]"#),
    (r#"{'a': 'x\nACME-123456', 'b': None}"#, r#"{'a': 'x\n[redacted]', 'b': None}"#),
    (r#"5" disk, "a\nACME-123456""#, r#"5" disk, "a\n[redacted]""#),
    (r#""{\"a\":\"x\\nACME-123456 cut"#, r#""{\"a\":\"x\\n[redacted] cut"#),
  ];
  for (text, expected) in cases {
    assert_eq!(input(rules.clone(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn a_malformed_value_in_the_structure_of_json_is_redacted_inside() {
  let rules = json!({ "keys": ["password"], "paths": ["input.user.mail"] });
  let cases = [
    (r#"{"password":"hunter2","score":NaN}"#, r#"{"password":"[redacted]","score":NaN}"#),
    ("see {\"password\":\"hun\nter\"} x", "see {\"password\":\"[redacted]\"} x"),
    (
      r#"got {"a":"it\'s","password":{"b":"it\'s"}}"#,
      r#"got {"a":"it\'s","password":"[redacted]"}"#,
    ),
    (
      r#"[{"user":{"mail":"a"},"at":undefined}]"#,
      r#"[{"user":{"mail":"[redacted]"},"at":undefined}]"#,
    ),
    (
      r#"{"a":"it\'s {\"password\":\"hunter2\"}","b":1}"#,
      r#"{"a":"it's {\"password\":\"[redacted]\"}","b":1}"#,
    ),
    (r#"{"it\'s password":1,"password":007}"#, r#"{"it\'s password":1,"password":"[redacted]"}"#),
    ("[INFO] [1.2.3.4]", "[INFO] [1.2.3.4]"),
  ];
  for (text, expected) in cases {
    assert_eq!(input(rules.clone(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn json_with_escaped_quotes_amid_text_is_redacted_inside() {
  let rules = json!({ "keys": ["password"] });
  let escaped = r#"{\"password\":\"hunter2\"}"#;
  let redacted = r#"{\"password\":\"[redacted]\"}"#;
  for around in ["x{}", "\"x {}\"", "5\" disk, \"{}\"", "\"it\\'s {}\"", "\"x {}", "\"a\" {} \"b\""]
  {
    let text = around.replace("{}", escaped);
    assert_eq!(
      input(rules.clone(), &json!(text)),
      around.replace("{}", redacted).replace("\"it\\'s", "\"it's"),
      "{text}"
    );
  }
}

#[test]
fn no_text_before_json_hides_it() {
  for before in
    [r#"say \"hi\" "#, r#"5" pipe\n "#, r#""a\"b "#, "[[[INFO]]] ", r#"\"\"\" ["#, r#"["a", "#]
  {
    for times in [1, 50] {
      let text = format!(r#"{} {{"password":"hunter2"}}"#, before.repeat(times));
      let after = input(json!({ "keys": ["password"] }), &json!(text));
      assert_eq!(after, text.replace("hunter2", "[redacted]"));
    }
  }
}

#[test]
fn anchors_stand_for_the_borders_of_each_string() {
  let anchored = json!({ "patterns": [{ "source": "^plum$", "flags": "" }] });
  let text = json!(r#"{"a":"plum","b":"a plum"}"#);
  assert_eq!(input(anchored.clone(), &text), r#"{"a":"[redacted]","b":"a plum"}"#);
  assert_eq!(input(anchored, &json!("see {\"a\":\"plum\"}")), "see {\"a\":\"[redacted]\"}");
}

#[test]
fn a_text_of_many_cut_objects_takes_linear_time() {
  for piece in [
    "{\"a\":{\"b\":[",
    "{\"a\":\"{",
    "\"\\n",
    "{\"a\":1,[\"",
    "'\\\\\\n\"",
    "[x,{\"a\":",
    "\\\"",
    "[\\\"",
    "[\"[[",
    "[1,\"[\",{",
    "\"{\" ",
    "[\"a\",[\"",
  ] {
    let text = piece.repeat(20_000);
    input(json!({ "keys": ["x"], "patterns": ["plum"], "builtins": ["api-keys"] }), &json!(text));
  }
}

#[test]
fn a_text_with_backslashes_outside_of_quotes_is_matched_as_it_is_written() {
  let rules = json!({ "patterns": [{ "source": "\\btemp\\b", "flags": "" }, { "source": "\\\\d", "flags": "" }] });
  assert_eq!(
    input(rules, &json!(r"C:\new\temp \dir \ttemp")),
    r"C:\new\[redacted] [redacted]ir \ttemp"
  );
}

proptest! {
  /// Whatever comes before and after, a covered member and a match leave no trace, and JSON stays JSON.
  #[test]
  fn nothing_covered_is_left_in_json_that_is_cut_anywhere(value in any_value(), cut in any::<prop::sample::Index>()) {
    let secret = json!({ "list": [value, { "password": "CANARY\n\"CANARY" }, "\tCANARY"] }).to_string();
    let end = cut.index(secret.len());
    let text: String = secret.chars().take(end).collect();
    let rules = json!({ "keys": ["password"], "patterns": ["CANARY"] });
    let after = input(rules, &json!(text));
    prop_assert!(!after.to_string().contains("CANARY"), "{}", after);
  }
}
