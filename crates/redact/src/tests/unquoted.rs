//! Values without quotes.

use super::*;

fn keys() -> Value {
  json!({ "keys": ["password", "headers", "authorization", "x-api-key"] })
}

fn check(cases: &[(&str, &str)]) {
  for (text, expected) in cases {
    assert_eq!(input(keys(), &json!(text)), *expected, "{text}");
  }
}

#[test]
fn values_behind_an_equals_sign_need_no_quotes() {
  check(&[
    ("PASSWORD=hun,t;er2\nB=1", "PASSWORD='[redacted]'\nB=1"),
    ("  - PASSWORD=hunter2\n", "  - PASSWORD='[redacted]'\n"),
    ("export PASSWORD=hunter2&x", "export PASSWORD='[redacted]'"),
    ("$ export password=p4ss(word", "$ export password='[redacted]'"),
    ("PASSWORD=correct.horse\nPASSWORD=~x", "PASSWORD='[redacted]'\nPASSWORD='[redacted]'"),
    ("PASSWORD=$ecret\nPASSWORD=p4ss(\n", "PASSWORD='[redacted]'\nPASSWORD='[redacted]'\n"),
    ("https://a.b/c?password=hunter2&x=1", "https://a.b/c?password='[redacted]'&x=1"),
    ("a=1&user[password]=hun%20ter2&b", "a=1&user[password]='[redacted]'&b"),
    ("a=1&user%5Bpassword%5D=x&b", "a=1&user%5Bpassword%5D='[redacted]'&b"),
    ("Config(a=1, password=hunter2, b=c)", "Config(a=1, password='[redacted]', b=c)"),
    ("Config{password=hunter2}", "Config{password='[redacted]'}"),
    ("Server=a;Password=hunter2;Db=b", "Server=a;Password='[redacted]';Db=b"),
    ("login --password=hunter2 --b", "login --password='[redacted]' --b"),
    ("see \"?password=hunter2\", b", "see \"?password='[redacted]'\", b"),
    ("f(headers={'a': 'hunter2'}, b=1)", "f(headers='[redacted]', b=1)"),
    ("#<R headers=[[\"a\", \"}hunter2\"]]> b", "#<R headers='[redacted]'> b"),
    ("f(headers={'a': 'hunter2", "f(headers='[redacted]'"),
  ]);
}

#[test]
fn code_behind_an_equals_sign_stays() {
  for text in [
    "f(password=password, headers=get('x'))",
    "f(password=self.password, headers=request.headers)",
    "f(password=None, headers=headers[0])",
    "<a password={item.id} headers={{ a: 'b' }}>",
    "printf(\"password=%s\", x)",
    "if password==x or password!=y: pass",
    "url = `?password=${value}&b`",
    "?password=&b",
    "password=\n",
    "PASSWORD=$(get x)\nexport PASSWORD=${OTHER}\nPASSWORD=null\n",
    "PASSWORD=$1\nexport PASSWORD=$DB_PASSWORD\nPASSWORD=$password\n",
    "PASSWORD=os.getenv(\"X\")\nPASSWORD=os.environ['X']\nPASSWORD=getpass()\n",
    "PASSWORD=process.env.PASSWORD\nPASSWORD=config.password\n",
    "password=config.value\n",
    "  password=get_secret(1),\n  headers=os.environ['A'],\n",
  ] {
    check(&[(text, text)]);
  }
}

#[test]
fn a_type_may_stand_between_a_name_and_its_value() {
  check(&[
    ("const password: string = 'hunter2';", "const password: string = '[redacted]';"),
    ("let password: Option<&str> = \"hunter2\";", "let password: Option<&str> = '[redacted]';"),
    ("password: str | None = 'hunter2'", "password: str | None = '[redacted]'"),
    ("{ password: Some(\"hunter2\"), b: 1 }", "{ password: '[redacted]', b: 1 }"),
  ]);
}

#[test]
fn lines_with_a_header_or_a_random_word_are_members() {
  check(&[
    (
      "GET / HTTP/1.1\r\nAuthorization: Bearer hunter\r\nB: c",
      "GET / HTTP/1.1\r\nAuthorization: '[redacted]'\r\nB: c",
    ),
    ("> x-api-key:hunter\n> b: c", "> x-api-key:'[redacted]'\n> b: c"),
    ("curl -H 'X-Api-Key: hun ter' b", "curl -H 'X-Api-Key: '[redacted]'' b"),
    ("X-Api-Key: hunter", "X-Api-Key: '[redacted]'"),
    ("db:\n  password: hunter2\n  b: c\n", "db:\n  password: '[redacted]'\n  b: c\n"),
    ("password: admin123\npassword: a1\n", "password: '[redacted]'\npassword: '[redacted]'\n"),
  ]);
  for text in [
    "password: string\n",
    "password: u8\n",
    "password: uint256\n",
    "password: at least 8 letters\n",
    "  password: hash256(x),\n",
    "see password: hunter2\n",
    "the \"password: \" label",
    "the user authorization: a step",
  ] {
    check(&[(text, text)]);
  }
}

