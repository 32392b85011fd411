//! Events of any content: nothing panics, and the rows are a trace.

use proptest::{collection::vec, prelude::*, sample::select};
use serde::de::IgnoredAny;

use super::{
  OWN_KINDS, Translator, end_of_nested, nested,
  trace::{Trace, name},
  translate,
};
use braintrust_row::{Row, write_row};
use flue_event::TRANSLATED_KINDS;

/// The members that events have.
const IDS: [&str; 11] = [
  "runId",
  "instanceId",
  "submissionId",
  "dispatchId",
  "conversationId",
  "session",
  "taskId",
  "operationId",
  "turnId",
  "toolCallId",
  "parentSession",
];
const OTHERS: [&str; 38] = [
  "v",
  "eventIndex",
  "startedAt",
  "workflowName",
  "input",
  "payload",
  "result",
  "isError",
  "error",
  "errorInfo",
  "durationMs",
  "outcome",
  "operationKind",
  "agentInput",
  "agentOutput",
  "usage",
  "purpose",
  "request",
  "response",
  "toolName",
  "args",
  "origin",
  "effectiveResult",
  "prompt",
  "agent",
  "reason",
  "estimatedTokens",
  "messagesBefore",
  "kind",
  "attemptCount",
  "maxAttempts",
  "level",
  "message",
  "attributes",
  "model",
  "output",
  "stopReason",
  "$callingTool",
];
/// Members of the objects in them.
const INNER: [&str; 16] = [
  "text",
  "content",
  "details",
  "exitCode",
  "input",
  "messages",
  "$history",
  "kept",
  "systemPrompt",
  "tools",
  "role",
  "output",
  "name",
  "message",
  "total",
  "metadata",
];

fn word() -> impl Strategy<Value = String> {
  select(vec![
    "null",
    "true",
    "0",
    "-1",
    "7",
    "1e308",
    "-9e99",
    "1e999",
    "0.5",
    "\"\"",
    "\"user\"",
    "\"task\"",
    "\"prompt\"",
    "\"failed\"",
    "\"compaction\"",
    "\"\\ud83d\\ude00\"",
    "\"image\"",
    "\"2026-11-23T07:02:44.633Z\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\"yesterday\"",
    "[]",
    "{}",
  ])
  .prop_map(str::to_owned)
}

fn object(members: Vec<(&str, String)>) -> String {
  let mut seen = Vec::new();
  let members: Vec<String> = members
    .into_iter()
    .filter(|(name, _)| {
      !seen.contains(name) && {
        seen.push(*name);
        true
      }
    })
    .map(|(name, value)| format!("\"{name}\":{value}"))
    .collect();
  format!("{{{}}}", members.join(","))
}

fn value() -> impl Strategy<Value = String> {
  word().prop_recursive(4, 24, 4, |inner| {
    prop_oneof![
      vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
      vec((select(&INNER[..]), inner), 0..4).prop_map(object),
    ]
  })
}

/// Few different ids, so that events meet in all ways.
fn id() -> impl Strategy<Value = String> {
  prop_oneof![8 => select(vec!["\"a\"", "\"b\"", "\"c\""]).prop_map(str::to_owned), 1 => value()]
}

fn event() -> impl Strategy<Value = String> {
  let ids = vec((select(&IDS[..]), id()), 0..8);
  let others = vec((select(&OTHERS[..]), value()), 0..8);
  let time = prop_oneof![
    4 => (0..100i64).prop_map(|second| format!("\"2026-11-23T07:02:{:02}Z\"", second % 60)),
    1 => value(),
  ];
  let kinds: Vec<&str> = TRANSLATED_KINDS.iter().chain(OWN_KINDS).copied().collect();
  (select(kinds), ids, others, time, caller()).prop_map(|(kind, ids, others, time, caller)| {
    let own = [("type", format!("\"{kind}\"")), ("timestamp", time), ("$caller", caller)];
    object(own.into_iter().chain(ids).chain(others).collect())
  })
}

