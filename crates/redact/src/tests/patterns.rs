//! Expressions of the option.

use super::*;

#[test]
fn patterns_match_what_they_match_in_v8() {
  let mut compared = 0;
  for line in include_str!("../v8-matches.ndjson").lines() {
    let case: Value = serde_json::from_str(line).unwrap();
    let rules = json!({ "patterns": [{ "source": case["source"], "flags": case["flags"] }], "replacement": "\u{a7}" });
    let Ok(redactor) = Redactor::new(&serde_json::from_value(rules).unwrap(), true, true) else {
      continue;
    };
    let text = case["text"].as_str().unwrap();
    let after = redactor.unwrap().rules.redact_text(text).unwrap_or_else(|| text.to_owned());
    assert_eq!(after, case["expected"], "{line}");
    compared += 1;
  }
  assert!(compared > 1000, "{compared}");
}

#[test]
fn patterns_match_as_in_javascript() {
  let cases = [
    (
      r"\bACME-\d{6}\b",
      "",
      "\u{9867}\u{5ba2}ACME-123456\u{3067}\u{3059}",
      "\u{9867}\u{5ba2}*\u{3067}\u{3059}",
    ),
    (r"\W", "", "a\u{e9}", "a*"),
    (r"\A", "", "A a", "* a"),
    (r"\z", "", "z\n", "*\n"),
    (r"\<a\>", "", "<a> a", "* a"),
    ("[&&]", "", "a&b", "a*b"),
    ("[a~~b]", "", "~", "*"),
    ("[+--]", "", "a,b", "a*b"),
    ("^x$", "m", "a\rx\u{2028}x", "a\r*\u{2028}*"),
    ("s", "i", "\u{17f}S", "\u{17f}*"),
    ("s", "iu", "\u{17f}S", "**"),
    (".", "", "\u{1f600}", "*"),
    ("^.$", "", "\u{1f600}", "\u{1f600}"),
    ("^.$", "u", "\u{1f600}", "*"),
    (r"[\w--a]", "v", "ab", "a*"),
  ];
  for (source, flags, text, expected) in cases {
    let rules = json!({ "patterns": [{ "source": source, "flags": flags }], "replacement": "*" });
    assert_eq!(
      redactor(rules).rules.redact_text(text).as_deref().unwrap_or(text),
      expected,
      "/{source}/{flags}"
    );
  }
}

#[test]
fn constructs_without_a_translation_are_named() {
  let cases = [
    ("a(?=b)", "look-around \"(?=\""),
    ("(?<!a)b", "look-around \"(?<!\""),
    (r"(a)\1", r#"\\1"#),
    (r"\p{L}", "Unicode properties"),
    ("(?:|a)*", "quantifier \"*\""),
    ("(", "syntax error"),
    ("*", "nothing to repeat"),
  ];
  for (source, reason) in cases {
    let error = error(json!({ "patterns": [{ "source": source, "flags": "u" }] }));
    assert!(
      error.contains("redact.patterns[0] cannot be used: ") && error.contains(reason),
      "{error}"
    );
  }
}
