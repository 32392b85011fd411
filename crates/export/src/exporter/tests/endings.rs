//! Flushes, deliveries before the exit, shutdowns.

use super::*;

#[test]
fn a_flush_sends_at_once_and_completes_when_its_rows_are_settled() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  let ticket = host.exporter.flush(10 * SECOND, host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(ticket, true)]);
}

#[test]
fn a_flush_does_not_wait_for_rows_that_come_after_it() {
  let mut host = Host::new(json!({}));
  (0..70).for_each(|n| host.run(&format!("before_{n}")));
  let ticket = host.exporter.flush(10 * SECOND, host.now());
  (0..70).for_each(|n| host.run(&format!("after_{n}")));
  // The first batch is acknowledged; the second is never answered.
  let mut uploads = Vec::new();
  loop {
    host.exporter.handle_timeout(host.now());
    let Some(Request { id, call, .. }) = host.exporter.poll_request() else { break };
    if call.url.ends_with("/logs3") {
      uploads.push(id);
    } else {
      let path = call.url.trim_start_matches("http://127.0.0.1:9").to_owned();
      host.exporter.handle_response(id, Ok(braintrust(&path, 0)), host.now());
    }
  }
  assert_eq!(uploads.len(), 2, "both batches are in flight");
  host.exporter.handle_response(uploads[0], Ok(braintrust("/logs3", 0)), host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(ticket, true)]);
}

#[test]
fn an_outage_after_an_acknowledgement_gives_no_row_up() {
  let mut host = Host::new(json!({}));
  (0..250).for_each(|n| host.run(&format!("run_{n}")));
  let mut uploads = Vec::new();
  while uploads.len() < 3 {
    host.elapsed += SECOND / 10;
    host.exporter.handle_timeout(host.now());
    while let Some(Request { id, call, .. }) = host.exporter.poll_request() {
      let path = call.url.trim_start_matches("http://127.0.0.1:9").to_owned();
      if path == "/logs3" {
        uploads.push(id);
      } else {
        host.exporter.handle_response(id, Ok(braintrust(&path, 0)), host.now());
      }
    }
  }
  for (id, response) in
    uploads.into_iter().zip([status(500, None), braintrust("/logs3", 0), status(500, None)])
  {
    host.exporter.handle_response(id, Ok(response), host.now());
  }
  host.pass(50 * SECOND, &|_, _| status(500, None));
  let stats = host.stats();
  assert!(stats.sent > 0 && stats.lost.is_empty(), "{stats:?}");
  assert_eq!(stats.sent + stats.pending, 250);
  assert!(host.uploads.len() < 60, "{} uploads", host.uploads.len());
}

#[test]
fn a_flush_completes_by_its_deadline_when_the_server_fails() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  let ticket = host.exporter.flush(10 * SECOND, host.now());
  host.pass(9 * SECOND, &|_, _| status(500, None));
  assert_eq!(host.completed, []);
  host.pass(SECOND, &|_, _| status(500, None));
  assert_eq!(host.completed, [(ticket, false)]);
  assert_eq!(host.stats().pending, 1);
}

#[test]
fn flushes_that_end_unfinished_leave_nothing_behind() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  for _ in 0..50 {
    host.exporter.flush(host.elapsed + SECOND, host.now());
    host.pass(SECOND, &|_, _| status(500, None));
  }
  assert_eq!((host.completed.len(), host.stats().pending), (50, 1));
  assert!(host.exporter.delivery.marks.len() <= 1);
}

#[test]
fn shutdown_closes_open_spans_and_counts_what_it_cannot_deliver() {
  let mut host = Host::new(json!({}));
  let start = r#"{"v":3,"type":"run_start","runId":"run_1"}"#;
  host.exporter.handle_event(start, Priority::Start, host.now()).unwrap();
  let ticket = host.exporter.shutdown(2 * SECOND, host.now());
  host.pass(2 * SECOND, &|_, _| status(500, None));
  assert_eq!(host.completed, [(ticket, false)]);
  assert!(host.exporter.has_ended());
  let stats = host.account.counters.stats();
  assert_eq!((stats.accepted, stats.lost["not_delivered_at_exit"], stats.pending), (1, 1, 0));
  let refused = host.exporter.handle_event(start, Priority::Start, host.now());
  assert_eq!(refused, Err(LossReason::Closed));
}

