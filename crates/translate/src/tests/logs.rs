//! Log lines after the ends of their spans: what an observer logs when something ends, or work that goes on.

use serde_json::{Value, json};

use super::{trace::Trace, translate};

/// An event of the work that these ids name.
fn event(ids: &Value, at: usize, kind: &str) -> Value {
  let mut event = json!({ "v": 3, "type": kind, "timestamp": at, "eventIndex": at });
  event.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
  event
}

fn line(ids: &Value, at: usize) -> String {
  let mut line = event(ids, at, "log");
  line["message"] = json!(format!("line {at}"));
  line.to_string()
}

/// The lines before the end of the only span, those after it, and how many of these are dropped.
fn lines(events: &[String]) -> [Option<String>; 3] {
  let mut trace = Trace::default();
  translate(events, &mut trace);
  let [row] = trace.rows.values().collect::<Vec<_>>()[..] else { panic!("{events:?}") };
  ["flue.logs", "flue.late_logs", "flue.late_logs_dropped"]
    .map(|name| row.metadata.get(name).map(|value| value.as_str().into_owned()))
}

#[test]
fn lines_after_the_end_of_their_span_stand_beside_those_before() {
  let run = json!({ "runId": "r" });
  let operation = json!({ "operationId": "o" });
  let root = json!({ "submissionId": "s", "operationId": "o" });
  for (ids, ends) in [
    (run, &["run_start", "run_end"][..]),
    (operation, &["operation_start", "operation"]),
    (root.clone(), &["operation_start", "operation", "submission_settled"]),
    // Its operation has no end.
    (root, &["operation_start", "submission_settled"]),
  ] {
    let (start, ends) = ends.split_first().unwrap();
    let mut events = vec![event(&ids, 1_000, start).to_string(), line(&ids, 1_001)];
    for (place, end) in ends.iter().enumerate() {
      let at = 1_002 + 2 * place;
      // Two observers pass each event twice.
      events.extend([event(&ids, at, end).to_string(), line(&ids, at + 1), line(&ids, at + 1)]);
    }
    let [before, after, dropped] = lines(&events);
    assert_eq!(before.unwrap().matches("line").count(), 1, "{ids}");
    assert_eq!(after.unwrap().matches("line").count(), ends.len(), "{ids}");
    assert_eq!(dropped, None);
    let twice = [&events[..], &events].concat();
    assert_eq!(lines(&twice), lines(&events), "{ids}");

    events.extend((2_000..2_150).map(|at| line(&ids, at)));
    let [_, after, dropped] = lines(&events);
    assert_eq!(after.unwrap().matches("line").count(), 100, "{ids}");
    assert_eq!(dropped, Some((50 + ends.len()).to_string()));
  }
}

#[test]
fn a_line_of_a_submission_after_its_end_is_in_the_trace_of_its_caller() {
  let trace = "a1b2c3d4e5f647898abcdef012345678";
  let ids = json!({ "submissionId": "s", "operationId": "o" });
  let mut start = event(&ids, 1_000, "operation_start");
  start["$caller"] = json!({ "spanId": "0011223344556677", "rootSpanId": trace });
  let end = event(&ids, 1_001, "operation");
  let mut shown = Trace::default();
  let mut translator = crate::Translator::default();
  for text in [start.to_string(), end.to_string(), line(&ids, 1_002)] {
    let rows = translator.translate(&flue_event::decode(&text, 0).unwrap());
    assert!(!rows.is_empty() && rows.iter().all(|row| row.span.trace.to_string() == trace));
    shown.take(rows);
  }
  assert_eq!(shown.rows.len(), 1);
}
