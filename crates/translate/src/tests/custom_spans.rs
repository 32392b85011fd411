//! Custom spans, traces that a caller began, and spans that are identified without the translator.

use serde_json::{Value, json};

use super::recordings;
use crate::{FlueContext, Options, Translator};
use braintrust_row::{Row, RowMap, write_row};
use flue_event::ContentPolicy;

const ROW: &str = "00112233445566778899aabbccddeeff";
const TRACE: &str = "ffeeddccbbaa99887766554433221100";

fn translate(translator: &mut Translator, event: &Value) -> Vec<Row> {
  let text = event.to_string();
  translator.translate(&flue_event::decode(&text, 0).unwrap())
}

/// The final state of all spans.
fn merged(events: &[Value]) -> Vec<Value> {
  let mut translator = Translator::default();
  let mut rows = RowMap::<Row>::default();
  let all = events.iter().flat_map(|event| translate(&mut translator, event)).collect::<Vec<_>>();
  for row in all.into_iter().chain(translator.close_all(9_000)) {
    match rows.get_mut(&row.span.row) {
      Some(known) => assert!(known.merge(row).is_none()),
      None => _ = rows.insert(row.span.row, row),
    }
  }
  rows.values().map(written).collect()
}

fn written(row: &Row) -> Value {
  let mut body = Vec::new();
  write_row(&mut body, row, &[]);
  serde_json::from_slice(&body).unwrap()
}

fn event(kind: &str, at: i64, span: Value) -> Value {
  json!({ "type": kind, "timestamp": at, "spanId": ROW, "rootSpanId": TRACE, "span": span })
}

#[test]
fn updates_of_one_span_are_merged_as_the_server_does_it() {
  let spans = merged(&[
    event(
      "span_start",
      1_000,
      json!({ "name": "n", "type": "function", "input": { "a": { "b": 1 } } }),
    ),
    event(
      "span_log",
      2_000,
      json!({ "input": { "a": { "c": 2 } }, "tags": ["x"], "metadata": { "m": { "n": 1 } } }),
    ),
    event(
      "span_log",
      3_000,
      json!({ "name": "later", "tags": ["y", "x"], "scores": { "s": 0.5 }, "metadata": { "m": { "o": [] } } }),
    ),
    event(
      "span_end",
      4_000,
      json!({ "end": 3_500, "output": null, "metrics": { "k": 1, "end": 7 } }),
    ),
    event("span_log", 5_000, json!({ "scores": { "t": 1 }, "expected": "e" })),
  ]);
  let [span] = spans.try_into().unwrap();
  assert_eq!(span["span_attributes"], json!({ "name": "later", "type": "function" }));
  assert_eq!(span["input"], json!({ "a": { "b": 1, "c": 2 } }));
  assert_eq!(span["metadata"], json!({ "m": { "n": 1, "o": [] } }));
  assert_eq!(span["tags"], json!(["x", "y"]));
  assert_eq!(span["scores"], json!({ "s": 0.5, "t": 1 }));
  assert_eq!(span["expected"], "e");
  assert_eq!(span["metrics"], json!({ "start": 1.0, "end": 3.5, "k": 1.0 }));
  assert_eq!(span["root_span_id"], TRACE);
}

#[test]
fn a_span_without_an_end_ends_with_the_process() {
  let [span] = merged(&[event("span_start", 1_000, json!({ "name": "n" }))]).try_into().unwrap();
  assert_eq!(span["metrics"], json!({ "start": 1.0, "end": 9.0 }));
  assert_eq!(span["metadata"], json!({ "flue.interrupted": true }));
}

#[test]
fn an_update_by_the_id_of_the_row_alone_states_no_trace() {
  let log = |update: Value| json!({ "type": "span_log", "spanId": ROW, "span": update });
  let rows = translate(&mut Translator::default(), &log(json!({ "output": 1, "name": "n" })));
  let only =
    json!({ "id": ROW, "_is_merge": true, "span_attributes": { "name": "n" }, "output": 1 });
  assert_eq!(rows.iter().map(written).collect::<Vec<_>>(), [only]);
  for kind in ["span_start", "span_end"] {
    let event = json!({ "type": kind, "timestamp": 1_000, "spanId": ROW, "span": {} });
    assert!(translate(&mut Translator::default(), &event).is_empty());
  }
}

