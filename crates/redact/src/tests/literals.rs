//! Members as Python and JavaScript print them.

use super::*;

fn keys() -> Value {
  json!({ "keys": ["password", "headers"] })
}

/// Checks what is left of a text, also as a string in JSON, and in JSON that ends within that string.
fn check(text: &str, expected: &str) {
  assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  let in_json = |text: &str| json!({ "out": text }).to_string();
  assert_eq!(input(keys(), &json!(in_json(text))), in_json(expected));
  let cut = |text: &str| in_json(text).strip_suffix("\"}").unwrap().to_owned();
  assert_eq!(input(keys(), &json!(cut(text))), cut(expected));
}

#[test]
fn members_that_python_or_javascript_printed_are_redacted() {
  let cases = [
    ("{'password': 'hunter2', 'b': 1}", "{'password': '[redacted]', 'b': 1}"),
    ("{'password': \"hun'ter2\"}", "{'password': '[redacted]'}"),
    (r"{'password': 'hun\'ter2', 'b': 1}", r"{'password': '[redacted]', 'b': 1}"),
    ("{'password': b'hunter2'}", "{'password': '[redacted]'}"),
    ("{'password': SecretStr('a, hunter2'), 'b': 1}", "{'password': '[redacted]', 'b': 1}"),
    ("{'a': {\"b\": 1}, 'password': 'hunter2'}", "{'a': {\"b\": 1}, 'password': '[redacted]'}"),
    ("{'headers': {\"a\": \"hunter2\", 'b': [1]}, 'c': 2}", "{'headers': '[redacted]', 'c': 2}"),
    ("{'headers': {\"a\": \"hunter2", "{'headers': '[redacted]'"),
    ("{'password':\n   'hunter2'}", "{'password':\n   '[redacted]'}"),
    ("'u', 'password': 'hunter2', 'b", "'u', 'password': '[redacted]', 'b"),
    ("{'password': 'hunter2", "{'password': '[redacted]'"),
    ("{ user: 'u', password: 'hunter2' }", "{ user: 'u', password: '[redacted]' }"),
    (
      "{\n  password: 'a\\n' +\n    'hunter2',\n  b: 1\n}",
      "{\n  password: '[redacted]',\n  b: 1\n}",
    ),
    ("{\r\n  password: \"hunter2\"\r\n}", "{\r\n  password: '[redacted]'\r\n}"),
    ("{ headers: { a: ['hunter2'] }, b: 1 }", "{ headers: '[redacted]', b: 1 }"),
    // Python's `pprint`.
    (
      "{'password': 'a '\n             \"it's \"\n             'hunter2',\n 'user': 'u'}",
      "{'password': '[redacted]',\n 'user': 'u'}",
    ),
    ("'password': 'hunter2'\n'user': 'u'\n", "'password': '[redacted]'\n'user': 'u'\n"),
    // Values of classes, and numbers.
    ("{ password: Secret { v: 'hunter2' }, b: 1 }", "{ password: '[redacted]', b: 1 }"),
    ("{ headers: Map(1) { 'a' => 'hunter2' }, b: 1 }", "{ headers: '[redacted]', b: 1 }"),
    ("{ headers: Row(2) [ 'a', 'hunter2' ] }", "{ headers: '[redacted]' }"),
    ("{ headers: _$Row2 [] }", "{ headers: '[redacted]' }"),
    ("{ password: -42, b: 1 }", "{ password: '[redacted]', b: 1 }"),
    ("{ password: <Buffer 68 75 6e>, b: 1 }", "{ password: '[redacted]', b: 1 }"),
    (r"{\'password\': \'hunter2\'}", r"{\'password\': '[redacted]'}"),
    (
      "{'a': \"x\", 'b': '\\n', 'password': \"hunter2\"}",
      "{'a': \"x\", 'b': '\\n', 'password': '[redacted]'}",
    ),
    (
      "{'\u{e4}': '\u{e4}\\\u{e4}', 'password': '\\\u{e4}hunter2'}",
      "{'\u{e4}': '\u{e4}\\\u{e4}', 'password': '[redacted]'}",
    ),
  ];
  for (text, expected) in cases {
    check(text, expected);
  }
}

