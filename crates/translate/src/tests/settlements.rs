//! How the root of a submission ends, by its operation, its settlement or neither.

use serde_json::json;

use super::{
  recovery::{
    adopting, end, end_of, event, metadata, root, run, running, settled, start, tokens, turn,
  },
  trace::Trace,
};
use crate::{Options, Translator};

/// A settlement with this outcome and error.
fn settled_with(at: i64, outcome: &str, code: &str) -> String {
  let mut event: serde_json::Value = serde_json::from_str(&settled(at)).unwrap();
  event["outcome"] = json!(outcome);
  event["error"] = json!({ "name": "FlueError", "message": "m", "type": code });
  event.to_string()
}

fn translated(events: &[String]) -> Trace {
  let mut trace = Trace::default();
  run(&mut Translator::default(), events, &mut trace);
  trace
}

fn error(trace: &Trace) -> String {
  root(trace).error.as_ref().map(|error| error.as_str().into_owned()).unwrap_or_default()
}

#[test]
fn an_attempt_that_ends_after_flue_has_settled_over_it_keeps_the_error_of_the_settlement() {
  for (aborts, is_error) in [(true, true), (false, true), (false, false)] {
    let name = if aborts { "AbortError" } else { "Error" };
    let mut late: serde_json::Value = serde_json::from_str(&end(90_000, "o")).unwrap();
    late["isError"] = json!(is_error);
    late["error"] = json!({ "name": name, "message": "late" });
    late["agentOutput"] = json!({ "type": "text", "text": "late" });
    late["usage"] = json!({ "input": 7, "totalTokens": 7 });
    let timeout = settled_with(60_000, "failed", "submission_timeout");
    let trace = translated(&[running(900, 1), start(1_000, "o"), timeout, late.to_string()]);
    let row = root(&trace);
    assert_eq!(error(&trace), "\"FlueError: m [submission_timeout]\"");
    assert_eq!(metadata(row, "flue.cancelled"), None);
    assert_eq!(metadata(row, "flue.interrupted").as_deref(), Some("false"));
    assert_eq!((end_of(row), row.metrics.get("tokens"), &row.output), (90_000, Some(&7.0), &None));
    assert_eq!(row.name.as_deref(), Some("flue.prompt"));
  }
}

#[test]
fn an_operation_that_succeeds_as_its_submission_did_before_is_not_interrupted() {
  let mut late: serde_json::Value = serde_json::from_str(&end(2_010, "o")).unwrap();
  late["agentOutput"] = json!({ "type": "text", "text": "late" });
  let trace = translated(&[running(900, 1), start(1_000, "o"), settled(2_000), late.to_string()]);
  let row = root(&trace);
  assert_eq!(row.output.as_ref().unwrap().as_str(), "\"late\"");
  assert_eq!(metadata(row, "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(metadata(row, "flue.submission_outcome").as_deref(), Some("\"completed\""));
}

#[test]
fn a_submission_that_fails_after_its_operation_has_succeeded_shows_the_error() {
  let refused = settled_with(2_001, "failed", "guardrail");
  let trace = translated(&[running(900, 1), start(1_000, "o"), end(2_000, "o"), refused.clone()]);
  assert_eq!(error(&trace), "\"FlueError: m [guardrail]\"");
  // The operation states its own error.
  let failed = end(2_000, "o").replace("\"isError\":false", "\"isError\":true,\"error\":\"own\"");
  let trace = translated(&[running(900, 1), start(1_000, "o"), failed, refused]);
  assert_eq!(error(&trace), "\"own\"");
}

#[test]
fn what_flue_gives_up_stays_in_the_trace_of_a_caller_that_only_another_process_knows() {
  let headers = json!({ "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01" });
  let mut begun: serde_json::Value = serde_json::from_str(&start(1_000, "o")).unwrap();
  begun["$traceCarrier"] = headers;
  let mut trace = Trace::default();
  let options = Options { distributed: true, ..Options::default() };
  run(&mut Translator::new(options), &[running(900, 1), begun.to_string()], &mut trace);
  let text = settled_with(50_000, "failed", "submission_retry_exhausted");
  let rows = Translator::new(options).translate(&flue_event::decode(&text, 0).unwrap());
  assert!(rows.iter().all(|row| !row.is_span));
  trace.take(rows);
  assert_eq!(trace.rows.len(), 1);
  assert_eq!(root(&trace).span.trace.to_string(), "0123456789abcdef0123456789abcdef");
  assert_eq!(end_of(root(&trace)), 50_000);
}

#[test]
fn an_interrupted_operation_has_the_usage_of_its_turns_and_later_that_of_all_attempts() {
  let first = || {
    let mut events = vec![running(900, 1), start(1_000, "o1")];
    events.extend(turn(1_100, "o1", "t1", 10));
    events
  };
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  run(&mut translator, &first(), &mut trace);
  let left = translator.snapshot(2_000, true).unwrap();
  trace.take(translator.close_all(2_000));
  assert_eq!(tokens(root(&trace)), Some(10.0), "exit");

  let mut trace = Trace::default();
  let mut next = adopting(&left, &mut trace);
  assert_eq!(tokens(root(&trace)), Some(10.0), "adopted");
  let mut events = vec![running(50_000, 2), start(50_100, "o2")];
  events.extend(turn(51_000, "o2", "t2", 5));
  events.push(settled_with(60_000, "failed", "submission_timeout"));
  run(&mut next, &events, &mut trace);
  assert_eq!(tokens(root(&trace)), Some(15.0), "settled");
}

