//! What the simulator found, in the smallest form.

use spool::Segment;

use super::*;

#[test]
fn rows_that_are_written_to_the_spool_as_shutdown_ends_are_spooled_and_not_lost() {
  let options = json!({ "apiKey": "sk-test", "spool": { "dir": "/spool" } });
  let settings = Settings::parse(&json!({ "options": options }).to_string()).unwrap();
  let account = Arc::new(Account::new(SECOND, &Arc::default(), Box::new(|_| {})));
  let now = Now { elapsed: SECOND, unix_ms: START };
  let mut exporter = Exporter::new(Arc::new(settings), account.clone(), &SpoolStatus::Open, 1, now);
  let start = r#"{"v":3,"type":"run_start","runId":"run_1"}"#;
  exporter.handle_event(start, Priority::Start, now).unwrap();
  exporter.shutdown(now.elapsed, now);
  exporter.handle_timeout(now);
  assert!(!exporter.has_ended(), "the host is about to know whether the rows are kept");
  let write = std::iter::from_fn(|| exporter.poll_spool())
    .find(|(_, operation)| matches!(operation, Operation::Write { .. }));
  let segment = Segment { number: 1, rows: 1, bytes: 700, created: START };
  exporter.handle_spool(write.unwrap().0, Completion::Written(Ok(segment)), now);
  exporter.handle_timeout(now);
  assert!(exporter.has_ended());
  let stats = account.counters.stats();
  assert_eq!((stats.accepted, stats.spooled, stats.pending), (1, 1, 0));
  assert!(stats.lost.is_empty(), "{:?}", stats.lost);
}

#[test]
fn a_response_after_the_end_changes_no_account() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.exporter.shutdown(SECOND, host.now());
  host.exporter.handle_timeout(host.now());
  let Request { id, .. } = host.exporter.poll_request().unwrap();
  host.elapsed = SECOND;
  host.respond(&braintrust);
  let lost = host.account.counters.stats().lost;
  assert_eq!(lost["not_delivered_at_exit"], 1);
  host.exporter.handle_response(id, Ok(braintrust("/logs3", 0)), host.now());
  host.exporter.handle_timeout(host.now());
  assert_eq!(host.account.counters.stats().lost, lost);
  assert_eq!(host.exporter.poll_timeout(host.now()), None);
}

#[test]
fn nothing_is_due_for_rows_that_nobody_is_left_to_mask() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.pass(SECOND, &braintrust);
  host.exporter.set_masking(Masking::On);
  host.run("run_2");
  host.exporter.set_masking(Masking::Unavailable);
  host.pass(SECOND, &braintrust);
  assert_eq!((host.stats().sent, host.stats().cut), (2, 1));
  assert_eq!(host.exporter.poll_timeout(host.now()), None);
}
