use super::*;

#[test]
fn accepted_attachments_are_uploaded_pending_or_lost() {
  let counters = Counters::default();
  counters.accept_attachments(4);
  counters.attachment_uploaded(70);
  counters.lose_attachments(LossReason::Rejected, 2);
  let stats = counters.stats().attachments;
  assert_eq!((stats.accepted, stats.uploaded, stats.pending, stats.bytes), (4, 1, 1, 70));
  assert_eq!(stats.lost, BTreeMap::from([("rejected", 2)]));
  assert!(!counters.is_idle());
}

#[test]
fn accepted_rows_are_sent_pending_spooled_or_lost_in_rows_and_in_bytes() {
  let counters = Counters::default();
  (0..5).for_each(|_| counters.accept(RowTotals { rows: 1, bytes: 100 }));
  counters.refuse(LossReason::QueueFull, 40);
  counters.correct(-20);
  counters.sent(RowTotals { rows: 1, bytes: 90 }, 120);
  counters.set_spooled(RowTotals { rows: 1, bytes: 110 });
  counters.lose(LossReason::EngineFailed, RowTotals { rows: 1, bytes: 80 });
  let stats = counters.stats();
  assert_eq!((stats.accepted, stats.sent, stats.spooled, stats.pending), (6, 1, 1, 2));
  assert_eq!(stats.lost, BTreeMap::from([("queue_full", 1), ("engine_failed", 1)]));
  let bytes = stats.bytes;
  assert_eq!((bytes.accepted, bytes.sent, bytes.spooled, bytes.pending), (520, 90, 110, 200));
  assert_eq!(bytes.lost, BTreeMap::from([("queue_full", 40), ("engine_failed", 80)]));
}

#[test]
fn every_reason_has_a_counter_of_its_own() {
  for reason in LossReason::ALL {
    let counters = Counters::default();
    counters.refuse(reason, 7);
    assert_eq!(counters.stats().lost, BTreeMap::from([(reason.name(), 1)]));
  }
}