#[test]
fn a_start_that_is_stated_later_stays_to_the_end() {
  let began = event("span_start", 9_000, json!({ "name": "n" }));
  let moved = event("span_log", 9_500, json!({ "start": 1_500, "startSeconds": 1.5004 }));
  let starts = |spans: &[Value]| spans.iter().map(|row| row["metrics"]["start"].clone()).collect();
  let whole = |events: &[Value]| -> Vec<Value> { starts(&merged(events)) };
  let ended = event("span_end", 9_600, json!({ "end": 9_600, "startSeconds": 1.5004 }));
  assert_eq!(whole(&[began.clone(), moved.clone(), ended.clone()]), [json!(1.5004)]);
  // The process ends the span.
  assert_eq!(whole(&[began.clone(), moved.clone()]), [json!(1.5)]);
  assert_eq!(whole(&[began, ended, moved]), [json!(1.5004)]);
}

#[test]
fn updates_of_an_ignored_span_are_ignored() {
  let mut translator = Translator::default();
  let start = event("span_start", 1_000, json!({ "name": "n" })).to_string();
  let start = flue_event::decode(&start, 0).unwrap();
  assert!(translator.would_open(&start));
  translator.ignore(&start);
  for kind in ["span_log", "span_end"] {
    assert!(translate(&mut translator, &event(kind, 2_000, json!({ "output": 1 }))).is_empty());
  }
}

