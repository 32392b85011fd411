//! Values in other forms of text: XML, HTML, tables, files of logins.

use super::*;

/// Checks what is left of a text; `~` stands for the replacement.
fn check(cases: &[(&str, &str)]) {
  let rules = json!({ "keys": ["password", "headers", "csrf-token"] });
  for (text, expected) in cases {
    let expected = expected.replace('~', "'[redacted]'");
    assert_eq!(input(rules.clone(), &json!(text)), expected, "{text}");
  }
}

fn check_stays(texts: &[&str]) {
  texts.iter().for_each(|text| check(&[(text, text)]));
}

#[test]
fn an_attribute_names_another_one_or_the_content() {
  check(&[
    ("<add key=\"password\" value=\"hunter2\"/>", "<add key=\"password\" value=~/>"),
    (
      "<input value='hunter2' type=hidden name='csrf-token'>",
      "<input value=~ type=hidden name='csrf-token'>",
    ),
    ("<a b=\"c\" name=\"password\" value=\"hun>ter2\">", "<a b=\"c\" name=\"password\" value=~>"),
    ("<meta name=\"csrf-token\" content=\"hunter2\">", "<meta name=\"csrf-token\" content=~>"),
    ("<string name=\"password\">hunter2</string>", "<string name=\"password\">~</string>"),
    (
      "<property name=\"password\">\n <value>hunter2</value>\n</property>",
      "<property name=\"password\">\n <value>~</value>\n</property>",
    ),
  ]);
  check_stays(&[
    "<add key=\"other\" value=\"hunter2\"/>",
    "<input name=\"password\" placeholder=\"Password\">",
    "<Field name=\"password\" value={password} />",
    "<a name=\"password\">Passwords</a>, <h2 id=\"password\">Passwords</h2>",
    "<x name=\"password\"><b>a</b><c>d</c></x>",
    "<option value=\"password\">Password</option>",
    "if a <b name=\"password\" value=",
  ]);
}

#[test]
fn an_element_names_the_next_one() {
  check(&[
    (
      "<key>password</key>\n<string>hunter2</string>\n<key>a</key><string>b</string>",
      "<key>password</key>\n<string>~</string>\n<key>a</key><string>b</string>",
    ),
    ("<name>password</name><value>hunter2</value>", "<name>password</name><value>~</value>"),
    (
      "<key>headers</key><dict><key>a</key><string>hunter2</string></dict>",
      "<key>headers</key><dict>~</dict>",
    ),
  ]);
  check_stays(&[
    "<name>password</name><type>string</type>",
    "<key>password</key> is <string>b</string>",
    "<key>a</key><string>b</string>",
  ]);
}

#[test]
fn quotes_may_be_entities() {
  check(&[
    (
      "data=\"{&quot;password&quot;:&quot;hunter2&quot;,&quot;b&quot;:1}\"",
      "data=\"{&quot;password&quot;:~,&quot;b&quot;:1}\"",
    ),
    ("{&#34;password&#34;: &#34;hun\\&#34;ter2&#34;}", "{&#34;password&#34;: ~}"),
    ("{&#39;password&#39;: 12, &#39;b&#39;: 1}", "{&#39;password&#39;: ~, &#39;b&#39;: 1}"),
    (
      "{&quot;headers&quot;:{&quot;a&quot;:&quot;hunter2&quot;},&quot;b&quot;:1}",
      "{&quot;headers&quot;:~,&quot;b&quot;:1}",
    ),
    ("&lt;a password=&quot;hun ter2&quot; b=&quot;c&quot;", "&lt;a password=~ b=&quot;c&quot;"),
    ("{&quot;password&quot;:&quot;hunter2", "{&quot;password&quot;:~"),
    ("{&amp;quot;password&amp;quot;:&amp;quot;x&amp;quot;}", "{&amp;quot;password&amp;quot;:~}"),
    ("&lt;password&gt;x&lt;/password&gt;", "&lt;password&gt;~&lt;/password&gt;"),
    ("(\"<a b=&quot;c&quot; password=&quot;x y&quot;\")", "(\"<a b=&quot;c&quot; password=~\")"),
    ("password&#x3D;x", "password&#x3D;~"),
  ]);
  check_stays(&[
    "&quot;password&quot; is a word",
    "R&D; password&; &#x110000;password; a &lt;password&gt; b",
    "a &amp; password: b",
    "&quot;a&quot;:&quot;b&quot;",
  ]);
}

