//! Events that come later than Flue emits them: an application may pass them on with delays of its own.

use serde_json::{Value, json};

use super::{processes, trace::Trace, translate};
use braintrust_row::{Json, Row};

/// The events of a recording of one process.
fn recorded(release: &str, name: &str) -> Vec<String> {
  processes(release, name).concat()
}

/// The trace of these events.
fn traced(events: &[String]) -> Trace {
  let mut trace = Trace::default();
  translate(events, &mut trace);
  trace
}

/// The type of an event and the value of one of its ids.
fn kind_and_id(event: &str, id: &str) -> (String, Option<String>) {
  let event: Value = serde_json::from_str(event).unwrap();
  let text = |name: &str| event[name].as_str().map(str::to_owned);
  (text("type").unwrap(), text(id))
}

/// Moves each event of the kind `start` behind the one of the kind `end` with the same id.
fn starts_behind_ends(events: &[String], [start, end, id]: [&str; 3]) -> Vec<String> {
  let (mut delayed, mut moved) = (Vec::new(), Vec::new());
  for event in events {
    let (kind, id) = kind_and_id(event, id);
    if kind == start {
      delayed.push((id, event.clone()));
      continue;
    }
    moved.push(event.clone());
    if kind == end {
      let is_same = |(other, _): &mut (Option<String>, String)| *other == id;
      moved.extend(delayed.extract_if(.., is_same).map(|(_, event)| event));
    }
  }
  assert!(delayed.is_empty());
  moved
}

/// What a start states of a span.
fn started(row: &Row) -> String {
  let tools = row.metadata.get("tools");
  format!("{:?} {:?} {:?} {tools:?} {:?}", row.name, row.kind, row.parent, row.input)
}

#[test]
fn a_start_that_comes_after_the_end_of_its_span_is_still_written() {
  for (release, name, kinds) in [
    ("0.11.1", "multi-turn-tools-thinking", ["turn_request", "turn", "turnId"]),
    ("1.0.0-beta.9", "multi-turn-tools-thinking", ["turn_request", "turn", "turnId"]),
    ("2.1.0", "multi-turn-tools-thinking", ["turn_request", "turn", "turnId"]),
    ("2.1.0", "compaction-threshold", ["turn_request", "turn", "turnId"]),
    ("0.11.1", "parallel-tools", ["tool_start", "tool_call", "toolCallId"]),
    ("2.1.0", "parallel-tools", ["tool_start", "tool", "toolCallId"]),
    ("0.11.1", "workflow-success", ["run_start", "run_end", "runId"]),
    ("1.0.0-beta.9", "workflow-success", ["run_start", "run_end", "runId"]),
  ] {
    let events = recorded(release, name);
    let moved = starts_behind_ends(&events, kinds);
    assert_ne!(moved, events);
    let (known, late) = (traced(&events), traced(&moved));
    assert_eq!(late.rows.len(), known.rows.len(), "{release} {name}");
    for (id, row) in &known.rows {
      let late = &late.rows[id];
      assert_eq!(started(late), started(row), "{release} {name}");
      assert!(late.metrics.get("end") >= late.metrics.get("start"));
    }
    // A start that comes again is a duplicate.
    let twice: Vec<_> = moved.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    assert_eq!(traced(&twice).describe(), late.describe(), "{release} {name}");
  }
}

#[test]
fn a_run_whose_operations_come_before_its_start_has_its_name_and_input() {
  let mut events = recorded("1.0.0-beta.9", "workflow-success");
  let known = traced(&events);
  let start = events.iter().position(|event| kind_and_id(event, "").0 == "run_start").unwrap();
  let start = events.remove(start);
  events.insert(2, start);
  let late = traced(&events);
  let run = |trace: &Trace| trace.rows.values().find(|row| row.parent.is_none()).map(started);
  assert_eq!(run(&late), run(&known));
}

/// A prompt with two compactions of one turn each. The numbers order the events.
fn compactions() -> Vec<(usize, String)> {
  let event = |n: usize, mut event: Value| {
    event["timestamp"] = json!(1_000 + n);
    event["eventIndex"] = json!(n);
    event["operationId"] = json!("o");
    (n, event.to_string())
  };
  let compaction = |n: usize, tokens: usize| {
    let (turn, half) = (format!("t{n}"), tokens / 2);
    [
      event(n, json!({ "type": "compaction_start", "reason": format!("r{n}") })),
      event(n + 1, json!({ "type": "turn_request", "turnId": turn, "purpose": "compaction" })),
      event(
        n + 2,
        json!({ "type": "turn", "turnId": turn, "purpose": "compaction",
          "usage": { "input": half, "output": half } }),
      ),
      event(
        n + 3,
        json!({ "type": "compaction", "messagesBefore": n, "isError": true, "error": "no summary" }),
      ),
    ]
  };
  let mut events = vec![event(0, json!({ "type": "operation_start", "operationKind": "prompt" }))];
  events.extend(compaction(10, 6));
  events.extend(compaction(20, 10));
  events.push(event(30, json!({ "type": "operation", "operationKind": "prompt" })));
  events
}