#[test]
fn the_colours_of_a_terminal_hide_no_member() {
  let cases = [
    // `util.inspect`, with a name that needs no quotes and one that does.
    (
      "{ user: ~[32m'ada'~[39m, password: ~[32m'hunter2'~[39m, n: ~[33m1~[39m }",
      "{ user: ~[32m'ada'~[39m, password: ~[32m'[redacted]'~[39m, n: ~[33m1~[39m }",
    ),
    (
      "{ ~[32m'pass-word'~[39m: ~[32m'hunter2'~[39m }",
      "{ ~[32m'pass-word'~[39m: ~[32m'[redacted]'~[39m }",
    ),
    (
      "{\n  headers: { a: ~[32m'hunter2'~[39m },\n  b: ~[33m1~[39m\n}",
      "{\n  headers: '[redacted]',\n  b: ~[33m1~[39m\n}",
    ),
    ("{ password: ~[33m1234~[39m }", "{ password: ~[33m'[redacted]'~[39m }"),
    ("{ ~[1;36mpassword~[0m: ~[32m'hunter2'~[39m", "{ ~[1;36mpassword~[0m: ~[32m'[redacted]'~[39m"),
    // `grep --color`.
    ("  ~[01;31m~[Kpassword~[m~[K: 'hunter2',", "  ~[01;31m~[Kpassword~[m~[K: '[redacted]',"),
    ("  '~[01;31m~[Kpassword~[m~[K': 'hunter2',", "  '~[01;31m~[Kpassword~[m~[K': '[redacted]',"),
    // `jq -C`.
    (
      "~[1;39m{\n  ~[0m~[34;1m\"password\"~[0m~[1;39m:~[0m ~[0;32m\"hunter2\"~[0m~[1;39m,\n  ~[0m~[34;1m\"b\"~[0m~[1;39m:~[0m ~[0;39m1~[0m~[1;39m~[1;39m\n}~[0m",
      "~[1;39m{\n  ~[0m~[34;1m\"password\"~[0m~[1;39m:~[0m ~[0;32m\"[redacted]\"~[0m~[1;39m,\n  ~[0m~[34;1m\"b\"~[0m~[1;39m:~[0m ~[0;39m1~[0m~[1;39m~[1;39m\n}~[0m",
    ),
    // Pygments.
    (
      "{~[94m\"headers\"~[39;49;00m:~[37m ~[39;49;00m{~[94m\"a\"~[39;49;00m: ~[33m\"hunter2\"~[39;49;00m}}",
      "{~[94m\"headers\"~[39;49;00m:~[37m ~[39;49;00m\"[redacted]\"}",
    ),
    // JSON that is cut, and members without their object.
    ("{~[34m\"password\"~[0m: ~[32m\"hunt\\\"er2", "{~[34m\"password\":\"[redacted]\""),
    (
      "{~[34m\"a\"~[0m: ~[32m\"{\\\"password\\\":\\\"hunter2",
      "{~[34m\"a\"~[0m: ~[32m\"{\\\"password\\\":\\\"[redacted]\\\"",
    ),
    (
      "3:  ~[34m\"password\"~[0m: ~[32m\"hunter2\"~[0m\n4:",
      "3:  ~[34m\"password\"~[0m: ~[32m\"[redacted]\"~[0m\n4:",
    ),
    ("3: \"~[01;31mpassword~[m\": \"hunter2\"", "3: \"~[01;31mpassword~[m\": \"[redacted]\""),
  ];
  for (text, expected) in cases {
    let (text, expected) = (text.replace('~', "\u{1b}"), expected.replace('~', "\u{1b}"));
    check(&text, &expected);
    // In a log that shows it escaped.
    let shown = format!("out: {}", json!(text));
    assert!(!input(keys(), &json!(shown)).to_string().contains("hunter2"), "{shown}");
  }
}

