use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{with_attachments, without_payloads};
use crate::{Attachment, messages::walk};

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

/// The same in the alphabet of URLs.
fn url_noise(length: usize) -> String {
  noise(length).replace('+', "-").replace('/', "_")
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
    json!({ "type": "input_audio", "input_audio": { "data": data, "format": "wav" } }),
    json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": url } }),
    json!({ "type": "document", "source": { "type": "base64", "media_type": "application/pdf", "data": data } }),
    json!({ "type": "audio", "data": data, "mimeType": "audio/wav" }),
    json!({ "inline_data": { "mime_type": "image/png", "data": data } }),
    json!({ "type": "file", "mediaType": "image/png", "data": { "type": "data", "data": data } }),
    json!([data, { (data): 1 }]),
    json!(format!("curl -F 'file=@a.png' printed: {data}, done")),
    json!(format!("https://example.com/?image=data%3Aimage%2Fpng%3Bbase64%2C{}", percent(data))),
    json!(format!("The tool returned {}", json!({ "b64": data }).to_string().replace('/', "\\/"))),
    json!(json!({ "b64": data }).to_string().replace('+', "\\u002B")),
    json!(format!("As JSON: {}", json!({ "b64": data }).to_string().replace('+', "\\u002b"))),
  ]
}

/// Base64 as a part of a URL.
fn percent(data: &str) -> String {
  data.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// The longest run of base64 in a text.
fn longest_run(text: &str) -> usize {
  let is_part = |char: char| char.is_ascii_alphanumeric() || "+/_-".contains(char);
  text.split(|char| !is_part(char)).map(str::len).max().unwrap_or_default()
}

#[test]
fn no_shape_keeps_its_content() {
  for data in [PIXEL.to_owned(), noise(400)] {
    for shape in shapes(&data) {
      let text = kept(&json!({ "result": shape }));
      assert!(longest_run(&text) < 30, "{text}");
      assert!(text.contains(" bytes, sha256 "), "{text}");
      assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
  }
}

#[test]
fn no_shape_keeps_its_content_in_json_text_at_any_depth() {
  for shape in [shapes(PIXEL), shapes(&noise(400))].concat() {
    let mut value = shape;
    for depth in 1..12 {
      value = json!({ "content": [{ "type": "text", "text": value.to_string() }] });
      let text = kept(&value);
      assert!(longest_run(&text) < 30, "at depth {depth}: {}", text.replace("\\\\", ""));
      assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
  }
}

#[test]
fn many_backslashes_in_base64_take_linear_time() {
  let slashes = "\\".repeat(1_000_000);
  let one = kept(&json!(format!("{}/", noise(256))));
  for text in [format!("{}{slashes}/", noise(256)), format!("data:x/y;base64,A{slashes}/")] {
    let text = kept(&json!(text));
    assert!(text.contains(" bytes, sha256 ") && !text.contains('\\'), "{}", text.len());
  }
  assert_eq!(kept(&json!(format!("{}\\\\\\/", noise(256)))), one);
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
  for line_break in ["\n", "\r\n", "\n    ", "\\n", "\\r\\n"] {
    assert_eq!(kept(&json!(wrapped.join(line_break))), one, "{line_break:?}");
  }
  assert_eq!(kept(&json!(percent(&noise(304)))), one);
  assert_eq!(kept(&json!(noise(304).replace('/', "\\/"))), one);
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
fn a_member_named_bytes_and_numbered_members_are_lists_of_bytes() {
  let bytes: Vec<u8> = (0..64).collect();
  let numbered: serde_json::Map<String, Value> =
    bytes.iter().map(|byte| (byte.to_string(), json!(byte))).collect();
  for value in [
    json!({ "image": { "format": "png", "source": { "bytes": bytes } } }),
    json!({ "document": { "format": "pdf", "name": "a", "source": { "bytes": numbered } } }),
    json!({ "source": { "bytes": { "type": "Buffer", "data": bytes } } }),
    json!({ "text": json!({ "bytes": bytes }).to_string() }),
  ] {
    let text = kept(&value);
    assert!(text.contains("data omitted: 64 bytes, sha256 "), "{text}");
    assert!(!text.contains(",62") && !text.contains(":62"), "{text}");
  }
  let named: serde_json::Map<String, Value> =
    bytes.iter().map(|byte| (format!("n{byte}"), json!(byte))).collect();
  let counts = json!({ "type": "image", "mediaType": "image/png", "data": named });
  assert_eq!(kept(&counts), counts.to_string());
}

/// The rewritten value, and the attachments in it.
fn attached(value: &Value, is_taken: bool) -> (String, Vec<Attachment>) {
  let mut taken = Vec::new();
  let text = value.to_string();
  let mut attach = |attachment| {
    taken.push(attachment);
    is_taken
  };
  let rewritten = with_attachments(&text, &mut attach).into_owned();
  (rewritten, taken)
}

#[test]
fn every_shape_has_one_key_as_a_reference_or_in_its_text() {
  let mut keys = std::collections::BTreeSet::new();
  for shape in shapes(PIXEL) {
    for value in [shape.clone(), json!({ "text": shape.to_string() }), json!([shape.to_string()])] {
      let (text, taken) = attached(&value, true);
      assert!(longest_run(&text) < 40, "{text}");
      assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
      assert!(!taken.is_empty(), "{text}");
      for attachment in &taken {
        assert_eq!(attachment.bytes.len(), 70, "{text}");
        assert!(text.contains(&attachment.key.to_string()), "{text}");
        keys.insert(attachment.key);
      }
      assert_eq!(attached(&value, false).0, kept(&value), "without room");
    }
  }
  assert_eq!(keys.len(), 1);
}

#[test]
fn a_reference_stands_where_an_object_may_and_a_text_elsewhere() {
  let url = format!("data:image/png;base64,{PIXEL}");
  let (text, taken) = attached(&json!({ "image_url": { "url": url } }), true);
  let key = taken[0].key.to_string();
  let reference = json!({
    "type": "braintrust_attachment",
    "key": key,
    "filename": taken[0].filename,
    "content_type": "image/png",
  });
  assert_eq!(
    serde_json::from_str::<Value>(&text).unwrap(),
    json!({ "image_url": { "url": reference } })
  );
  assert!(taken[0].filename.starts_with("image-") && taken[0].filename.ends_with(".png"));
  let (text, _) = attached(&json!({ "images": [url], "input": url }), true);
  assert_eq!(
    serde_json::from_str::<Value>(&text).unwrap(),
    json!({ "images": [reference], "input": reference })
  );
  for value in [
    json!({ "message": url }),
    json!({ "tags": [url] }),
    json!({ "text": PIXEL }),
    json!({ (url): 1 }),
  ] {
    let (text, _) = attached(&value, true);
    assert!(
      text.contains(&format!(", key {key}]")) && !text.contains("braintrust_attachment"),
      "{text}"
    );
  }
}

#[test]
fn the_media_type_of_an_attachment_is_the_stated_one_or_that_of_its_bytes() {
  let of = |value: Value| attached(&value, true).1[0].media_type.clone();
  assert_eq!(of(json!({ "screenshot": PIXEL })), "image/png");
  assert_eq!(
    of(json!({ "type": "file", "data": PIXEL, "mediaType": "application/pdf" })),
    "application/pdf"
  );
  assert_eq!(
    of(json!({ "type": "file", "data": PIXEL, "mediaType": "my secret/is 1234" })),
    "image/png"
  );
  assert_eq!(
    of(json!({ "type": "file", "data": noise(400), "mediaType": "secret/1234" })),
    "application/octet-stream"
  );
  assert_eq!(of(json!({ "bytes": vec![7; 20] })), "application/octet-stream");
}

#[test]
fn what_cannot_be_decoded_is_not_attached() {
  let (text, taken) = attached(&json!({ "url": "data:image/png;base64,AB%2" }), true);
  assert!(taken.iter().all(|attachment| !attachment.bytes.is_empty()), "{text}");
  let (text, taken) = attached(&json!({ "url": "data:image/png;base64," }), true);
  assert!(taken.is_empty() && text.contains("0 bytes"), "{text}");
}

#[test]
fn redacted_reasoning_stays_as_the_provider_has_sent_it() {
  for value in [
    json!({ "type": "redacted_thinking", "data": noise(2000) }),
    json!({ "type": "reasoning.encrypted", "data": noise(2000), "format": "anthropic" }),
    json!({ "reasoningContent": { "redactedContent": noise(2000) } }),
    json!({ "providerMetadata": { "anthropic": { "redactedData": noise(2000) } } }),
  ] {
    assert_eq!(kept(&value), value.to_string());
    assert_eq!(
      kept(&json!({ "text": value.to_string() })),
      json!({ "text": value.to_string() }).to_string()
    );
  }
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
    json!(format!("Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.{}.{}", url_noise(700), url_noise(683))),
    json!(format!("https://example.com/cb?code=eyJhbGciOiJSUzI1NiJ9.{}.{}&a=1", url_noise(700), url_noise(342))),
    json!({ "id": format!("call_1|{}", noise(600)), "toolCallId": noise(600), "nextPageToken": noise(400) }),
    json!(format!("https://example.com/{}", "abc-DEF-123/".repeat(15))),
    json!({ "integrity": format!("sha512-{}==", noise(86)), "result": noise(88), "key": noise(128) }),
    json!("ABCDEF0123456789".repeat(200)),
    json!("ACGT".repeat(1000)),
    json!("const ship = { name: 'Aurora', crew: [12, 7], mayDock: (at) => at > 9 };\n".repeat(50)),
    json!({ "scores": (0..200).collect::<Vec<u8>>(), "type": "chart" }),
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

/// Texts of what surrounds, breaks and is base64.
fn texts() -> impl Strategy<Value = String> {
  let data = (0..600_usize).prop_map(noise);
  let url = (0..100_usize).prop_map(|length| format!("data:image/png;base64,{}", noise(length)));
  let other = prop_oneof![
    "[a-z ]{0,60}",
    Just("iVBORw0KGgo".to_owned()),
    Just(PIXEL.to_owned()),
    "(\\\\|/|%2B|%|=|\n|\"|\\\\u002B|\\\\n|;base64,|eyJ|\\.|é|🌊){0,6}",
  ];
  vec(prop_oneof![data, url, other], 0..8).prop_map(|parts| parts.concat())
}

/// Values whose strings are such texts, also as JSON.
fn values() -> impl Strategy<Value = Value> {
  let name = prop_oneof![Just("data"), Just("type"), Just("mimeType"), Just("x"), Just("id")];
  let leaf = prop_oneof![
    texts().prop_map(Value::from),
    any::<u8>().prop_map(Value::from),
    Just(json!("image/png")),
    Just(json!("image")),
  ];
  leaf.prop_recursive(4, 30, 5, move |inner| {
    let object = vec((name.clone(), inner.clone()), 0..5);
    prop_oneof![
      vec(inner.clone(), 0..20).prop_map(Value::from),
      inner.prop_map(|value| Value::from(value.to_string())),
      object.prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
    ]
  })
}

proptest! {
  #[test]
  fn of_any_value_the_rest_is_unchanged_and_a_second_search_finds_nothing(value in values()) {
    let text = kept(&value);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(kept(&parsed), parsed.to_string());
    if !text.contains("bytes, sha256 ") {
      prop_assert_eq!(text, value.to_string());
    }
  }

  #[test]
  fn with_attachments_the_same_is_replaced_and_a_second_search_finds_nothing(value in values()) {
    let (text, _) = attached(&value, true);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(attached(&parsed, true), (parsed.to_string(), Vec::new()));
    prop_assert_eq!(attached(&value, false).0, kept(&value));
  }

  #[test]
  fn long_base64_between_any_texts_is_found(before in texts(), after in texts()) {
    // Unlike the texts around it.
    let data = format!("iVBORw0KGgo{}", noise(500).chars().rev().collect::<String>());
    let text = kept(&json!({ "text": format!("{before} {data} {after}") }));
    prop_assert!(!text.contains(data.get(40..100).unwrap()), "{}", text);
  }
}

#[test]
fn no_token_begins_in_what_is_replaced() {
  let value = json!({ "text": format!("data:image/png;base64,e;base64,eyJ.e/{}", noise(500)) });
  let text = kept(&value);
  assert_eq!(kept(&serde_json::from_str(&text).unwrap()), text);
}

#[test]
fn nesting_has_no_limit() {
  let depth = 100_000;
  let deep = format!("{}\"{PIXEL}\"{}", r#"{"a":["#.repeat(depth), "]}".repeat(depth));
  assert!(!without_payloads(&deep).contains(PIXEL));
  let edit = walk::Edit { range: 0..1, new: "b".to_owned() };
  assert_eq!(walk::replace("ac", vec![edit]), "bc");
}

/// Prints times of events of 5 MB: `cargo test --release -p translate -- --ignored --nocapture times_of`.
#[test]
#[ignore = "prints times"]
fn times_of_large_events() {
  let prose =
    "The ship \"Aurora\" left the harbour at 12:30, berth 4-A, cargo 0198a1b2.\n".repeat(20);
  let code =
    "    let total = items.iter().map(|item| item.unit_price * 3).sum::<u64>();\n".repeat(20);
  let row = json!({ "id": "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "name": "Aurora", "tons": 12 });
  let rows = json!(vec![row; 17]).to_string();
  for (name, text) in [("prose", prose), ("code", code), ("JSON text", rows)] {
    let message = json!({ "role": "user", "content": [{ "type": "text", "text": text }] });
    print_time(name, &json!({ "type": "turn_request", "messages": vec![message; 3400] }));
  }
  let image = json!({ "type": "image", "mimeType": "image/png", "data": format!("iVBORw0KGgo{}", noise(5_000_000)) });
  print_time("an image", &json!({ "type": "tool", "result": [image] }));
}

fn print_time(name: &str, event: &Value) {
  let event = event.to_string();
  let times = (0..9).map(|_| {
    let start = std::time::Instant::now();
    let length = without_payloads(&event).len();
    (start.elapsed(), length)
  });
  let (time, length) = times.min().unwrap();
  let start = std::time::Instant::now();
  let parsed: Value = serde_json::from_str(&event).unwrap();
  let (parse, is_object) = (start.elapsed(), parsed.is_object());
  println!(
    "{name}: {} bytes to {length}: {time:?}; to values: {parse:?} ({is_object})",
    event.len()
  );
}

#[test]
fn the_picture_of_a_signature_is_a_file() {
  assert!(kept(&json!({ "customer_signature": PIXEL })).contains(PLACEHOLDER));
}

#[test]
fn short_lines_of_base64_are_one_file() {
  let lines: Vec<String> =
    noise(3_000).as_bytes().chunks(48).map(|line| String::from_utf8_lossy(line).into()).collect();
  for end in ["\n", "\r\n"] {
    let found = kept(&json!({ "type": "image", "data": lines.join(end), "mimeType": "image/png" }));
    assert!(!found.contains(&lines[5]) && !found.contains(&lines[62]), "{found}");
  }
}

/// Eight times the text takes about eight times the time, and 64 times if time is quadratic. A busy machine needs more
/// rounds.
#[test]
fn many_runs_behind_blanks_take_linear_time() {
  let time = |count: usize| {
    let text =
      json!(format!("{}{}", " ".repeat(100 * count), format!("{}.", "A".repeat(48)).repeat(count)))
        .to_string();
    let began = std::time::Instant::now();
    without_payloads(&text);
    began.elapsed().as_secs_f64()
  };
  let (mut short, mut long) = (f64::INFINITY, f64::INFINITY);
  let is_linear = (0..100).any(|_| {
    (short, long) = (short.min(time(200)), long.min(time(1_600)));
    long / short < 24.0
  });
  assert!(is_linear, "{short} s and {long} s");
}
