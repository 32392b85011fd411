//! The parents of work that names too few ids, or ids of two scopes.

use serde_json::{Value, json};

use super::{
  recovery::{end, end_of, metadata, root, run, running, settled, start, tokens},
  trace::{Trace, name},
};
use crate::Translator;
use braintrust_row::Row;

/// An event of the conversation `c`.
fn event(kind: &str, at: i64, delivery: Value, more: Value) -> String {
  let mut event = json!({ "v": 3, "type": kind, "timestamp": at, "agentName": "A", "instanceId": "i",
    "conversationId": "c" });
  for members in [delivery, more] {
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
  }
  event.to_string()
}

/// A tool call of `harness.shell` on 1.0-beta.
fn shell(kind: &str, at: i64, delivery: Value, call: &str) -> String {
  let more = json!({ "conversationId": null, "toolName": "bash", "toolCallId": call, "origin": "caller",
    "isError": false, "durationMs": 10 });
  event(kind, at, delivery, more)
}

fn translated(events: &[String]) -> Trace {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  run(&mut translator, events, &mut trace);
  trace.take(translator.close_all(90_000));
  trace
}

/// The names from a span up to its root.
fn path(trace: &Trace, row: &Row) -> String {
  trace.path(row).join(" < ")
}

#[test]
fn shell_commands_of_an_action_are_below_it_in_the_trace_of_their_own_delivery() {
  for delivery in ["submissionId", "dispatchId"] {
    let mut events = Vec::new();
    for n in 1..3 {
      let (at, ids) = (n * 1_000, json!({ delivery: format!("d{n}") }));
      let operation = json!({ "operationId": format!("o{n}"), "operationKind": "prompt" });
      let call = json!({ "operationId": format!("o{n}"), "turnId": format!("t{n}"), "toolCallId": "k",
        "toolName": "digest", "durationMs": 100 });
      events.extend([
        event("operation_start", at, ids.clone(), operation.clone()),
        event("tool_start", at + 10, ids.clone(), call.clone()),
        shell("tool_start", at + 20, ids.clone(), "a"),
        shell("tool_start", at + 21, ids.clone(), "b"),
        shell("tool", at + 30, ids.clone(), "a"),
        shell("tool", at + 31, ids.clone(), "b"),
        event("tool", at + 110, ids.clone(), call),
        event("operation", at + 200, ids, operation),
      ]);
    }
    let trace = translated(&events);
    let bash: Vec<_> = trace.named("tool:bash").collect();
    assert_eq!(bash.len(), 4, "{delivery}");
    for row in &bash {
      assert_eq!(path(&trace, row), "tool:bash < tool:digest < flue.prompt", "{delivery}");
      assert_eq!(metadata(row, "flue.interrupted"), None, "{delivery}");
    }
    assert_ne!(bash[0].span.trace, bash[3].span.trace, "{delivery}");
    assert_eq!(trace.rows.values().filter(|row| row.parent.is_none()).count(), 2, "{delivery}");
  }
}

#[test]
fn a_task_that_fails_before_it_starts_is_below_its_tool_call_and_begins_its_duration_earlier() {
  let ids = || json!({ "submissionId": "s", "operationId": "o", "operationKind": "prompt" });
  let call = json!({ "turnId": "t", "toolCallId": "k", "toolName": "task", "args": { "agent": "sub" },
    "durationMs": 100 });
  let failed = json!({ "turnId": "t", "conversationId": "child", "taskId": "task", "agent": "sub",
    "isError": true, "result": "no such model", "durationMs": 4 });
  let trace = translated(&[
    event("operation_start", 1_000, ids(), json!({})),
    event("tool_start", 1_100, ids(), call.clone()),
    event("task", 1_150, ids(), failed),
    event("tool", 1_200, ids(), call),
    event("operation", 1_300, ids(), json!({})),
  ]);
  let task = trace.named("task:sub").next().unwrap();
  assert_eq!(path(&trace, task), "task:sub < tool:task < flue.prompt");
  assert_eq!((task.created, end_of(task)), (Some(1_146), 1_150));
  assert_eq!(task.error.as_ref().unwrap().as_str(), "\"no such model\"");
}

