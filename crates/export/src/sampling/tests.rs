use std::collections::HashMap;

use braintrust_row::{Json, SpanContext};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::*;

fn sampling(options: Value) -> Sampling {
  let mut all = json!({ "apiKey": "k" });
  all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
  Sampling::new(&Settings::parse(&json!({ "options": all }).to_string()).unwrap())
}

/// A row of a span in a trace: 0 is its root.
fn row(trace: u32, span: u8) -> Row {
  let root = SpanContext::root("run", &[&trace.to_string()]);
  let mut row = match span {
    0 => Row::of(root),
    _ => Row::of(SpanContext::child(root.trace, "turn", &[&trace.to_string(), &span.to_string()])),
  };
  row.stage = (span == 0).then_some(Stage::Begins);
  row
}

fn start(trace: u32, span: u8) -> Row {
  Row { created: Some(0), ..row(trace, span) }
}

fn end(trace: u32, span: u8, fails: bool) -> Row {
  // The row of an end repeats the start.
  let mut row = start(trace, span);
  row.stage = row.stage.map(|_| Stage::Ends);
  row.set_metric("end", Some(1.0));
  row.error = Some(if fails { Json::text("failed") } else { Json::null() });
  row
}

#[test]
fn a_trace_that_another_process_has_recorded_is_recorded_here_whatever_was_decided() {
  let adopts = |sampling: &mut Sampling| sampling.record([row(1, 0).span.trace].into_iter());
  let keeping = || sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  // It waits for an error.
  let mut one = keeping();
  one.sort(vec![start(1, 0), start(1, 1), end(1, 1, false)]);
  assert_eq!((adopts(&mut one).len(), one.memory_bytes()), (3, 0));
  assert_eq!(one.sort(vec![end(1, 0, false)]).0.len(), 1);
  // It was left out.
  let mut one = keeping();
  one.sort(vec![start(1, 0), end(1, 0, false)]);
  assert_eq!(adopts(&mut one).len(), 0);
  assert_eq!(one.sort(vec![end(1, 1, false)]).0.len(), 1);
  // The application has decided that it waits.
  let mut one = keeping();
  one.decide(row(1, 0).span.trace, false);
  one.sort(vec![start(1, 0), start(1, 1)]);
  assert_eq!(adopts(&mut one).len(), 2);
  assert_eq!(one.sort(vec![end(1, 0, false), end(1, 1, true)]).0.len(), 2);
}

proptest! {
  #[test]
  fn a_trace_is_sent_whole_if_it_is_sampled_or_fails_and_otherwise_each_of_its_spans_is_counted(
    rate in prop_oneof![Just(0.0), Just(0.5), Just(1.0)],
    keeps in any::<bool>(),
    traces in vec((0_u8..4, any::<bool>(), 0_u8..4), 1..20),
  ) {
    let mut sampling = sampling(json!({ "sampleRate": rate, "keepErrors": keeps }));
    let (mut sent, mut left_out) = (HashMap::<TraceId, usize>::new(), 0);
    let mut expected_out = 0;
    for (trace, (children, fails, failing)) in (0..).zip(&traces) {
      let mut rows = vec![start(trace, 0)];
      for child in 1..=*children {
        rows.extend([start(trace, child), end(trace, child, *fails && child == *failing)]);
      }
      rows.push(end(trace, 0, *fails && (*failing == 0 || *failing > *children)));
      let (count, id) = (rows.len(), row(trace, 0).span.trace);
      for row in rows {
        let (rows, out) = sampling.sort(vec![row]);
        rows.iter().for_each(|row| *sent.entry(row.span.trace).or_default() += 1);
        left_out += out;
      }
      let is_sent = id.share() < rate || (keeps && *fails);
      prop_assert_eq!(sent.get(&id).copied().unwrap_or(0), if is_sent { count } else { 0 });
      expected_out += if is_sent { 0 } else { usize::from(*children) + 1 };
    }
    prop_assert_eq!(left_out, expected_out);
    prop_assert_eq!(sampling.memory_bytes(), 0);
  }
}

#[test]
fn the_application_decides_in_place_of_the_rate_and_an_error_in_place_of_both() {
  let mut kept = sampling(json!({ "sampleRate": 0 }));
  kept.decide(row(1, 0).span.trace, true);
  assert_eq!(kept.sort(vec![start(1, 0), start(2, 0)]).0.len(), 1);
  let mut sampling = sampling(json!({ "keepErrors": true }));
  sampling.decide(row(1, 0).span.trace, false);
  assert!(sampling.sort(vec![start(1, 0), start(1, 1)]).0.is_empty());
  assert_eq!(sampling.sort(vec![end(1, 1, true)]).0.len(), 3);
  sampling.decide(row(1, 0).span.trace, false);
  assert_eq!(sampling.sort(vec![end(1, 0, false)]).0.len(), 1);
}

