//! The exporter with a spool, and what must not show or happen after its end.

use std::sync::Mutex;

use spool::Segment;

use super::*;

/// An exporter with a spool and these options.
pub fn spooling_with(options: &Value) -> Exporter {
  let mut all = json!({ "apiKey": "sk-test", "appUrl": "http://127.0.0.1:9", "spool": true });
  all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
  let settings = Settings::parse(&json!({ "options": all }).to_string()).unwrap();
  let account = Arc::new(Account::new(SECOND, &Arc::default(), Box::new(|_| {})));
  Exporter::new(Arc::new(settings), account, &SpoolStatus::Open, 1, at(0))
}

pub(super) fn spooling() -> Exporter {
  spooling_with(&json!({}))
}

fn start(id: &str) -> String {
  json!({ "v": 3, "type": "run_start", "runId": id, "workflowName": "w" }).to_string()
}

/// The completion of an operation by a disk that works. A search finds these snapshots.
pub fn done(operation: &Operation, snapshots: &mut Vec<Vec<u8>>) -> Completion {
  match operation {
    Operation::Adopt => {
      Completion::Adopted(Adopted { snapshots: mem::take(snapshots), ..Adopted::default() })
    }
    Operation::Write { content, rows } => Completion::Written(Ok(Segment {
      number: 1,
      rows: *rows,
      bytes: content.len() as u64,
      created: START,
    })),
    Operation::Read(_) => panic!("read"),
    _ => Completion::Done(Ok(())),
  }
}

fn names(operation: &Operation) -> String {
  match operation {
    Operation::WriteSnapshot(content) => {
      let text = String::from_utf8_lossy(content);
      format!("snapshot(dead:{}, own:{})", text.contains("dead-w"), text.contains("own-w"))
    }
    Operation::Write { .. } => "write".into(),
    other => format!("{other:?}"),
  }
}

/// Performs all operations in their order, as the Node host does.
pub(super) fn carry_out(
  exporter: &mut Exporter,
  now: Now,
  snapshots: &mut Vec<Vec<u8>>,
) -> Vec<String> {
  let mut all = Vec::new();
  loop {
    exporter.handle_timeout(now);
    let mut idle = true;
    while let Some((id, operation)) = exporter.poll_spool() {
      idle = false;
      all.push(names(&operation));
      let completion = done(&operation, snapshots);
      exporter.handle_spool(id, completion, now);
    }
    if idle {
      return all;
    }
  }
}

/// A snapshot of a dead process, with its open span `dead-w`.
fn left_by_a_dead_process() -> Vec<u8> {
  let dead = start("run_dead").replace("\"w\"", "\"dead-w\"");
  let mut other = spooling();
  other.handle_event(&dead, Priority::Start, at(0)).unwrap();
  let mut snapshot = None;
  other.handle_timeout(at(200));
  while let Some((id, operation)) = other.poll_spool() {
    if let Operation::WriteSnapshot(content) = &operation {
      snapshot = Some(content.clone());
    }
    other.handle_spool(id, done(&operation, &mut Vec::new()), at(200));
  }
  let snapshot = snapshot.unwrap();
  assert!(String::from_utf8_lossy(&snapshot).contains("dead-w"));
  snapshot
}

#[test]
fn a_trace_that_waits_for_an_error_is_lost_with_the_exporter() {
  let mut exporter = spooling_with(&json!({ "sampleRate": 0, "keepErrors": true }));
  let mut is_kept_after = |event: &str, ms: u64| {
    exporter.handle_event(event, Priority::Start, at(ms)).unwrap();
    carry_out(&mut exporter, at(ms + 500), &mut Vec::new());
    exporter.is_kept()
  };
  assert!(!is_kept_after(&start("run"), 0));
  assert!(is_kept_after(&start("run").replace("run_start", "run_end"), 1000));
}

#[test]
fn the_last_snapshot_has_no_span_that_the_end_has_closed() {
  let mut exporter = spooling();
  carry_out(&mut exporter, at(0), &mut Vec::new());
  exporter.handle_event(&start("run_own"), Priority::Start, at(4900)).unwrap();
  exporter.deliver_before_exit(Duration::from_secs(8), false, at(4950));
  let adopted = carry_out(&mut exporter, at(5000), &mut vec![left_by_a_dead_process()]);
  assert!(adopted.iter().any(|name| name.contains("dead:true")), "{adopted:#?}");
  let last = carry_out(&mut exporter, at(8000), &mut Vec::new());
  assert!(exporter.has_ended());
  assert!(last.ends_with(&["ClearSnapshot".to_owned(), "Close".to_owned()]), "{last:#?}");
}

