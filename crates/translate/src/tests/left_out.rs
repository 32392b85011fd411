//! Events and members that an application leaves out or changes before it passes them on.

use serde_json::{Value, json};

use super::{
  processes,
  trace::{Trace, name},
  translate,
};

/// The trace of a recording whose events `change` replaces; `None` drops one.
fn traced(release: &str, recording: &str, change: impl Fn(Value) -> Option<Value>) -> Trace {
  let events = processes(release, recording).concat();
  let events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
  let events: Vec<String> = events.filter_map(change).map(|event| event.to_string()).collect();
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  trace
}

/// The paths of all tasks to their roots.
fn tasks(trace: &Trace) -> Vec<Vec<String>> {
  let rows = trace.rows.values().map(|row| trace.path(row));
  rows.filter(|path| path[0].starts_with("task:")).collect()
}

/// The names of all spans.
fn names(trace: &Trace) -> Vec<&str> {
  let mut names: Vec<_> = trace.rows.values().map(name).collect();
  names.sort_unstable();
  names
}

/// The recordings with tasks, whose names stand in the starts and in the ends.
const TASKS: [(&str, &str); 3] =
  [("0.11.1", "task-subagent"), ("1.0.0-beta.9", "task-subagent"), ("2.1.0", "task-subagent")];

#[test]
fn a_span_whose_start_does_not_name_it_has_the_name_in_its_end() {
  for (release, recording) in TASKS {
    let known = traced(release, recording, Some);
    let unnamed = traced(release, recording, |mut event| {
      let kind = event["type"].as_str().unwrap().to_owned();
      if kind.ends_with("_start") || kind == "turn_request" {
        let members = event.as_object_mut().unwrap();
        let names = ["operationKind", "toolName", "agent", "model", "request"];
        names.iter().for_each(|name| drop(members.remove(*name)));
      }
      Some(event)
    });
    assert_eq!(names(&unnamed), names(&known), "{release} {recording}");
  }
}

#[test]
fn a_task_whose_tool_call_has_no_start_is_below_that_call() {
  for (release, recording) in &TASKS[1..] {
    let known = traced(release, recording, Some);
    for dropped in [&["tool_start"][..], &["tool_start", "tool"]] {
      let is_kept = |event: Value| {
        let is_task = event["toolName"] == "task";
        let is_dropped = is_task && dropped.iter().any(|kind| event["type"] == *kind);
        (!is_dropped).then_some(event)
      };
      let trace = traced(release, recording, is_kept);
      assert_eq!(tasks(&trace), tasks(&known), "{release} {recording} {dropped:?}");
      assert!(trace.rows.values().all(|row| row.metrics.contains("end")));
    }
  }
}

#[test]
fn times_in_seconds_are_read_as_such() {
  for seconds in [1_795_417_364.633, 1_795_417_364.0] {
    let event =
      json!({ "type": "run_start", "runId": "r", "timestamp": seconds, "startedAt": seconds });
    let mut trace = Trace::default();
    translate(&[event.to_string()], &mut trace);
    let row = trace.rows.values().next().unwrap();
    assert_eq!(row.metrics.get("start"), Some(&seconds));
    assert_eq!(row.metrics.get("end"), Some(&seconds));

    let turn = |kind: &str, timestamp: f64| json!({ "type": kind, "operationId": "o", "turnId": "t", "timestamp": timestamp });
    let mut end = turn("turn", seconds + 3.0);
    end["$firstDeltaAt"] = json!(seconds + 2.0);
    let mut trace = Trace::default();
    translate(&[turn("turn_request", seconds).to_string(), end.to_string()], &mut trace);
    let row = trace.named("llm:unknown").next().unwrap();
    assert_eq!(row.metrics.get("time_to_first_token"), Some(&2.0));
  }
}