#[test]
fn a_refused_key_ends_a_shutdown_after_one_more_attempt() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.pass(SECOND, &|_, _| status(401, None));
  let ticket = host.exporter.shutdown(host.elapsed + 60 * SECOND, host.now());
  host.pass(SECOND, &|_, _| status(401, None));
  assert_eq!(host.completed, [(ticket, false)]);
  assert_eq!(host.account.counters.stats().lost["unauthorized"], 1);
  let codes = host.account.diagnostics.take().into_iter().map(|diagnostic| diagnostic.code);
  assert_eq!(codes.collect::<Vec<_>>(), ["FLUE_BRAINTRUST_REFUSED", "FLUE_BRAINTRUST_EXIT"]);
}

/// A host whose shutdown has two uploads in flight, and their ids.
fn shutting_down_with_two_uploads() -> (Host, TicketId, [RequestId; 2]) {
  let mut host = Host::new(json!({ "exitTimeoutMs": 60_000 }));
  (0..150).for_each(|n| host.run(&format!("run_{n}")));
  let ticket = host.exporter.shutdown(60 * SECOND, host.now());
  let mut uploads = Vec::new();
  loop {
    host.exporter.handle_timeout(host.now());
    let Some(Request { id, call, .. }) = host.exporter.poll_request() else { break };
    let path = call.url.trim_start_matches("http://127.0.0.1:9").to_owned();
    if path == "/logs3" {
      uploads.push(id);
    } else {
      host.exporter.handle_response(id, Ok(braintrust(&path, 0)), host.now());
    }
  }
  host.elapsed += SECOND / 10;
  (host, ticket, uploads.try_into().unwrap())
}

#[test]
fn a_shutdown_asks_again_after_the_first_refusal_of_the_key() {
  let (mut host, ticket, [one, other]) = shutting_down_with_two_uploads();
  for id in [one, other] {
    host.exporter.handle_response(id, Ok(status(401, None)), host.now());
  }
  host.pass(SECOND, &braintrust);
  assert_eq!(host.completed, [(ticket, true)]);
  assert_eq!(host.account.counters.stats().sent, 150);
}

#[test]
fn requests_in_flight_are_awaited_when_the_key_is_refused_again() {
  let (mut host, ticket, [one, other]) = shutting_down_with_two_uploads();
  host.exporter.handle_response(one, Ok(status(401, None)), host.now());
  host.pass(SECOND, &|path, _| {
    if path == "/logs3" { status(401, None) } else { braintrust(path, 0) }
  });
  assert_eq!((host.uploads.len(), &*host.completed), (1, &[][..]), "one more attempt");
  host.exporter.handle_response(other, Ok(braintrust("/logs3", 0)), host.now());
  host.respond(&|path, _| panic!("{path} is requested"));
  assert_eq!(host.completed, [(ticket, false)]);
  let stats = host.account.counters.stats();
  assert_eq!(stats.sent + stats.lost["unauthorized"], 150);
  assert!(stats.sent > 0 && stats.lost.len() == 1, "{stats:?}");
}

#[test]
fn a_delivery_before_the_exit_leaves_open_spans_open_and_a_shutdown_closes_them() {
  let mut host = Host::new(json!({}));
  let start = r#"{"v":3,"type":"run_start","runId":"run_1"}"#;
  host.exporter.handle_event(start, Priority::Start, host.now()).unwrap();
  let delivery = host.exporter.deliver_before_exit(2 * SECOND, false, host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(delivery, true)]);
  assert_eq!((host.stats().sent, host.stats().open_spans), (1, 1));
  assert!(!host.exporter.has_ended());

  host.run("run_1");
  let shutdown = host.exporter.shutdown(2 * SECOND, host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(delivery, true), (shutdown, true)]);
  let last = host.uploads.last().unwrap()["rows"][0].clone();
  assert_eq!((last["metadata"]["flue.interrupted"].clone(), host.stats().sent), (Value::Null, 2));
}

