//! JSON whose structure is malformed, cut or incomplete.

use std::ops::Range;

use super::*;

/// Checks what is left of texts, by these rules.
fn check(rules: &Value, cases: &[(&str, &str)]) {
  for (text, expected) in cases {
    assert_eq!(input(rules.clone(), &json!(text)), *expected, "{text}");
  }
}

fn keys() -> Value {
  json!({ "keys": ["password", "headers"] })
}

#[test]
fn a_covered_value_that_is_malformed_is_replaced_up_to_the_end_of_its_object() {
  let mark = "\"password\":\"[redacted]\"";
  let cases = [
    (r#"{"password": 'hunter2xyz'}"#, format!("{{{mark}}}")),
    (r#"{"password":"a"hunter2xyz"}"#, format!("{{{mark}")),
    (r#"see {"password": SecretStr('hunter2xyz'), "b": 1}, done"#, format!("see {{{mark}}}, done")),
    (r#"{"password": {'a': 'hunter2xyz'}}"#, r#"{"password": "[redacted]"}"#.into()),
    (r#"{"b":{"password":`hunter2xyz`},"c":2}"#, format!(r#"{{"b":{{{mark}}},"c":2}}"#)),
    (r#"{"headers": {"a":"x", 'b': "hunter2xyz""#, r#"{"headers":"[redacted]""#.into()),
    (r#"{"headers": {"a":"x", 'b': "hunter2xyz"} "#, r#"{"headers": "[redacted]" "#.into()),
    (r#"{"headers": {"a":"x", 'b': "y"}, "c": 1}"#, r#"{"headers": "[redacted]", "c": 1}"#.into()),
  ];
  for (text, expected) in cases {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn what_follows_an_error_in_the_structure_is_redacted() {
  check(
    &json!({ "keys": ["password"], "paths": ["input.user.mail"] }),
    &[
      (
        r#"{"a":1 /* c */, "password":"hunter2xyz"}"#,
        r#"{"a":1 /* c */, "password":"[redacted]"}"#,
      ),
      (
        r#"{"when": new Date(1), "password":"hunter2xyz", "b": {"password": 1}}"#,
        r#"{"when": new Date(1), "password":"[redacted]", "b": {"password": "[redacted]"}}"#,
      ),
      (
        r#"{"user": {"id": new Id(1), "mail": "hunter2xyz"}}"#,
        r#"{"user": {"id": new Id(1), "mail": "[redacted]"}}"#,
      ),
      (
        r#"{"a": "unterminated} and {"password": "hunter2xyz"}"#,
        r#"{"a": "unterminated} and {"password": "[redacted]"}"#,
      ),
      (
        r#"{"a": f("{\"password\":\"hunter2xyz\"}"), "b": 1}"#,
        r#"{"a": f("{\"password\":\"[redacted]\"}"), "b": 1}"#,
      ),
      (
        r#"{"a":1 b} [see] {"c":[{"password":"hunter2xyz"}]}"#,
        r#"{"a":1 b} [see] {"c":[{"password":"[redacted]"}]}"#,
      ),
      (
        r#"{"x":{"{\"b\":0,\"password\":\"hunter2xyz\"}"""#,
        r#"{"x":{"{\"b\":0,\"password\":\"[redacted]\"}"""#,
      ),
    ],
  );
}

#[test]
fn json_in_a_string_that_is_cut_is_redacted_inside() {
  let text = r#"{"ARN":"arn:x","SecretString":"{\"username\":\"a\",\"password\":\"hunter2xyz\",\"host\":\"db.examp"#;
  let redacted = text.replace("hunter2xyz", "[redacted]");
  check(&json!({ "keys": ["password"] }), &[(text, &redacted)]);
  check(&json!({ "paths": ["input.SecretString.password"] }), &[(text, &redacted)]);
  let thought = r#"{"message":"{\"content\":[{\"type\":\"thinking\",\"text\":\"hunter2xyz"#;
  let raw = serde_json::from_value(json!({})).unwrap();
  let redactor = Redactor::new(&raw, false, true).unwrap().unwrap();
  let after = super::redacted(&redactor, &json!(thought));
  assert!(!after.to_string().contains("hunter2xyz"), "{after}");
}

#[test]
fn members_without_their_object_are_redacted() {
  check(
    &keys(),
    &[
      (
        "config.json:2:  \"user\": \"a\",\nconfig.json:3:  \"password\": \"hunter2xyz\",\nconfig.json:4: }",
        "config.json:2:  \"user\": \"a\",\nconfig.json:3:  \"password\": \"[redacted]\",\nconfig.json:4: }",
      ),
      ("… \"password\":\"hunter2xyz\",\"b\":1}", "… \"password\":\"[redacted]\",\"b\":1}"),
      ("3:  \"password\" : 'hunter2xyz'\nb", "3:  \"password\":\"[redacted]\"\nb"),
      ("3:  \"password\": \"hunter2xyz\"\n4: b", "3:  \"password\": \"[redacted]\"\n4: b"),
      ("3:  \"password\": \"hunter2xyz", "3:  \"password\":\"[redacted]\""),
      (
        "\"headers\": {\"a\": [\"hunter2xyz\"]}, \"b\": [1, {\"password\": 2}]",
        "\"headers\": \"[redacted]\", \"b\": [1, {\"password\": \"[redacted]\"}]",
      ),
      (
        "the \"key\": \"a\" and [x] {\"password\":1}",
        "the \"key\": \"a\" and [x] {\"password\":\"[redacted]\"}",
      ),
      ("no \"password\" here: \"x\", 5\" : 6", "no \"password\" here: \"x\", 5\" : 6"),
    ],
  );
}

#[test]
fn a_string_that_does_not_end_has_no_more_than_its_lines_behind_a_mark() {
  check(
    &keys(),
    &[
      (
        "+ \"password\": \"hunter2xyz\n+ 'b': 'c'\nd",
        "+ \"password\":\"[redacted]\"\n+ 'b': 'c'\nd",
      ),
      ("\"password\": \"hunter2xyz\nhunter2xyz", "\"password\":\"[redacted]\""),
    ],
  );
}

#[test]
fn members_that_stand_where_none_belong_are_redacted() {
  let cases = [
    (r#"[ "password": "hunter2xyz" ]"#, r#"[ "password": "[redacted]" ]"#),
    (r#"[ "password": "hunter2xyz"#, r#"[ "password":"[redacted]""#),
    (
      r#"["a": 1, "password": "hunter2xyz", "b": 2]"#,
      r#"["a": 1, "password": "[redacted]", "b": 2]"#,
    ),
    (r#"["a", "password" : {"z":"hunter2xyz""#, r#"["a", "password":"[redacted]""#),
    (r#"{"a": ["password": "hunter2xyz"]}"#, r#"{"a": ["password": "[redacted]"]}"#),
    (r#"{"a": {"b": ["password": "hunter2xyz"#, r#"{"a": {"b": ["password":"[redacted]""#),
    (r#"[{"a": 1}, "password": "hunter2xyz"]"#, r#"[{"a": 1}, "password": "[redacted]"]"#),
    (r#"{"error": "password": "hunter2xyz"}"#, r#"{"error": "password": "[redacted]"}"#),
    (r#"{"error":  "Password": "hunter2xyz,1"#, r#"{"error":  "Password":"[redacted]""#),
    (
      r#""error": "password": "hunter2xyz", "b": 1"#,
      r#""error": "password": "[redacted]", "b": 1"#,
    ),
    (
      r#"{"a": "b": "c": "password": "hunter2xyz"}"#,
      r#"{"a": "b": "c": "password": "[redacted]"}"#,
    ),
  ];
  check(&keys(), &cases);
  for (text, expected) in cases {
    // The same in a string, and in one that is cut.
    let (text, expected) = (json!({ "a": text }).to_string(), json!({ "a": expected }).to_string());
    check(&keys(), &[(&text, &expected)]);
    let after = input(keys(), &json!(text.trim_end_matches(['"', '}'])));
    assert!(!after.to_string().contains("hunter2xyz"), "{after}");
  }
  // A pattern that matches the name changes nothing of that.
  let rules = json!({ "keys": ["password"], "patterns": ["pass"] });
  check(
    &rules,
    &[(r#"{"a": "password": "hunter2xyz"}"#, r#"{"a": "[redacted]word": "[redacted]"}"#)],
  );
}

#[test]
fn members_of_json_in_a_string_whose_beginning_is_cut_off_are_redacted() {
  check(
    &keys(),
    &[
      (
        r#"user\":\"u\",\"password\":\"hunter2xyz\",\"t\":\"v\"}"},{"k":1}],"tail":"t"}"#,
        r#"user\":\"u\",\"password\":\"[redacted]\",\"t\":\"v\"}"},{"k":1}],"tail":"t"}"#,
      ),
      (r#"\"password\" : \"hunter2xyz\","#, r#"\"password\" : \"[redacted]\","#),
      (
        r#"u\\\",\\\"password\\\":\\\"hunter2xyz\\\"}\""#,
        r#"u\\\",\\\"password\\\":\\\"[redacted]\\\"}\""#,
      ),
      (r#"say \"hi\": \"u\""#, r#"say \"hi\": \"u\""#),
    ],
  );
}

#[test]
fn reasoning_is_redacted_although_its_object_is_malformed() {
  let raw = serde_json::from_value(json!({})).unwrap();
  let redactor = Redactor::new(&raw, false, true).unwrap().unwrap();
  for text in [
    r#"{"type":"thinking" /* c */, "text":"hunter2xyz"}"#,
    r#"[{"type":"thinking", "s": new X(1), "text":"hunter2xyz"}, 1]"#,
    r#""note": see {"type":"reasoning","text":"hunter2xyz"}"#,
    r#"{"a": {'b': 1}, "m": {"type":"reasoning","text":"hunter2xyz"}}"#,
    r#""messages": [{"type":"reasoning","text":"hunter2xyz"}], "a": {"reasoning": "hunter2xyz"}"#,
  ] {
    let after = redacted(&redactor, &json!(text));
    assert!(!after.to_string().contains("hunter2xyz"), "{after}");
  }
}

#[test]
fn a_text_of_many_malformed_members_takes_linear_time() {
  for piece in [
    "\"a\":x y",
    "\"a\":{\"b\":{ z { { \"c\":1 } }",
    "{\"b\":[ x y \"c\":1 z ",
    "{\"a\":{\"b\":x y",
    "\"a\":\"\\\"",
    "\" \\\"[",
    "{\"a\":1 \"",
    "\"x\":{'",
    "\"a\":[1 {\"type\":\"thinking\" 1",
    "\"a\"   :",
    "[\"a\":",
    "[\"a\":[\"b\", ",
    "{\"a\":\"b\":",
    "{\"a\":[1, \"b\" : ",
  ] {
    let text = json!(piece.repeat(20_000));
    input(json!({ "keys": ["x"], "patterns": ["plum"] }), &text);
    let raw = serde_json::from_value(json!({ "keys": ["x"] })).unwrap();
    redacted(&Redactor::new(&raw, false, false).unwrap().unwrap(), &text);
  }
}

/// JSON with the secret member, escaped so many times, and where the name of that member is, with its quotes.
fn escaped(value: &Value, times: usize) -> (String, Range<usize>) {
  let json = json!({ "before": value, "m": [{ "id": value, "password": "hunter2xyz", "t": value }, { "k": 1 }] });
  let text = (0..times).fold(json.to_string(), |text, _| Value::String(text).to_string());
  // Each time, the backslashes before a quote are doubled, and one more is added.
  let quote = 1 << times;
  let name = text.find("password\\").or(text.find("password\"")).unwrap();
  (text, name - quote..name + "password".len() + quote)
}

/// Some tokens of JSON and of other languages.
fn tokens() -> impl Strategy<Value = String> {
  let token = prop::sample::select(vec![
    "{", "}", "[", "]", "\"", ":", ",", "'", "\\", " ", "\n", "word", "1", "`", "//", "{\"x\":",
    "\"y\"", "\\\"", "\\n", "null",
  ]);
  prop::collection::vec(token, 0..6).prop_map(|tokens| tokens.concat())
}

proptest! {
  /// Wherever a text is cut, outside of its name the value of a covered member is never left whole.
  #[test]
  fn nothing_covered_is_left_in_escaped_json_that_is_cut_at_both_ends(
    value in any_value(),
    times in 0_usize..=4,
    front in any::<prop::sample::Index>(),
    end in any::<prop::sample::Index>(),
    around in prop::sample::select(vec!["", "log 1\nfoo: "]),
  ) {
    let (text, name) = escaped(&value, times);
    let (start, end) = (front.index(name.start + 1), name.end + end.index(text.len() - name.end + 1));
    let text = format!("{around}{}", String::from_utf8_lossy(&text.as_bytes()[start..end]));
    let after = input(json!({ "keys": ["password"] }), &json!(text));
    prop_assert!(!after.to_string().contains("hunter2xyz"), "{} {}", text, after);
  }

  /// Wherever the structure breaks, a covered member that is whole leaves no trace.
  #[test]
  fn nothing_covered_is_left_in_json_with_an_error_anywhere(
    value in any_value(),
    garbage in "[a-z ()/*'\\[\\]{}:,]{1,6}",
    place in any::<prop::sample::Index>(),
  ) {
    let before = json!({ "list": [value, { "a": 1 }] }).to_string();
    let before: Vec<char> = before.trim_end_matches(['}', ']']).chars().collect();
    let at = place.index(before.len() + 1);
    let (first, rest): (String, String) =
      (before[..at].iter().collect(), before[at..].iter().collect());
    let text = format!("{first}{garbage}{rest},\"password\":\"CANARY\"}}]}}");
    let rules = json!({ "keys": ["password"], "patterns": [] });
    let after = input(rules, &json!(text));
    let shown = text.replace("\"password\":\"CANARY\"", "");
    prop_assert!(shown.contains("CANARY") || !after.to_string().contains("CANARY"), "{} {}", text, after);
  }

  /// Whatever tokens come before and after, a covered member that is whole leaves no trace.
  #[test]
  fn nothing_covered_is_left_among_other_tokens(
    before in tokens(),
    after in tokens(),
    value in any_value(),
    times in 0_usize..=2,
  ) {
    let json = json!({ "password": "CANARY", "b": value }).to_string();
    let json = (0..times).fold(json, |text, _| Value::String(text).to_string());
    // JSON in a name is none in a value.
    let after = if times > 0 { after.trim_start_matches([' ', '\n', ':']) } else { &after };
    let text = format!("{before}{json}{after}");
    let left = input(json!({ "keys": ["password"] }), &json!(text));
    let others = text.matches("CANARY").count() - 1;
    prop_assert!(left.to_string().matches("CANARY").count() <= others, "{} {}", text, left);
  }
}
