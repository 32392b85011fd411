//! What begins while there is no room for it, and what begins in that once there is.

use serde_json::json;

use super::{
  RELEASES, processes, recordings,
  recovery::{end_of, root},
  trace::Trace,
  translate_all,
};
use crate::Translator;
use braintrust_row::Row;
use flue_event::Body;

/// The trace of these events, of which those before `room` come while no span may be opened.
fn traced(events: &[String], room: usize) -> Trace {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  for text in &events[..room] {
    let event = flue_event::decode(text, 0).unwrap();
    if translator.would_open(&event) {
      translator.ignore(&event);
    } else {
      trace.take(translator.translate(&event));
    }
  }
  let last = translate_all(&mut translator, &events[room..], &mut trace);
  trace.take(translator.close_all(last));
  trace
}

fn is_interrupted(row: &Row) -> bool {
  row.metadata.get("flue.interrupted").is_some_and(|is| is.as_str() == "true")
}

#[test]
fn what_begins_in_a_span_for_which_there_was_no_room_opens_that() {
  const RECORDINGS: [&str; 5] =
    ["multi-turn-tools-thinking", "task-subagent", "workflow-image", "actions", "logs-and-hooks"];
  for release in RELEASES {
    for name in recordings(release).iter().filter(|name| RECORDINGS.contains(&name.as_str())) {
      let mut events = processes(release, name).concat();
      events.retain(|text| {
        !matches!(flue_event::decode(text, 0).unwrap().body, Body::Other | Body::MessageEnd(_))
      });
      let whole = traced(&events, 0);
      for room in 1..events.len().min(24) {
        let trace = traced(&events, room);
        for row in trace.rows.values() {
          let is_placed = row.parent.is_some() == trace.parent(row).is_some();
          assert!(is_placed, "{release} {name} {room} {:?}", row.name);
          // Its own end closes it.
          let was_interrupted = whole.rows.get(&row.span.row).is_none_or(is_interrupted);
          assert!(
            was_interrupted || !is_interrupted(row),
            "{release} {name} {room} {:?}",
            row.name
          );
        }
      }
    }
  }
}

/// A workflow need not await its operations, and turns may outlast those.
#[test]
fn what_has_ended_before_a_part_of_it_finds_room_ends_when_it_did() {
  let event = |kind: &str, at: i64, more: serde_json::Value| {
    let mut event = json!({ "v": 3, "type": kind, "timestamp": at, "runId": "r" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string()
  };
  let operation = || json!({ "operationId": "o", "operationKind": "prompt" });
  let turn = || json!({ "operationId": "o", "turnId": "t" });
  let of = |kind: &str, at| event(kind, at, operation());
  let run = [event("run_start", 1_000, json!({})), event("run_end", 2_000, json!({}))];
  let cases = [
    (run, [of("operation_start", 2_500), of("operation", 2_600)]),
    (
      [of("operation_start", 1_000), of("operation", 2_000)]
        .map(|text| text.replace("runId", "submissionId")),
      [event("turn_request", 2_500, turn()), event("turn", 2_600, turn())]
        .map(|text| text.replace("runId", "submissionId")),
    ),
  ];
  for (enclosing, part) in cases {
    // The end comes while there is no room for it either, or once there is.
    for room in [1, 2] {
      let mut events = enclosing.to_vec();
      events.extend(part.clone());
      let trace = traced(&events, room);
      assert_eq!(trace.rows.len(), 2);
      assert!(!trace.rows.values().any(is_interrupted), "{room} {}", trace.describe());
      assert!(trace.rows.values().all(|row| row.parent.is_some() == trace.parent(row).is_some()));
      assert_eq!(end_of(root(&trace)), 2_000);
    }
  }
}