#[test]
fn an_operation_that_a_tool_of_a_subagent_calls_is_below_that_tool_call() {
  let ids = |operation: &str| json!({ "submissionId": "s", "operationId": operation, "operationKind": "prompt" });
  let in_task = |operation: &str| {
    let mut ids = ids(operation);
    ids["taskId"] = json!("task");
    ids
  };
  let span = "00112233445566778899aabbccddeeff";
  let custom = |kind: &str, at: i64, parent: Option<String>, trace: String| {
    json!({ "type": kind, "timestamp": at, "spanId": span, "rootSpanId": trace, "parentSpanId": parent,
      "span": { "name": "custom" } })
    .to_string()
  };
  let call = json!({ "turnId": "t", "toolCallId": "k", "toolName": "research", "durationMs": 500 });
  let calling = json!({ "toolCallId": "k", "turnId": "t", "operationId": "child" });
  let before = [
    event("operation_start", 1_000, ids("o"), json!({})),
    event("task_start", 1_100, ids("o"), json!({ "taskId": "task", "agent": "sub" })),
    event("operation_start", 1_200, in_task("child"), json!({})),
    event("tool_start", 1_300, in_task("child"), call),
  ];
  let tool = translated(&before).named("tool:research").next().unwrap().span;
  let (trace, parent) = (tool.trace.to_string(), tool.span().to_string());
  let mut events = before.to_vec();
  events.extend([
    event("operation_start", 1_400, in_task("direct"), json!({ "$callingTool": calling })),
    custom("span_start", 1_500, Some(parent), trace),
    event(
      "operation_start",
      1_600,
      in_task("below"),
      json!({ "$callingTool": calling, "$callingSpan": span }),
    ),
    event("operation_start", 1_700, in_task("observed"), json!({ "$callingSpan": span })),
  ]);
  let trace = translated(&events);
  let path_of = |operation: &str| {
    let is_it = |row: &&Row| metadata(row, "flue.operation_id") == Some(format!("\"{operation}\""));
    let row = trace.rows.values().filter(is_it).find(|row| name(row) == "flue.prompt").unwrap();
    path(&trace, row)
  };
  let in_task = "flue.prompt < task:sub < flue.prompt";
  let in_tool = format!("tool:research < {in_task}");
  assert_eq!(path_of("direct"), format!("flue.prompt < {in_tool}"));
  assert_eq!(path_of("below"), format!("flue.prompt < custom < {in_tool}"));
  assert_eq!(path_of("observed"), in_task);
}

#[test]
fn a_shell_command_outside_of_any_tool_call_is_below_the_root_of_its_delivery() {
  let ids = || json!({ "submissionId": "s" });
  let operation = json!({ "operationId": "o", "operationKind": "prompt" });
  let shells = [shell("tool_start", 1_100, ids(), "a"), shell("tool", 1_200, ids(), "a")];
  let mut events = vec![event("operation_start", 1_000, ids(), operation)];
  events.extend(shells.clone());
  let trace = translated(&events);
  let bash = trace.named("tool:bash").next().unwrap();
  assert_eq!(path(&trace, bash), "tool:bash < flue.prompt");
  // Another process has the root.
  let alone = translated(&shells);
  let orphan = alone.named("tool:bash").next().unwrap();
  assert_eq!((orphan.span.row, orphan.parent), (bash.span.row, bash.parent));
  assert_eq!(alone.rows.values().map(name).collect::<Vec<_>>(), ["tool:bash"]);
}

#[test]
fn a_turn_or_a_tool_call_that_begins_and_ends_after_its_operation_is_below_the_root_of_its_delivery()
 {
  let ids = || json!({ "submissionId": "s" });
  let operation = || json!({ "submissionId": "s", "operationId": "o", "operationKind": "prompt" });
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  let part = |kind: &str, at| {
    event(kind, at, ids(), json!({ "turnId": "t", "toolCallId": "k", "toolName": "look" }))
  };
  let events = [
    event("operation_start", 1_000, operation(), json!({})),
    event("operation", 1_200, operation(), json!({})),
    part("turn_request", 1_300),
    part("tool_start", 1_400),
    part("tool", 1_500),
    part("turn", 1_600),
  ];
  run(&mut translator, &events, &mut trace);
  assert_eq!((translator.open_spans(), trace.rows.len()), (0, 3));
  for name in ["llm:unknown", "tool:look"] {
    let row = trace.named(name).next().unwrap();
    assert_eq!(trace.path(row), [name, "flue.prompt"]);
    assert_eq!(metadata(row, "flue.operation_id"), None);
  }
}