#[test]
fn without_content_only_structure_and_numbers_remain() {
  let update = json!({
    "name": "n", "input": "secret", "output": "secret", "expected": "secret", "error": "secret",
    "metadata": { "secret": 1 }, "tags": ["secret"], "attributes": { "secret": 1 }, "scores": { "secret": 1 },
    "metrics": { "secret": 1, "tokens": 7 },
  });
  for kind in ["span_start", "span_log", "span_end"] {
    let text = event(kind, 1_000, update.clone()).to_string();
    let mut event = flue_event::decode(&text, 0).unwrap();
    event.apply_content_policy(ContentPolicy::NONE);
    let rows = Translator::default().translate(&event);
    let [row] = &rows[..] else { panic!("{kind}") };
    let text = written(row).to_string();
    assert!(!text.contains("secret") && text.contains(r#""tokens":7"#), "{text}");
  }
}

#[test]
fn a_span_in_another_programs_trace_has_its_ids() {
  let uuid = "a1b2c3d4-e5f6-4789-8abc-def012345678";
  let start = json!({ "type": "span_start", "timestamp": 1, "spanId": ROW, "rootSpanId": uuid,
    "parentSpanId": uuid, "span": {} });
  let [span] = merged(&[start]).try_into().unwrap();
  assert_eq!(span["root_span_id"], uuid);
  assert_eq!(span["span_parents"], json!([uuid]));
}

/// Also a later attempt, whose event does not have the caller.
#[test]
fn a_submission_joins_its_callers_trace_if_tracing_is_distributed() {
  let carrier =
    json!({ "traceparent": format!("00-{TRACE}-0011223344556677-01"), "tracestate": "a=b" });
  let start = |operation: &str, carrier: &Value| {
    json!({ "type": "operation_start", "timestamp": 1_000, "v": 3, "submissionId": "s",
      "conversationId": "c", "operationId": operation, "operationKind": "prompt", "$traceCarrier": carrier })
  };
  for distributed in [false, true] {
    let mut translator = Translator::new(Options { distributed, ..Options::default() });
    let first = written(&translate(&mut translator, &start("o1", &carrier))[0]);
    let snapshot = translator.snapshot(2_000, false).unwrap();
    let mut next = Translator::new(Options { distributed, ..Options::default() });
    next.restore(&snapshot).unwrap();
    let again =
      translate(&mut next, &start("o2", &Value::Null)).pop().map(|row| written(&row)).unwrap();
    for row in [&first, &again] {
      assert_eq!(row["root_span_id"] == TRACE, distributed);
      assert_eq!(row["span_parents"] == json!(["0011223344556677"]), distributed);
      assert_eq!(row["id"], first["id"]);
    }
    assert_eq!(first["metadata"]["flue.traceparent"], carrier["traceparent"]);
    assert_eq!(first["metadata"]["flue.tracestate"], "a=b");
    let tool = json!({ "type": "tool_start", "timestamp": 3_000, "v": 3, "submissionId": "s",
      "operationId": "o2", "turnId": "t", "toolCallId": "k", "toolName": "x" });
    let tool = translate(&mut next, &tool).pop().map(|row| written(&row)).unwrap();
    assert_eq!(tool["root_span_id"], again["root_span_id"]);
  }
}

const CALLER: &str = "0011223344556677";

fn operation_start(operation: &str) -> Value {
  json!({ "type": "operation_start", "timestamp": 1_000, "v": 3, "submissionId": "s", "conversationId": "c",
    "operationId": operation, "operationKind": "prompt" })
}

fn caller_named() -> Value {
  let caller = json!({ "spanId": CALLER, "rootSpanId": TRACE, "isWithin": true });
  json!({ "type": "caller_named", "timestamp": 900, "submissionId": "s", "$caller": caller })
}

/// A custom span below the root of the submission, as JavaScript starts it that does not know the caller.
fn below_root() -> Value {
  let own = serde_json::from_value::<FlueContext>(json!({ "submissionId": "s" })).unwrap();
  let trace = own.span().unwrap().trace.to_string();
  json!({ "type": "span_start", "timestamp": 2_000, "spanId": ROW, "rootSpanId": trace, "span": {} })
}

/// Whenever the caller becomes known, also to a process that only has the snapshot of the one that knew it.
#[test]
fn a_submission_with_a_named_caller_is_in_that_trace_with_all_that_is_in_it() {
  let mut queued = caller_named();
  queued["type"] = "submission_queued".into();
  let mut starting = operation_start("o");
  starting["$caller"] = queued["$caller"].clone();
  for events in [
    vec![caller_named(), operation_start("o")],
    vec![queued.clone(), operation_start("o")],
    vec![starting],
    vec![operation_start("o"), caller_named()],
  ] {
    let mut translator = Translator::default();
    for event in &events {
      translate(&mut translator, event);
    }
    let snapshot = translator.snapshot(1_500, false).unwrap();
    let mut next = Translator::default();
    next.restore(&snapshot).unwrap();
    let again = translate(&mut next, &operation_start("later"));
    for translator in [&mut translator, &mut next] {
      let rows = translate(translator, &below_root());
      assert_eq!(rows[0].span.trace.to_string(), TRACE, "{events:?}");
    }
    let root = written(again.last().unwrap());
    assert_eq!(root["root_span_id"], TRACE, "{events:?}");
    assert_eq!(root["span_parents"], json!([CALLER]), "{events:?}");
    for row in translator.close_all(3_000) {
      assert_eq!(row.span.trace.to_string(), TRACE, "{events:?}");
    }
  }
  // A submission that waits, or was bound, when its process dies.
  let mut translator = Translator::default();
  translate(&mut translator, &queued);
  let mut next = Translator::default();
  next.restore(&translator.snapshot(1_500, false).unwrap()).unwrap();
  let root = written(&translate(&mut next, &operation_start("o"))[0]);
  assert_eq!(root["span_parents"], json!([CALLER]));
}

#[test]
fn the_events_of_keyed_submissions_with_one_id_state_the_caller_of_each() {
  let keyed = |kind: &str, at: i64, conversation: &str, span: Option<&str>| {
    let mut event = json!({ "type": kind, "timestamp": at, "v": 3, "submissionId": "sub_ik_1" });
    if !conversation.is_empty() {
      event["conversationId"] = conversation.into();
      event["operationId"] = format!("op_{conversation}").into();
      event["operationKind"] = "prompt".into();
    }
    if let Some(span) = span {
      event["$caller"] = json!({ "spanId": span, "rootSpanId": TRACE, "isWithin": true });
    }
    event
  };
  let other = "8899aabbccddeeff";
  let mut translator = Translator::default();
  for (at, span) in [(1, Some(CALLER)), (2, Some(other)), (3, None)] {
    translate(&mut translator, &keyed("submission_queued", at, "", span));
    translate(&mut translator, &keyed("submission_running", 10 * at, "", None));
  }
  for (conversation, span) in [("c1", Some(other)), ("c2", None), ("c3", Some(CALLER))] {
    let row = &translate(&mut translator, &keyed("operation_start", 100, conversation, span))[0];
    let parents = written(row).get("span_parents").cloned();
    assert_eq!(parents, span.map(|span| json!([span])), "{conversation}");
  }
}

proptest::proptest! {
  /// Whenever the caller is named, and whenever the process dies: never in two traces.
  #[test]
  fn a_submission_is_in_one_trace_whenever_its_caller_is_named(named in 0..12_usize, dies in 0..12_usize) {
    let part = |kind: &str, operation: &str, more: Value| {
      let mut event = json!({ "type": kind, "timestamp": 1_100, "v": 3, "submissionId": "s", "conversationId": "c",
        "operationId": operation, "operationKind": "prompt", "request": {}, "response": {} });
      event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
      event
    };
    let mut events = vec![
      json!({ "type": "submission_queued", "timestamp": 1, "v": 3, "submissionId": "s" }),
      part("operation_start", "o", json!({})),
      part("turn_request", "o", json!({ "turnId": "t" })),
      part("tool_start", "o", json!({ "turnId": "t", "toolCallId": "k", "toolName": "x" })),
      part("operation_start", "o2", json!({ "conversationId": "c2" })),
      below_root(),
      part("turn", "o", json!({ "turnId": "t" })),
      part("tool", "o", json!({ "turnId": "t", "toolCallId": "k", "toolName": "x" })),
      part("operation", "o", json!({})),
    ];
    events.insert(named.min(events.len()), caller_named());
    let mut translator = Translator::default();
    let mut traces = RowMap::<String>::default();
    for (at, event) in events.iter().enumerate() {
      if at == dies && let Some(snapshot) = translator.snapshot(1_200, true) {
        translator = Translator::default();
        translator.restore(&snapshot).unwrap();
      }
      for row in translate(&mut translator, event) {
        traces.insert(row.span.row, row.span.trace.to_string());
      }
    }
    for row in translator.close_all(9_000) {
      traces.insert(row.span.row, row.span.trace.to_string());
    }
    let all: std::collections::BTreeSet<&String> = traces.values().collect();
    proptest::prop_assert_eq!(all.len(), 1, "{:?}", traces);
    // It moves before anything of it has ended, in the process that has begun it.
    if named < 2 || (named <= 6 && dies > named) {
      proptest::prop_assert_eq!(*all.first().unwrap(), TRACE);
    }
  }
}

#[test]
fn a_caller_that_is_named_too_late_or_again_moves_nothing() {
  let turn = |kind: &str| {
    json!({ "type": kind, "timestamp": 1_100, "v": 3, "submissionId": "s", "conversationId": "c",
      "operationId": "o", "turnId": "t", "request": {}, "response": {} })
  };
  let mut translator = Translator::default();
  let root = written(&translate(&mut translator, &operation_start("o"))[0]);
  translate(&mut translator, &turn("turn_request"));
  translate(&mut translator, &turn("turn"));
  let late = written(&translate(&mut translator, &caller_named())[0]);
  assert_eq!((&late["id"], &late["root_span_id"]), (&root["id"], &root["root_span_id"]));
  assert_eq!(late.get("span_parents"), None);
  assert_eq!(late["metadata"]["flue.caller_span_id"], CALLER);
  assert_eq!(late["metadata"]["flue.caller_root_span_id"], TRACE);

  let mut translator = Translator::default();
  translate(&mut translator, &caller_named());
  let mut again = caller_named();
  again["$caller"]["rootSpanId"] = ROW.into();
  assert!(translate(&mut translator, &again).is_empty());
  let root = written(&translate(&mut translator, &operation_start("o"))[0]);
  assert_eq!(root["root_span_id"], TRACE);
}

/// Only what begins a trace in this process counts as its root.
#[test]
fn the_root_of_a_submission_is_no_root_of_a_trace_that_this_process_has_begun() {
  for is_within in [true, false] {
    let mut start = operation_start("o");
    start["$caller"] = json!({ "spanId": CALLER, "rootSpanId": TRACE, "isWithin": is_within });
    let rows = translate(&mut Translator::default(), &start);
    assert_eq!(rows[0].is_root, !is_within);
  }
}

#[test]
fn callers_with_ids_of_another_form_are_ignored() {
  for (span, trace) in [("", TRACE), (CALLER, ""), ("x", TRACE), (CALLER, "x"), (TRACE, CALLER)] {
    let mut start = operation_start("o");
    start["$caller"] = json!({ "spanId": span, "rootSpanId": trace });
    let root = written(&translate(&mut Translator::default(), &start)[0]);
    assert_eq!(root.get("span_parents"), None, "{span} {trace}");
  }
}

/// Flue processes all submissions in the async context of whoever dispatched first.
#[test]
fn a_span_of_the_context_of_other_work_is_no_parent_of_a_root() {
  let outer = || {
    let mut start = operation_start("o");
    start["$outerSpan"] = ROW.into();
    start
  };
  let mut translator = Translator::default();
  translate(&mut translator, &event("span_start", 1, json!({})));
  let root = written(&translate(&mut translator, &outer())[0]);
  assert_eq!(root.get("span_parents"), None);
  let mut nested = outer();
  (nested["operationId"], nested["conversationId"]) = ("o2".into(), "c2".into());
  let nested = written(&translate(&mut translator, &nested)[0]);
  assert_eq!(nested["span_parents"], json!([ROW.get(..16)]));
}

#[test]
fn a_run_joins_its_callers_trace_with_all_that_is_in_it() {
  let carrier = json!({ "traceparent": format!("00-{TRACE}-0011223344556677-01") });
  let mut translator = Translator::new(Options { distributed: true, ..Options::default() });
  for event in [
    json!({ "type": "run_start", "timestamp": 1, "v": 3, "runId": "r", "workflowName": "w", "$traceCarrier": carrier }),
    json!({ "type": "operation_start", "timestamp": 2, "v": 3, "runId": "r", "operationId": "o", "operationKind": "prompt" }),
    json!({ "type": "turn_request", "timestamp": 3, "v": 3, "runId": "r", "operationId": "o", "turnId": "t", "request": {} }),
    json!({ "type": "run_end", "timestamp": 4, "v": 3, "runId": "r", "result": 1 }),
  ] {
    let rows = translate(&mut translator, &event);
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row.span.trace.to_string() == TRACE), "{event}");
  }
}