#[test]
fn pairs_of_a_map_are_members() {
  let cases = [
    ("Map(1) { 'password' => 'hunter2' }", "Map(1) { 'password' => '[redacted]' }"),
    (
      "Map(1) {'headers' => { a: 'hunter2' }, 'b' => 1}",
      "Map(1) {'headers' => '[redacted]', 'b' => 1}",
    ),
    ("[\n  'password' => 'hunter2',\n]", "[\n  'password' => '[redacted]',\n]"),
    // Ruby.
    ("{\"password\" => \"hunter2\", \"b\" => 1}", "{\"password\" => '[redacted]', \"b\" => 1}"),
    ("{\"password\"=>\"a, hunter2\"}", "{\"password\"=>'[redacted]'}"),
    ("{:password=>\"a, hunter2\", :b=>1}", "{:password=>'[redacted]', :b=>1}"),
    ("{ :a => 1, :password => 12 }", "{ :a => 1, :password => '[redacted]' }"),
    ("a ? b :password=>c", "a ? b :password=>c"),
    ("f(\"password\", x => 'y')", "f(\"password\", x => 'y')"),
    ("users.map(password => { ok(1) }, 2)", "users.map(password => { ok(1) }, 2)"),
    ("'password' >= 'x', 'password' = 1", "'password' >= 'x', 'password' = 1"),
  ];
  for (text, expected) in cases {
    check(text, expected);
  }
}

