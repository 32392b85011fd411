use proptest::prelude::*;
use serde_json::{Map, Value, value::RawValue};

use super::*;

/// The tokens of a text and the bytes of each.
fn steps(text: &str) -> Result<Vec<(Token, &str)>, Malformed> {
  let mut scanner = Scanner::new(text);
  let mut steps = Vec::new();
  while let Some(Step { token, range }) = scanner.next_step()? {
    steps.push((token, text.get(range).unwrap()));
  }
  assert_eq!(scanner.depth(), 0);
  Ok(steps)
}

/// The value that the tokens are of.
fn value(steps: &mut impl Iterator<Item = (Token, String)>) -> Option<Value> {
  let (token, text) = steps.next()?;
  Some(match token {
    Token::Open(Container::List) => {
      let mut list = Vec::new();
      while let Some(item) = value(steps) {
        list.push(item);
      }
      list.into()
    }
    Token::Open(Container::Object) => {
      let mut object = Map::new();
      while let Some((Token::Name, name)) = steps.next() {
        object.insert(string::unescaped(&name).into_owned(), value(steps)?);
      }
      object.into()
    }
    Token::Close(_) | Token::Name => return None,
    Token::String => string::unescaped(&text).into(),
    Token::Scalar => serde_json::from_str(&text).unwrap(),
  })
}

fn values() -> impl Strategy<Value = Value> {
  let text = any::<String>().prop_union("[\"\\\\{}\\[\\],: a\u{e9}]{0,9}");
  let leaf = prop_oneof![
    Just(Value::Null),
    any::<bool>().prop_map(Value::from),
    any::<i64>().prop_map(Value::from),
    (-1e9..1e9).prop_map(|number: f64| Value::from(number)),
    text.clone().prop_map(Value::from),
  ];
  leaf.prop_recursive(5, 40, 6, move |inner| {
    prop_oneof![
      prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
      prop::collection::btree_map(text.clone(), inner, 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect())),
    ]
  })
}

/// Texts that are almost JSON.
fn soup() -> impl Strategy<Value = String> {
  let pieces =
    ["{", "}", "[", "]", ",", ":", " ", "\n", "\"", "\\", "\"a\"", "\"\\u", "1", "true", "é"];
  prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..14)
    .prop_map(|pieces| pieces.concat())
}

#[test]
fn each_token_has_its_bytes() {
  let steps = steps(" { \"a\\\"\" : [ 1.5e3 , null ] ,\"b\":\"}\"} ").unwrap();
  assert_eq!(
    steps,
    [
      (Token::Open(Container::Object), "{"),
      (Token::Name, "\"a\\\"\""),
      (Token::Open(Container::List), "["),
      (Token::Scalar, "1.5e3"),
      (Token::Scalar, "null"),
      (Token::Close(Container::List), "]"),
      (Token::Name, "\"b\""),
      (Token::String, "\"}\""),
      (Token::Close(Container::Object), "}"),
    ]
  );
}

#[test]
fn a_wrong_structure_is_malformed() {
  for text in [
    "",
    " ",
    "{",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{1:2}",
    "[}",
    "{\"a\":1]",
    "1 2",
    "\"",
    "\"\\\"",
    "{\"a\" 1}",
    "[1",
    "@",
    ",",
  ] {
    assert_eq!(steps(text), Err(Malformed), "{text}");
  }
}

#[test]
fn depth_needs_no_stack() {
  let depth = 1_000_000;
  let text = "[".repeat(depth) + &"]".repeat(depth);
  assert_eq!(steps(&text).unwrap().len(), 2 * depth);
}

