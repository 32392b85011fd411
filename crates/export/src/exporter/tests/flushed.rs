//! What a flush waits for with a spool.

use std::io;

use super::{
  spooled::{carry_out, spooling},
  *,
};

/// An exporter on a slow disk, and the operation that writes its snapshot. The snapshot contains a queued submission,
/// which has no row. A second submission is queued while the snapshot is written.
fn waiting_submissions() -> (Exporter, OperationId) {
  let mut exporter = spooling();
  carry_out(&mut exporter, at(0), &mut Vec::new());
  let queued = |id: &str| {
    json!({ "v": 3, "type": "submission_queued", "submissionId": id, "agentName": "a" }).to_string()
  };
  exporter.handle_event(&queued("first"), Priority::Start, at(10)).unwrap();
  let (begun, operation) = next_operation(&mut exporter, at(200)).unwrap();
  assert!(states(&operation, "first"));
  exporter.handle_event(&queued("second"), Priority::Start, at(210)).unwrap();
  (exporter, begun)
}

fn next_operation(exporter: &mut Exporter, now: Now) -> Option<(OperationId, Operation)> {
  exporter.handle_timeout(now);
  exporter.poll_spool()
}

fn states(operation: &Operation, what: &str) -> bool {
  matches!(operation, Operation::WriteSnapshot(content) if String::from_utf8_lossy(content).contains(what))
}

#[test]
fn a_flush_answers_once_the_snapshot_with_all_that_came_before_it_is_on_the_disk() {
  let (mut exporter, first) = waiting_submissions();
  let ticket = exporter.flush(5 * SECOND, at(220));
  assert!(next_operation(&mut exporter, at(220)).is_none());
  assert_eq!(exporter.poll_output(), None, "the snapshot that is being written is older");
  exporter.handle_spool(first, Completion::Done(Ok(())), at(230));
  let (second, operation) = next_operation(&mut exporter, at(230)).unwrap();
  assert!(states(&operation, "second"));
  assert_eq!(exporter.poll_output(), None, "its snapshot is not written");
  exporter.handle_spool(second, Completion::Done(Ok(())), at(240));
  exporter.handle_timeout(at(240));
  assert_eq!(exporter.poll_output(), Some(Output::Completed { ticket, complete: true }));
}

#[test]
fn a_flush_waits_neither_for_a_snapshot_that_cannot_be_written_nor_beyond_its_deadline() {
  let (mut exporter, first) = waiting_submissions();
  exporter.handle_spool(first, Completion::Done(Ok(())), at(220));
  let failing = exporter.flush(5 * SECOND, at(220));
  let (second, _) = next_operation(&mut exporter, at(220)).unwrap();
  let full = Completion::Done(Err(io::ErrorKind::StorageFull.into()));
  exporter.handle_spool(second, full, at(230));
  exporter.handle_timeout(at(230));
  let complete = |ticket| Some(Output::Completed { ticket, complete: true });
  assert_eq!(exporter.poll_output(), complete(failing));
  // The disk does not respond any more.
  let hanging = exporter.flush(5 * SECOND, at(300));
  assert!(next_operation(&mut exporter, at(300)).is_some());
  assert_eq!(exporter.poll_output(), None);
  assert_eq!(exporter.poll_timeout(at(300)), Some(5 * SECOND));
  exporter.handle_timeout(at(5000));
  assert_eq!(exporter.poll_output(), complete(hanging));
}

#[test]
fn a_flush_writes_no_snapshot_when_nothing_has_come_since_the_last_one() {
  let (mut exporter, first) = waiting_submissions();
  exporter.handle_spool(first, Completion::Done(Ok(())), at(220));
  exporter.flush(5 * SECOND, at(220));
  let (second, _) = next_operation(&mut exporter, at(220)).unwrap();
  exporter.handle_spool(second, Completion::Done(Ok(())), at(230));
  exporter.handle_timeout(at(230));
  assert!(exporter.poll_output().is_some());
  let ticket = exporter.flush(5 * SECOND, at(300));
  assert!(next_operation(&mut exporter, at(300)).is_none());
  assert_eq!(exporter.poll_output(), Some(Output::Completed { ticket, complete: true }));
}
