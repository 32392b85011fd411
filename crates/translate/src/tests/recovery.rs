//! What several processes do one after the other, or at once, about the same work.

use std::collections::HashMap;

use serde_json::json;

use super::{trace::Trace, translate_all};
use crate::Translator;
use braintrust_row::Row;

/// An event of a submission's root conversation.
pub fn event(kind: &str, at: i64, operation: &str, more: serde_json::Value) -> String {
  let mut event = json!({ "v": 3, "type": kind, "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "conversationId": "c" });
  if !operation.is_empty() {
    event["operationId"] = json!(operation);
    event["operationKind"] = json!("prompt");
  }
  event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  event.to_string()
}

pub fn running(at: i64, attempt: u32) -> String {
  json!({ "v": 3, "type": "submission_running", "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "kind": "direct", "attemptCount": attempt, "maxAttempts": 3 })
  .to_string()
}

pub fn settled(at: i64) -> String {
  json!({ "v": 3, "type": "submission_settled", "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "outcome": "completed" })
  .to_string()
}

pub fn start(at: i64, operation: &str) -> String {
  event("operation_start", at, operation, json!({}))
}

pub fn end(at: i64, operation: &str) -> String {
  event("operation", at, operation, json!({ "durationMs": 100, "isError": false }))
}

pub fn turn(at: i64, operation: &str, turn: &str, tokens: u32) -> [String; 2] {
  let request = json!({ "turnId": turn, "purpose": "agent", "request": { "requestedModel": "m",
    "input": { "messages": [] } } });
  let usage = json!({ "input": tokens, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": tokens,
    "cost": { "total": 1 } });
  let response = json!({ "turnId": turn, "purpose": "agent", "durationMs": 10, "isError": false,
    "request": { "requestedModel": "m" }, "response": { "usage": usage, "finishReason": "stop" } });
  [event("turn_request", at, operation, request), event("turn", at + 10, operation, response)]
}

/// A process: its translator, whose rows go to the trace that all processes share.
pub fn run(translator: &mut Translator, events: &[String], trace: &mut Trace) {
  translate_all(translator, events, trace);
}

pub fn root(trace: &Trace) -> &Row {
  trace.rows.values().find(|row| row.is_root).unwrap()
}

pub fn metadata(row: &Row, name: &str) -> Option<String> {
  row.metadata.get(name).map(|value| value.as_str().into_owned())
}

pub fn end_of(row: &Row) -> i64 {
  (*row.metrics.get("end").unwrap() * 1e3).round() as i64
}

pub fn tokens(row: &Row) -> Option<f64> {
  row.metrics.get("tokens").copied()
}

/// The root has ended well, at this time.
pub fn assert_ends_well(trace: &Trace, at: i64) {
  assert_eq!(metadata(root(trace), "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(end_of(root(trace)), at);
}

/// What a process leaves that dies at this time, after these events.
pub fn left(at: i64, events: &[String], trace: &mut Trace) -> Vec<u8> {
  let mut translator = Translator::default();
  run(&mut translator, events, trace);
  translator.snapshot(at, true).unwrap()
}

/// A process adopts what another one has left.
pub fn adopt(translator: &mut Translator, left: &[u8], trace: &mut Trace) {
  trace.take(translator.restore(left).unwrap());
}

/// A process that adopts what another one has left.
pub fn adopting(left: &[u8], trace: &mut Trace) -> Translator {
  let mut translator = Translator::default();
  adopt(&mut translator, left, trace);
  translator
}

/// The ends of what is interrupted of the spans that processes have left.
fn interrupted_ends(snapshots: [&[u8]; 2], is_exit: bool) -> Vec<i64> {
  let mut translator = Translator::default();
  let mut trace = Trace::default();
  for snapshot in snapshots {
    adopt(&mut translator, snapshot, &mut trace);
  }
  let later = match is_exit {
    true => translator.close_all(90_000),
    false => translator.drop_orphaned(90_000, i64::MAX),
  };
  assert_eq!((later.len(), translator.open_spans()), (0, 0));
  let mut ends: Vec<i64> = trace.rows.values().map(end_of).collect();
  ends.sort_unstable();
  ends
}

#[test]
fn a_root_that_two_processes_left_ends_as_the_last_of_its_attempts() {
  let mut trace = Trace::default();
  let first = left(1_500, &[start(1_000, "o1")], &mut trace);
  let again = left(2_500, &[start(2_000, "o2")], &mut trace);
  // Maps have another order each time.
  for _ in 0..20 {
    for is_exit in [false, true] {
      assert_eq!(interrupted_ends([&first, &again], is_exit), [2_500]);
      assert_eq!(interrupted_ends([&again, &first], is_exit), [2_500]);
    }
  }
}

#[test]
fn a_span_that_two_processes_left_ends_as_the_last_one_left_it() {
  let mut trace = Trace::default();
  let [request, _] = turn(1_800, "o", "t", 1);
  let first = left(1_500, &[start(1_000, "o")], &mut trace);
  let again = left(2_500, &[start(1_000, "o"), request], &mut trace);
  assert_eq!(interrupted_ends([&first, &again], false), [2_500, 2_500]);
  assert_eq!(interrupted_ends([&again, &first], false), [2_500, 2_500]);
}

#[test]
fn a_span_that_has_ended_here_is_not_interrupted_by_what_another_process_left() {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  run(&mut translator, &[start(1_000, "o"), end(3_000, "o")], &mut trace);
  let left = left(2_500, &[start(1_000, "o")], &mut trace);
  assert_eq!(translator.restore(&left).unwrap().len(), 0);
  assert_eq!(translator.drop_orphaned(90_000, i64::MAX).len(), 0);
}

#[test]
fn a_good_end_stays_although_an_earlier_attempt_is_adopted_afterwards() {
  let mut trace = Trace::default();
  // Process A hangs in the first attempt.
  let left = left(40_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  // Its lease ends; B makes the second attempt, which succeeds. Then A is killed and B adopts what it left.
  let mut b = Translator::default();
  let events = [running(50_000, 2), start(50_100, "o2"), end(60_000, "o2"), settled(60_001)];
  run(&mut b, &events, &mut trace);
  adopt(&mut b, &left, &mut trace);
  trace.take(b.drop_orphaned(190_000, 70_000));
  assert_ends_well(&trace, 60_000);
}

#[test]
fn a_running_attempt_is_not_ended_by_an_earlier_one_that_is_adopted() {
  let mut trace = Trace::default();
  let left = left(40_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut b = Translator::default();
  run(&mut b, &[running(50_000, 2), start(50_100, "o2")], &mut trace);
  adopt(&mut b, &left, &mut trace);
  trace.take(b.drop_orphaned(190_000, 70_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted"), None);
}

#[test]
fn a_third_attempt_ends_well_although_two_processes_left_earlier_ones() {
  for reversed in [false, true] {
    let mut trace = Trace::default();
    let mut left = [
      left(60_000, &[running(900, 1), start(1_000, "o1")], &mut trace),
      left(60_001, &[running(50_000, 2), start(50_100, "o2")], &mut trace),
    ];
    if reversed {
      left.reverse();
    }
    let mut c = Translator::default();
    left.iter().for_each(|left| adopt(&mut c, left, &mut trace));
    let events = [running(100_000, 3), start(100_100, "o3"), end(110_000, "o3"), settled(110_001)];
    run(&mut c, &events, &mut trace);
    trace.take(c.drop_orphaned(190_000, 70_000));
    assert_ends_well(&trace, 110_000);
  }
}

// Dispatches of beta and 0.x have no number of an attempt.
#[test]
fn a_dispatch_that_two_processes_left_continues_the_last_one() {
  let dispatched = |text: String| text.replace("\"submissionId\":\"s\"", "\"dispatchId\":\"d\"");
  let mut trace = Trace::default();
  let mut c = Translator::default();
  for (at, event) in [(60_000, start(1_000, "o1")), (60_001, start(50_100, "o2"))] {
    let left = left(at, &[dispatched(event)], &mut trace);
    adopt(&mut c, &left, &mut trace);
  }
  let events = [dispatched(start(100_100, "o3")), dispatched(end(110_000, "o3"))];
  run(&mut c, &events, &mut trace);
  trace.take(c.drop_orphaned(190_000, 70_000));
  assert_ends_well(&trace, 110_000);
}

#[test]
fn an_operation_may_compact_twice() {
  let mut trace = Trace::default();
  let compaction = |at, index: u32, reason: &str| {
    [
      event(
        "compaction_start",
        at,
        "o",
        json!({ "reason": reason, "estimatedTokens": 9, "eventIndex": index }),
      ),
      event(
        "compaction",
        at + 10,
        "o",
        json!({ "messagesBefore": 9, "messagesAfter": 2, "durationMs": 10, "isError": false, "eventIndex": index + 1 }),
      ),
    ]
  };
  let mut events = vec![running(900, 1), start(1_000, "o")];
  events.extend(compaction(2_000, 10, "overflow"));
  events.extend(compaction(3_000, 20, "threshold"));
  events.push(end(4_000, "o"));
  run(&mut Translator::default(), &events, &mut trace);
  assert_eq!(trace.named("compaction:overflow").count(), 1);
  assert_eq!(trace.named("compaction:threshold").count(), 1);
}

/// The events of an operation in a task.
fn task_event(text: &str) -> String {
  let mut event: serde_json::Value = serde_json::from_str(text).unwrap();
  (event["taskId"], event["conversationId"]) = (json!("task"), json!("child"));
  event.to_string()
}

/// A process that resumes the task in which another one has died.
fn resuming_task(trace: &mut Trace) -> Translator {
  let mut events = vec![running(900, 1), start(1_000, "o1")];
  events.extend(turn(1_100, "o1", "t1", 10));
  let call = json!({ "turnId": "t1", "toolName": "task", "toolCallId": "call", "args": {}, "origin": "framework" });
  events.push(event("tool_start", 1_200, "o1", call));
  let task = json!({ "turnId": "t1", "toolCallId": "call", "prompt": "p", "agent": "sub", "taskId": "task",
    "conversationId": "child" });
  events.push(event("task_start", 1_300, "o1", task));
  events.push(task_event(&start(1_400, "p1")));
  let mut b = Translator::default();
  let left = left(5_000, &events, trace);
  adopt(&mut b, &left, trace);
  let events = [running(50_000, 2), start(50_100, "o2"), task_event(&start(50_200, "p2"))];
  run(&mut b, &events, trace);
  b
}

#[test]
fn a_task_that_is_resumed_is_not_interrupted_while_it_runs() {
  let mut trace = Trace::default();
  let mut b = resuming_task(&mut trace);
  run(&mut b, &turn(60_000, "p2", "u1", 100).map(|text| task_event(&text)), &mut trace);
  // Two minutes after the adoption the task still runs.
  let rows = b.drop_orphaned(130_000, 10_000);
  let interrupted: Vec<_> = rows.iter().map(|row| row.name.clone().unwrap_or_default()).collect();
  trace.take(rows);
  run(&mut b, &turn(140_000, "p2", "u2", 1).map(|text| task_event(&text)), &mut trace);
  run(&mut b, &[task_event(&end(150_000, "p2"))], &mut trace);
  let child = trace
    .rows
    .values()
    .find(|row| metadata(row, "flue.operation_id").as_deref() == Some("\"p2\""))
    .unwrap();
  assert_eq!((interrupted, tokens(child)), (Vec::<String>::new(), Some(101.0)));
}

#[test]
fn a_task_that_a_second_process_resumed_ends_when_that_one_died() {
  let mut trace = Trace::default();
  let b = resuming_task(&mut trace);
  let left = b.snapshot(80_000, true).unwrap();
  let mut c = adopting(&left, &mut trace);
  trace.take(c.drop_orphaned(300_000, 180_000));
  assert_eq!(end_of(trace.named("task:sub").next().unwrap()), 80_000);
}

#[test]
fn the_usage_of_an_attempt_whose_root_was_interrupted_counts() {
  for way in ["the next process", "orphaned", "exit"] {
    let mut trace = Trace::default();
    let mut events = vec![running(900, 1), start(1_000, "o1")];
    events.extend(turn(1_100, "o1", "t1", 10));
    let mut b = Translator::default();
    let left = left(2_000, &events, &mut trace);
    adopt(&mut b, &left, &mut trace);
    match way {
      // The agent was not registered for some minutes: `reconcile_submission: agent_unavailable`.
      "orphaned" => trace.take(b.drop_orphaned(130_000, 10_000)),
      // The process stops before the lease of the first one ends.
      "exit" => {
        trace.take(b.close_all(20_000));
        let left = b.snapshot(20_000, true).unwrap();
        b = Translator::default();
        adopt(&mut b, &left, &mut trace);
      }
      _ => {}
    }
    let mut events = vec![running(200_000, 2), start(200_100, "o2")];
    events.extend(turn(201_000, "o2", "t2", 5));
    events.extend([end(202_000, "o2"), settled(202_001)]);
    run(&mut b, &events, &mut trace);
    assert_eq!(tokens(root(&trace)), Some(15.0), "{way}");
  }
}

// The attempt is announced, then the snapshot of the previous one is adopted, then its operation starts.
#[test]
fn an_announced_attempt_continues_what_is_adopted_before_its_operation() {
  let mut trace = Trace::default();
  let left = left(40_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut b = Translator::default();
  run(&mut b, &[running(50_000, 2)], &mut trace);
  adopt(&mut b, &left, &mut trace);
  run(&mut b, &[start(50_100, "o2"), end(60_000, "o2"), settled(60_001)], &mut trace);
  trace.take(b.drop_orphaned(190_000, 70_000));
  assert_ends_well(&trace, 60_000);
}

// Processes share the directory of the spool; Flue gives the work to any of them.
#[test]
fn what_one_process_adopts_and_another_recovers_ends_well() {
  let mut trace = Trace::default();
  let [request, _] = turn(1_100, "o1", "t1", 10);
  let left = left(5_000, &[running(900, 1), start(1_000, "o1"), request], &mut trace);
  let mut c = adopting(&left, &mut trace);
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("true"));
  assert!(trace.rows.values().all(|row| end_of(row) == 5_000));

  let events = [running(50_000, 2), start(50_100, "o2"), end(60_000, "o2"), settled(60_001)];
  run(&mut Translator::default(), &events, &mut trace);
  // The adopter dies as well, and so does the next one.
  c.note_adoption_is_safe();
  let left = c.snapshot(70_000, true).unwrap();
  let d = adopting(&left, &mut trace);
  for mut process in [c, d] {
    trace.take(process.drop_orphaned(200_000, i64::MAX));
    trace.take(process.close_all(200_000));
  }
  assert_ends_well(&trace, 60_000);
}

#[test]
fn what_a_process_continues_and_leaves_open_is_interrupted_again() {
  let mut trace = Trace::default();
  let left = left(5_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  for is_exit in [false, true] {
    let mut b = adopting(&left, &mut trace);
    run(&mut b, &[running(50_000, 2), start(50_100, "o2")], &mut trace);
    if is_exit {
      trace.take(b.close_all(60_000));
    } else {
      let left = b.snapshot(60_000, true).unwrap();
      adopting(&left, &mut trace);
    }
    assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("true"));
    assert_eq!(end_of(root(&trace)), 60_000);
  }
}

/// The event as that of another submission.
fn of(id: &str, text: &str) -> String {
  text.replace(r#""submissionId":"s""#, &format!(r#""submissionId":"{id}""#))
}

fn settled_as(at: i64, outcome: &str) -> String {
  settled(at).replace("completed", outcome)
}

fn queued(at: i64) -> String {
  json!({ "v": 3, "type": "submission_queued", "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "kind": "direct" })
  .to_string()
}

#[test]
fn a_dispatch_of_beta_has_no_joined_submissions() {
  let dispatched = |text: String| text.replace("\"submissionId\":\"s\"", "\"dispatchId\":\"d\"");
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  for outcome in ["completed", "failed"] {
    let events =
      [dispatched(start(1_000, "o")), dispatched(end(2_000, "o")), settled_as(2_001, outcome)];
    run(&mut translator, &events, &mut trace);
    assert_eq!(metadata(root(&trace), "flue.joined_submission_ids"), None, "{outcome}");
  }
}

#[test]
fn only_submissions_with_the_outcome_of_a_host_that_has_ended_just_now_have_joined_it() {
  let joined = |before: Vec<String>, outcome: &str, at: i64| {
    let mut trace = Trace::default();
    let mut events = vec![running(900, 1), start(1_000, "o")];
    events.extend(before);
    events.push(of("s2", &settled_as(at, outcome)));
    run(&mut Translator::default(), &events, &mut trace);
    metadata(root(&trace), "flue.joined_submission_ids")
  };
  let failed = end(2_000, "o").replace("\"isError\":false", "\"isError\":true");
  let (good, bad) = (vec![end(2_000, "o")], vec![failed]);
  let yes = Some("[\"s2\"]".to_owned());
  assert_eq!(joined(good.clone(), "completed", 2_001), yes);
  assert_eq!(joined(bad.clone(), "failed", 2_001), yes);
  assert_eq!(joined(bad.clone(), "aborted", 2_001), yes);
  // A hook may fail behind the operation.
  assert_eq!(joined(good.clone(), "failed", 2_001), yes);
  // Its end may be left out.
  assert_eq!(joined(Vec::new(), "completed", 2_001), yes);
  assert_eq!(joined(bad, "completed", 2_001), None);
  assert_eq!(joined(good, "completed", 20_000), None);
  // What waited is aborted.
  assert_eq!(joined(Vec::new(), "aborted", 2_001), None);
}

#[test]
fn a_host_that_another_process_left_has_the_submissions_that_fail_with_it() {
  let mut trace = Trace::default();
  let left = left(5_000, &[running(900, 1), start(1_000, "o")], &mut trace);
  let mut b = adopting(&left, &mut trace);
  let events = [of("s2", &settled_as(50_000, "failed")), settled_as(50_001, "failed")];
  run(&mut b, &events, &mut trace);
  assert_eq!(metadata(root(&trace), "flue.joined_submission_ids").as_deref(), Some("[\"s2\"]"));
  assert_eq!(trace.rows.len(), 1);
}

#[test]
fn a_submission_that_runs_long_is_settled_however_many_others_were() {
  let mut trace = Trace::default();
  let mut events = vec![running(900, 1), start(1_000, "o")];
  for n in 0..10_000 {
    let id = format!("n{n}");
    events.extend([of(&id, &queued(1_100)), of(&id, &running(1_101, 1)), of(&id, &settled(1_102))]);
  }
  events.extend([end(2_000, "o"), settled(2_001)]);
  run(&mut Translator::default(), &events, &mut trace);
  assert_eq!(metadata(root(&trace), "flue.submission_outcome").as_deref(), Some("\"completed\""));
}

#[test]
fn a_snapshot_has_the_submissions_that_run_and_those_with_callers_however_many_wait() {
  let mut called: serde_json::Value = serde_json::from_str(&queued(800)).unwrap();
  called["$caller"] =
    json!({ "spanId": "00112233445566aa", "rootSpanId": "00112233445566778899aabbccddeeff" });
  let called = called.to_string();
  let mut trace = Trace::default();
  let mut events = vec![of("called", &called), running(900, 1), start(1_000, "o1")];
  events.extend(turn(1_100, "o1", "t1", 10));
  events.extend((0..1_000).map(|n| of(&format!("n{n}"), &queued(1_200))));
  let left = left(2_000, &events, &mut trace);
  let mut b = adopting(&left, &mut trace);
  let mut events = vec![running(50_000, 2), start(50_100, "o2")];
  events.extend(turn(51_000, "o2", "t2", 5));
  events.extend([end(52_000, "o2"), settled(52_001)]);
  run(&mut b, &events, &mut trace);
  assert_eq!(tokens(root(&trace)), Some(15.0));
  let events = [running(60_000, 1), start(60_001, "o3")].map(|text| of("called", &text));
  run(&mut b, &events, &mut trace);
  let called =
    trace.rows.values().find(|row| metadata(row, "flue.operation_id").as_deref() == Some("\"o3\""));
  assert_eq!(called.unwrap().parent.unwrap().to_string(), "00112233445566aa");
}

/// The events of a submission's end without any other event of it.
fn given_up(code: &str, id: &str) -> String {
  let error = json!({ "name": "FlueError", "message": "m", "type": code });
  json!({ "v": 3, "type": "submission_settled", "timestamp": 50_000, "submissionId": id, "agentName": "A",
    "instanceId": "i", "outcome": "failed", "error": error, "errorInfo": error })
  .to_string()
}

#[test]
fn what_another_process_left_without_a_snapshot_and_flue_gives_up_ends_with_the_error() {
  let mut trace = Trace::default();
  run(&mut Translator::default(), &[running(900, 1), start(1_000, "o")], &mut trace);
  let events = [given_up("submission_retry_exhausted", "s")];
  run(&mut Translator::default(), &events, &mut trace);
  let row = root(&trace);
  assert_eq!((trace.rows.len(), end_of(row)), (1, 50_000));
  assert_eq!(metadata(row, "flue.submission_outcome").as_deref(), Some("\"failed\""));
  assert_eq!(metadata(row, "flue.interrupted").as_deref(), Some("true"));
  assert!(row.error.as_ref().unwrap().as_str().contains("submission_retry_exhausted"));
}

#[test]
fn a_settlement_without_a_root_makes_none() {
  let cases = [
    vec![given_up("submission_interrupted", "s")],
    vec![given_up("submission_retry_exhausted", "sub_ik_1")],
    vec![running(900, 1), given_up("submission_timeout", "s")],
    vec![settled_as(1_000, "aborted")],
    vec![settled(1_000)],
  ];
  for events in cases {
    let mut trace = Trace::default();
    run(&mut Translator::default(), &events, &mut trace);
    assert_eq!(trace.rows.len(), 0, "{events:?}");
  }
}

// A prompt that nothing waits for may outlast the tool that calls it.
#[test]
fn a_late_end_stays_where_its_start_was() {
  let at = |second: u32| format!(r#""timestamp":"2026-11-23T07:02:{second:02}Z""#);
  let call = r#""operationId":"o","toolCallId":"c""#;
  let inner = r#""operationId":"p","operationKind":"prompt""#;
  let events = [
    format!(r#"{{"type":"operation_start",{},"operationId":"o","operationKind":"prompt"}}"#, at(0)),
    format!(r#"{{"type":"tool_start",{},{call},"toolName":"t"}}"#, at(1)),
    format!(
      r#"{{"type":"operation_start",{},{inner},"$callingTool":{{"toolCallId":"c","operationId":"o"}}}}"#,
      at(2)
    ),
    format!(r#"{{"type":"turn_request",{},"operationId":"p","turnId":"u"}}"#, at(3)),
    format!(r#"{{"type":"tool","v":3,{},{call},"toolName":"t"}}"#, at(4)),
    format!(
      r#"{{"type":"turn","v":3,{},"operationId":"p","turnId":"u","durationMs":2000}}"#,
      at(5)
    ),
    format!(r#"{{"type":"operation","v":3,{},{inner},"durationMs":4000}}"#, at(6)),
  ];
  let mut translator = Translator::default();
  let mut places = HashMap::new();
  let mut ends = HashMap::new();
  for text in &events {
    for row in translator.translate(&flue_event::decode(text, 0).unwrap()) {
      let place = (row.span.trace, row.parent);
      assert_eq!(*places.entry(row.span.row).or_insert(place), place, "{text}");
      *ends.entry(row.name.clone()).or_insert(0) += usize::from(row.ends());
    }
  }
  assert_eq!(places.len(), 4);
  assert_eq!(ends[&Some("llm:unknown".to_owned())], 2);
}