#[test]
fn processes_that_end_soon_do_not_pass_on_what_was_left_two_minutes_ago() {
  let mut snapshot = left_by_a_dead_process();
  for (begun, open) in [(10_000, 1), (60_000, 1), (200_000, 0)] {
    let at =
      |ms: u64| Now { elapsed: Duration::from_millis(ms), unix_ms: START + begun + ms as i64 };
    let mut exporter = spooling();
    carry_out(&mut exporter, at(0), &mut Vec::new());
    let mut snapshots = vec![snapshot.clone()];
    // The rows are safe before the last snapshot.
    for ms in [5_000, 6_000, 7_000] {
      exporter.handle_timeout(at(ms));
      while let Some((id, operation)) = exporter.poll_spool() {
        if let Operation::WriteSnapshot(content) = &operation {
          snapshot = content.clone();
        }
        exporter.handle_spool(id, done(&operation, &mut snapshots), at(ms));
        exporter.handle_timeout(at(ms));
      }
    }
    assert_eq!(exporter.translator.open_spans(), open, "{begun} ms later");
  }
}

#[test]
fn orphaned_spans_are_closed_although_the_clock_was_set_back() {
  for set_back in [0, 10_000] {
    let at =
      |ms: u64| Now { elapsed: Duration::from_millis(ms), unix_ms: START + ms as i64 - set_back };
    let mut exporter = spooling();
    carry_out(&mut exporter, at(0), &mut Vec::new());
    carry_out(&mut exporter, at(5000), &mut vec![left_by_a_dead_process()]);
    assert_eq!(exporter.translator.open_spans(), 1);
    for minute in 1..=3 {
      carry_out(&mut exporter, at(5000 + minute * 60_000), &mut Vec::new());
    }
    assert_eq!(exporter.translator.open_spans(), 0, "set back by {set_back}");
  }
}

#[test]
fn adopted_snapshots_are_discarded_only_after_a_snapshot_with_their_spans() {
  let mut exporter = spooling();
  carry_out(&mut exporter, at(0), &mut Vec::new());
  let own = start("run_own").replace("\"w\"", "\"own-w\"");
  exporter.handle_event(&own, Priority::Start, at(4900)).unwrap();
  let operations = carry_out(&mut exporter, at(5000), &mut vec![left_by_a_dead_process()]);
  let discard = operations.iter().position(|name| name == "DiscardAdopted").unwrap();
  let with = operations.iter().position(|name| name.contains("dead:true")).unwrap();
  assert!(with < discard, "{operations:#?}");
}

#[test]
fn the_last_snapshot_is_written_although_one_is_in_progress() {
  let mut exporter = spooling();
  carry_out(&mut exporter, at(0), &mut Vec::new());
  exporter.handle_event(&start("run_1"), Priority::Start, at(10)).unwrap();
  exporter.handle_timeout(at(200));
  let mut slow = Vec::new();
  while let Some(operation) = exporter.poll_spool() {
    if matches!(operation.1, Operation::WriteSnapshot(_)) {
      slow.push(operation);
    } else {
      let completion = done(&operation.1, &mut Vec::new());
      exporter.handle_spool(operation.0, completion, at(200));
    }
  }
  assert_eq!(slow.len(), 1);
  exporter.shutdown(Duration::from_millis(300), at(210));
  let mut later = carry_out(&mut exporter, at(300), &mut Vec::new());
  later.extend(carry_out(&mut exporter, at(400), &mut Vec::new()));
  let ended = exporter.has_ended();
  assert!(
    !ended || later.iter().any(|name| name == "ClearSnapshot" || name.starts_with("snapshot")),
    "{ended} {later:?}"
  );
}

#[test]
fn the_debug_log_never_shows_the_secret_of_a_storage() {
  let lines = Arc::new(Mutex::new(Vec::new()));
  let sink = lines.clone();
  let mut account = Account::new(SECOND, &Arc::default(), Box::new(|_| {}));
  account.show_log(Box::new(move |line| sink.lock().unwrap().push(line.to_owned())));
  let mut host = Host::with(json!({}), account);
  let event = json!({ "v": 3, "type": "run_start", "runId": "r", "input": "x".repeat(150_000) });
  host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  host.pass(SECOND, &|path, uploads| match path {
    "/logs3/overflow" => Response {
      status: 200,
      body: json!({ "method": "PUT", "key": "k",
        "signedUrl": "http://127.0.0.1:9/bucket/k?X-Amz-Signature=deadbeef" })
      .to_string()
      .into(),
      ..Response::default()
    },
    _ => braintrust(path, uploads),
  });
  let log = lines.lock().unwrap().join("\n");
  assert!(log.contains("/logs3/overflow"), "{log}");
  assert!(!log.contains("deadbeef"), "{log}");
}

