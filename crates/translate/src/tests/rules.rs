//! The rules of the trace, one by one.

use serde_json::json;

use super::{
  replay,
  trace::{Trace, name},
  translate,
};
use braintrust_row::{Row, SpanContext};

fn paths(trace: &Trace, name: &str) -> Vec<String> {
  let mut paths: Vec<_> = trace.named(name).map(|row| trace.path(row).join(" < ")).collect();
  paths.sort();
  paths.dedup();
  paths
}

fn only<'a>(trace: &'a Trace, name: &'a str) -> &'a Row {
  let mut named = trace.named(name);
  let found = named.next().unwrap();
  assert!(named.next().is_none(), "several {name}");
  found
}

#[test]
fn a_subagents_spans_are_below_its_task_below_the_tool_call() {
  let trace = replay("2.1.0", "task-subagent");
  assert_eq!(
    paths(&trace, "tool:tide_lookup"),
    ["tool:tide_lookup < flue.prompt < task:pilot-desk < tool:task < flue.prompt"]
  );
  let trace = replay("1.0.0-beta.9", "nested-subagents");
  assert_eq!(
    paths(&trace, "tool:tide_lookup"),
    [
      "tool:tide_lookup < flue.prompt < task:knot-expert < tool:task < flue.prompt < task:deckhand < tool:task < flue.prompt"
    ]
  );
}

#[test]
fn the_operations_of_a_workflow_are_below_it() {
  let trace = replay("1.0.0-beta.9", "workflow-full");
  assert_eq!(paths(&trace, "flue.skill"), ["flue.skill < workflow:full"]);
  assert_eq!(
    paths(&trace, "compaction:manual"),
    ["compaction:manual < flue.compact < workflow:full"]
  );
  // A wrapper operation has no span of its own.
  assert!(paths(&trace, "tool:bash").contains(&"tool:bash < workflow:full".to_owned()));
  assert_eq!(
    paths(&trace, "task:pilot-desk"),
    [
      "task:pilot-desk < tool:task < flue.prompt < workflow:full",
      "task:pilot-desk < workflow:full"
    ]
  );
}