/// An event of a conversation that a tool of the submission began.
fn in_tool(text: &str) -> String {
  text.replace("\"conversationId\":\"c\"", "\"conversationId\":\"inner\"")
}

#[test]
fn a_prompt_that_outlasts_its_tool_has_the_usage_of_all_its_turns() {
  let call = |kind: &str, at, more| {
    let mut event: serde_json::Value = serde_json::from_str(&event(kind, at, "o", more)).unwrap();
    (event["toolCallId"], event["turnId"]) = (json!("call"), json!("t0"));
    event.to_string()
  };
  let tool_start = call("tool_start", 1_200, json!({ "toolName": "ask" }));
  let tool = call("tool", 2_000, json!({ "toolName": "ask", "isError": true, "durationMs": 800 }));
  let [first, first_end] = turn(1_400, "p", "t1", 10).map(|text| in_tool(&text));
  let [late, late_end] = turn(1_500, "p", "t2", 5).map(|text| in_tool(&text));
  let aborted = end(2_200, "p").replace("\"isError\":false", "\"isError\":true");
  let begun = [running(900, 1), start(1_000, "o"), tool_start, in_tool(&start(1_300, "p"))];
  let events = [&begun[..], &[first, first_end, late, tool, late_end]].concat();
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  run(&mut translator, &events, &mut trace);
  let prompt = |trace: &Trace| {
    let mut prompts = trace.named("flue.prompt").filter(|row| !row.is_root);
    let row = prompts.next().unwrap();
    assert_eq!(trace.path(row), ["flue.prompt", "tool:ask", "flue.prompt"]);
    tokens(row)
  };
  assert_eq!(prompt(&trace), Some(15.0), "without an end");
  run(&mut translator, &[in_tool(&aborted)], &mut trace);
  assert_eq!(prompt(&trace), Some(15.0), "with its end");
  assert_eq!(tokens(root(&trace)), None);
}

#[test]
fn a_turn_that_ends_after_flue_has_settled_over_its_operation_adds_its_usage() {
  let [first, first_end] = turn(1_100, "o", "t1", 10);
  let [late, late_end] = turn(1_200, "o", "t2", 5);
  let timeout = settled_with(1_205, "failed", "submission_timeout");
  let begun = [running(900, 1), start(1_000, "o"), first, first_end, late];
  let trace = translated(&[&begun[..], &[timeout, late_end, end(2_000, "o")]].concat());
  assert_eq!(tokens(root(&trace)), Some(15.0));
}

#[test]
fn a_root_whose_first_attempt_failed_before_its_operation_starts_with_the_next_one() {
  let second = [running(50_000, 2), start(50_100, "o")];
  let mut both = vec![running(900, 1)];
  both.extend(second.clone());
  assert_eq!(root(&translated(&both)).created, Some(50_100));
  // Another process may have begun the operation of the first attempt.
  assert_eq!(root(&translated(&second)).created, None);
}

#[test]
fn a_submission_that_was_queued_in_another_process_has_its_kind() {
  let trace = translated(&[running(50_000, 2), start(50_100, "o")]);
  assert_eq!(metadata(root(&trace), "flue.submission_kind").as_deref(), Some("\"direct\""));
}

#[test]
fn a_turn_that_ends_after_its_operation_leaves_the_root_as_it_ended_and_adds_its_usage() {
  let [first, first_end] = turn(1_100, "o", "t1", 10);
  let [late, late_end] =
    turn(1_200, "o", "t2", 5).map(|text| text.replace("agent\"", "compaction\""));
  // Flue emits it with the conversation, and without the operation.
  let late_end = late_end.replace("\"operationId\":\"o\",", "").replace("1210", "2500");
  assert!(!late_end.contains("operationId"));
  let compaction = |kind: &str, at| event(kind, at, "o", json!({ "reason": "threshold" }));
  for is_settled_before in [false, true] {
    let mut ends = [late_end.clone(), settled(2_600)];
    if is_settled_before {
      ends.reverse();
    }
    let mut trace = Trace::default();
    let mut translator = Translator::default();
    let begun = [running(900, 1), start(1_000, "o"), first.clone(), first_end.clone()];
    let compacted =
      [compaction("compaction_start", 1_150), late.clone(), compaction("compaction", 1_900)];
    for events in [begun.as_slice(), &compacted, &[end(2_000, "o")], &ends] {
      run(&mut translator, events, &mut trace);
    }
    assert_eq!((translator.open_spans(), trace.rows.len()), (0, 4));
    let root = root(&trace);
    assert_eq!((root.name.as_deref(), end_of(root)), (Some("flue.prompt"), 2_000));
    assert_eq!((metadata(root, "flue.interrupted"), tokens(root)), (None, Some(15.0)));
    let late =
      trace.rows.values().find(|row| metadata(row, "flue.turn_id") == Some("\"t2\"".into()));
    let late = late.unwrap();
    assert_eq!(trace.path(late), ["llm:m", "compaction:threshold", "flue.prompt"]);
    assert_eq!((end_of(late), metadata(late, "flue.interrupted")), (2_500, Some("false".into())));
    assert_eq!(metadata(late, "flue.operation_id").as_deref(), Some("\"o\""));
  }
}