#[test]
fn an_error_of_a_later_root_in_the_same_trace_is_kept() {
  let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  assert_eq!(sampling.sort(vec![start(1, 0), end(1, 0, false)]).1, 1);
  assert_eq!(sampling.sort(vec![end(1, 1, true)]).0.len(), 0);
  assert_eq!(sampling.sort(vec![start(1, 0), end(1, 0, true)]).0.len(), 2);
}

#[test]
fn a_custom_span_that_outlasts_its_root_or_begins_later_may_fail() {
  let custom = |row: Row| Row { custom: Some(Box::default()), ..row };
  for (fails, sent, left_out) in [(true, 4, 0), (false, 0, 2)] {
    let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
    sampling.sort(vec![custom(start(1, 0)), custom(start(1, 1))]);
    assert_eq!(sampling.sort(vec![custom(end(1, 0, false))]).1, 0);
    let (rows, count) = sampling.sort(vec![custom(end(1, 1, fails))]);
    assert_eq!((rows.len(), count, sampling.memory_bytes()), (sent, left_out, 0));
    // Below a span of another process, each waits for itself.
    let count = sampling.sort(vec![custom(start(2, 1)), custom(end(2, 1, false))]).1;
    assert_eq!((count, sampling.memory_bytes()), (1, 0));
    let (rows, count) = sampling.sort(vec![custom(start(2, 2)), custom(end(2, 2, fails))]);
    assert_eq!((rows.len(), count), if fails { (2, 0) } else { (0, 1) });
  }
}

/// The members of all events of a submission.
fn of(submission: &str, kind: &str, more: Value) -> Value {
  let mut event = json!({ "v": 3, "type": kind, "timestamp": 1_000, "submissionId": submission, "agentName": "A",
    "instanceId": "i" });
  event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  event
}

/// The events of a submission under the span `job`, if that is its caller.
fn submission(id: &str, is_called: bool, operation: Value, settlement: Value) -> [Value; 4] {
  let ids =
    json!({ "conversationId": "c", "operationId": format!("op_{id}"), "operationKind": "prompt" });
  let mut start = of(id, "operation_start", ids.clone());
  if is_called {
    start["$caller"] = json!({ "spanId": "0011223344556677", "rootSpanId": JOB, "isWithin": true });
  }
  let mut end = of(id, "operation", ids);
  end.as_object_mut().unwrap().extend(operation.as_object().unwrap().clone());
  let running = of(id, "submission_running", json!({ "attemptCount": 1 }));
  [running, start, end, of(id, "submission_settled", settlement)]
}

fn completed(id: &str, is_called: bool) -> [Value; 4] {
  submission(id, is_called, json!({ "isError": false }), json!({ "outcome": "completed" }))
}

/// It exceeds its time: Flue aborts its operation, and states the error when it settles it.
fn timed_out(id: &str, is_called: bool) -> [Value; 4] {
  let operation =
    json!({ "isError": true, "error": { "name": "AbortError", "message": "aborted" } });
  let error = json!({ "name": "FlueError", "message": "timed out", "type": "submission_timeout" });
  submission(id, is_called, operation, json!({ "outcome": "failed", "error": error }))
}

/// The ids of a custom span.
const JOB: &str = "00112233445566778899aabbccddeeff";

fn job(kind: &str) -> Value {
  json!({ "type": kind, "timestamp": 1_000, "spanId": JOB, "rootSpanId": JOB, "span": { "name": "job" } })
}

/// Which spans are sent where only errors are kept, and how many are left out.
fn kept<'e>(events: impl IntoIterator<Item = &'e Value>) -> (Vec<RowId>, usize) {
  let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  let mut translator = translate::Translator::default();
  let (mut sent, mut left_out) = (HashSet::new(), 0);
  for event in events {
    let text = event.to_string();
    let rows = translator.translate(&flue_event::decode(&text, 0).unwrap());
    let (rows, out) = sampling.sort(rows);
    sent.extend(rows.iter().map(|row| row.span.row));
    left_out += out;
  }
  assert_eq!(sampling.memory_bytes(), 0);
  (sent.into_iter().collect(), left_out)
}