#[test]
fn strings_behind_an_equals_sign_are_members() {
  let cases = [
    ("User(password='hunter2', b=1)", "User(password='[redacted]', b=1)"),
    ("#<User @password=\"hunter2\", @b=1>", "#<User @password='[redacted]', @b=1>"),
    ("<a password=\"hunter2\" b=\"c\">", "<a password='[redacted]' b=\"c\">"),
    ("login --password=\"hunter2\" b", "login --password='[redacted]' b"),
    ("x[\"headers\"] = b'hunter2', b", "x[\"headers\"] = '[redacted]', b"),
    ("{\"password\"=\"hunter2\"}", "{\"password\"='[redacted]'}"),
    ("don't: PASSWORD='hunter2' b", "don't: PASSWORD='[redacted]' b"),
    ("password = `hunter2`; b", "password = '[redacted]'; b"),
    ("password = 'a' +\n  'hunter2'; b", "password = '[redacted]'; b"),
    ("password='a'\"hunter2\" b", "password='[redacted]' b"),
    ("password = \"\"\"a\nhunter2\"\"\"\nb", "password = '[redacted]'\nb"),
    ("f('password=\"hunter2\"', 'b')", "f('password='[redacted]'', 'b')"),
    (r"f('password=\'hunter2\'', b)", "f('password='[redacted]'', b)"),
    ("password=\\\"hunter2\nb", "password='[redacted]'\nb"),
    ("- password = 'hunter2\n- b", "- password = '[redacted]'\n- b"),
    ("a\npassword='hunter2\nhunter2", "a\npassword='[redacted]'"),
    // A quote in the string, and one that ends the string around the name.
    ("password=\"{\"b\":\"hunter2\"}\nb", "password='[redacted]'\nb"),
    ("password='don't hunter2\nb", "password='[redacted]'\nb"),
    ("f(\"password='\")\nb\nc", "f(\"password='[redacted]'\nb\nc"),
    ("password := \"hunter2\"; b", "password := '[redacted]'; b"),
    ("password ??= 'hunter2'; b", "password ??= '[redacted]'; b"),
    ("password += 'hunter2'; b", "password += '[redacted]'; b"),
    ("~[1mpassword~[0m=~[32m'hunter2'~[0m", "~[1mpassword~[0m=~[32m'[redacted]'~[0m"),
    // Named arguments of Ruby, Swift and PHP.
    ("f(password: \"hunter2\", b: 1)", "f(password: '[redacted]', b: 1)"),
    ("[password: 'hunter2', b: 1]", "[password: '[redacted]', b: 1]"),
  ];
  for (text, expected) in cases {
    let (text, expected) = (text.replace('~', "\u{1b}"), expected.replace('~', "\u{1b}"));
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn comparisons_and_quotes_that_end_a_string_are_no_members() {
  for text in [
    "if (password == \"x\" || password != 'x') {}",
    "grep \"password=\" a.txt\nb \"c\"",
    "url + '?password=' + value + '&b=' + c",
    "<a data-password=\"x\" name=\"password\">",
    "f(password=password, headers=get('x'))",
    "(headers: { a: string }) => [password, 'x']",
  ] {
    assert_eq!(input(keys(), &json!(text)), text);
  }
}

#[test]
fn a_name_may_be_the_first_word_of_a_line_behind_its_number_or_a_mark() {
  for before in [
    "",
    "  ",
    "    12\t",
    "    12\u{2192}  ",
    " 12 | ",
    "12: ",
    "+  ",
    "-",
    "> ",
    "- ",
    "\u{2502} 3 ",
    "src/a-2.js:12:  ",
    "Makefile:12:  ",
    "a.js-12-",
    "C:\\src\\a.js:12:5:  ",
    "/etc/a:  ",
  ] {
    let shown = |value: &str| format!("a = {{\n{before}password: {value},\n{before}b: 1,\n}}");
    check(&shown("'hunter2'"), &shown("'[redacted]'"));
  }
  for text in [
    "the new password: 'x'",
    "a 12: password: 'x'",
    "see a.js:12: password: 'x'",
    "note:12: password: 'x'",
  ] {
    check(text, text);
  }
}

#[test]
fn a_value_in_escaped_quotes_may_have_commas_and_brackets() {
  for marks in ["\\", "\\\\\\"] {
    let shown =
      |value: &str| format!("{{'password': {value}, 'b': 1}}").replace('\'', &format!("{marks}'"));
    let text = shown("'a, (hunter2'");
    let redacted = input(keys(), &json!(text));
    assert_eq!(redacted, shown("#").replace('#', "'[redacted]'"), "{text}");
  }
  // One that is alone begins no string.
  let text = "{ password: 1\\', b: 2 }\n{ c: 3\\' }";
  assert_eq!(input(keys(), &json!(text)), "{ password: '[redacted]', b: 2 }\n{ c: 3\\' }");
}

#[test]
fn a_value_that_does_not_end_has_no_more_than_its_lines_behind_a_mark() {
  for (text, expected) in [
    ("- password: 8; don't\n- b: (c\n", "- password: '[redacted]'\n- b: (c\n"),
    ("password: 8; don't\nb", "password: '[redacted]'\nb"),
    ("+ password: \"hunter2\n+ b: 'c'\n  d", "+ password: '[redacted]'\n+ b: 'c'\n  d"),
    ("+ password: `hunter2\n+ b: 'c'\n", "+ password: '[redacted]'\n+ b: 'c'\n"),
    ("+ 'password': 'hunter2\n+ b: 'c'\n", "+ 'password': '[redacted]'\n+ b: 'c'\n"),
    (
      " 9\u{2192}  password: 'hunter2\n10\u{2192}  b",
      " 9\u{2192}  password: '[redacted]'\n10\u{2192}  b",
    ),
    ("9:  password: [hunter2\n10:  b", "9:  password: '[redacted]'\n10:  b"),
    (
      "a.js:9:  headers: {\na.js:10:    a: 'hunter2'\nb.js:1: c",
      "a.js:9:  headers: '[redacted]'\nb.js:1: c",
    ),
    ("- headers: {\n    a: 'hunter2'\n\n    b: 'hunter2'\n- c", "- headers: '[redacted]'\n- c"),
    ("+  headers: {\n+    a: 'hunter2',\n+  },\n+  c: 1", "+  headers: '[redacted]',\n+  c: 1"),
    ("- password: 'hun' +\n- 'ter2\n- c", "- password: '[redacted]'\n- c"),
    // Numbers of the value are not those of its lines.
    ("+  password: [\n+    1234,\n+    -5\n+  ],\n+  c: 1", "+  password: '[redacted]',\n+  c: 1"),
    ("- password: {\n    12: 'hunter2'\n- c", "- password: '[redacted]'\n- c"),
    (
      "9:  password: [\n10:    12: 'hunter2',\n11:  ]\n12:  c",
      "9:  password: '[redacted]'\n12:  c",
    ),
    ("+  password: `\n+hunter2\n+`,\n+  c: 1", "+  password: '[redacted]',\n+  c: 1"),
  ] {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn the_prefix_of_a_string_is_no_word() {
  for prefix in ["b", "Rb", "N", "\u{1b}[32m"] {
    let text = format!("{{'password': {prefix}'a, hunter2', 'b': 1}}");
    assert!(!input(keys(), &json!(text)).to_string().contains("hunter2"), "{text}");
  }
}

#[test]
fn a_path_covers_the_name_of_a_member_that_was_printed() {
  let rules = json!({ "paths": ["input.**.iban"] });
  assert_eq!(input(rules, &json!("{'a': {'iban': 'x'}}")), "{'a': {'iban': '[redacted]'}}");
}

#[test]
fn prose_and_types_are_no_members() {
  for text in [
    "Enter your name, password: at least 8 letters.",
    "password: hunter",
    "function login(user: string, password: string) {}",
    "the password: 'x' and the users' password: \"y\"",
    "note: the 'password' here: x, 'other': 'y'",
    "{'password':}",
    "type Login = {\n  password: Secret[];\n  headers: Map<string, string>;\n}",
    "password: -",
    "{ password: hash(x) }",
  ] {
    assert_eq!(input(keys(), &json!(text)), text);
  }
}

#[test]
fn json_amid_text_stays_json_although_it_has_such_members() {
  let text = r#"see {"a": "it's {'password': \"hunter2\"}, 'b'"}, done"#;
  let redacted = r#"see {"a": "it's {'password': '[redacted]'}, 'b'"}, done"#;
  assert_eq!(input(keys(), &json!(text)), redacted);
}

#[test]
fn json_that_is_cut_in_a_covered_member_hides_none_behind_it() {
  for (text, expected) in [
    (
      "{ password: '{\"a\":\"x', user: 'u' }\n{\"password\":\"hunter2\"}",
      "{ password: '[redacted]', user: 'u' }\n{\"password\":\"[redacted]\"}",
    ),
    (
      "{'password': '{\"a\":\"x', 'b': 1, 'headers': '{\"b\":\"hunter2\"}', 'c': 2}",
      "{'password': '[redacted]', 'b': 1, 'headers': '[redacted]', 'c': 2}",
    ),
    (
      "{'password': '\"a\": \"x', 'headers': [\"hunter2\", 'a'], 'c': \"x\"}",
      "{'password': '[redacted]', 'headers': '[redacted]', 'c': \"x\"}",
    ),
  ] {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn a_quote_in_a_covered_member_begins_no_string() {
  for (text, expected) in [
    (
      r#"{ a: "it's", b: 'x\n', password: 'a"hunter2', c: 1 }"#,
      r#"{ a: "it's", b: 'x\n', password: '[redacted]', c: 1 }"#,
    ),
    (
      r#"{'password': 'a"b', 'b': 'x\n', 'headers': 'a"hunter2', 'c': 1}"#,
      r#"{'password': '[redacted]', 'b': 'x\n', 'headers': '[redacted]', 'c': 1}"#,
    ),
  ] {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn a_covered_string_that_is_cut_hides_what_is_behind_it() {
  let text = "{'a': 1, 'password': 'x\n{'password': '}hunter2', 'b': 1}";
  assert_eq!(input(keys(), &json!(text)), "{'a': 1, 'password': '[redacted]'");
  let lines = "{ password: `a\nhunter2`, b: 1 }";
  assert_eq!(input(keys(), &json!(lines)), "{ password: '[redacted]', b: 1 }");
}

#[test]
fn members_of_what_was_printed_as_a_string_are_redacted() {
  for (text, expected) in [
    (
      r"{ out: '{\n  password: \'hunter2\',\n  b: 1\n}' }",
      r"{ out: '{\n  password: '[redacted]',\n  b: 1\n}' }",
    ),
    (r"['{\n  password: 1234\n}']", r"['{\n  password: '[redacted]'\n}']"),
    (r"'\'{\\n  headers: { a: \\\'hunter2\\\' }\\n}\''", r"'\'{\\n  headers: '[redacted]'\\n}\''"),
    // Node prints a text with several lines as several strings, here in the colours of a terminal.
    (
      "'{\\n' +\n  \"  password: 'hunter2',\\n\" +\n  '  b: 1\\n'",
      "'{\\n' +\n  \"  password: '[redacted]',\\n\" +\n  '  b: 1\\n'",
    ),
    (
      "~[32m'{\\n'~[39m +\n  ~[32m`  headers: { a: 'hunter2' },\\n`~[39m",
      "~[32m'{\\n'~[39m +\n  ~[32m`  headers: '[redacted]',\\n`~[39m",
    ),
  ] {
    let (text, expected) = (text.replace('~', "\u{1b}"), expected.replace('~', "\u{1b}"));
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn what_is_behind_the_last_quote_of_a_text_is_no_string_if_json_has_none_like_it() {
  for (text, expected) in [
    (
      "import x from \"y\";\nconst c = { password: 'it\\'s, hunter2' };",
      "import x from \"y\";\nconst c = { password: '[redacted]' };",
    ),
    (
      "import x from \"y\";\nconst c = { password: 'a\\nb' };\nconst digit = /\\d/;",
      "import x from \"y\";\nconst c = { password: '[redacted]' };\nconst digit = /\\d/;",
    ),
  ] {
    assert_eq!(input(keys(), &json!(text)), expected, "{text}");
  }
}

#[test]
fn a_covered_value_that_ends_in_a_string_hides_nothing_behind_that() {
  let text = "error: \"bad 'token': 'abc'\\n\" in \"file.py\"\nline 2";
  let redacted = "error: \"bad 'token': '[redacted]'\\n\" in \"file.py\"\nline 2";
  assert_eq!(input(json!({ "keys": ["token"] }), &json!(text)), redacted);
}

#[test]
fn members_are_found_in_a_string_that_is_cut() {
  for cut in ["", "\\", "\\u00"] {
    let text = format!(r#""{{\n  user: 'u',\n  password: 'hunter2',\n  b: 1{cut}"#);
    assert!(!input(keys(), &json!(text)).as_str().unwrap().contains("hunter2"), "{text}");
  }
  let text = r#""{\n  user: 'u',\n  password: 'hunter2',\n  b: 1"#;
  let redacted = r#""{\n  user: 'u',\n  password: '[redacted]',\n  b: 1"#;
  assert_eq!(input(keys(), &json!(text)), redacted);
}

#[test]
fn quotes_in_the_replacement_are_escaped() {
  let rules = json!({ "keys": ["password"], "replacement": "it's" });
  assert_eq!(input(rules, &json!("{'password': 'x'}")), r"{'password': 'it\'s'}");
}

#[test]
fn a_text_of_many_such_members_takes_linear_time() {
  for piece in [
    "'x':",
    "'a':",
    "x:{'",
    "{x: '",
    "'",
    "':",
    "a:",
    "'x': \"",
    "\\'x\\':[",
    ",x:1",
    "'x': {\"a\":[{\"",
    "{x: '[{\"a\":[\"', b: '\",",
    ": ",
    "{\"a\":1 'x': ",
    "\u{1b}[1m:",
    "\u{1b}[",
    "x\u{1b}[1m'\u{1b}[m:",
    "\"a\"\u{1b}[m",
    "1:",
    "x:a(",
    "{x: a(1) [",
    "'x': 'a'\n",
    "'a'\n",
    "- x: [\n",
    "- x: 'a\n",
    "- x: [`\n",
    "- x: [\n    ",
    "a.b:1:x: [\n",
    "- ],x:[[\n",
    "\n- 'x':\\",
    "\\'x\\': \\'",
    "x: [\\n",
    "\\'x\\':\\\\' ",
    "\"x\"=>\"",
    "x='",
    "x=\"",
    "x='a'",
    "x='a'+",
    "x=\\'",
    "x=\\\\\"a",
    "x=\"\"\"",
    "- x='a\n",
    "+ \"x\": \"a\n",
    "+ \"x\": [\n",
  ] {
    input(json!({ "keys": ["x"], "patterns": ["plum"] }), &json!(piece.repeat(50_000)));
  }
  let text = format!("{{'x': [{}", "\\".repeat(1_000_000));
  input(json!({ "keys": ["x"] }), &json!(text));
}

proptest! {
  /// Whatever comes before and after, the value of a covered member leaves no trace.
  #[test]
  fn nothing_covered_is_left_of_what_was_printed(before in r#"[a-z{}\[\]':, \\\n]{0,40}"#, after in r#"[a-z{}\[\]'":, \\\n]{0,40}"#) {
    let text = format!("{before}\n{{'password': 'CANARY'{after}");
    let left = input(json!({ "keys": ["password"] }), &json!(text));
    prop_assert!(!left.to_string().contains("CANARY"), "{} {}", text, left);
  }
}