#[test]
fn no_request_after_the_end() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.exporter.shutdown(Duration::ZERO, host.now());
  host.exporter.handle_timeout(host.now());
  assert!(host.exporter.has_ended());
  let request = host.exporter.poll_request();
  assert!(request.is_none(), "{request:?}");
}

#[test]
fn a_file_without_a_server_leaves_the_application_time_to_end_spans_at_exit() {
  let mut exporter = spooling_with(&json!({ "attachments": true }));
  carry_out(&mut exporter, at(0), &mut Vec::new());
  let event = |kind: &str| {
    let file = format!("data:image/png;base64,{}", "iVBORw0KGgoAAAANSUhE".repeat(100));
    let event = json!({ "v": 3, "type": kind, "runId": "run", "workflowName": "w", "input": file });
    event.to_string()
  };
  exporter.handle_event(&event("run_start"), Priority::Start, at(10)).unwrap();
  exporter.deliver_before_exit(9 * SECOND, false, at(20));
  let ended = (20..9_000).step_by(10).find(|ms| {
    carry_out(&mut exporter, at(*ms), &mut Vec::new());
    while let Some(Request { id, .. }) = exporter.poll_request() {
      exporter.handle_response(id, Ok(status(503, None)), at(*ms));
    }
    matches!(exporter.poll_output(), Some(Output::Completed { .. }))
  });
  let ended = ended.expect("the delivery completes before its deadline");
  assert!(exporter.delivery.unsettled_attachments() > 0);
  let late = exporter.handle_event(&event("run_end"), Priority::Continuation, at(ended));
  assert!(late.is_ok() && !exporter.has_ended());
  exporter.shutdown(9 * SECOND, at(ended));
  carry_out(&mut exporter, at(9_000), &mut Vec::new());
  let stats = exporter.account.counters.stats();
  assert_eq!((stats.spooled, stats.pending, stats.lost.len()), (2, 0, 0));
  assert_eq!(stats.attachments.lost["not_delivered_at_exit"], 1);
}

#[test]
fn the_snapshot_has_no_name_once_a_masking_function_is_set_nor_what_was_open_when_it_is_removed() {
  let mut exporter = spooling();
  let mut none = Vec::new();
  carry_out(&mut exporter, at(0), &mut none);
  let begin = |exporter: &mut Exporter, id: &str, name: &str, ms| {
    let event = start(id).replace("\"w\"", &format!("\"{name}\""));
    exporter.handle_event(&event, Priority::Start, at(ms)).unwrap();
  };
  let has = |written: &[String], snapshot: &str| written.iter().any(|name| name == snapshot);
  begin(&mut exporter, "run_1", "dead-w", 0);
  assert!(has(&carry_out(&mut exporter, at(200), &mut none), "snapshot(dead:true, own:false)"));
  // The masking function is set, and nothing else happens.
  exporter.set_masking(Masking::On);
  assert!(exporter.poll_timeout(at(300)).is_some_and(|due| due <= at(300).elapsed));
  assert!(has(&carry_out(&mut exporter, at(300), &mut none), "snapshot(dead:false, own:false)"));
  exporter.set_masking(Masking::Off);
  begin(&mut exporter, "run_2", "own-w", 400);
  let written = carry_out(&mut exporter, at(600), &mut none);
  assert!(has(&written, "snapshot(dead:false, own:true)"), "{written:?}");
}

#[test]
fn a_process_that_masks_all_the_time_writes_its_snapshot() {
  let mut exporter = spooling();
  exporter.set_masking(Masking::On);
  carry_out(&mut exporter, at(0), &mut Vec::new());
  let mut written = Vec::new();
  for step in 1..200 {
    let now = at(step * 10);
    exporter.handle_event(&start(&format!("run_{step}")), Priority::Start, now).unwrap();
    if let Some(MaskRequest { batch, .. }) = exporter.poll_mask() {
      exporter.handle_masked(batch, "[]", now);
    }
    written.extend(carry_out(&mut exporter, now, &mut Vec::new()));
  }
  let snapshots = written.iter().filter(|name| name.starts_with("snapshot")).count();
  assert!(snapshots > 5, "{written:?}");
}