#[test]
fn a_submission_is_kept_whose_error_comes_only_with_its_settlement() {
  let (sent, left_out) = kept(&timed_out("s", false));
  assert_eq!((sent.len(), left_out), (1, 0));
  let (sent, left_out) = kept(&completed("s", false));
  assert_eq!((sent.len(), left_out), (0, 1));
}

#[test]
fn work_that_fails_under_a_span_that_has_ended_is_kept() {
  let before = [job("span_start"), job("span_end")];
  let (sent, left_out) = kept(before.iter().chain(&timed_out("s", true)));
  assert_eq!((sent.len(), left_out), (1, 1));
  let (sent, left_out) = kept(before.iter().chain(&completed("s", true)));
  assert_eq!((sent.len(), left_out), (0, 2));
}

#[test]
fn a_trace_waits_until_all_work_in_it_has_ended() {
  let (start, end) = ([job("span_start")], [job("span_end")]);
  let (good, bad) = (completed("s1", true), timed_out("s2", true));
  let (sent, left_out) = kept(start.iter().chain(&good).chain(&bad).chain(&end));
  assert_eq!((sent.len(), left_out), (3, 0));
  let (begun, rest) = bad.split_at(2);
  let (sent, left_out) = kept(start.iter().chain(begun).chain(&end).chain(rest));
  assert_eq!((sent.len(), left_out), (2, 0));
  let (begun, rest) = good.split_at(2);
  let (sent, left_out) = kept(start.iter().chain(begun).chain(&end).chain(rest));
  assert_eq!((sent.len(), left_out), (0, 2));
}

#[test]
fn the_trace_that_waits_longest_is_left_out_when_there_is_no_room() {
  let mut sampling =
    sampling(json!({ "sampleRate": 0, "keepErrors": true, "maxQueueBytes": 1_048_576 }));
  let large = |trace| Row { input: Some(Json::text(&"x".repeat(50_000))), ..start(trace, 0) };
  let left_out: usize = (0..4).map(|trace| sampling.sort(vec![large(trace)]).1).sum();
  assert_eq!(left_out, 2);
  assert!(sampling.memory_bytes() <= 131_072);
  assert_eq!(sampling.sort(vec![end(0, 0, true)]).0.len(), 0);
  assert_eq!(sampling.sort(vec![end(3, 0, true)]).0.len(), 2);
}

#[test]
fn an_open_trace_stays_recorded_however_many_others_end() {
  let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  sampling.sort(vec![start(0, 0), start(0, 1), end(0, 1, true)]);
  for trace in 1..40_000 {
    assert_eq!(sampling.sort(vec![start(trace, 0), end(trace, 0, false)]).1, 1);
    assert!(sampling.decisions.len() <= MAX_DECISIONS);
  }
  assert_eq!(sampling.sort(vec![start(0, 2), end(0, 0, false)]).0.len(), 2);
  assert_eq!(sampling.sort(vec![end(39_999, 1, false)]).1, 0, "a late row is left out");
  assert_eq!(sampling.memory_bytes(), 0);
}

#[test]
fn of_traces_without_an_end_those_stay_recorded_that_go_on_and_what_is_left_out_of_others_counts() {
  let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  for trace in 0..20_000 {
    sampling.sort(vec![start(trace, 0), start(trace, 1), end(trace, 1, true)]);
    assert_eq!(sampling.sort(vec![start(0, 2)]).0.len(), 1);
  }
  assert_eq!(sampling.sort(vec![end(0, 0, false)]).0.len(), 1);
  // Its start was sent.
  let (sent, left_out) = sampling.sort(vec![end(1, 0, false)]);
  assert_eq!((sent.len(), left_out), (0, 1));
}

#[test]
fn what_waits_for_an_error_at_the_end_is_left_out() {
  let mut sampling = sampling(json!({ "sampleRate": 0, "keepErrors": true }));
  assert_eq!(sampling.sort(vec![start(1, 1), start(2, 1), end(2, 1, false)]).1, 0);
  assert_eq!((sampling.leave_out_all(), sampling.memory_bytes()), (2, 0));
}

#[test]
fn feedback_about_a_row_of_an_unknown_trace_is_sent() {
  let mut sampling = sampling(json!({ "sampleRate": 0 }));
  let row = Row::about(row(1, 0).span.row, TraceId::UNKNOWN);
  assert_eq!(sampling.sort(vec![row]).0.len(), 1);
}
