//! The file of open spans, which another release may have written.

use serde_json::Value;

use super::{end_of_nested, nested, trace::Trace, translate_all};
use crate::Translator;

/// Every member of the file, as the first release wrote it.
const WRITTEN: &str = include_str!("open-spans.json");

/// The file with its spans in a fixed order.
fn sorted(text: &[u8]) -> Value {
  let mut file: Value = serde_json::from_slice(text).unwrap();
  file["spans"].as_array_mut().unwrap().sort_by_key(|span| span[0].to_string());
  file
}

#[test]
fn open_spans_of_the_first_release_are_read_and_written_as_they_were() {
  let mut translator = Translator::default();
  translator.restore(WRITTEN.as_bytes()).unwrap();
  let written = translator.snapshot(2_000, true).unwrap();
  assert_eq!(sorted(&written), sorted(WRITTEN.as_bytes()));
}

#[test]
fn without_names_no_name_is_written() {
  let mut translator = Translator::default();
  translator.restore(WRITTEN.as_bytes()).unwrap();
  let written = String::from_utf8(translator.snapshot(2_000, false).unwrap()).unwrap();
  for name in ["flue.prompt", "llm:m", "tool:task", "workflow:w", "\"w\"", "\"n\""] {
    assert!(!written.contains(name), "{name} in {written}");
  }
}

#[test]
fn deeply_nested_spans_are_restored_in_linear_time() {
  let events = nested(5_000);
  let mut translator = Translator::default();
  translate_all(&mut translator, &events, &mut Trace::default());
  let mut next = Translator::default();
  let closed = next.restore(&translator.snapshot(2_000, true).unwrap()).unwrap();
  assert_eq!((closed.len(), next.open_spans()), (10_001, 10_001));
  // Each found its parent: the end of the outermost interrupts all.
  translate_all(&mut next, [&end_of_nested()], &mut Trace::default());
  assert_eq!(next.open_spans(), 0);
}

#[test]
fn times_of_a_damaged_snapshot_do_not_overflow() {
  for time in [i64::MIN, i64::MAX] {
    let time = time.to_string();
    let damaged = WRITTEN
      .replace("\"answered\": 1950", &format!("\"answered\": {time}"))
      .replace("{\"At\": 1300}", &format!("{{\"At\": {time}}}"));
    let mut translator = Translator::default();
    translator.restore(damaged.as_bytes()).unwrap();
    assert!(translator.snapshot(2_000, true).is_some());
    let end =
      r#"{"type":"turn","v":3,"timestamp":2000,"submissionId":"s","operationId":"o","turnId":"t"}"#;
    let rows = translator.translate(&flue_event::decode(end, 0).unwrap());
    assert_eq!(rows.len(), 1);
    translator.close_all(3_000);
    assert_eq!(translator.open_spans(), 0);
  }
}