/// JavaScript identifies a span by the ids of Flue's contexts alone; the translator must use the same span.
#[test]
fn javascript_and_the_translator_identify_the_same_spans() {
  for release in ["1.0.0-beta.9", "2.1.0"] {
    let mut compared = 0;
    for name in recordings(release) {
      let Some(lines) = super::processes(release, &name).into_iter().next() else { continue };
      let (mut translator, mut roots) = (Translator::default(), std::collections::HashMap::new());
      for line in lines {
        let rows = translator.translate(&flue_event::decode(&line, 0).unwrap());
        let event: Value = serde_json::from_str(&line).unwrap();
        let id = |name: &str| event[name].as_str().map(str::to_owned);
        let is_delivered = id("submissionId").or(id("dispatchId")).is_some();
        if event["type"] == "operation_start" && id("taskId").is_none() && is_delivered {
          let delivery = (id("submissionId"), id("dispatchId"));
          let root = (id("conversationId"), id("operationId"));
          let known = roots.entry(delivery).or_insert(root.clone());
          if known.0 == root.0 {
            *known = root;
          }
        }
        let kind = event["type"].as_str().unwrap();
        let is_shown = !["task", "shell"].contains(&event["operationKind"].as_str().unwrap_or(""));
        if !["operation_start", "turn_request", "tool_start"].contains(&kind) || !is_shown {
          continue;
        }
        let root = roots.get(&(id("submissionId"), id("dispatchId")));
        let conversation = root.and_then(|(conversation, _)| conversation.clone());
        let is_lone = !is_delivered && id("runId").is_none();
        if is_lone && id("taskId").is_some() {
          // Only the async context has its root.
          continue;
        }
        let root_operation = root.and_then(|(_, operation)| operation.clone());
        let root_operation = root_operation.or(id("operationId").filter(|_| is_lone));
        // The context of a dispatch has its id twice, its events have it once.
        let context = json!({
          "runId": id("runId"), "submissionId": id("submissionId").or(id("dispatchId")), "dispatchId": id("dispatchId"),
          "conversationId": conversation, "operationId": id("operationId"), "rootOperationId": root_operation,
          "turnId": id("turnId"), "toolCallId": id("toolCallId"),
        });
        let context: FlueContext = serde_json::from_value(context).unwrap();
        if let Some(row) = rows.iter().rfind(|row| row.name.is_some()) {
          assert_eq!(context.span().unwrap(), row.span, "{release} {name}: {line}");
          compared += 1;
        }
      }
    }
    assert!(compared > 50, "{release}: {compared}");
  }
}

