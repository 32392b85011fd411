//! Properties that hold for any JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Form, PIXEL, input, input_of, message, output, raw, tools, without_images};

/// Any JSON, mostly with the names and values of messages.
fn anything() -> impl Strategy<Value = Value> {
  let words = prop::sample::select(vec![
    "user",
    "assistant",
    "toolResult",
    "text",
    "image",
    "thinking",
    "toolCall",
    "image/png",
    "[image data omitted from event]",
    "",
    "\"",
    "\\",
    "~kind",
    "{\"a\":",
    PIXEL,
  ]);
  let leaf = prop_oneof![
    Just(Value::Null),
    any::<bool>().prop_map(Value::from),
    any::<i64>().prop_map(Value::from),
    words.prop_map(Value::from),
    any::<String>().prop_map(Value::from),
  ];
  leaf.prop_recursive(5, 48, 6, |inner| {
    let names = prop::sample::select(vec![
      "role",
      "content",
      "type",
      "text",
      "data",
      "mimeType",
      "thinking",
      "redacted",
      "id",
      "name",
      "arguments",
      "toolCallId",
      "toolName",
      "isError",
      "description",
      "parameters",
      "properties",
      "~kind",
      "~",
      "",
      "\"q\\",
    ]);
    prop_oneof![
      prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
      prop::collection::vec((names, inner), 0..6)
        .prop_map(|members| { members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect() }),
    ]
  })
}

/// Messages in Flue's form with any values.
fn messages() -> impl Strategy<Value = Value> {
  let part = (anything(), anything(), 0..5usize).prop_map(|(a, b, kind)| match kind {
    0 => json!({"type": "text", "text": a}),
    1 => json!({"type": "thinking", "thinking": a, "redacted": b}),
    2 => json!({"type": "toolCall", "id": b, "name": "n", "arguments": a}),
    3 => json!({"type": "image", "data": PIXEL, "mimeType": b}),
    _ => a,
  });
  let content = prop_oneof![prop::collection::vec(part, 0..4).prop_map(Value::from), anything()];
  let role = prop::sample::select(vec!["user", "assistant", "toolResult", "odd"]);
  let message = (role, content, anything()).prop_map(|(role, content, any)| {
    json!({"role": role, "content": content, "toolCallId": "c", "toolName": any, "isError": any})
  });
  prop::collection::vec(message, 0..4).prop_map(Value::from)
}

/// Spaces where JSON allows them.
fn text(value: &Value, spaced: bool) -> String {
  if spaced { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() }
}

/// Whether an image with bytes is left.
fn has_bytes(value: &Value) -> bool {
  match value {
    Value::Array(all) => all.iter().any(has_bytes),
    Value::Object(all) => {
      let bytes =
        all.get("type") == Some(&json!("image")) && all.get("data") == Some(&json!(PIXEL));
      let url = all.get("image_url").is_some_and(|image| image["url"] == PIXEL);
      bytes || url || all.values().any(has_bytes)
    }
    _ => false,
  }
}

proptest! {
  #![proptest_config(ProptestConfig::with_cases(512))]

  #[test]
  fn any_input_becomes_json_without_the_bytes_of_images(
    value in prop_oneof![anything(), messages()],
    prompt in anything(),
    reason in prop::option::of(any::<String>()),
    spaced in any::<bool>(),
  ) {
    let (text, prompt) = (text(&value, spaced), prompt.to_string());
    let (value, prompt) = (raw(&text), raw(&prompt));
    let mut written = vec![without_images(value)];
    for form in [Form::OpenAi, Form::Flue] {
      written.push(input_of(form, None, None, &[value]));
      written.extend(input(form, None, Some(value)));
      written.extend(output(form, Some(value), reason.as_deref()));
    }
    for json in written {
      let read: Result<Value, _> = serde_json::from_str(&json.as_str());
      prop_assert!(read.is_ok(), "{json:?}");
      prop_assert!(!has_bytes(&read.unwrap()), "{json:?}");
    }
    for form in [Form::OpenAi, Form::Flue] {
      for json in [tools(form, Some(value)), input(form, Some(prompt), Some(value))] {
        let Some(json) = json else { continue };
        prop_assert!(serde_json::from_str::<Value>(&json.as_str()).is_ok(), "{json:?}");
      }
    }
  }

  #[test]
  fn without_images_nothing_changes(value in anything(), spaced in any::<bool>()) {
    let text = text(&value, spaced);
    if !has_images(&value) {
      let json = without_images(raw(&text));
      prop_assert_eq!(json.as_str(), text);
    }
  }

  #[test]
  fn a_list_is_its_messages(value in messages()) {
    let text = value.to_string();
    let all: Vec<String> = value
      .as_array()
      .unwrap()
      .iter()
      .map(|one| message(Form::OpenAi, &one.to_string()))
      .collect();
    let json = input(Form::OpenAi, None, Some(raw(&text))).unwrap();
    prop_assert_eq!(json.as_str(), format!("[{}]", all.join(",")));
  }

  #[test]
  fn only_internals_are_removed_from_a_schema(schema in anything(), spaced in any::<bool>()) {
    let list = text(&json!([{"name": "t", "parameters": schema}]), spaced);
    let written = tools(Form::OpenAi, Some(raw(&list))).unwrap();
    let written: Value = serde_json::from_str(&written.as_str()).unwrap();
    let expected = clean(&schema, "");
    let kept = written[0]["function"].get("parameters").cloned().unwrap_or_default();
    prop_assert_eq!(kept, expected);
  }
}

fn has_images(value: &Value) -> bool {
  value.to_string().contains(r#""image""#)
}

/// A simple, slow implementation of the removal of internals.
fn clean(value: &Value, within: &str) -> Value {
  match value {
    Value::Array(all) => all.iter().map(|one| clean(one, "")).collect(),
    Value::Object(all) => all
      .iter()
      .filter(|(name, value)| {
        !name.starts_with('~') || (within == "properties" && value.is_object())
      })
      .map(|(name, value)| (name.clone(), clean(value, name)))
      .collect(),
    _ => value.clone(),
  }
}
