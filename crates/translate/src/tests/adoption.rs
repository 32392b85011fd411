//! What a process does about the spans that another one left open.

use serde_json::{Value, json};

use super::{
  RELEASES, processes, recordings,
  recovery::{
    adopt, adopting, assert_ends_well, end, end_of, event, left, metadata, root, run, running,
    settled, start, tokens, turn,
  },
  trace::Trace,
  translate_all, translate_until_crash,
};
use crate::Translator;

fn text(value: Option<&braintrust_row::Json>) -> Option<String> {
  value.map(|value| value.as_str().into_owned())
}

#[test]
fn an_attempt_that_continues_what_was_adopted_has_the_output_of_its_turns() {
  let mut trace = Trace::default();
  let left = left(5_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut b = adopting(&left, &mut trace);
  let response = json!({ "turnId": "t2", "purpose": "agent", "durationMs": 10, "isError": false,
    "request": { "requestedModel": "m" }, "response": { "finishReason": "stop",
      "output": { "role": "assistant", "content": [{ "type": "text", "text": "hello" }] } } });
  let [request, _] = turn(50_200, "o2", "t2", 1);
  let events = [running(50_000, 2), start(50_100, "o2"), request];
  run(&mut b, &events, &mut trace);
  let events = [event("turn", 50_210, "o2", response), end(60_000, "o2"), settled(60_001)];
  run(&mut b, &events, &mut trace);
  assert_eq!(text(root(&trace).output.as_ref()).as_deref(), Some("\"hello\""));
}

/// As on Cloudflare, where a recorder is made again while its work runs.
#[test]
fn an_error_that_the_application_has_written_stays_when_the_span_ends_well() {
  let mut trace = Trace::default();
  let mut call = json!({ "turnId": "t1", "toolName": "x", "toolCallId": "call", "args": {}, "origin": "framework" });
  let mut a = Translator::default();
  let begun = event("tool_start", 1_200, "o1", call.clone());
  run(&mut a, &[running(900, 1), start(1_000, "o1"), begun], &mut trace);
  let tool = trace.named("tool:x").next().unwrap().span;
  let log = json!({ "v": 3, "type": "span_log", "timestamp": 1_300, "spanId": tool.row.to_string(),
    "rootSpanId": tool.trace.to_string(), "span": { "error": "boom" } });
  run(&mut a, &[log.to_string()], &mut trace);
  let mut b = adopting(&a.snapshot(2_000, true).unwrap(), &mut trace);
  call.as_object_mut().unwrap().extend([
    ("durationMs".to_owned(), json!(500)),
    ("isError".to_owned(), json!(false)),
    ("result".to_owned(), json!({})),
  ]);
  run(&mut b, &[event("tool", 2_500, "o1", call)], &mut trace);
  let tool = trace.named("tool:x").next().unwrap();
  assert_eq!(text(tool.error.as_ref()).as_deref(), Some("\"boom\""));
  assert_eq!(metadata(tool, "flue.interrupted").as_deref(), Some("false"));
}

#[test]
fn an_end_before_the_adoption_closes_nothing_again() {
  let mut trace = Trace::default();
  let left = left(5_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut c = adopting(&left, &mut trace);
  let events = [running(50_000, 2), start(50_100, "o2"), end(60_000, "o2"), settled(60_001)];
  run(&mut Translator::default(), &events, &mut trace);
  // It began to end before, or its clock was set back.
  trace.take(c.close_all(4_000));
  assert_ends_well(&trace, 60_000);
}

/// The storage of a Worker may be listed late.
#[test]
fn a_turn_that_ended_here_before_the_adoption_stays_ended() {
  let mut trace = Trace::default();
  let [request, response] = turn(1_100, "o1", "t1", 10);
  let left = left(1_105, &[running(900, 1), start(1_000, "o1"), request], &mut trace);
  let mut b = Translator::default();
  run(&mut b, &[response], &mut trace);
  adopt(&mut b, &left, &mut trace);
  run(&mut b, &[end(2_000, "o1"), settled(2_001)], &mut trace);
  let turn = trace.named("llm:m").next().unwrap();
  assert_eq!(metadata(turn, "flue.interrupted").as_deref(), Some("false"));
  assert_eq!(end_of(turn), 1_110);
  assert_ends_well(&trace, 2_000);
}

#[test]
fn the_end_of_an_adopted_turn_continues_its_root() {
  let mut trace = Trace::default();
  let [request, _] = turn(1_100, "o1", "t1", 10);
  let [_, response] = turn(9_100, "o1", "t1", 10);
  let left = left(1_105, &[running(900, 1), start(1_000, "o1"), request], &mut trace);
  let mut b = adopting(&left, &mut trace);
  let response = response.replace("\"durationMs\":10", "\"durationMs\":8010");
  run(&mut b, &[response], &mut trace);
  trace.take(b.close_all(10_000));
  let turn = trace.named("llm:m").next().unwrap();
  assert_eq!((end_of(turn), end_of(root(&trace))), (9_110, 10_000));
}

fn of_run(kind: &str, at: i64, more: Value) -> String {
  let mut event =
    json!({ "v": 3, "type": kind, "timestamp": at, "runId": "r", "workflowName": "w" });
  event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  event.to_string()
}

/// A process that has adopted a run and resumes it.
fn resuming_run(trace: &mut Trace) -> Translator {
  let left = left(5_000, &[of_run("run_start", 1_000, json!({}))], trace);
  let mut b = adopting(&left, trace);
  run(&mut b, &[of_run("run_resume", 20_000, json!({ "startedAt": 1_000 }))], trace);
  b
}

#[test]
fn a_run_that_is_resumed_here_stays_open_and_is_interrupted_by_the_exit() {
  let mut trace = Trace::default();
  let mut b = resuming_run(&mut trace);
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("false"));
  trace.take(b.drop_orphaned(130_000, i64::MAX));
  assert_eq!(b.open_spans(), 1);
  trace.take(b.close_all(140_000));
  assert_eq!(metadata(root(&trace), "flue.interrupted").as_deref(), Some("true"));
  assert_eq!(end_of(root(&trace)), 140_000);
}

#[test]
fn a_custom_span_that_ended_here_before_the_adoption_stays_ended() {
  let id = format!("{:032x}", 7);
  let custom = |kind: &str, at: i64| {
    json!({ "v": 3, "type": kind, "timestamp": at, "spanId": id, "rootSpanId": id, "span": { "name": "n" } })
      .to_string()
  };
  let mut trace = Trace::default();
  let left = left(1_500, &[custom("span_start", 1_000)], &mut trace);
  let mut b = Translator::default();
  run(&mut b, &[custom("span_end", 2_000)], &mut trace);
  adopt(&mut b, &left, &mut trace);
  let span = trace.named("n").next().unwrap();
  assert_eq!((end_of(span), metadata(span, "flue.interrupted").as_deref()), (2_000, Some("false")));
}

/// Files are listed in any order.
#[test]
fn whichever_snapshot_comes_first_a_submission_joins_its_callers_trace() {
  let caller = json!({ "spanId": "0011223344556677", "rootSpanId": "a1b2c3d4e5f647898abcdef012345678", "isWithin": true });
  let queued = json!({ "v": 3, "type": "submission_queued", "timestamp": 1_000, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "$caller": caller });
  for reversed in [false, true] {
    let mut lefts = [
      left(1_500, &[queued.to_string()], &mut Trace::default()),
      left(2_500, &[running(2_000, 1)], &mut Trace::default()),
    ];
    if reversed {
      lefts.reverse();
    }
    let (mut c, mut trace) = (Translator::default(), Trace::default());
    lefts.iter().for_each(|left| adopt(&mut c, left, &mut trace));
    run(&mut c, &[running(50_000, 2), start(50_100, "o2")], &mut trace);
    let traces: Vec<_> = trace.rows.values().map(|row| row.span.trace.to_string()).collect();
    assert_eq!(traces, ["a1b2c3d4e5f647898abcdef012345678"], "{reversed}");
  }
}

#[test]
fn a_run_that_a_third_process_resumes_is_not_interrupted() {
  let mut trace = Trace::default();
  let left = left(5_000, &[of_run("run_start", 1_000, json!({}))], &mut trace);
  adopting(&left, &mut trace);
  let resumed = of_run("run_resume", 20_000, json!({ "startedAt": 1_000 }));
  let end = json!({ "isError": true, "error": { "message": "x" }, "durationMs": 19_100 });
  run(&mut Translator::default(), &[resumed, of_run("run_end", 20_100, end)], &mut trace);
  assert_ends_well(&trace, 20_100);
}

#[test]
fn an_attempt_that_died_before_its_operation_keeps_the_usage_of_the_one_before() {
  let mut trace = Trace::default();
  let mut events = vec![running(900, 1), start(1_000, "o1")];
  events.extend(turn(1_100, "o1", "t1", 10));
  let mut c = Translator::default();
  for left in
    [left(5_000, &events, &mut trace), left(50_050, &[running(50_000, 2)], &mut Trace::default())]
  {
    adopt(&mut c, &left, &mut trace);
  }
  let mut events = vec![running(100_000, 3), start(100_100, "o3")];
  events.extend(turn(101_000, "o3", "t3", 5));
  events.extend([end(110_000, "o3"), settled(110_001)]);
  run(&mut c, &events, &mut trace);
  trace.take(c.close_all(120_000));
  assert_ends_well(&trace, 110_000);
  assert_eq!(tokens(root(&trace)), Some(15.0));
}

/// It may run in a process that adopts only every few seconds.
#[test]
fn an_attempt_that_began_before_the_one_before_was_adopted_has_the_usage_of_that() {
  let mut first = vec![running(900, 1), start(1_000, "o1")];
  first.extend(turn(1_100, "o1", "t1", 10));
  let mut second = vec![running(50_000, 2), start(50_100, "o2")];
  second.extend(turn(51_000, "o2", "t2", 5));
  second.extend([end(60_000, "o2"), settled(60_001)]);
  for is_numbered in [true, false] {
    let of = |events: &[String]| -> Vec<String> {
      let is_kept = |event: &&String| is_numbered || !event.contains("submission_running");
      events.iter().filter(is_kept).cloned().collect()
    };
    let (first, second) = (of(&first), of(&second));
    for place in 0..=second.len() {
      let mut trace = Trace::default();
      let left = left(5_000, &first, &mut trace);
      let mut b = Translator::default();
      run(&mut b, &second[..place], &mut trace);
      adopt(&mut b, &left, &mut trace);
      adopt(&mut b, &left, &mut trace);
      run(&mut b, &second[place..], &mut trace);
      assert_eq!(tokens(root(&trace)), Some(15.0), "{is_numbered} {place}");
      assert_ends_well(&trace, 60_000);
    }
  }
}

/// The trace of a recorded crash, whose second process adopts what the first one left after so many of its events.
fn adopted_after(first: &[String], second: &[String], count: usize) -> Trace {
  let mut trace = Trace::default();
  let (dead, died_at) = translate_until_crash(None, first, &mut trace);
  let mut b = Translator::default();
  run(&mut b, &second[..count], &mut trace);
  adopt(&mut b, &dead.snapshot(died_at, true).unwrap(), &mut trace);
  let last = translate_all(&mut b, &second[count..], &mut trace);
  trace.take(b.close_all(last.max(died_at)));
  trace
}

/// What a person sees of each span.
fn seen(trace: &Trace) -> Vec<String> {
  let mut seen: Vec<String> = trace
    .rows
    .values()
    .map(|row| {
      let times = ["start", "end"].map(|name| row.metrics.get(name));
      let interrupted = metadata(row, "flue.interrupted");
      let error = row.error.as_ref().filter(|error| !error.is_null());
      format!("{:?} {times:?} {:?} {interrupted:?} {error:?}", trace.path(row), tokens(row))
    })
    .collect();
  seen.sort();
  seen
}

#[test]
fn however_late_a_crashed_process_is_adopted_the_trace_is_the_same() {
  for release in RELEASES {
    let names = recordings(release)
      .into_iter()
      .filter(|name| name.starts_with("crash-agent-") || name.starts_with("crash-mid-"));
    for name in names {
      let processes = processes(release, &name);
      let [first, second] = processes.as_slice() else { continue };
      let early = seen(&adopted_after(first, second, 0));
      for count in 1..second.len() {
        assert_eq!(seen(&adopted_after(first, second, count)), early, "{release} {name} {count}");
      }
    }
  }
}

#[test]
fn the_next_adopter_closes_what_the_one_before_may_not_have_closed() {
  let mut trace = Trace::default();
  let left = left(5_000, &[running(900, 1), start(1_000, "o1")], &mut trace);
  let mut b = Translator::default();
  assert_eq!(b.restore(&left).unwrap().len(), 1);
  // Its rows are lost with it.
  let unsafe_left = b.snapshot(6_000, true).unwrap();
  assert_eq!(Translator::default().restore(&unsafe_left).unwrap().len(), 1);
  b.note_adoption_is_safe();
  let safe_left = b.snapshot(7_000, true).unwrap();
  assert_eq!(Translator::default().restore(&safe_left).unwrap().len(), 0);
}

#[test]
fn the_host_learns_once_which_work_of_another_process_may_go_on() {
  let of = |kind: &str, ids: Value, more: Value| {
    let mut event = json!({ "v": 3, "type": kind, "timestamp": 1_000 });
    for members in [ids, more] {
      event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    }
    event
  };
  let (span, trace) = ("0011223344556677", "00112233445566778899aabbccddeeff");
  let caller = json!({ "$caller": { "spanId": span, "rootSpanId": trace } });
  let operation =
    |id: &str| json!({ "submissionId": id, "conversationId": "c", "operationId": id });
  let events = [
    of("run_start", json!({ "runId": "run" }), json!({ "workflowName": "flow" })),
    of("submission_queued", json!({ "submissionId": "queued" }), caller.clone()),
    of("operation_start", operation("called"), caller),
    of("operation_start", operation("sub_ik_1"), json!({})),
    of("operation_start", operation("over"), json!({})),
    of("operation", operation("over"), json!({ "isError": false })),
    of("submission_settled", json!({ "submissionId": "over" }), json!({ "outcome": "completed" })),
  ];
  let mut seen = Trace::default();
  let mut a = Translator::default();
  run(&mut a, &events.map(|event| event.to_string()), &mut seen);
  assert!(a.take_restored().is_empty());
  let mut b = Translator::default();
  b.restore(&a.snapshot(2_000, true).unwrap()).unwrap();
  let mut restored = b.take_restored();
  restored.sort_by(|one, other| one.id.cmp(&other.id));
  let restored: Vec<_> = restored
    .iter()
    .map(|work| {
      (
        &*work.id,
        work.caller.as_ref().map(|[span, trace]| (&**span, &**trace)),
        work.recorded.is_some(),
      )
    })
    .collect();
  let named = Some((span, trace));
  let expected = [
    ("called", named, true),
    ("queued", named, false),
    ("run", None, true),
    ("sub_ik_1 c", None, true),
  ];
  assert_eq!(restored, expected);
  assert!(b.take_restored().iter().all(|work| work.id == "run"));
}

/// Its end, for which there is no room, opens nothing.
#[test]
fn a_root_whose_end_is_refused_before_the_adoption_is_closed_by_that() {
  let ids = json!({ "v": 3, "timestamp": 1_000, "runId": "r", "operationId": "o" });
  let event = |kind: &str| {
    let mut event = ids.clone();
    event["type"] = json!(kind);
    event.to_string()
  };
  for [start, end] in [["run_start", "run_end"], ["operation_start", "operation"]] {
    let mut trace = Trace::default();
    let left = left(5_000, &[event(start)], &mut trace);
    let mut b = Translator::default();
    b.ignore(&flue_event::decode(&event(end), 0).unwrap());
    adopt(&mut b, &left, &mut trace);
    for row in trace.rows.values() {
      assert_eq!(metadata(row, "flue.interrupted").as_deref(), Some("true"), "{start}");
      assert_eq!(end_of(row), 5_000);
    }
  }
}

#[test]
fn however_late_the_process_that_queued_a_submission_is_adopted_its_waiting_time_is_known() {
  let queued = json!({ "v": 3, "type": "submission_queued", "timestamp": 500, "submissionId": "s", "agentName": "A",
    "instanceId": "i", "kind": "direct" });
  let left = left(600, &[queued.to_string()], &mut Trace::default());
  let events = [running(900, 1), start(1_000, "o"), end(1_100, "o"), settled(1_101)];
  for place in 0..=events.len() {
    let (mut b, mut trace) = (Translator::default(), Trace::default());
    run(&mut b, &events[..place], &mut trace);
    adopt(&mut b, &left, &mut trace);
    adopt(&mut b, &left, &mut trace);
    run(&mut b, &events[place..], &mut trace);
    assert_eq!(metadata(root(&trace), "flue.queue_ms").as_deref(), Some("400"), "{place}");
  }
}

/// A run may wait for minutes, as on Cloudflare, where its recorder is made again.
#[test]
fn work_of_a_run_that_was_adopted_and_dropped_is_in_the_trace_of_its_caller() {
  let trace = "a1b2c3d4e5f647898abcdef012345678";
  let caller = json!({ "spanId": "0011223344556677", "rootSpanId": trace });
  let begun = of_run("run_start", 1_000, json!({ "$caller": caller }));
  let mut seen = Trace::default();
  let left = left(1_500, &[begun], &mut seen);
  let mut b = adopting(&left, &mut seen);
  seen.take(b.drop_orphaned(200_000, i64::MAX));
  let operation = json!({ "operationId": "o", "operationKind": "prompt" });
  let events =
    ["operation_start", "operation"].map(|kind| of_run(kind, 300_000, operation.clone()));
  run(&mut b, &events, &mut seen);
  run(&mut b, &[of_run("run_end", 300_001, json!({}))], &mut seen);
  let names: Vec<_> = seen.rows.values().map(|row| row.name.as_deref()).collect();
  assert_eq!(names, [Some("workflow:w"), Some("flue.prompt")]);
  assert!(seen.rows.values().all(|row| row.span.trace.to_string() == trace));
}