#[test]
fn the_root_of_a_submission_follows_from_its_id_alone_unless_it_is_keyed() {
  let span = |context: Value| serde_json::from_value::<FlueContext>(context).unwrap().span();
  let plain = span(json!({ "submissionId": "sub_1" })).unwrap();
  for conversation in ["a", "b"] {
    let ids = json!({ "submissionId": "sub_1", "conversationId": conversation });
    assert_eq!(span(ids), Some(plain));
  }
  let keyed =
    |conversation| span(json!({ "submissionId": "sub_ik_1", "conversationId": conversation }));
  assert_ne!(keyed(Some("a")), keyed(Some("b")));
  assert_eq!(keyed(None), None);
  let alone = span(json!({ "operationId": "op_1" })).unwrap();
  assert_eq!(Some(alone), span(json!({ "operationId": "op_1", "rootOperationId": "op_1" })));
  let task = span(json!({ "submissionId": "sub_1", "taskId": "task_1" })).unwrap();
  assert_eq!(task.trace, plain.trace);
  assert_ne!(task.row, plain.row);
}

/// Also those whose start never came, and those that another process left open.
#[test]
fn a_name_that_the_application_gives_flues_span_stays_until_its_end() {
  let of_flue = |kind: &str, at: i64| {
    json!({ "v": 3, "type": kind, "timestamp": at, "submissionId": "s", "conversationId": "c",
      "operationId": "o", "operationKind": "prompt", "turnId": "t", "toolCallId": "k", "toolName": "x" })
  };
  let rename = |row: &Value| {
    json!({ "type": "span_log", "timestamp": 5, "spanId": row["id"], "rootSpanId": row["root_span_id"],
      "span": { "name": format!("my {}", row["span_attributes"]["name"]), "type": "function" } })
  };
  for starts in [vec!["operation_start", "turn_request", "tool_start"], vec!["tool_start"]] {
    for is_left in [false, true] {
      let mut translator = Translator::default();
      let started: Vec<_> = starts
        .iter()
        .flat_map(|start| translate(&mut translator, &of_flue(start, 1)))
        .map(|row| written(&row))
        .collect();
      let renamed: Vec<_> = started.iter().map(rename).collect();
      for event in &renamed {
        translate(&mut translator, event);
      }
      if is_left {
        let snapshot = translator.snapshot(2, true).unwrap();
        translator = Translator::default();
        translator.restore(&snapshot).unwrap();
      }
      let mut ended = Vec::new();
      for end in ["tool", "turn", "operation"] {
        ended.extend(translate(&mut translator, &of_flue(end, 9)).iter().map(written));
      }
      for start in &started {
        let end = ended.iter().find(|row| row["id"] == start["id"]).unwrap();
        let name = format!("my {}", start["span_attributes"]["name"]);
        assert_eq!(end["span_attributes"], json!({ "name": name, "type": "function" }));
      }
    }
  }
}