/// The trace of the compactions with the events in this order.
fn compacted(delays: &[(usize, usize)]) -> Trace {
  let mut events = compactions();
  for (from, to) in delays {
    events.iter_mut().filter(|(n, _)| n == from).for_each(|(n, _)| *n = *to);
  }
  events.sort_by_key(|(n, _)| *n);
  traced(&events.into_iter().map(|(_, event)| event).collect::<Vec<_>>())
}

fn tokens(trace: &Trace, name: &str) -> Option<f64> {
  trace.named(name).next().unwrap().metrics.get("tokens").copied()
}

/// Flue 2.x summarises with two turns at once, and ends the compaction and its operation when one of them fails.
#[test]
fn the_usage_of_a_turn_that_ends_after_its_compaction_counts_for_that() {
  for delays in [&[][..], &[(12, 14)], &[(12, 24)], &[(12, 22)], &[(12, 31)], &[(22, 31), (12, 32)]]
  {
    let trace = compacted(delays);
    assert_eq!(tokens(&trace, "compaction:r10"), Some(6.0), "{delays:?}");
    assert_eq!(tokens(&trace, "compaction:r20"), Some(10.0), "{delays:?}");
    assert_eq!(tokens(&trace, "flue.prompt"), Some(16.0), "{delays:?}");
  }
}