#[test]
fn what_is_open_ends_when_the_process_begins_to_end_however_long_the_delivery_takes() {
  let mut host = Host::new(json!({}));
  let start = r#"{"v":3,"type":"run_start","runId":"run_1","timestamp":1000}"#;
  host.exporter.handle_event(start, Priority::Start, host.now()).unwrap();
  let began = host.now().unix_ms;
  host.exporter.deliver_before_exit(9 * SECOND, false, host.now());
  host.pass(SECOND, &|_, _| status(500, None));
  host.exporter.shutdown(9 * SECOND, host.now());
  host.respond(&braintrust);
  let last = host.uploads.last().unwrap()["rows"][0].clone();
  assert_eq!(last["metadata"]["flue.interrupted"], true);
  assert_eq!(last["metrics"]["end"], json!(began as f64 / 1e3));
  assert!(host.now().unix_ms > began);
}

#[test]
fn an_end_that_comes_after_the_interruption_before_the_exit_corrects_it() {
  let mut host = Host::new(json!({}));
  let start = r#"{"v":3,"type":"run_start","runId":"run_1","workflowName":"w"}"#;
  host.exporter.handle_event(start, Priority::Start, host.now()).unwrap();
  host.exporter.deliver_before_exit(2 * SECOND, true, host.now());
  host.respond(&braintrust);
  assert_eq!(host.uploads[0]["rows"][0]["metadata"]["flue.interrupted"], true);
  assert_eq!(host.stats().open_spans, 0);

  let end = r#"{"v":3,"type":"run_end","runId":"run_1","result":"late"}"#;
  host.exporter.handle_event(end, Priority::Continuation, host.now()).unwrap();
  host.exporter.shutdown(2 * SECOND, host.now());
  host.respond(&braintrust);
  let row = &host.uploads[1]["rows"][0];
  assert_eq!(
    (&row["metadata"]["flue.interrupted"], &row["output"]),
    (&json!(false), &json!("late"))
  );
}

#[test]
fn a_delivery_before_the_exit_that_fails_ends_the_exporter() {
  for (code, reason) in [(500, "not_delivered_at_exit"), (401, "unauthorized")] {
    let mut host = Host::new(json!({}));
    host.run("run_1");
    let ticket = host.exporter.deliver_before_exit(2 * SECOND, false, host.now());
    host.pass(2 * SECOND, &|_, _| status(code, None));
    assert_eq!(host.completed, [(ticket, false)]);
    assert!(host.exporter.has_ended());
    assert_eq!(host.account.counters.stats().lost[reason], 1);
    let last = host.account.diagnostics.take().pop().unwrap();
    assert_eq!(last.code, "FLUE_BRAINTRUST_EXIT");
    assert!(last.message.contains(&format!("1 row is lost (1 {reason})")), "{}", last.message);
  }
}

#[test]
fn events_accepted_after_the_exit_deadline_are_counted_as_lost() {
  let mut host = Host::new(json!({}));
  host.exporter.set_exit_deadline(SECOND);
  host.elapsed = SECOND;
  host.account.accept_event(Priority::Start, false);
  host.exporter.handle_accepted("whatever", 8, host.now());
  assert_eq!(host.stats().lost["not_delivered_at_exit"], 1);
  assert_eq!(host.account.counters.unprocessed(), 0);
}

#[test]
fn a_shutdown_whose_deadline_some_events_missed_is_not_complete() {
  let mut host = Host::new(json!({}));
  host.exporter.set_exit_deadline(Duration::ZERO);
  host.account.accept_event(Priority::Start, false);
  host.exporter.handle_accepted("whatever", 8, host.now());
  let ticket = host.exporter.shutdown(Duration::ZERO, host.now());
  host.pass(SECOND, &|_, _| panic!("no request"));
  assert_eq!(host.stats().lost["not_delivered_at_exit"], 1);
  assert_eq!(host.completed, [(ticket, false)]);
}

#[test]
fn a_flush_is_not_complete_when_a_shutdown_loses_its_rows_and_a_later_one_is() {
  let mut host = Host::new(json!({}));
  host.account.accept_event(Priority::Start, false);
  let before = host.exporter.flush(10 * SECOND, host.now());
  host.exporter.set_exit_deadline(Duration::ZERO);
  host.exporter.handle_accepted("whatever", 8, host.now());
  let close = host.exporter.shutdown(Duration::ZERO, host.now());
  host.pass(SECOND, &|_, _| panic!("no request"));
  let after = host.exporter.flush(10 * SECOND, host.now());
  host.pass(SECOND, &|_, _| panic!("no request"));
  assert_eq!(host.stats().lost["not_delivered_at_exit"], 1);
  assert_eq!(host.completed, [(before, false), (close, false), (after, true)]);
}