#[test]
fn a_container_ends_with_its_own_bracket_at_any_depth() {
  let levels = 200;
  let is_object = |level: usize| level.is_multiple_of(3);
  let open = |level| if is_object(level) { "{\"a\":" } else { "[" };
  let close = |level| if is_object(level) { "}" } else { "]" };
  let inner = (0..levels).map(open).collect::<String>() + "1";
  let outer: Vec<&str> = (0..levels).rev().map(close).collect();
  assert!(steps(&(inner.clone() + &outer.concat())).is_ok());
  for wrong in 0..levels {
    let mut outer = outer.clone();
    outer[wrong] = if outer[wrong] == "}" { "]" } else { "}" };
    assert_eq!(steps(&(inner.clone() + &outer.concat())), Err(Malformed));
  }
}

#[test]
fn a_value_and_the_rest_of_a_container_can_be_skipped() {
  let text = r#"{"a":{"b":["]"]},"c":[1,[2],3],"d":4}"#;
  let mut scanner = Scanner::new(text);
  let mut next =
    || scanner.next_step().unwrap().map(|step| (step.token, text.get(step.range).unwrap()));
  assert_eq!(next(), Some((Token::Open(Container::Object), "{")));
  assert_eq!(next(), Some((Token::Name, "\"a\"")));
  let skipped = scanner.skip_value().unwrap();
  assert_eq!(text.get(skipped).unwrap(), r#"{"b":["]"]}"#);
  let mut next =
    || scanner.next_step().unwrap().map(|step| (step.token, text.get(step.range).unwrap()));
  assert_eq!(next(), Some((Token::Name, "\"c\"")));
  assert_eq!(next(), Some((Token::Open(Container::List), "[")));
  let end = scanner.skip_container().unwrap();
  assert_eq!(text.get(end..).unwrap(), r#","d":4}"#);
  let mut next =
    || scanner.next_step().unwrap().map(|step| (step.token, text.get(step.range).unwrap()));
  assert_eq!(next(), Some((Token::Name, "\"d\"")));
  assert_eq!(next(), Some((Token::Scalar, "4")));
  assert_eq!(next(), Some((Token::Close(Container::Object), "}")));
  assert_eq!(next(), None);
}

proptest! {
  #[test]
  fn the_tokens_of_a_value_make_the_value(json in values(), pretty: bool) {
    let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
    let text = text.unwrap();
    let steps = steps(&text).unwrap();
    let mut steps = steps.into_iter().map(|(token, text)| (token, text.to_owned()));
    prop_assert_eq!(value(&mut steps), Some(json));
    prop_assert_eq!(steps.next(), None);
    let mut scanner = Scanner::new(&text);
    prop_assert_eq!(scanner.skip_value(), Ok(0..text.len()));
    prop_assert_eq!(scanner.next_step(), Ok(None));
  }

  #[test]
  fn whatever_a_parser_accepts_is_scanned(text in soup()) {
    let scanned = steps(&text);
    if serde_json::from_str::<&RawValue>(&text).is_ok() {
      prop_assert!(scanned.is_ok());
    }
  }

  #[test]
  fn any_text_is_scanned_or_malformed(text: String) {
    let _scanned = steps(&text);
  }

  #[test]
  fn a_string_is_unescaped_as_a_parser_does(text: String) {
    let token = serde_json::to_string(&text).unwrap();
    prop_assert_eq!(string::unescaped(&token), text.as_str());
    prop_assert_eq!(string::end(token.as_bytes(), 0), Some(token.len()));
    prop_assert_eq!(string::is_plain(&text), token.len() == text.len() + 2);
    prop_assert_eq!(string::content(&token).map(str::len), Some(token.len() - 2));
  }
}

#[test]
fn half_a_surrogate_pair_becomes_a_replacement_character() {
  for (token, text) in [
    (r#""\ud800""#, "\u{fffd}"),
    (r#""a\udfffb\\ud800""#, "a\u{fffd}b\\ud800"),
    (r#""\ud834\udd1e\ud834""#, "\u{1d11e}\u{fffd}"),
    (r#""\ud834\ud834\udd1e""#, "\u{fffd}\u{1d11e}"),
  ] {
    assert_eq!(string::unescaped(token), text);
  }
}
