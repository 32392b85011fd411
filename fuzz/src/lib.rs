//! The fuzz targets: each checks invariants of code that reads input from outside. The tests run them on a few seeds.

use std::time::Duration;

use serde_json::value::RawValue;

use braintrust_row::{Json, Row, SpanContext, write_row};
use export::{
  outcome::{ExportOutcome, classify},
  transport::Response,
};
use redact::Redactor;
use spool::{Header, Name, decode};
use translate::Translator;

/// The wall clock of all targets, milliseconds since the epoch.
const NOW: i64 = 1_795_417_364_000;

/// Replaces base64 in events, one per line, and translates them. JSON stays JSON. Every row is valid JSON, and every
/// span is closed at the end. Data that begins with a zero byte is read as UTF-16.
pub fn event_decode(data: &[u8]) {
  let text: Vec<u16> = match data {
    [0, units @ ..] => units.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect(),
    text => String::from_utf8_lossy(text).encode_utf16().collect(),
  };
  let mut translator = Translator::default();
  let mut rows = Vec::new();
  let mut utf8 = flue_event::Utf8::default();
  for line in text.split(|unit| *unit == u16::from(b'\n')) {
    let line = utf8.read(line);
    let text = translate::without_payloads(&line);
    let is_json = |text: &str| serde_json::from_str::<&RawValue>(text).is_ok();
    assert!(is_json(&text) || !is_json(&line), "{text}");
    let mut attach = |attachment: translate::Attachment| attachment.bytes.len().is_multiple_of(2);
    let attached = translate::with_attachments(&line, &mut attach);
    assert!(is_json(&attached) || !is_json(&line), "{attached}");
    if let Ok(event) = flue_event::decode(&text, NOW) {
      rows.extend(translator.translate(&event));
    }
  }
  rows.extend(translator.close_all(NOW));
  assert_eq!(translator.open_spans(), 0, "a span stays open");

  for row in &rows {
    let mut text = Vec::new();
    write_row(&mut text, row, &[]);
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(&text);
    assert!(read.is_ok(), "{}", String::from_utf8_lossy(&text));
  }
}

/// Decodes a spool file and a file name. Encoding them again yields the same bytes.
pub fn spool_file(data: &[u8]) {
  if let Ok((header, content)) = decode(data) {
    let again = Header::of(content, header.rows, header.created).encode();
    assert_eq!([&again[..], content].concat(), data, "two files have the same content");
  }
  let written = Header::of(data, 7, NOW).encode();
  let file = [&written[..], data].concat();
  assert_eq!(decode(&file).map(|(_, content)| content), Ok(data));

  let text = String::from_utf8_lossy(data);
  if let Ok(name) = text.parse::<Name>() {
    assert_eq!(name.to_string(), text, "a file has two names");
  }
}

/// Redacts JSON by the rules on the first line. Rules are refused, or the redacted row is valid JSON.
pub fn redact(data: &[u8]) {
  let text = String::from_utf8_lossy(data);
  let Some((rules, value)) = text.split_once('\n') else { return };
  let Ok(rules) = serde_json::from_str(rules) else { return };
  let Ok(Some(redactor)) = Redactor::new(&rules, true, true) else { return };
  let Ok(value) = serde_json::from_str::<&RawValue>(value) else { return };
  let mut row = Row::of(SpanContext::root("run", &["run_1"]));
  row.input = Some(Json::raw(value));
  row.name = Some(value.get().to_owned());
  redactor.row(&mut row);
  let mut written = Vec::new();
  write_row(&mut written, &row, &[]);
  let read = serde_json::from_slice::<serde::de::IgnoredAny>(&written);
  assert!(read.is_ok(), "{}", String::from_utf8_lossy(&written));
}

/// Redacts a canary in JSON text that is wrapped in one to eight JSON strings, after and before any text. The canary is
/// gone, and each level is valid JSON.
pub fn json_strings(data: &[u8]) {
  const CANARY: &str = "plum-1234";
  let Some((depth, text)) = data.split_first() else { return };
  let text = String::from_utf8_lossy(text);
  let rules = serde_json::json!({ "patterns": [CANARY], "replacement": "*" });
  let Ok(rules) = serde_json::from_value(rules) else { return };
  let Ok(Some(redactor)) = Redactor::new(&rules, true, true) else { return };
  let depth = depth % 8 + 1;
  let mut value = serde_json::Value::from(format!("{text}{CANARY}{text}"));
  for _ in 0..depth {
    value = serde_json::json!([value]).to_string().into();
  }
  let mut row = Row::of(SpanContext::root("run", &["run_1"]));
  row.input = Some(Json::of(&value));
  redactor.row(&mut row);
  let after = row.input.map(|input| input.as_str().into_owned()).unwrap_or_default();
  assert!(!after.contains(CANARY), "{after}");
  let mut level: Result<String, _> = serde_json::from_str(&after);
  for _ in 0..depth {
    let text = level.unwrap_or_default();
    let inner: Result<[String; 1], _> = serde_json::from_str(&text);
    assert!(inner.is_ok(), "{after}");
    level = inner.map(|[inner]| inner);
  }
}

/// Classifies a response: a status, the time, and a `Retry-After` header. The delay is bounded.
pub fn retry_after(data: &[u8]) {
  let Some((status, rest)) = data.split_first_chunk() else { return };
  let Some((now, header)) = rest.split_first_chunk() else { return };
  let response = Response {
    status: u16::from_le_bytes(*status),
    retry_after: Some(String::from_utf8_lossy(header).into_owned()),
    content_type: None,
    body: Default::default(),
  };
  if let ExportOutcome::Retry(wait) = classify(&Ok(response), i64::from_le_bytes(*now)) {
    assert!(wait <= Duration::from_secs(300), "{wait:?}");
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_seeds_of_each_target_pass() {
    event_decode(
      br#"{"type":"operation_start","operationId":"op","operationKind":"prompt"}
{"type":"operation","operationId":"op","operationKind":"prompt"}"#,
    );
    event_decode(&[0, b'{', 0, 0, 0xd8, b'\n', 0]);
    event_decode(br#"{"a":"\"data:image/png;base64,QUJD\ud83c","data":[1,2],"type":"image"}"#);
    spool_file(&[&Header::of(b"rows", 2, NOW).encode()[..], b"rows"].concat());
    spool_file(b"000000000000feed-4711-0000beef-0000000007.rows");
    redact(b"{\"keys\":[\"a\"],\"patterns\":[\"x+\"]}\n{\"a\":1,\"b\":[\"xx\",\"{\\\"a\\\":2}\"]}");
    redact(b"{\"patterns\":[\"(\"]}\n1");
    for depth in 0..8 {
      json_strings(&[&[depth][..], b"a\n\"\\"].concat());
    }
    retry_after(b"\xad\x01\0\0\0\0\0\0\0\0999999999999");
    retry_after(b"\xf7\x01\xff\xff\xff\xff\xff\xff\xff\xffMon, 23 Nov 2026 07:02:54 GMT");
  }
}
