use serde_json::{Value, json};

use super::without_payloads;
use crate::messages::walk;

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// The SHA-256 of the bytes of `PIXEL` begins with this.
const PLACEHOLDER: &str = "[image data omitted: image/png, 70 bytes, sha256 ";

fn kept(value: &Value) -> String {
  without_payloads(&value.to_string()).into_owned()
}

/// Bytes without a pattern, as base64.
fn noise(length: usize) -> String {
  const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let mut state = 7_u64;
  let next = || {
    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    char::from(ALPHABET[(state >> 33) as usize % ALPHABET.len()])
  };
  std::iter::repeat_with(next).take(length).collect()
}

fn shapes(data: &str) -> Vec<Value> {
  let url = format!("data:image/png;base64,{data}");
  vec![
    json!({ "type": "image", "data": data, "mimeType": "image/png" }),
    json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } }),
    json!({ "type": "image_url", "image_url": { "url": url } }),
    json!({ "type": "input_image", "image_url": url, "detail": "auto" }),
    json!({ "type": "image_generation_call", "result": data }),
    json!({ "type": "input_file", "filename": "a.png", "file_data": url }),
    json!({ "type": "image", "image": data, "mediaType": "image/png" }),
    json!({ "type": "file", "data": data, "mediaType": "image/png" }),
    json!({ "type": "content", "value": [{ "type": "media", "data": data, "mediaType": "image/png" }] }),
    json!({ "type": "resource", "resource": { "uri": "file:///a", "mimeType": "image/png", "blob": data } }),
    json!({ "inlineData": { "mimeType": "image/png", "data": data } }),
    json!({ "image": { "format": "png", "source": { "bytes": data } } }),
    json!(format!("![chart]({url}) and <img src=\"{url}\">")),
    json!({ "screenshot": data }),
  ]
}

#[test]
fn no_shape_keeps_its_content() {
  for data in [PIXEL.to_owned(), noise(400)] {
    for shape in shapes(&data) {
      let text = kept(&json!({ "result": shape }));
      assert!(!text.contains(&data), "{text}");
      assert!(text.contains(" bytes, sha256 "), "{text}");
      assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
  }
}

#[test]
fn no_shape_keeps_its_content_in_json_text_at_any_depth() {
  for shape in shapes(PIXEL) {
    let mut value = shape;
    for depth in 1..12 {
      value = json!({ "content": [{ "type": "text", "text": value.to_string() }] });
      let text = kept(&value);
      assert!(!text.contains(&PIXEL[..60]), "at depth {depth}: {text}");
      assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
  }
}

#[test]
fn a_placeholder_has_the_type_the_size_and_the_hash_of_the_bytes() {
  let text = kept(&json!({ "data": PIXEL, "mimeType": "image/png", "type": "image" }));
  assert!(text.contains(PLACEHOLDER), "{text}");
  let hello = kept(&json!({ "url": "data:text/plain;base64,aGVsbG8=" }));
  assert_eq!(
    hello,
    r#"{"url":"[file data omitted: text/plain, 5 bytes, sha256 2cf24dba5fb0a30e]"}"#
  );
  let wrapped: Vec<String> = noise(304)
    .as_bytes()
    .chunks(76)
    .map(|line| String::from_utf8_lossy(line).into_owned())
    .collect();
  let one = kept(&json!(noise(304)));
  assert_eq!(kept(&json!(wrapped.join("\r\n"))), one);
  assert!(one.starts_with("\"[binary data omitted: 228 bytes, sha256 "), "{one}");
}

#[test]
fn lists_of_bytes_are_content_where_the_object_states_it() {
  let bytes: Vec<u8> = (0..64).collect();
  let object: serde_json::Map<String, Value> =
    bytes.iter().map(|byte| (byte.to_string(), json!(byte))).collect();
  for value in [
    json!({ "type": "Buffer", "data": bytes }),
    json!({ "type": "image", "image": bytes, "mediaType": "image/png" }),
    json!({ "type": "file", "data": object, "mediaType": "application/pdf" }),
  ] {
    let text = kept(&value);
    assert!(
      text.contains("64 bytes, sha256 ") && !text.contains(",62") && !text.contains(":62"),
      "{text}"
    );
  }
  let numbers = json!({ "scores": bytes, "data": bytes });
  assert_eq!(kept(&numbers), numbers.to_string());
}

#[test]
fn what_is_not_base64_content_is_unchanged() {
  for value in [
    json!("x".repeat(100_000)),
    json!("0123456789abcdef".repeat(100)),
    json!("the quick brown fox jumps over the lazy dog ".repeat(100)),
    json!(format!("/home/user/{}", "some-long-directory/".repeat(40))),
    json!({ "type": "file", "id": "file0123456789ABCDEFabcdef" }),
    json!({ "type": "file", "data": "file-0123456789ABCDEFabcdef" }),
    json!({ "type": "file", "file": "quarterly-report-2026" }),
    json!({ "type": "resource", "result": "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b" }),
    json!({ "token": format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", noise(200), noise(43)) }),
    json!("fn main() { let total = items.iter().map(|item| item.price).sum::<u64>(); }\n".repeat(50)),
    json!(json!({ "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "n": [1, 2] }).to_string()),
    json!({ "type": "image", "data": "the harbour at noon, in colour" }),
    json!({ "type": "thinking", "thinkingSignature": noise(2000) }),
    json!({ "type": "reasoning", "encrypted_content": noise(2000) }),
    json!({ "key": "sk-proj-0123456789ABCDEFabcdef0123456789ABCDEFabcdef" }),
    json!({ "id": "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "url": "https://example.com/a.png" }),
  ] {
    assert_eq!(kept(&value), value.to_string());
  }
  assert_eq!(without_payloads("{\"data\":"), "{\"data\":");
}

#[test]
fn nesting_has_no_limit() {
  let depth = 100_000;
  let deep = format!("{}\"{PIXEL}\"{}", r#"{"a":["#.repeat(depth), "]}".repeat(depth));
  assert!(!without_payloads(&deep).contains(PIXEL));
  let edit = walk::Edit { range: 0..1, new: "b".to_owned() };
  assert_eq!(walk::replace("ac", vec![edit]), "bc");
}

/// Prints the time of an event of 5 MB without payloads: `cargo test -p translate -- --ignored --nocapture time_of`.
#[test]
#[ignore = "prints a time"]
fn time_of_a_large_event_without_payloads() {
  let text =
    "The ship \"Aurora\" left the harbour at 12:30, berth 4-A, cargo 0198a1b2.\n".repeat(20);
  let message = json!({ "role": "user", "content": [{ "type": "text", "text": text }] });
  let event = json!({ "type": "turn_request", "messages": vec![message; 3400] }).to_string();
  let start = std::time::Instant::now();
  let parsed: Value = serde_json::from_str(&event).unwrap();
  let parse = start.elapsed();
  let start = std::time::Instant::now();
  assert!(matches!(without_payloads(&event), std::borrow::Cow::Borrowed(_)));
  println!(
    "{} bytes: {:?}; parsing to values: {parse:?} ({})",
    event.len(),
    start.elapsed(),
    parsed.is_object()
  );
}