#[test]
fn however_many_submissions_run_at_once_each_has_its_outcome() {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  let of = |n: usize, text: String| {
    text.replace("\"s\"", &format!("\"s{n}\"")).replace("\"o\"", &format!("\"o{n}\""))
  };
  let each = |events: &dyn Fn() -> Vec<String>| -> Vec<String> {
    (0..6_000).flat_map(|n| events().into_iter().map(move |text| of(n, text))).collect()
  };
  run(&mut translator, &each(&|| vec![running(900, 1), start(1_000, "o")]), &mut trace);
  run(&mut translator, &each(&|| vec![end(2_000, "o")]), &mut trace);
  run(&mut translator, &each(&|| vec![settled(2_001)]), &mut trace);
  assert_eq!((trace.rows.len(), translator.open_spans()), (6_000, 0));
  for row in trace.rows.values() {
    assert_eq!(metadata(row, "flue.submission_outcome").as_deref(), Some("\"completed\""));
    assert_eq!(metadata(row, "flue.interrupted"), None);
  }
}

/// Two turns summarise a conversation at once, and the operation ends when one of them fails.
#[test]
fn a_turn_that_ends_after_an_operation_in_a_task_adds_its_usage_to_that() {
  let in_task = |text: &str| in_tool(text).replacen('{', "{\"taskId\":\"task\",", 1);
  let [first, first_end] = turn(1_400, "p", "t1", 10).map(|text| in_task(&text));
  let [late, late_end] = turn(1_500, "p", "t2", 5).map(|text| in_task(&text));
  let late_end = late_end.replace("\"operationId\":\"p\",", "").replace("1510", "2500");
  let failed = in_task(&end(2_000, "p"));
  let task = |kind: &str, at| event(kind, at, "o", json!({ "taskId": "task", "prompt": "p" }));
  let begun =
    [running(900, 1), start(1_000, "o"), task("task_start", 1_200), in_task(&start(1_300, "p"))];
  let trace = translated(
    &[&begun[..], &[first, first_end, late, failed, late_end, task("task", 2_600)]].concat(),
  );
  let child = trace.named("flue.prompt").find(|row| !row.is_root).unwrap();
  assert_eq!(trace.path(child), ["flue.prompt", "flue.task", "flue.prompt"]);
  assert_eq!((tokens(child), end_of(child)), (Some(15.0), 2_000));
}

/// A process keeps what it adopts for two minutes; Flue may settle it later.
#[test]
fn what_flue_gives_up_shows_the_error_although_its_root_was_dropped() {
  let exhausted = settled_with(900_000, "failed", "submission_retry_exhausted");
  for is_settled in [false, true] {
    let mut trace = Trace::default();
    let mut first = Translator::default();
    run(&mut first, &[running(900, 1), start(1_000, "o")], &mut trace);
    let mut next = adopting(&first.snapshot(2_000, true).unwrap(), &mut trace);
    if is_settled {
      next.note_adoption_is_safe();
      next = adopting(&next.snapshot(3_000, true).unwrap(), &mut trace);
      trace.take(next.drop_settled(800_000, 700_000));
    } else {
      trace.take(next.drop_orphaned(800_000, 700_000));
    }
    assert_eq!(next.open_spans(), 0);
    run(&mut next, std::slice::from_ref(&exhausted), &mut trace);
    assert_eq!(error(&trace), "\"FlueError: m [submission_retry_exhausted]\"");
  }
}

/// An application may pass the events on with delays of its own.
#[test]
fn a_settlement_that_comes_before_the_root_begins_is_on_that() {
  let failed = settled_with(3_000, "failed", "x");
  let aborted = settled(3_000).replace("completed", "aborted");
  for (settlement, outcome) in
    [(settled(3_000), "completed"), (failed, "failed"), (aborted, "aborted")]
  {
    let begun = [running(900, 1), start(1_000, "o"), end(2_000, "o")];
    let shown: Vec<_> = (0..=begun.len())
      .map(|place| {
        let mut events = begun.to_vec();
        events.insert(place, settlement.clone());
        let trace = translated(&events);
        let row = root(&trace);
        let stated = row.error.clone().filter(|error| !error.is_null());
        assert_eq!((trace.rows.len(), end_of(row)), (1, 2_000), "{outcome} {place}");
        assert_ne!(metadata(row, "flue.interrupted").as_deref(), Some("true"));
        let is_cancelled = metadata(row, "flue.cancelled").as_deref() == Some("true");
        format!("{stated:?} {is_cancelled} {:?}", metadata(row, "flue.submission_outcome"))
      })
      .collect();
    assert!(shown.iter().all(|each| each == &shown[3] && each.contains(outcome)), "{shown:?}");
  }
}
