//! The file of open spans, which another release may have written.

use serde_json::Value;

use super::{trace::Trace, translate_all};
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

/// A process that dies after these events. Returns its snapshot of the time at which it dies.
fn left(at: i64, events: &[&str]) -> Vec<u8> {
  let mut translator = Translator::default();
  let events: Vec<String> = events.iter().map(|text| (*text).to_owned()).collect();
  translate_all(&mut translator, &events, &mut Trace::default());
  translator.snapshot(at, true).unwrap()
}

/// The ends, in milliseconds, of what is interrupted of the spans that processes have left.
fn ends(snapshots: &[Vec<u8>], is_exit: bool) -> Vec<i64> {
  let mut translator = Translator::default();
  for snapshot in snapshots {
    translator.restore(snapshot).unwrap();
  }
  let mut trace = Trace::default();
  trace.take(match is_exit {
    true => translator.close_all(90_000),
    false => translator.close_orphaned(90_000, i64::MAX),
  });
  let end = |row: &braintrust_row::Row| row.metrics.get("end").map_or(0.0, |end| end * 1e3);
  let mut ends: Vec<i64> = trace.rows.values().map(|row| end(row) as i64).collect();
  ends.sort_unstable();
  ends
}

#[test]
fn a_root_that_two_processes_left_ends_as_the_last_of_its_attempts() {
  let first = r#"{"type":"operation_start","v":3,"timestamp":1000,"submissionId":"s","conversationId":"c","operationId":"o1","operationKind":"prompt"}"#;
  let again = r#"{"type":"operation_start","v":3,"timestamp":2000,"submissionId":"s","conversationId":"c","operationId":"o2","operationKind":"prompt"}"#;
  let snapshots = [left(1_500, &[first]), left(2_500, &[again])];
  let reversed = [snapshots[1].clone(), snapshots[0].clone()];
  // Maps have another order each time.
  for _ in 0..20 {
    for is_exit in [false, true] {
      assert_eq!(ends(&snapshots, is_exit), [2_500]);
      assert_eq!(ends(&reversed, is_exit), [2_500]);
    }
  }
}

#[test]
fn a_span_that_two_processes_left_ends_as_the_last_one_left_it() {
  let start = r#"{"type":"operation_start","v":3,"timestamp":1000,"submissionId":"s","conversationId":"c","operationId":"o","operationKind":"prompt"}"#;
  let turn = r#"{"type":"turn_request","v":3,"timestamp":1800,"submissionId":"s","conversationId":"c","operationId":"o","turnId":"t","purpose":"agent","request":{"input":{"messages":[]}}}"#;
  let snapshots = [left(1_500, &[start]), left(2_500, &[start, turn])];
  let reversed = [snapshots[1].clone(), snapshots[0].clone()];
  assert_eq!(ends(&snapshots, false), [2_500, 2_500]);
  assert_eq!(ends(&reversed, false), [2_500, 2_500]);
}

#[test]
fn a_span_that_has_ended_here_is_not_interrupted_by_what_another_process_left() {
  let start = r#"{"type":"operation_start","v":3,"timestamp":1000,"submissionId":"s","conversationId":"c","operationId":"o","operationKind":"prompt"}"#;
  let end = r#"{"type":"operation","v":3,"timestamp":3000,"submissionId":"s","conversationId":"c","operationId":"o","operationKind":"prompt","durationMs":2000}"#;
  let mut translator = Translator::default();
  let mut trace = Trace::default();
  let events: Vec<String> = vec![start.into(), end.into()];
  translate_all(&mut translator, &events, &mut trace);
  translator.restore(&left(2_500, &[start])).unwrap();
  assert_eq!(translator.close_orphaned(90_000, i64::MAX).len(), 0);
}