#[test]
fn values_without_quotes_take_linear_time() {
  for piece in [
    "password=",
    "password=password(",
    "password=a.",
    "password: ",
    "\"password: ",
    "1:",
    "- password: 1 ",
    "x-api-key:",
    "]=",
    "%5D=",
    "password: a =",
    "password=[",
    "password=$",
    "<password>",
    "<password>x</password>",
    "<password></a>",
    "--password 1(",
    "--password '",
    "set('password', '",
    "name: password\nvalue: ",
    "{password:1 ",
    "{a:1 password:1 ",
    "export password=$(",
    "\nPASSWORD=${a",
    "password = 1",
  ] {
    input(keys(), &json!(piece.repeat(50_000)));
  }
  let names = |before: &str| -> String {
    (0..200_000).map(|index| format!("{before}a{index}:password>")).collect()
  };
  input(keys(), &json!(names("<")));
  input(keys(), &json!(format!("{}{}", names("<"), names("</"))));
}

#[test]
fn values_that_commands_code_and_settings_state_are_members() {
  check(&[
    ("login --password hunter2 -u a", "login --password '[redacted]' -u a"),
    ("login --password 'hun ter' b", "login --password '[redacted]' b"),
    ("login --password 'hun ter\nb", "login --password '[redacted]'\nb"),
    ("login --password abc123", "login --password '[redacted]'"),
    ("h.set('Authorization', 'Bearer x')", "h.set('Authorization', '[redacted]')"),
    ("setItem(\"password\", \"x\", 1)", "setItem(\"password\", '[redacted]', 1)"),
    (".header(\"Authorization\", \"x\")", ".header(\"Authorization\", '[redacted]')"),
    ("Authorization=Bearer hunter&b", "Authorization='[redacted]'"),
    ("[db]\npassword = hunter2\n", "[db]\npassword = '[redacted]'\n"),
    ("password = 123\n", "password = '[redacted]'\n"),
    ("password: hunter2 # old", "password: '[redacted]' # old"),
    ("- name: PASSWORD\n  value: hunter two\n", "- name: PASSWORD\n  value: '[redacted]'\n"),
    ("&{Password:hunter2 User:a}", "&{Password:'[redacted]' User:a}"),
    ("map[a:b password:hunter2]", "map[a:b password:'[redacted]']"),
    ("map[a:[1 2] password:hunter2 z:3]", "map[a:[1 2] password:'[redacted]' z:3]"),
    ("{ID:7 Password:hunter2 Role:admin}", "{ID:7 Password:'[redacted]' Role:admin}"),
  ]);
  for text in [
    "use --password to set it, or --password <word>, --password string",
    "pick(user, 'password', 'email'); t('password', 'Password')",
    "password = other\nheaders = x1;\n",
    "- name: a\n  value: hunter2\n",
    "{password:other}",
    "[a] password:hunter2 b:c",
    "const c = \"gh --password \" +\n  password;\nlet a = 1;\n",
    "--headers --password",
  ] {
    check(&[(text, text)]);
  }
}

#[test]
fn elements_of_xml_are_members() {
  check(&[
    ("<a><password>x</password><b>c</b></a>", "<a><password>'[redacted]'</password><b>c</b></a>"),
    (
      "<s:Password type=\"a\">x\ny</s:Password>",
      "<s:Password type=\"a\">'[redacted]'</s:Password>",
    ),
    ("<headers><a>x</a></headers>", "<headers>'[redacted]'</headers>"),
    ("<headers><headersA>x</headersA>y</headers >", "<headers>'[redacted]'</headers >"),
    ("<headers><headers>x</headers>y</headers>", "<headers>'[redacted]'</headers>"),
    ("<headers>x</headers", "<headers>'[redacted]'</headers"),
    ("use <password>, <password>x</password>", "use <password>, <password>'[redacted]'</password>"),
  ]);
  for text in
    ["use <password> here", "<password/>x</password>", "<password></password>", "a < password > b"]
  {
    check(&[(text, text)]);
  }
}
