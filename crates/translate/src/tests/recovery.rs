//! What several processes do one after the other, or at once, about the same work.

use serde_json::json;

use super::{trace::Trace, translate_all};
use crate::Translator;
use braintrust_row::Row;

/// An event of a submission's root conversation.
fn event(kind: &str, at: i64, operation: &str, more: serde_json::Value) -> String {
  let mut event = json!({ "v": 3, "type": kind, "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "conversationId": "c" });
  if !operation.is_empty() {
    event["operationId"] = json!(operation);
    event["operationKind"] = json!("prompt");
  }
  event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  event.to_string()
}

fn running(at: i64, attempt: u32) -> String {
  json!({ "v": 3, "type": "submission_running", "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "kind": "direct", "attemptCount": attempt, "maxAttempts": 3 })
  .to_string()
}

fn settled(at: i64) -> String {
  json!({ "v": 3, "type": "submission_settled", "timestamp": at, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "outcome": "completed" })
  .to_string()
}

fn start(at: i64, operation: &str) -> String {
  event("operation_start", at, operation, json!({}))
}

fn end(at: i64, operation: &str) -> String {
  event("operation", at, operation, json!({ "durationMs": 100, "isError": false }))
}

fn turn(at: i64, operation: &str, turn: &str, tokens: u32) -> [String; 2] {
  let request = json!({ "turnId": turn, "purpose": "agent", "request": { "requestedModel": "m",
    "input": { "messages": [] } } });
  let usage = json!({ "input": tokens, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": tokens,
    "cost": { "total": 1 } });
  let response = json!({ "turnId": turn, "purpose": "agent", "durationMs": 10, "isError": false,
    "request": { "requestedModel": "m" }, "response": { "usage": usage, "finishReason": "stop" } });
  [event("turn_request", at, operation, request), event("turn", at + 10, operation, response)]
}

/// A process: its translator, whose rows go to the trace that all processes share.
fn run(translator: &mut Translator, events: &[String], trace: &mut Trace) {
  translate_all(translator, events, trace);
}

fn root(trace: &Trace) -> &Row {
  trace.rows.values().find(|row| row.is_root).unwrap()
}

fn metadata(row: &Row, name: &str) -> Option<String> {
  row.metadata.get(name).map(|value| value.as_str().into_owned())
}

fn end_of(row: &Row) -> i64 {
  (*row.metrics.get("end").unwrap() * 1e3).round() as i64
}

fn tokens(row: &Row) -> Option<f64> {
  row.metrics.get("tokens").copied()
}

#[test]
fn a_good_end_stays_although_an_earlier_attempt_is_adopted_afterwards() {
  let mut trace = Trace::default();
  // Process A hangs in the first attempt.
  let mut a = Translator::default();
  run(&mut a, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let left = a.snapshot(40_000, true).unwrap();
  // Its lease ends; B makes the second attempt, which succeeds. Then A is killed and B adopts what it left.
  let mut b = Translator::default();
  let events = [running(50_000, 2), start(50_100, "o2"), end(60_000, "o2"), settled(60_001)];
  run(&mut b, &events, &mut trace);
  b.restore(&left).unwrap();
  trace.take(b.close_orphaned(190_000, 70_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(end_of(root(&trace)), 60_000);
}

#[test]
fn a_running_attempt_is_not_ended_by_an_earlier_one_that_is_adopted() {
  let mut trace = Trace::default();
  let mut a = Translator::default();
  run(&mut a, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let left = a.snapshot(40_000, true).unwrap();
  let mut b = Translator::default();
  run(&mut b, &[running(50_000, 2), start(50_100, "o2")], &mut trace);
  b.restore(&left).unwrap();
  trace.take(b.close_orphaned(190_000, 70_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted"), None);
}

#[test]
fn a_third_attempt_ends_well_although_two_processes_left_earlier_ones() {
  for reversed in [false, true] {
    let mut trace = Trace::default();
    let (mut a, mut b, mut c) =
      (Translator::default(), Translator::default(), Translator::default());
    run(&mut a, &[running(900, 1), start(1_000, "o1")], &mut trace);
    run(&mut b, &[running(50_000, 2), start(50_100, "o2")], &mut trace);
    let mut left = [a.snapshot(60_000, true).unwrap(), b.snapshot(60_001, true).unwrap()];
    if reversed {
      left.reverse();
    }
    left.iter().for_each(|left| c.restore(left).unwrap());
    let events = [running(100_000, 3), start(100_100, "o3"), end(110_000, "o3"), settled(110_001)];
    run(&mut c, &events, &mut trace);
    trace.take(c.close_orphaned(190_000, 70_000));
    assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("false"));
    assert_eq!(end_of(root(&trace)), 110_000);
  }
}

// Dispatches of beta and 0.x have no number of an attempt.
#[test]
fn a_dispatch_that_two_processes_left_continues_the_last_one() {
  let dispatched = |text: String| text.replace("\"submissionId\":\"s\"", "\"dispatchId\":\"d\"");
  let mut trace = Trace::default();
  let (mut a, mut b, mut c) = (Translator::default(), Translator::default(), Translator::default());
  run(&mut a, &[dispatched(start(1_000, "o1"))], &mut trace);
  run(&mut b, &[dispatched(start(50_100, "o2"))], &mut trace);
  c.restore(&a.snapshot(60_000, true).unwrap()).unwrap();
  c.restore(&b.snapshot(60_001, true).unwrap()).unwrap();
  let events = [dispatched(start(100_100, "o3")), dispatched(end(110_000, "o3"))];
  run(&mut c, &events, &mut trace);
  trace.take(c.close_orphaned(190_000, 70_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(end_of(root(&trace)), 110_000);
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

/// A process that dies in a task; its snapshot.
fn left_in_task(trace: &mut Trace) -> Vec<u8> {
  let mut a = Translator::default();
  let mut events = vec![running(900, 1), start(1_000, "o1")];
  events.extend(turn(1_100, "o1", "t1", 10));
  let call = json!({ "turnId": "t1", "toolName": "task", "toolCallId": "call", "args": {}, "origin": "framework" });
  events.push(event("tool_start", 1_200, "o1", call));
  let task = json!({ "turnId": "t1", "toolCallId": "call", "prompt": "p", "agent": "sub", "taskId": "task",
    "conversationId": "child" });
  events.push(event("task_start", 1_300, "o1", task));
  events.push(task_event(&start(1_400, "p1")));
  run(&mut a, &events, trace);
  a.snapshot(5_000, true).unwrap()
}

#[test]
fn a_task_that_is_resumed_is_not_interrupted_while_it_runs() {
  let mut trace = Trace::default();
  let left = left_in_task(&mut trace);
  let mut b = Translator::default();
  b.restore(&left).unwrap();
  run(
    &mut b,
    &[running(50_000, 2), start(50_100, "o2"), task_event(&start(50_200, "p2"))],
    &mut trace,
  );
  run(&mut b, &turn(60_000, "p2", "u1", 100).map(|text| task_event(&text)), &mut trace);
  // Two minutes after the adoption the task still runs.
  let rows = b.close_orphaned(130_000, 10_000);
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
  let left = left_in_task(&mut trace);
  let mut b = Translator::default();
  b.restore(&left).unwrap();
  run(
    &mut b,
    &[running(50_000, 2), start(50_100, "o2"), task_event(&start(50_200, "p2"))],
    &mut trace,
  );
  let left = b.snapshot(80_000, true).unwrap();
  let mut c = Translator::default();
  c.restore(&left).unwrap();
  trace.take(c.close_orphaned(300_000, 180_000));
  assert_eq!(end_of(trace.named("task:sub").next().unwrap()), 80_000);
}

#[test]
fn the_usage_of_an_attempt_whose_root_was_interrupted_counts() {
  for way in ["the next process", "orphaned", "exit"] {
    let mut trace = Trace::default();
    let mut a = Translator::default();
    let mut events = vec![running(900, 1), start(1_000, "o1")];
    events.extend(turn(1_100, "o1", "t1", 10));
    run(&mut a, &events, &mut trace);
    let mut b = Translator::default();
    b.restore(&a.snapshot(2_000, true).unwrap()).unwrap();
    match way {
      // The agent was not registered for some minutes: `reconcile_submission: agent_unavailable`.
      "orphaned" => trace.take(b.close_orphaned(130_000, 10_000)),
      // The process stops before the lease of the first one ends.
      "exit" => {
        trace.take(b.close_all(20_000));
        let left = b.snapshot(20_000, true).unwrap();
        b = Translator::default();
        b.restore(&left).unwrap();
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
  let mut a = Translator::default();
  run(&mut a, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut b = Translator::default();
  run(&mut b, &[running(50_000, 2)], &mut trace);
  b.restore(&a.snapshot(40_000, true).unwrap()).unwrap();
  run(&mut b, &[start(50_100, "o2"), end(60_000, "o2"), settled(60_001)], &mut trace);
  trace.take(b.close_orphaned(190_000, 70_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(end_of(root(&trace)), 60_000);
}
