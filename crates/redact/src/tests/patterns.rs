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
fn the_order_of_patterns_and_builtins_makes_no_difference() {
  let pattern = |source: &str| json!({ "source": source, "flags": "" });
  let cases = [
    (["ACME", r"ACME-\d{6}"], "customer ACME-123456 called", "customer * called"),
    ([r"\bAda\b", r"\bAda Lovelace\b"], "I am Ada Lovelace", "I am *"),
    (["ab", "bc"], "abc", "*"),
    (["a", "b"], "abc", "**c"),
    // Also in escapes that are decoded.
    ([r"\nACME", r"\nACME-\d{6}"], r#""x\nACME-123456"#, r#""x*"#),
    ([r"ACME", r"\nACME-\d{6}"], r#""x\nACME-123456"#, r#""x*"#),
  ];
  for (patterns, text, expected) in cases {
    let mut patterns = patterns.map(pattern);
    for _ in 0..2 {
      let rules = json!({ "patterns": patterns, "replacement": "*" });
      assert_eq!(input(rules, &json!(text)), expected, "{patterns:?}");
      patterns.reverse();
    }
  }
  let cases = [
    (
      json!([r"example\.com"]),
      ["emails", "jwts"],
      "mail ada.lovelace@example.com now",
      "mail * now",
    ),
    (json!(["sk-"]), ["api-keys", "jwts"], "key sk-proj-abcdefghijklmnop1234", "key *"),
    (json!([]), ["emails", "ip-addresses"], "mail ada@10.0.0.1.example.com", "mail *"),
    (json!([]), ["emails", "bearer-tokens"], "Bearer abcdefgh.ada@example.com", "*"),
  ];
  for (patterns, mut builtins, text, expected) in cases {
    for _ in 0..2 {
      let rules = json!({ "patterns": patterns, "builtins": builtins, "replacement": "*" });
      assert_eq!(input(rules, &json!(text)), expected, "{builtins:?}");
      builtins.reverse();
    }
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