/// Work that its caller names late, and a part of it that has a nearer caller, included.
#[test]
fn flues_spans_get_what_a_span_above_them_propagates_and_a_scorer_has_no_cost() {
  let of_flue = |kind: &str, operation: &str, added: Value| {
    let mut event = json!({ "v": 3, "type": kind, "timestamp": 1, "submissionId": "s", "conversationId": "c",
      "operationId": operation, "operationKind": "prompt", "turnId": "t", "toolCallId": "k", "toolName": "x",
      "usage": { "input": 1, "totalTokens": 1, "cost": { "total": 0.5 } } });
    event.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
    event
  };
  let gives = |tenant: &str| json!({ "metadata": { "tenant": tenant }, "tags": ["t"], "attributes": { "purpose": "scorer" } });
  let caller = json!({ "spanId": "0011223344556677", "rootSpanId": TRACE });
  let named = json!({ "$caller": caller, "$propagated": gives("far") });
  let tool = json!({ "$callingTool": { "toolCallId": "k", "turnId": "t", "operationId": "o" }, "$propagated": gives("near") });
  let is_late = |late: bool| if late { json!({}) } else { named.clone() };
  for late in [false, true] {
    let mut events = vec![of_flue("operation_start", "o", is_late(late))];
    if late {
      events.push(of_flue("caller_named", "o", named.clone()));
    }
    events.extend([
      of_flue("turn_request", "o", json!({})),
      of_flue("tool_start", "o", json!({})),
      of_flue("operation_start", "below", tool.clone()),
      of_flue("operation", "below", json!({})),
      of_flue("tool", "o", json!({})),
      of_flue("turn", "o", json!({})),
      of_flue("operation", "o", json!({})),
    ]);
    let spans = merged(&events);
    assert_eq!(spans.len(), 4);
    for span in spans {
      assert_eq!(span["metadata"]["tenant"], "far", "{span}");
      assert_eq!(span["tags"], json!(["t"]));
      assert_eq!(span["span_attributes"]["purpose"], "scorer");
      assert_ne!(span["span_attributes"]["name"], Value::Null);
      assert_eq!(span["metrics"]["estimated_cost"], Value::Null);
    }
  }
  // A custom span is known by its id alone: what it gives comes with the event.
  let mut translator = Translator::default();
  translate(&mut translator, &event("span_start", 1, json!({ "name": "n" })));
  let within = json!({ "runId": "r", "$callingTool": { "toolCallId": "k" }, "$callingSpan": ROW,
    "$propagated": gives("near") });
  let text = of_flue("operation_start", "o", within).to_string();
  let row = translator.translate(&flue_event::decode(&text, 0).unwrap()).pop().unwrap();
  assert_eq!(written(&row)["metadata"]["tenant"], "near");
  // No snapshot has content, nor has a row whose policy leaves it out.
  let snapshot = String::from_utf8(translator.snapshot(2, true).unwrap()).unwrap();
  assert!(!snapshot.contains("near") && !snapshot.contains("scorer"), "{snapshot}");
  let mut event = flue_event::decode(&text, 0).unwrap();
  event.apply_content_policy(ContentPolicy::NONE);
  let row = Translator::default().translate(&event).pop().unwrap();
  assert!(!written(&row).to_string().contains("near"));
}

#[test]
fn a_type_that_the_application_gives_a_run_stays_although_its_start_comes_later() {
  let of_flue = |kind: &str| json!({ "type": kind, "timestamp": 1, "runId": "r", "workflowName": "w", "operationId": "o" });
  let mut translator = Translator::default();
  let run = written(&translate(&mut translator, &of_flue("operation_start"))[0]);
  let typed = json!({ "type": "span_log", "timestamp": 5, "spanId": run["id"],
    "rootSpanId": run["root_span_id"], "span": { "type": "automation" } });
  translate(&mut translator, &typed);
  for kind in ["run_start", "run_end"] {
    let rows: Vec<_> = translate(&mut translator, &of_flue(kind)).iter().map(written).collect();
    let row = rows.iter().find(|row| row["id"] == run["id"]).unwrap();
    assert_eq!(
      row["span_attributes"],
      json!({ "name": "workflow:w", "type": "automation" }),
      "{kind}"
    );
  }
}
