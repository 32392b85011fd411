//! Rows that the disk refused are written again.

use super::{disk::Machine, *};

/// A machine without a server, whose disk has refused three runs and works again.
fn refused() -> Machine {
  let mut machine = Machine::new(&json!({}));
  (machine.is_down, machine.is_full) = (true, true);
  for n in 0..3 {
    machine.run(1 + n * 200, &format!("r{n}"));
    machine.pass(1 + n * 200, n * 200 + 190);
  }
  machine.is_full = false;
  assert_eq!((machine.refused, machine.segments.len()), (1, 0), "the others wait for the pause");
  machine
}

#[test]
fn what_the_disk_refused_is_written_after_the_pause_although_no_row_follows() {
  let mut machine = refused();
  machine.pass(600, 5_000);
  assert_eq!((machine.refused, machine.segments.len()), (1, 3));
  machine.run(5_000, "next");
  machine.pass(5_000, 5_200);
  assert_eq!(machine.segments.len(), 4);
  assert_eq!(machine.exporter.spool_bytes(), machine.disk_bytes());

  machine.is_down = false;
  machine.pass(5_200, 60_000);
  let stats = machine.stats();
  assert_eq!((stats.sent, stats.pending, machine.segments.len()), (4, 0, 0), "{stats:?}");
}

#[test]
fn what_the_disk_refused_is_written_at_the_end() {
  let mut machine = refused();
  machine.exporter.deliver_before_exit(4 * SECOND, false, at(2_000));
  machine.exporter.shutdown(4 * SECOND, at(2_000));
  machine.pass(2_000, 4_000);
  let stats = machine.stats();
  assert_eq!((stats.spooled, machine.segments.len()), (3, 3), "{stats:?}");
  assert!(machine.exporter.has_ended() && stats.lost.is_empty(), "{stats:?}");
}

#[test]
fn a_disk_that_stays_full_is_tried_once_a_second() {
  let mut machine = Machine::new(&json!({}));
  (machine.is_down, machine.is_full) = (true, true);
  for n in 0..100 {
    machine.run(n * 100, &format!("r{n}"));
    machine.pass(n * 100, n * 100 + 99);
  }
  machine.exporter.shutdown(12 * SECOND, at(10_000));
  machine.pass(10_000, 12_000);
  assert!((5..=14).contains(&machine.refused), "{}", machine.refused);
  assert_eq!(machine.stats().lost["not_delivered_at_exit"], 100);
}