#[test]
fn a_part_of_an_address_may_have_escapes() {
  check(&[
    ("https://a.b/?r=%2Fx%3Fpassword%3Dx%26y%3D1", "https://a.b/?r=%2Fx%3Fpassword%3D~%26y%3D1"),
    ("?r=%253Fpassword%253Dx%2526y", "?r=%253Fpassword%253D~%2526y"),
    ("%7B%22password%22%3A%22x%22%2C%22b%22%3A1%7D", "%7B%22password%22%3A~%2C%22b%22%3A1%7D"),
    ("d=%7B%22headers%22%3A%7B%22a%22%3A%5B1%5D%7D%7D&b", "d=%7B%22headers%22%3A~%7D&b"),
  ]);
  check_stays(&["100%25 of %d passwords, %C3%BC %", "?a%3Db&password"]);
}

#[test]
fn what_is_redacted_in_an_escape_hides_no_other_member() {
  let text = r#"a "{\"password\":\"x\"" b {c%22password%22:%22y"#;
  let after = input(json!({ "keys": ["password"] }), &json!(text)).to_string();
  assert!(!after.contains("22y"), "{after}");
}

#[test]
fn strings_follow_names_in_capitals() {
  check(&[
    ("CREATE USER a WITH PASSWORD 'hun ter'; b", "CREATE USER a WITH PASSWORD ~; b"),
    ("#define PASSWORD \"x\"\n", "#define PASSWORD ~\n"),
  ]);
  check_stays(&[
    "with password 'x'",
    "grep 'PASSWORD ' a",
    "PASSWORD is 'x'",
    "x = \"PASSWORD \" + y",
  ]);
}

#[test]
fn lines_of_commands_set_names() {
  check(&[
    ("FROM a\nENV PASSWORD hun ter\nRUN b", "FROM a\nENV PASSWORD ~\nRUN b"),
    ("  3\tENV PASSWORD x\r\n", "  3\tENV PASSWORD ~\r\n"),
    ("$ set -gx PASSWORD x\n", "$ set -gx PASSWORD ~\n"),
    ("setenv PASSWORD x", "setenv PASSWORD ~"),
    ("setx PASSWORD \"x y\" /M", "setx PASSWORD ~"),
  ]);
  check_stays(&[
    "ENV PASSWORD $A\nset -x PASSWORD (a b)\nsetx PASSWORD %A%",
    "use ENV PASSWORD x",
    "set -x\nPASSWORD x",
    "ENV PASSWORD",
    "ENV PASSWORD ",
  ]);
}

#[test]
fn fields_of_forms_with_several_parts_are_members() {
  let field = |value: &str, end: &str| {
    let head =
      "--b\r\nContent-Disposition: form-data; name=\"password\"\r\nContent-Type: text/plain";
    format!("{head}\r\n\r\n{value}{end}")
  };
  for end in ["\r\n--b\r\nother", "\r\n--b--", ""] {
    check(&[(&field("hun\r\n--\r\nter2", end), &field("~", end))]);
    check(&[(&field("x", end).replace('\r', ""), &field("~", end).replace('\r', ""))]);
  }
  let two = "form-data; name=\"a\"\n\nb\n form-data; name=\"password\"\n\nhunter2\n--b";
  check(&[(two, &two.replace("hunter2", "~"))]);
  check_stays(&[
    "form-data; name=\"password\", and\n\nmore",
    "form-data; name=\"a\"\n\nmore",
    &field("", "\r\n--b--"),
    &field("", ""),
  ]);
}

#[test]
fn options_with_one_dash_have_values() {
  check(&[
    ("New-A -Password hunter2 -User b", "New-A -Password ~ -User b"),
    ("New-A -Password 'hun ter'", "New-A -Password ~"),
    ("vault -password=x", "vault -password=~"),
    ("java -Dpassword=x -jar a", "java -Dpassword=~ -jar a"),
    ("java -Dpassword='x y'", "java -Dpassword=~"),
    ("a.b: c\nspring.db.password: hunter2\n", "a.b: c\nspring.db.password: ~\n"),
    ("DB_X=1\nPASSWORD=a\"b'c\n", "DB_X=1\nPASSWORD=~\n"),
  ]);
  check_stays(&[
    "set password to x",
    "ENV password",
    "use -Password to set it",
    "Dpassword=x, -Dpasswords=x",
    "see db.password: a1 is bad, db.password: word",
    "this.password = hash1",
    "a-password b1",
    "- password b1",
  ]);
}

#[test]
fn names_in_markdown_are_members() {
  check(&[
    ("- **Password:** hunter2\n", "- **Password:** ~\n"),
    ("**Password**: hunter2", "**Password**: ~"),
    ("- `password`: `hun ter`\n", "- `password`: ~\n"),
  ]);
  check_stays(&[
    "- **Password:** a word",
    "- `password`: a word",
    "[`${password}` : `x`, b ? `password` : `x`]",
  ]);
}

