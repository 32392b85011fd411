//! Builtin patterns besides the API keys.

use super::*;

/// Checks what is left of texts, each by one builtin. No text is JSON, so that escapes stay as they are.
fn check(cases: &[(&str, &str, &str)]) {
  for (name, text, expected) in cases {
    assert_eq!(input(json!({ "builtins": [name] }), &json!(text)), *expected, "{name}");
  }
}

#[test]
fn builtins_match_their_forms() {
  let cases = [
    ("emails", "write to Ada.Lovelace+x@mail.example.co.uk now", "write to [redacted] now"),
    (
      "api-keys",
      "sk-proj-abcdefghijklmnop1234 ghp_abcdefghijklmnopqrst1234",
      "[redacted] [redacted]",
    ),
    ("bearer-tokens", "Authorization: Bearer abc.def-123", "Authorization: [redacted]"),
    (
      "credit-cards",
      "4111 1111 1111 1111, not 4111 1111 1111 1112",
      "[redacted], not 4111 1111 1111 1112",
    ),
    ("jwts", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJ", "[redacted]"),
    ("ip-addresses", "from 10.1.2.255 and 1.2.3.256", "from [redacted] and 1.2.3.256"),
    (
      "private-keys",
      "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
      "a\n[redacted]\nb",
    ),
    ("private-keys", "-----BEGIN PRIVATE KEY-----\nMIIEvQ", "[redacted]"),
  ];
  check(&cases);
}

#[test]
fn credentials_are_found_in_headers_members_and_urls() {
  let cases = [
    ("bearer-tokens", "Bearer=abcdefgh12&b", "Bearer=[redacted]&b"),
    ("bearer-tokens", "bearer: abcdefgh12", "bearer: [redacted]"),
    ("bearer-tokens", "Bearer 'abcdefghij'", "Bearer '[redacted]'"),
    ("bearer-tokens", "bearer=\\\"abcdefghij\\\"", "bearer=\\\"[redacted]\\\""),
    ("credentials", "Authorization: Basic YWRhOmh1bnRlcjI=, a", "Authorization: [redacted], a"),
    ("credentials", "basic%20YWRhOmh1bnRlcjI", "[redacted]"),
    ("credentials", "Basic OmjDqQ==", "[redacted]"),
    ("credentials", "postgres://ada:hunter2@db/x", "postgres://[redacted]@db/x"),
    ("credentials", "see https://a:p%40s@s@h:80/x@y.", "see https://[redacted]@h:80/x@y."),
    ("credentials", "rediss://:h\u{fc}nter2@h1,b:c@h", "rediss://[redacted]@h"),
    ("credentials", "redis://localhost:3000x,y@h", "redis://[redacted]@h"),
    ("credentials", "redis://:12,hunter@cache", "redis://[redacted]@cache"),
    ("credentials", "amqp://1000:22;x@h", "amqp://[redacted]@h"),
    (
      "credentials",
      "curl -sS \\\n  -u 'ada:hunter2' \\\n x",
      "curl -sS \\\n  -u '[redacted]' \\\n x",
    ),
    ("credentials", "curl x --user=ada:hunter2", "curl x --user=[redacted]"),
    ("credentials", "mysql -u root -phunter2 db", "mysql -u root -p[redacted] db"),
    ("credentials", "mysqldump -uroot -p'hunter2'", "mysqldump -uroot -p'[redacted]'"),
    ("credentials", "a && /usr/bin/mariadb -pa1", "a && /usr/bin/mariadb -p[redacted]"),
    ("credentials", "sshpass -p hun:ter2 ssh a@b", "sshpass -p [redacted] ssh a@b"),
    ("credentials", "redis-cli -h a -a 'hunter2' ping", "redis-cli -h a -a '[redacted]' ping"),
    ("credentials", "mongosh \\\n -u a -p hunter2", "mongosh \\\n -u a -p [redacted]"),
    ("credentials", "docker login -u a -p hunter2 b.c", "docker login -u a -p [redacted] b.c"),
    ("credentials", "podman login -p='hunter2'", "podman login -p='[redacted]'"),
    ("credentials", "a -u https://b:hunter2@h -a b -p=c", "a -u https://[redacted]@h -a b -p=c"),
    ("emails", "&#97;da&#64;example&#x2e;com", "[redacted]"),
    ("credentials", "curl --proxy-user ada:hunter2 x", "curl --proxy-user [redacted] x"),
    ("emails", "ada@2x.com ada@10.0.0.1.example.com", "[redacted] [redacted]"),
    ("credentials", "{\"a\":\"mongodb+srv:\\/\\/a:b@h\"", "{\"a\":\"mongodb+srv://[redacted]@h\""),
  ];
  check(&cases);
  for (name, text) in [
    ("bearer-tokens", "Bearer authentication. A bearer certificate, bearer credentials"),
    ("bearer-tokens", "WWW-Authenticate: Bearer resource_metadata=\"https://h\""),
    ("bearer-tokens", "type Bearer = undefined; bearer: required"),
    ("bearer-tokens", "bearer: process.env.GITHUB_TOKEN, bearer = request.headers.authorization"),
    (
      "credentials",
      "curl -u $USER:$PASS x; curl -u ada:<password> x; curl x\ndocker run -u 1000:1000",
    ),
    ("credentials", "docker run --name mongo -p 27017:27017/tcp -p 127.0.0.1:1:1"),
    ("credentials", "mysql -p db -P 3306; cp -a redis-cli b; mkdir -p a; mysql -p; ssh -p 22 b"),
    (
      "credentials",
      "mkdir -p /data/mongo -p a; tar -C /var/lib/mysql -pxf a; sshpass -p $A; mysql -p{b}",
    ),
    ("credentials", "docker://alpine:3.18@sha256:0a1b"),
    ("credentials", "Basic Online Banking, Basic Origin, Basic Overloads"),
    ("credentials", "http://localhost:3000,ada@example.com; http://127.0.0.1:80|ada@b"),
    ("emails", "img/logo@2x.png, app@1.0.0.tgz"),
    ("credentials", "Basic information, basic understanding, Basic YWRhIGh1bnRlcjI="),
    ("credentials", "ssh://git@h:22/x http://h:80/@a/b http://a.b/c:d@e https://[::1]:80 a://b"),
  ] {
    check(&[(name, text, text)]);
  }
}

#[test]
fn builtins_match_behind_the_codes_of_colours() {
  for code in ["\u{1b}[32m", "\u{1b}[1;33m", "\\u001b[0;32m", "\\x1B[1m"] {
    for (name, secret) in [
      ("api-keys", "ghp_abcdefghijklmnopqrst1234"),
      ("bearer-tokens", "Bearer abc.def-123"),
      ("credit-cards", "4111 1111 1111 1111"),
      ("ip-addresses", "10.1.2.255"),
      ("jwts", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJ"),
    ] {
      let after = input(json!({ "builtins": [name] }), &json!(format!("a {code}{secret}{code} b")));
      assert!(!after.to_string().contains(secret), "{after}");
    }
  }
}

#[test]
fn builtins_match_the_rarer_forms() {
  let key = "-----BEGIN PRIVATE KEY-----\\nMIIEvQ+/a=\\n-----END PRIVATE KEY-----\\n";
  let cases = [
    ("credit-cards", "4111 1111 1111 1111 12/27", "[redacted] 12/27"),
    ("credit-cards", "n=4111%2D1111%2d1111%2D1111&b", "n=[redacted]&b"),
    ("credit-cards", "0042 4111-1111-1111-1111 123", "0042 [redacted] 123"),
    ("credit-cards", "3782 822463 10005, 4111.1111.1111.1111", "[redacted], [redacted]"),
    (
      "credit-cards",
      "at 1732590000000 or 0.4111111111111111",
      "at 1732590000000 or 0.4111111111111111",
    ),
    (
      "ip-addresses",
      "2001:db8::1, ::1: [fe80::1%eth0] ::ffff:10.0.0.1",
      "[redacted], [redacted]: [[redacted]%eth0] [redacted]",
    ),
    ("ip-addresses", "std::vector a::b 12:30:45 10:11 ::", "std::vector a::b 12:30:45 10:11 ::"),
    ("ip-addresses", "add:2001:db8:0:0:0:0:0:1, 2001:db8::/32", "add:[redacted], [redacted]/32"),
    ("ip-addresses", "1:2:3:4:5:6:7:8 x\\n10.0.0.1", "[redacted] x\\n[redacted]"),
    (
      "emails",
      "j\u{f6}rg@m\u{fc}ller.de, \u{4f60}@\u{4f8b}.\u{4e2d}\u{56fd}",
      "[redacted], [redacted]",
    ),
    ("emails", "a\\nbob@x.com pkg@1.2.3", "a\\n[redacted] pkg@1.2.3"),
    ("private-keys", key, "[redacted]\\n"),
    ("jwts", "x\\neyJhbGciOiJkaXIi..aXY.Y2lwaGVy.dGFn", "x\\n[redacted]"),
    ("bearer-tokens", "x\\nbearer%20abcdefgh12", "x\\n[redacted]"),
  ];
  check(&cases);
}

#[test]
fn a_service_account_has_no_key_in_any_nesting() {
  let account = json!({ "type": "service_account",
    "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF==\n-----END PRIVATE KEY-----\n", "client_id": "1" });
  let mut text = account.to_string();
  for depth in 0..4 {
    for shown in
      [json!(text), json!({ "arguments": text }), json!(format!("cat key.json\n{text}\n$"))]
    {
      let after = input(json!({ "builtins": ["private-keys"] }), &shown).to_string();
      assert!(!after.contains("MIIE") && !after.contains("kqhk"), "{depth}: {after}");
      assert!(after.contains("client_id"), "{depth}: {after}");
    }
    let cut: String = text.chars().take(text.len() - 60).collect();
    let after = input(json!({ "builtins": ["private-keys"] }), &json!(cut)).to_string();
    assert!(!after.contains("MIIE") && !after.contains("kqhk"), "{depth}: {after}");
    text = json!({ "file": text }).to_string();
  }
}

/// The beginnings of keys, as programs write them.
const KEYS: [(&str, &str); 6] = [
  (
    "RSA PRIVATE KEY",
    "MIICXAIBAAKBgQCqGKukO1De7zhZj6+H0qtjTkVxwTCpvKe4eCZ0FPqri0cb2JZfXJ/D\nIlB6ZgKc2cJ5dW8kVw==",
  ),
  ("EC PRIVATE KEY", "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\nAwEHoUQ="),
  (
    "OPENSSH PRIVATE KEY",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACA=",
  ),
  (
    "ENCRYPTED PRIVATE KEY",
    "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIS2qgprFqPxECAggA\nMAwGCCqG",
  ),
  ("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"),
  (
    "RSA PRIVATE KEY",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,3F17F5316E2BAC89\n\nMIICXAIBAAKBgQCqGKukO1De7zhZj6",
  ),
];

#[test]
fn a_private_key_has_no_line_that_stays_whatever_is_before_its_lines() {
  for (kind, content) in KEYS {
    let key = format!("-----BEGIN {kind}-----\n{content}\n-----END {kind}-----");
    let numbered = |separator: &str| {
      let lines = key.lines().enumerate();
      let shown: Vec<_> =
        lines.map(|(at, line)| format!("{:6}{separator}{line}", at + 1)).collect();
      shown.join("\n")
    };
    let each = |before: &str, after: &str| {
      let lines: Vec<_> = key.lines().map(|line| format!("{before}{line}{after}")).collect();
      lines.join("\n")
    };
    let shown = [
      numbered("\t"),
      numbered("\u{2192}"),
      numbered(" | "),
      numbered(" \u{2502} "),
      numbered(": "),
      each("> ", ""),
      each("- ", ""),
      each("-", ""),
      each("--", ""),
      each("+", ""),
      each("# ", ""),
      each(" * ", ""),
      each("\u{1b}[32m", "\u{1b}[0m"),
      each("\\u001b[1;32m", "\\u001b[0m"),
      key.replace('\n', "\\n"),
      key.replace('+', "%2B").replace('\n', "%0A").replace(' ', "%20"),
      key.replace('+', "%2B").replace('\n', "%0A").replace(' ', "+"),
      each("keys/id_rsa.pem:7:", ""),
    ];
    for shown in shown {
      for text in [shown.as_str(), shown.split("-----END").next().unwrap()] {
        let follows = if text == shown { "\n(kept)" } else { "" };
        let after =
          input(json!({ "builtins": ["private-keys"] }), &json!(format!("cat\n{text}{follows}")));
        let after = after.as_str().unwrap();
        let lines = content.split('\n').filter(|line| !line.is_empty());
        let stays = lines.clone().any(|line| after.contains(line.get(..6).unwrap()));
        assert!(
          !stays && after.starts_with("cat\n") && after.ends_with(follows),
          "{text}: {after}"
        );
      }
    }
  }
}

#[test]
fn what_is_between_the_lines_of_a_private_key_that_a_text_mentions_stays() {
  for text in [
    "if (!k.includes('BEGIN')) throw 1;\nconst body = base64UrlEncodeString(k);\n// ...\nif (!k.includes('-----END PRIVATE KEY-----')) throw 2;",
    "It starts with BEGIN in a line.\n\n| a | b |\n| - | - |\n\n# Heading\n* list\nNext sentence. Kept?",
    "It needs BEGIN and createPrivateKeyFromPkcs8(-----END PRIVATE KEY-----).",
  ] {
    let shown = text.replace("BEGIN", "-----BEGIN PRIVATE KEY-----");
    let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    let expected = text.replace("BEGIN", "[redacted]");
    check(&[(
      "private-keys",
      format!("{shown}\n{key} kept").as_str(),
      format!("{expected}\n[redacted] kept").as_str(),
    )]);
  }
}

#[test]
fn what_follows_a_private_key_that_is_cut_stays() {
  let cut = "-----BEGIN PRIVATE KEY-----\nMIIEow+/AB\n";
  for rest in ["[flue-braintrust: cut, 9 characters]", "{\"a\":1}", "(see below)"] {
    let text = format!("{cut}{rest}");
    check(&[("private-keys", text.as_str(), format!("[redacted]{rest}").as_str())]);
  }
}

#[test]
fn uuids_have_no_card_numbers() {
  let ids = [
    "45391488-0343-6467-8123-123456789012",
    "run_45391488-0343-6467-a123-123456789012 ",
    "abc-45391488-0343-6467-812f-123456789012-def",
    "a1b2c3d4-0000-4000-8111-411111111111",
  ];
  for id in ids {
    check(&[("credit-cards", id, id)]);
  }
  check(&[("credit-cards", "12345678-4539-1488-0343-6467", "12345678-[redacted]")]);
}

#[test]
fn a_card_number_may_be_in_a_form_of_the_web() {
  check(&[
    ("credit-cards", "card=4111+1111+1111+1111&cvc=1", "card=[redacted]&cvc=1"),
    ("credit-cards", "card=4111%201111%201111%201111&cvc=1", "card=[redacted]&cvc=1"),
    // American Express and Diners Club.
    ("credit-cards", "card=3782+822463+10005&cvc=1", "card=[redacted]&cvc=1"),
    ("credit-cards", "card=3782%20822463%2010005", "card=[redacted]"),
    ("credit-cards", "card=3056+930902+5904", "card=[redacted]"),
    (
      "credit-cards",
      "name=\"card\"\r\n\r\n3782 822463 10005\r\n--b",
      "name=\"card\"\r\n\r\n[redacted]\r\n--b",
    ),
    // More digits behind one.
    ("credit-cards", "card=4111+1111+1111+1111+1227+123", "card=[redacted]+1227+123"),
    ("credit-cards", "a[card]=4111%201111%201111%201111%20123", "a[card]=[redacted]%20123"),
    ("credit-cards", "card=3782+822463+10005+1227&a=1", "card=[redacted]+1227&a=1"),
    ("credit-cards", "card=4111111111111111+12%2F27", "card=[redacted]+12%2F27"),
    ("credit-cards", "note=card%3A%204111111111111111", "note=card%3A%20[redacted]"),
  ]);
}

#[test]
fn the_tracks_of_a_card_have_its_number() {
  check(&[
    ("credit-cards", "%B4111111111111111^DOE/J^2512101?", "%B[redacted]^DOE/J^2512101?"),
    ("credit-cards", ";4111111111111111=2512101?", ";[redacted]=2512101?"),
  ]);
}

#[test]
fn a_card_number_in_a_form_has_the_groups_of_a_card() {
  check(&[(
    "credit-cards",
    "4111 1111 1111 1111 +1 415 555 1234, 4111111111111111+49 30 1234567",
    "[redacted] +1 415 555 1234, 4111111111111111+49 30 1234567",
  )]);
  for text in [
    "3782+82246+310005",
    "x = 4111+1111+1111+1111+1227",
    "411+111+111+111+1111",
    "41+11+11+11+11+11+11+11",
    "411%20111%20111%20111%201111",
  ] {
    check(&[("credit-cards", text, text)]);
  }
}

#[test]
fn an_address_may_be_a_part_of_a_name() {
  check(&[
    ("ip-addresses", "backup_10.1.2.3_2024.tar", "backup_[redacted]_2024.tar"),
    ("ip-addresses", "10.1.2.3a 10.1.2.3456 10.1.2.256", "10.1.2.3a 10.1.2.3456 10.1.2.256"),
  ]);
}

#[test]
fn a_card_number_follows_a_list_number_and_ends_a_sentence() {
  check(&[
    ("credit-cards", "1. 4111 1111 1111 1111", "1. [redacted]"),
    ("credit-cards", "card 4111 1111 1111 1111. 12/27 exp", "card [redacted]. 12/27 exp"),
  ]);
}

#[test]
fn what_is_written_back_amid_text_is_json() {
  let found = input(
    json!({ "builtins": ["credit-cards"] }),
    &json!(r#"order {"card":4111111111111111,"a":1} done"#),
  );
  assert_eq!(found, json!(r#"order {"card":"[redacted]","a":1} done"#));
}

#[test]
fn an_address_in_a_url_is_an_address() {
  let found = input(
    json!({ "builtins": ["emails"] }),
    &json!("https://x.test/?email=ada.lovelace%40example.com&a=1"),
  );
  assert!(!found.to_string().contains("lovelace"), "{found}");
}

/// Eight times the text takes about eight times the time, and 64 times if time is quadratic. A busy machine needs more
/// rounds.
#[test]
fn many_beginnings_of_private_keys_take_linear_time() {
  let redactor = redactor(json!({ "builtins": ["private-keys"] }));
  let time = |count: usize| {
    let mut row = row(&json!("-----BEGIN PRIVATE KEY-----.".repeat(count)));
    let began = std::time::Instant::now();
    redactor.row(&mut row);
    began.elapsed().as_secs_f64()
  };
  let (mut short, mut long) = (f64::INFINITY, f64::INFINITY);
  let is_linear = (0..100).any(|_| {
    (short, long) = (short.min(time(250)), long.min(time(2_000)));
    long / short < 24.0
  });
  assert!(is_linear, "{short} s and {long} s");
}

proptest! {
  /// Numbers of phones behind one another are none of a card, unless one alone looks like that.
  #[test]
  fn lists_of_phone_numbers_stay(numbers in proptest::collection::vec((200..900, 1000..9999, 20..99, 1000..9999), 1..4)) {
    let redactor = redactor(json!({ "builtins": ["credit-cards"] }));
    let shown = |separator: &str| {
      let shown: Vec<_> =
        numbers.iter().map(|(a, b, c, d)| format!("+1 {a} 555 {b}{separator}+44 {c} {d} 555")).collect();
      shown.join(separator)
    };
    for text in [shown(" "), shown(" ").replace(' ', "+"), shown("%20"), shown("").replace(' ', "")] {
      prop_assert_eq!(redacted(&redactor, &json!(text)), text);
    }
  }

  /// Numbers that are added are none of a card.
  #[test]
  fn sums_stay(numbers in proptest::collection::vec(1..999, 3..20)) {
    let redactor = redactor(json!({ "builtins": ["credit-cards"] }));
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    for separator in ["+", " + ", "%20"] {
      let text = numbers.join(separator);
      prop_assert_eq!(redacted(&redactor, &json!(text)), text);
    }
  }
}