#[test]
fn a_turn_outside_of_a_delivery_that_ends_after_its_operation_opens_no_other_one() {
  // 0.x.
  let part = |kind: &str, at: i64, operation: Option<&str>| {
    json!({ "type": kind, "timestamp": at, "instanceId": "i", "session": "s", "operationId": operation,
      "operationKind": "prompt", "turnId": "t", "toolCallId": "k", "toolName": "look" })
    .to_string()
  };
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  let ends = || [part("tool_call", 1_400, None), part("turn", 1_500, None)];
  let begun = ["operation_start", "turn_request", "tool_start", "operation"];
  let events = begun.map(|kind| part(kind, 1_000, Some("o")));
  run(&mut translator, &events, &mut trace);
  // Observed twice.
  run(&mut translator, &[ends(), ends()].concat(), &mut trace);
  assert_eq!((translator.open_spans(), trace.rows.len()), (0, 3));
  for (name, end) in [("llm:unknown", 1_500), ("tool:look", 1_400)] {
    let row = trace.named(name).next().unwrap();
    assert_eq!((trace.path(row), end_of(row)), (vec![name.to_owned(), "flue.prompt".into()], end));
    assert_eq!(metadata(row, "flue.operation_id").as_deref(), Some("\"o\""));
  }
}

#[test]
fn an_operation_without_an_id_is_no_attempt_at_a_root_that_is_known() {
  let operation = || json!({ "submissionId": "s", "operationId": "o", "operationKind": "prompt" });
  let trace = translated(&[
    event("operation_start", 1_000, operation(), json!({})),
    event("compaction_start", 1_100, json!({ "submissionId": "s" }), json!({ "reason": "manual" })),
    event("operation", 1_200, operation(), json!({})),
  ]);
  let compaction = trace.named("compaction:manual").next().unwrap();
  assert_eq!(path(&trace, compaction), "compaction:manual < flue.operation < flue.prompt");
  let root = trace.named("flue.prompt").next().unwrap();
  let is_interrupted = metadata(root, "flue.interrupted").as_deref() == Some("true");
  assert_eq!((is_interrupted, end_of(root)), (false, 1_200));
}

#[test]
fn a_log_line_of_a_submission_without_an_operation_is_kept_with_the_root() {
  let line = |message: &str| {
    event(
      "log",
      1_100,
      json!({ "submissionId": "s" }),
      json!({ "level": "warn", "message": message }),
    )
  };
  let operation = || json!({ "submissionId": "s", "operationId": "o", "operationKind": "prompt" });
  let events = [
    event("operation_start", 1_000, operation(), json!({})),
    line("of the submission"),
    event("operation", 1_200, operation(), json!({})),
  ];
  let trace = translated(&events);
  let logs = metadata(trace.named("flue.prompt").next().unwrap(), "flue.logs").unwrap();
  assert!(logs.contains("of the submission"), "{logs}");
}

/// Flue begins the next attempt once the lease of one has expired, which may run on.
#[test]
fn work_of_an_earlier_attempt_is_below_the_root_and_counts_for_it() {
  let [first, second] = ["o1", "o2"];
  let turns = |turn: &str| super::recovery::turn(1_000, first, turn, 5);
  let [known_start, known_end] = turns("known");
  let [[new_start, new_end], [last_start, last_end]] = [turns("new"), turns("last")];
  let late = [known_end, new_start, new_end];
  for has_ended in [false, true] {
    let mut events = vec![running(900, 1), start(950, first), known_start.clone()];
    if has_ended {
      events.push(end(1_020, first));
    }
    events.extend([running(1_100, 2), start(1_150, second)]);
    events.extend(late.clone());
    events.extend([end(1_200, second), last_start.clone(), last_end.clone(), settled(1_300)]);
    let trace = translated(&events);
    assert_eq!(trace.rows.len(), 4);
    for row in trace.rows.values().filter(|row| !row.is_root) {
      assert_eq!(path(&trace, row), "llm:m < flue.prompt");
    }
    assert_eq!(tokens(root(&trace)), Some(15.0), "{has_ended}");
  }
}

/// Direct prompts of 0.x have no id in common with their tasks.
#[test]
fn work_of_a_task_without_a_start_is_a_trace_of_its_own_if_no_id_names_another() {
  let ids = json!({ "v": null, "taskId": "t", "operationId": "o", "turnId": "u", "durationMs": 5,
    "usage": { "input": 2, "output": 1 } });
  let kinds = ["operation_start", "turn_request", "turn", "operation", "turn_request", "turn"];
  let mut events: Vec<_> =
    (1_000..).zip(kinds).map(|(at, kind)| event(kind, at, json!({}), ids.clone())).collect();
  for late in &mut events[4..] {
    *late = late.replace(r#""turnId":"u""#, r#""turnId":"late""#);
  }
  let trace = translated(&events);
  assert_eq!(trace.rows.len(), 3);
  for row in trace.rows.values() {
    let expected = if row.is_root { "flue.operation" } else { "llm:unknown < flue.operation" };
    assert_eq!(path(&trace, row), expected);
    assert!(row.metrics.contains("end"));
  }
  assert_eq!(tokens(root(&trace)), Some(6.0));
}