#[test]
fn lines_below_a_name_in_yaml_are_its_text() {
  check(&[
    ("password: |\n  hun\n\n  ter\nb: c", "password: ~\nb: c"),
    ("a:\n  password: >-\n    hun\n  b: c\n", "a:\n  password: ~\n  b: c\n"),
  ]);
}

#[test]
fn a_number_with_a_word_behind_it_is_prose() {
  check(&[("password: 5\nb", "password: ~\nb"), ("password: 12 34", "password: ~")]);
  check_stays(&["password: 5 left", "password: 8 letters, password: 3 used"]);
}

#[test]
fn cells_below_a_covered_name_are_redacted() {
  check(&[
    (
      "| id | **Password** |\n|:---|---:|\n| 1 | hunter2 |\n| 2 | |\n\nA | b | c",
      "| id | **Password** |\n|:---|---:|\n| 1 | ~ |\n| 2 | |\n\nA | b | c",
    ),
    (
      " id | password \n----+----------\n  1 | hunter2\n  2 | a|b\n(2 rows)\n",
      " id | password \n----+----------\n  1 | ~\n  2 | ~|~\n(2 rows)\n",
    ),
    (
      "+----+----------+\n| id | password |\n+----+----------+\n|  1 | hunter2  |\n+----+----------+\nok",
      "+----+----------+\n| id | password |\n+----+----------+\n|  1 | ~  |\n+----+----------+\nok",
    ),
    (
      "\u{2502} i \u{2502} password \u{2502}\n\u{251c}\u{2500}\u{2500}\u{2500}\u{253c}\u{2500}\u{2500}\u{2524}\n\u{2502} 0 \u{2502} 'hunter2' \u{2502}",
      "\u{2502} i \u{2502} password \u{2502}\n\u{251c}\u{2500}\u{2500}\u{2500}\u{253c}\u{2500}\u{2500}\u{2524}\n\u{2502} 0 \u{2502} ~ \u{2502}",
    ),
    (
      "id,email,password\r\n1,a@b,hunter2\r\n2,\"c, d\",hunter2\r\n3,,\r\n\r\na,b,c\n",
      "id,email,password\r\n1,a@b,~\r\n2,\"c, ~,~\r\n3,,\r\n\r\na,b,c\n",
    ),
    (
      "$ cat a.tsv\nid\tpassword\n1\thunter2\n2\thun\tter2\n",
      "$ cat a.tsv\nid\tpassword\n1\t~\n2\t~\t~\n",
    ),
    ("First Name;Password\nAda;hunter2", "First Name;Password\nAda;~"),
  ]);
  check_stays(&[
    "Password\n--------\nIt has 8 letters.\n",
    "| option | type |\n|---|---|\n| password | string |",
    "The | password\n-- or not\na | b",
    "import os,password\nprint(1,2)\n",
    "user,password\n",
    "user,password\n1,2,3\n",
  ]);
}

#[test]
fn files_of_logins_have_passwords() {
  check(&[
    (
      "machine a.b login ada password hunter2 machine c\n  login d\n  password hunter2\n",
      "machine a.b login ada password ~ machine c\n  login d\n  password ~\n",
    ),
    ("default login a password hunter2", "default login a password ~"),
  ]);
  check_stays(&["the machine login, password reset", "login a password b"]);
}

#[test]
fn other_forms_take_linear_time() {
  let rules = json!({ "keys": ["x"], "builtins": ["credentials"] });
  for piece in [
    "<a b=\"",
    "<a name=\"x\" value=\"",
    "<a name='x'> ",
    "<key>x</key>",
    "<key>x",
    "&quot;x&quot;:",
    "&quot;x&quot;:&quot;",
    "x=&quot;",
    "[x] => Array\n(\n",
    "[x]=>",
    "[x] => a\n",
    "--\n",
    "--|\n",
    "x|y\n--|--\n1|2\n",
    "x\n--\n",
    " -- --",
    "\u{2500}\u{2500}\n",
    "curl -u ",
    "curl -u a:b ",
    "curl basic dXNlcjpwYXNz ",
    "PASSWORD=a.b(",
    "%22x%22:",
    "%253D",
    "x%3D'",
    "&amp;",
    "&lt;x&gt;",
    "X '",
    "-x '",
    "ENV x y\n",
    "form-data; name=\"x\"\n\n",
    "form-data; name=\"x\";",
    "--b\nContent-Disposition: form-data; name=\"x\"\n\n",
    "set -x x y",
    "mysql -p x ",
    "x: |\n ",
    "**x**: 1 ",
    "- `x`: `",
  ] {
    for before in ["", "x,y\n1,2\n", "x,y\n\"", "machine ", "x|y\n--|--\n"] {
      input(rules.clone(), &json!(format!("{before}{}", piece.repeat(20_000))));
    }
  }
}