#[test]
fn a_compaction_that_ends_after_its_operation_has_its_own_end() {
  for delays in [&[][..], &[(23, 31)], &[(22, 31), (23, 32)], &[(22, 32), (23, 31)]] {
    let trace = compacted(delays);
    let row = trace.named("compaction:r20").next().unwrap();
    assert_eq!(row.error.as_ref().unwrap().as_str(), r#""no summary""#, "{delays:?}");
    assert_eq!(row.output.as_ref().unwrap().as_str(), r#"{"messagesBefore":20}"#, "{delays:?}");
    assert_eq!(row.metrics.get("start"), Some(&1.02), "{delays:?}");
    assert!(row.metadata.get("flue.interrupted").is_none_or(|value| value.as_str() == "false"));
    assert_eq!(tokens(&trace, "compaction:r20"), Some(10.0), "{delays:?}");
    assert_eq!(tokens(&trace, "flue.prompt"), Some(16.0), "{delays:?}");
  }
}

#[test]
fn a_compaction_whose_start_comes_after_its_end_ends_when_it_did() {
  for delays in
    [&[(10, 14)][..], &[(20, 24)], &[(20, 31)], &[(10, 14), (20, 24)], &[(10, 15), (13, 14)]]
  {
    let trace = compacted(delays);
    for (name, n) in [("compaction:r10", 10), ("compaction:r20", 20)] {
      let row = trace.named(name).next().unwrap();
      let output = format!(r#"{{"messagesBefore":{n}}}"#);
      assert_eq!(row.output.as_ref().unwrap().as_str(), output, "{delays:?} {name}");
      assert_eq!(row.error.as_ref().unwrap().as_str(), r#""no summary""#, "{delays:?} {name}");
      assert_eq!(row.metadata.get("flue.interrupted").map(Json::as_str), None, "{delays:?} {name}");
      let times = ["start", "end"].map(|name| row.metrics.get(name).copied());
      let expected = [n, n + 3].map(|at| Some(f64::from(1_000 + at) / 1e3));
      assert_eq!(times, expected, "{delays:?} {name}");
    }
    assert_eq!(tokens(&trace, "flue.prompt"), Some(16.0), "{delays:?}");
  }
}

#[test]
fn the_end_of_a_compaction_without_a_start_ends_no_later_one() {
  for has_index in [false, true] {
    let mut events = compactions();
    events.retain(|(n, _)| ![10, 23].contains(n));
    let texts = events.into_iter().map(|(_, event)| match has_index {
      true => event,
      false => event.replace("eventIndex", "none"),
    });
    let trace = traced(&texts.collect::<Vec<_>>());
    let row = trace.named("compaction:r20").next().unwrap();
    assert_eq!(row.metadata.get("flue.interrupted").unwrap().as_str(), "true", "{has_index}");
    assert!(row.output.is_none());
  }
}

#[test]
fn a_root_whose_start_never_came_has_the_number_of_its_attempt() {
  let mut events = recorded("2.1.0", "plain-prompt");
  events.retain(|event| kind_and_id(event, "").0 != "operation_start");
  let trace = traced(&events);
  let root = trace.named("flue.prompt").next().unwrap();
  assert_eq!(root.metadata.get("flue.attempt").unwrap().as_str(), "1");
  assert!(root.metadata.get("flue.queue_ms").is_some());
}

#[test]
fn an_attempt_that_is_announced_after_its_operation_began_has_its_number_and_its_waiting_time() {
  let events = recorded("2.1.0", "plain-prompt");
  let attempt = |events: &[String]| {
    let trace = traced(events);
    let root = trace.named("flue.prompt").next().unwrap();
    ["flue.attempt", "flue.max_attempts", "flue.queue_ms", "flue.submission_kind"]
      .map(|name| root.metadata.get(name).unwrap().as_str().into_owned())
  };
  let known = attempt(&events);
  for kind in ["operation_start", "turn_request", "operation"] {
    let at =
      |wanted: &str| events.iter().position(|event| kind_and_id(event, "").0 == wanted).unwrap();
    let (from, to) = (at("submission_running"), at(kind));
    let mut late = events.clone();
    let running = late.remove(from);
    late.insert(to, running);
    assert_eq!(attempt(&late), known, "after {kind}");
  }
}

#[test]
fn a_task_that_its_run_does_not_await_stays_where_it_is_and_adds_no_other_span() {
  for release in ["0.8.1", "0.11.1", "1.0.0-beta.9"] {
    let events = recorded(release, "workflow-image");
    let known = traced(&events);
    let position =
      |of: &str| events.iter().position(|event| kind_and_id(event, "operationKind").0 == of);
    let is_task = |event: &String| {
      kind_and_id(event, "operationKind") == ("operation_start".into(), Some("task".into()))
    };
    let begun = events.iter().position(is_task).unwrap();
    let end = position("run_end").unwrap();
    for at in begun + 1..end {
      let mut moved = events.clone();
      let end = moved.remove(end);
      moved.insert(at, end);
      let moved = traced(&moved);
      assert_eq!(moved.rows.len(), known.rows.len(), "{release} {at}");
      for (id, row) in &known.rows {
        assert_eq!(moved.rows[id].parent, row.parent, "{release} {at} {:?}", row.name);
      }
    }
  }
}

/// As when a clock that is wrong at the start of a machine is corrected.
#[test]
fn whatever_runs_while_the_clock_is_set_back_has_its_duration() {
  let event = |kind: &str, at: u32, more: Value| {
    let operation = if kind.starts_with("task") { "delegating" } else { "delegated" };
    let mut event = json!({ "type": kind, "timestamp": at, "runId": "r", "operationId": operation,
      "taskId": "t" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string()
  };
  let starts = ["run_start", "task_start", "operation_start", "compaction_start"];
  let ends = ["compaction", "operation", "task", "run_end"];
  let mut events: Vec<String> =
    starts.iter().map(|kind| event(kind, 900_000, json!({ "eventIndex": 1 }))).collect();
  events.extend(ends.iter().map(|kind| event(kind, 500_000, json!({ "durationMs": 3_000 }))));
  let trace = traced(&events);
  let ended = trace.rows.values().filter(|row| row.metrics.contains("duration_ms"));
  assert_eq!(ended.clone().count(), 4, "{}", trace.describe());
  for row in ended {
    let time = |name: &str| row.metrics.get(name).copied();
    assert_eq!((time("start"), time("end")), (Some(900.0), Some(903.0)), "{:?}", row.name);
  }
}

#[test]
fn work_that_outlives_its_run_is_in_the_trace_of_its_caller() {
  let trace = "a1b2c3d4e5f647898abcdef012345678";
  for release in ["0.8.1", "0.11.1", "1.0.0-beta.9"] {
    let mut events = recorded(release, "workflow-success");
    let place = |events: &[String], kind: &str| {
      events.iter().position(|event| kind_and_id(event, "").0 == kind).unwrap()
    };
    let (start, end) = (place(&events, "run_start"), place(&events, "run_end"));
    let mut begun: Value = serde_json::from_str(&events[start]).unwrap();
    begun["$caller"] = json!({ "spanId": "0011223344556677", "rootSpanId": trace });
    events[start] = begun.to_string();
    let end = events.remove(end);
    let known = traced(&events).rows.len();
    for at in start + 1..=events.len() {
      let mut moved = events.clone();
      moved.insert(at, end.clone());
      let moved = traced(&moved);
      assert_eq!(moved.rows.len(), known);
      let other = moved.rows.values().find(|row| row.span.trace.to_string() != trace);
      assert_eq!(other.map(|row| &row.name), None, "{release} {at}");
    }
  }
}