/// A span under which work runs: one of two, none, or garbage.
fn caller() -> impl Strategy<Value = String> {
  let span = |digit: char| {
    let [span, trace] = [16, 32].map(|digits| digit.to_string().repeat(digits));
    format!(r#"{{"spanId":"{span}","rootSpanId":"{trace}","isWithin":true}}"#)
  };
  prop_oneof![6 => Just("null".to_owned()), 1 => Just(span('1')), 1 => Just(span('2')), 1 => value()]
}

/// Takes in rows that are each JSON, and end after they start.
fn take(trace: &mut Trace, rows: Vec<Row>) {
  for row in &rows {
    let mut body = Vec::new();
    write_row(&mut body, row, &[]);
    let text = String::from_utf8(body).unwrap();
    assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{text}");
    if let (Some(start), Some(end)) = (row.metrics.get("start"), row.metrics.get("end")) {
      assert!(end >= start, "{text}");
    }
  }
  trace.take(rows);
}

fn translate_all(translator: &mut Translator, events: &[String], trace: &mut Trace) {
  for text in events {
    take(trace, translator.translate(&flue_event::decode(text, NOW).unwrap()));
  }
}

/// 2026-11-23T07:02:44Z.
const NOW: i64 = 1_795_417_364_000;

proptest! {
  #![proptest_config(ProptestConfig::with_cases(256))]

  #[test]
  fn whatever_the_events_every_span_closes_and_every_row_is_json(
    events in vec(event(), 0..40), crash in 0..40usize,
  ) {
    let (first, second) = events.split_at(crash.min(events.len()));
    let mut trace = Trace::default();
    let mut crashed = Translator::default();
    translate_all(&mut crashed, first, &mut trace);
    let mut translator = Translator::default();
    if let Some(snapshot) = crashed.snapshot(NOW, true) {
      take(&mut trace, translator.restore(&snapshot).unwrap());
    }
    translate_all(&mut translator, second, &mut trace);
    take(&mut trace, translator.drop_orphaned(NOW, i64::MAX));
    take(&mut trace, translator.close_all(NOW));
    prop_assert_eq!(translator.open_spans(), 0);
    for (id, row) in &trace.rows {
      prop_assert!(trace.closed.contains_key(id) || row.name.is_none(), "{} is open", name(row));
    }
  }

  #[test]
  fn an_event_without_ids_still_becomes_a_row(
    others in vec((select(&OTHERS[..]), value()), 0..8),
    kind in select(vec!["run_start", "run_end", "operation_start", "operation", "turn_request", "turn",
      "tool_start", "tool", "tool_call", "task_start", "task", "compaction_start"]),
  ) {
    let text = object([("type", format!("\"{kind}\""))].into_iter().chain(others).collect());
    let rows = Translator::default().translate(&flue_event::decode(&text, 0).unwrap());
    prop_assert!(!rows.is_empty(), "{text}");
  }

  #[test]
  fn any_text_is_decoded_or_rejected(text in any::<String>()) {
    drop(flue_event::decode(&text, 0));
  }
}

#[test]
fn nesting_of_any_depth_is_kept() {
  let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
  let members = r#""timestamp":"2026-11-23T07:02:44Z","operationId":"o","turnId":"t""#;
  let mut trace = Trace::default();
  let events = [
    format!(r#"{{"type":"tool_start",{members},"toolCallId":"c","args":{deep}}}"#),
    format!(
      r#"{{"type":"turn_request",{members},"input":{{"messages":[{{"role":"user","content":{deep}}}],"tools":{deep}}}}}"#
    ),
    format!(r#"{{"type":"tool","v":3,{members},"toolCallId":"c","result":{{"content":{deep}}}}}"#),
  ];
  translate(&events, &mut trace);
  let tool = trace.named("tool:unknown").next().unwrap();
  assert_eq!(tool.input.as_ref().unwrap().as_str().len(), deep.len());
  assert_eq!(tool.output.as_ref().unwrap().as_str().len(), deep.len());
}

#[test]
fn spans_may_be_nested_as_deep_as_there_are_events() {
  let mut events = nested(8_000);
  events.push(end_of_nested());
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  translate_all(&mut translator, &events, &mut trace);
  assert_eq!(translator.open_spans(), 0);
  assert_eq!(trace.closed.len(), 16_001);
}

#[test]
fn spans_whose_ends_never_come_are_evicted() {
  let at = r#""timestamp":"2026-11-23T07:02:44Z""#;
  let mut events = vec![format!(r#"{{"type":"operation_start",{at},"operationId":"o"}}"#)];
  for n in 0..20_000 {
    let at = format!(r#""timestamp":"2026-11-23T07:03:{:02}.{:03}Z""#, n / 1000, n % 1000);
    events.push(format!(r#"{{"type":"tool_start",{at},"operationId":"o","toolCallId":"c{n}"}}"#));
  }
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  translate_all(&mut translator, &events, &mut trace);
  assert!(translator.open_spans() <= 16_384);
  let closed = trace.named("tool:unknown").filter(|tool| tool.metrics.contains("end")).count();
  assert_eq!(closed + translator.open_spans(), 20_001);
  assert!(!trace.named("flue.operation").any(|operation| operation.metrics.contains("end")));
}

#[test]
fn of_spans_that_are_nested_without_end_the_innermost_are_evicted() {
  let at = r#""timestamp":"2026-11-23T07:02:44Z""#;
  let mut events = Vec::new();
  for n in 0..9_000 {
    events
      .push(format!(r#"{{"type":"tool_start",{at},"operationId":"o{n}","toolCallId":"c{n}"}}"#));
    let caller = format!(r#""$callingTool":{{"toolCallId":"c{n}","operationId":"o{n}"}}"#);
    events
      .push(format!(r#"{{"type":"operation_start",{at},"operationId":"o{}",{caller}}}"#, n + 1));
  }
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  translate_all(&mut translator, &events, &mut trace);
  assert!(translator.open_spans() <= 16_384);
  assert!(!trace.closed.is_empty());
}

#[test]
fn an_implicit_operation_is_not_below_the_task_that_it_delegates() {
  let events =
    [r#"{"type":"task_start","timestamp":"2026-11-23T07:02:44Z","operationId":"o","taskId":"t"}"#];
  let mut trace = Trace::default();
  translate(&events.map(str::to_owned), &mut trace);
  let task = trace.named("flue.task").next().unwrap();
  assert_eq!(trace.path(task), ["flue.task", "flue.operation"]);
}

#[test]
fn ids_may_be_numbers() {
  let events = [
    r#"{"type":"tool_start","timestamp":1795417364000,"operationId":7,"toolCallId":0}"#,
    r#"{"type":"tool","timestamp":1795417365000,"operationId":7,"toolCallId":0,"durationMs":-4}"#,
  ];
  let mut trace = Trace::default();
  translate(&events.map(str::to_owned), &mut trace);
  let tool = trace.named("tool:unknown").next().unwrap();
  assert_eq!(*tool.metrics.get("start").unwrap(), 1_795_417_364.0);
  assert_eq!(*tool.metrics.get("end").unwrap(), 1_795_417_365.0);
  assert!(!tool.metrics.contains("duration_ms"));
  assert_eq!(tool.metadata.get("flue.operation_id").unwrap().as_str(), r#""7""#);
}

#[test]
fn a_list_is_not_taken_for_an_object() {
  let events = [
    r#"{"type":"operation","timestamp":"2026-11-23T07:02:44Z","operationId":"o","result":["a","b"]}"#,
  ];
  let mut trace = Trace::default();
  translate(&events.map(str::to_owned), &mut trace);
  let operation = trace.named("flue.operation").next().unwrap();
  assert_eq!(operation.output.as_ref().unwrap().as_str(), r#"["a","b"]"#);
  assert!(flue_event::decode(r#"["run_end"]"#, NOW).is_err());
}

#[test]
fn a_turn_that_is_ignored_takes_no_messages_from_later_turns() {
  let at = r#""timestamp":"2026-11-23T07:02:44Z","operationId":"o","conversationId":"c""#;
  let request = |turn: u32, kept: usize, messages: &str| {
    let input =
      format!(r#"{{"$history":{{"kept":{kept},"systemPrompt":false}},"messages":{messages}}}"#);
    format!(
      r#"{{"type":"turn_request","v":3,{at},"turnId":"t{turn}","purpose":"agent","request":{{"input":{input}}}}}"#
    )
  };
  let events = [
    request(1, 0, r#"[{"role":"user","content":"one"}]"#),
    request(2, 1, r#"[{"role":"user","content":"two"},{"role":"user","content":"three"}]"#),
    request(3, 3, r#"[{"role":"user","content":"four"}]"#),
  ];
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  for (turn, text) in (1..).zip(&events) {
    let event = flue_event::decode(text, NOW).unwrap();
    if turn == 2 {
      assert!(translator.would_open(&event));
      translator.ignore(&event);
      assert!(!translator.would_open(&event));
    } else {
      take(&mut trace, translator.translate(&event));
    }
  }
  let inputs: Vec<_> = trace.rows.values().filter_map(|row| row.input.clone()).collect();
  let last = inputs.last().unwrap().as_str().into_owned();
  for message in ["one", "two", "three", "four"] {
    assert!(last.contains(message), "{message} is missing in {last}");
  }
  assert_eq!(inputs.len(), 2);
}