#[test]
fn a_task_or_a_command_that_fails_before_it_begins_shows_the_error() {
  let at =
    |second: u32| format!(r#""v":3,"timestamp":"2026-11-23T07:02:{second:02}Z","runId":"r""#);
  for kind in ["task", "shell"] {
    for (is_error, has_begun) in [(true, false), (true, true), (false, false)] {
      let ids = format!(r#""operationId":"o","operationKind":"{kind}""#);
      let call = format!(r#"{},"operationId":"o","toolName":"bash","toolCallId":"c""#, at(3));
      let mut events = vec![
        format!(r#"{{"type":"run_start",{},"workflowName":"w"}}"#, at(1)),
        format!(r#"{{"type":"operation_start",{},{ids}}}"#, at(2)),
      ];
      if has_begun {
        let failed = r#""isError":true,"error":{"message":"in the tool"}"#;
        events.extend([
          format!(r#"{{"type":"tool_start",{call}}}"#),
          format!(r#"{{"type":"tool",{call},{failed}}}"#),
        ]);
      }
      let error = r#""error":{"name":"Error","message":"no such agent"}"#;
      let outcome = format!(r#""isError":{is_error},"durationMs":2000,{error}"#);
      events.push(format!(r#"{{"type":"operation",{},{ids},{outcome}}}"#, at(4)));
      let mut trace = Trace::default();
      translate(&events, &mut trace);
      let name = format!("flue.{kind}");
      if !is_error || has_begun {
        assert_eq!(trace.named(&name).count(), 0);
        continue;
      }
      assert_eq!(paths(&trace, &name), [format!("{name} < workflow:w")]);
      let row = only(&trace, &name);
      assert_eq!(row.error.as_ref().unwrap().as_str(), r#""no such agent""#);
      assert_eq!(row.metrics.get("end").unwrap() - row.metrics.get("start").unwrap(), 2.0);
    }
  }
}

#[test]
fn a_compaction_has_its_turns_below_it() {
  let trace = replay("2.1.0", "compaction-threshold");
  let compaction = only(&trace, "compaction:threshold");
  let below: Vec<_> =
    trace.rows.values().filter(|row| row.parent == Some(compaction.span.span())).collect();
  assert!(!below.is_empty());
  assert!(
    below.iter().all(|row| {
      row.metadata.get("flue.turn_purpose").unwrap().as_str().contains("compaction")
    })
  );
}

#[test]
fn the_log_line_of_a_compaction_that_fails_is_kept_once_whether_it_has_started_or_not() {
  let at = |index: u32| {
    format!(r#""timestamp":"2026-11-23T07:02:0{index}Z","eventIndex":{index},"operationId":"o""#)
  };
  let failed = format!(
    r#"{{"type":"log",{},"level":"error","message":"[flue:compaction] Failed: no such model"}}"#,
    at(3)
  );
  for has_started in [false, true] {
    let start = format!(r#"{{"type":"compaction_start",{},"reason":"threshold"}}"#, at(2));
    let mut events = vec![format!(r#"{{"type":"operation_start",{}}}"#, at(1))];
    events.extend(has_started.then_some(start));
    // Two observers pass each event twice.
    events.extend([failed.clone(), failed.clone(), format!(r#"{{"type":"operation",{}}}"#, at(4))]);
    let mut trace = Trace::default();
    translate(&events, &mut trace);
    let logs = only(&trace, "flue.operation").metadata.get("flue.logs").unwrap().as_str();
    assert_eq!(logs.matches("no such model").count(), 1, "{logs}");
    assert_eq!(trace.rows.len(), 1 + usize::from(has_started));
    for row in trace.named("compaction:threshold") {
      assert_eq!(row.error.as_ref().unwrap().as_str(), r#""no such model""#);
    }
  }
}

#[test]
fn colliding_call_ids_of_two_agents_are_two_spans() {
  let trace = replay("2.1.0", "interleaved-agents");
  let calls: Vec<_> = trace
    .rows
    .values()
    .filter(|row| {
      row.metadata.get("flue.tool_call_id").is_some_and(|id| id.as_str() == "\"call_dup\"")
    })
    .collect();
  assert_eq!(calls.len(), 2);
  assert_ne!(calls[0].span.trace, calls[1].span.trace);
}

#[test]
fn a_tool_ends_its_duration_after_its_start_however_late_its_event_comes() {
  let trace = replay("2.1.0", "parallel-tools");
  for row in trace.rows.values().filter(|row| name(row).starts_with("tool:")) {
    let took = (*row.metrics.get("end").unwrap() - *row.metrics.get("start").unwrap()) * 1e3;
    // Flue's clock may begin a little before the start event.
    let before = *row.metrics.get("duration_ms").unwrap() - took;
    assert!((-0.5..3.0).contains(&before), "{}: {took}", name(row));
  }
}

#[test]
fn the_prompt_tokens_of_a_turn_include_cached_tokens() {
  let trace = replay("2.1.0", "plain-prompt");
  let turn = only(&trace, "llm:tide-1");
  let metric = |name: &str| *turn.metrics.get(name).unwrap();
  assert!(metric("prompt_cache_creation_tokens") > 0.0);
  assert_eq!(metric("tokens"), metric("prompt_tokens") + metric("completion_tokens"));
  // The root operation of a submission has no usage; its turns do.
  let root = only(&trace, "flue.prompt");
  assert_eq!(*root.metrics.get("tokens").unwrap(), metric("tokens"));
  assert_eq!(*root.metrics.get("estimated_cost").unwrap(), metric("estimated_cost"));
}

#[test]
fn the_system_prompt_is_the_first_message() {
  let trace = replay("2.1.0", "plain-prompt");
  let input = only(&trace, "llm:tide-1").input.clone().unwrap();
  let messages: Vec<serde_json::Value> = serde_json::from_str(&input.as_str()).unwrap();
  assert_eq!(messages[0]["role"], "system");
  assert!(messages[0]["content"].as_str().unwrap().starts_with("You are the harbormaster"));
  assert_eq!(messages[1]["role"], "user");
}

#[test]
fn an_error_has_class_message_code_and_stack() {
  let trace = replay("2.1.0", "tool-failure");
  let error = |name: &str| {
    let row = trace.named(name).next().unwrap();
    let error = row.error.clone().unwrap();
    serde_json::from_str::<String>(&error.as_str()).unwrap()
  };
  let gauge = error("tool:broken_gauge");
  assert!(gauge.starts_with("PierError: gauge offline: salt in connector [E_PIER]\n\n"), "{gauge}");
  assert!(gauge.contains("at Object.run"), "{gauge}");
  // The message of an unknown tool is only in its result.
  assert!(error("tool:no_such_tool").contains("no_such_tool"));
  // A failed tool fails neither its turn nor its operation.
  assert!(only(&trace, "flue.prompt").error.is_none());
}

#[test]
fn a_failed_run_shows_its_error_and_no_output() {
  let trace = replay("1.0.0-beta.9", "workflow-failure");
  let run = only(&trace, "workflow:doomed");
  assert_eq!(run.error.as_ref().unwrap().as_str(), "\"PierError: pier collapsed\"");
  assert!(run.output.is_none());
  let trace = replay("1.0.0-beta.9", "workflow-success");
  let run = only(&trace, "workflow:tide-report");
  assert!(run.error.is_none());
  assert_eq!(
    run.input.as_ref().unwrap().as_str(),
    r#"{"harbor":"Saltpan Quay","nested":{"a":[1,2]}}"#
  );
  assert!(run.output.as_ref().unwrap().as_str().contains("Tide is 3.6 m."));
}

#[test]
fn a_recovered_submission_continues_in_the_same_root() {
  let trace = replay("2.1.0", "crash-mid-tool");
  let roots: Vec<_> = trace.rows.values().filter(|row| row.parent.is_none()).collect();
  assert_eq!(roots.len(), 1);
  assert!(roots[0].output.is_some());
}

#[test]
fn an_operation_names_its_workflow() {
  for release in ["0.8.1", "0.11.1", "1.0.0-beta.9"] {
    let trace = replay(release, "workflow-full");
    let run = only(&trace, "workflow:full");
    for row in trace.named("flue.prompt").filter(|row| row.parent == Some(run.span.span())) {
      assert_eq!(row.metadata.get("flue.workflow_name").unwrap().as_str(), "\"full\"", "{release}");
    }
  }
}

#[test]
fn the_metadata_of_a_runs_input_sets_nothing_of_flue() {
  let metadata = json!({ "tenant": "t", "flue.run_id": "x", "flue.cancelled": true, "flue.interrupted": true,
    "flue.workflow_phase": "x" });
  let at = json!(1_000);
  let events = [
    json!({ "type": "run_start", "runId": "r", "timestamp": at, "input": { "metadata": metadata } }),
    json!({ "type": "operation_start", "runId": "r", "timestamp": at, "operationId": "o", "operationKind": "prompt" }),
    json!({ "type": "operation", "runId": "r", "timestamp": at, "operationId": "o", "operationKind": "prompt" }),
    json!({ "type": "run_end", "runId": "r", "timestamp": at }),
  ];
  let mut trace = Trace::default();
  translate(&events.map(|event| event.to_string()), &mut trace);
  for row in trace.rows.values() {
    let text = |name: &str| row.metadata.get(name).map(|value| value.as_str().into_owned());
    assert_eq!(text("tenant").as_deref(), Some(r#""t""#));
    assert_eq!(text("flue.run_id").as_deref(), Some(r#""r""#));
    for name in ["flue.cancelled", "flue.interrupted"] {
      assert_eq!(text(name), None, "{name}");
    }
    assert!(text("flue.workflow_phase").is_none_or(|phase| phase == r#""start""#));
  }
}

#[test]
fn a_shell_command_has_its_exit_code_whether_it_failed_or_not() {
  let trace = replay("1.0.0-beta.9", "workflow-full");
  let codes: Vec<_> = trace
    .named("tool:bash")
    .map(|row| row.metadata.get("flue.exit_code").unwrap().as_str().into_owned())
    .collect();
  assert_eq!(codes, ["0", "3", "0"]);
}

#[test]
fn the_image_of_a_prompt_is_shown_on_every_release() {
  let shown = r#"{"text":"look","images":[{"mimeType":"image/png"}]}"#;
  for release in ["0.8.1", "0.11.1", "1.0.0-beta.9"] {
    let trace = replay(release, "workflow-image");
    let prompt = trace.named("flue.prompt").next().unwrap();
    assert_eq!(prompt.input.as_ref().unwrap().as_str(), shown, "{release}");
  }
}

#[test]
fn a_turn_during_which_the_clock_steps_back_has_no_negative_duration() {
  let at = |second: u32| {
    format!(r#""timestamp":"2026-11-23T07:02:{second:02}Z","operationId":"o","turnId":"t""#)
  };
  let events = [
    format!(r#"{{"type":"turn_request",{},"purpose":"agent"}}"#, at(9)),
    format!(r#"{{"type":"tool_start",{},"toolCallId":"c","toolName":"t"}}"#, at(4)),
    format!(r#"{{"type":"tool_call",{},"toolCallId":"c","toolName":"t","durationMs":10}}"#, at(5)),
    format!(r#"{{"type":"turn",{},"purpose":"agent","durationMs":40}}"#, at(6)),
  ];
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  let turn = only(&trace, "llm:unknown");
  assert_eq!(*turn.metrics.get("duration_ms").unwrap(), 0.0);
  assert_eq!(turn.metrics.get("end"), turn.metrics.get("start"));
}

/// The rows of events, each with its members besides the type and the ids of its submission.
fn keyed(events: &[(&str, &str, &str)]) -> Trace {
  let mut at = 0;
  let events: Vec<String> = events
    .iter()
    .map(|(kind, conversation, operation)| {
      at += 1000;
      let mut event = json!({ "type": kind, "timestamp": at, "submissionId": "sub_ik_1", "agentName": "A",
        "instanceId": "a" });
      if !conversation.is_empty() {
        event["conversationId"] = json!(conversation);
      }
      if !operation.is_empty() {
        event["operationId"] = json!(operation);
        event["operationKind"] = json!("prompt");
      }
      event.to_string()
    })
    .collect();
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  trace
}

/// The ids of the root of a keyed submission.
fn keyed_root(conversation: &str) -> SpanContext {
  SpanContext::root("submission", &["sub_ik_1", conversation])
}

#[test]
fn keyed_submissions_with_one_id_have_a_root_for_each_conversation() {
  let (queued, running) = (("submission_queued", "", ""), ("submission_running", "", ""));
  let settled = ("submission_settled", "", "");
  let [start_1, end_1] = ["operation_start", "operation"].map(|kind| (kind, "c1", "op_1"));
  let [start_2, end_2] = ["operation_start", "operation"].map(|kind| (kind, "c2", "op_2"));
  let orders: [&[_]; 5] = [
    &[queued, running, start_1, end_1, settled, queued, running, start_2, end_2, settled],
    &[queued, running, start_1, queued, running, start_2, end_1, settled, end_2, settled],
    &[queued, queued, running, running, start_1, start_2, end_2, end_1, settled, settled],
    &[running, start_1, running, end_1, settled, start_2, end_2, settled],
    &[start_1, start_2, end_1, end_2],
  ];
  for events in orders {
    let trace = keyed(events);
    let spans: Vec<_> = trace.named("flue.prompt").map(|row| row.span).collect();
    for conversation in ["c1", "c2"] {
      assert!(spans.contains(&keyed_root(conversation)), "{conversation}: {events:?}");
    }
    assert!(trace.named("flue.prompt").all(|row| row.parent.is_none()), "{events:?}");
  }
}

#[test]
fn work_of_a_keyed_submission_in_another_conversation_stays_in_its_trace() {
  let trace = keyed(&[
    ("submission_running", "", ""),
    ("operation_start", "c1", "op_1"),
    ("operation_start", "c2", "op_2"),
    ("operation", "c2", "op_2"),
    ("operation", "c1", "op_1"),
    ("submission_settled", "", ""),
  ]);
  let root = keyed_root("c1");
  assert!(trace.named("flue.prompt").all(|row| row.span.trace == root.trace));
  let children = trace.named("flue.prompt").filter(|row| row.parent == Some(root.span()));
  assert!(children.count() > 0);
}
