//! Spool files whose header states another number of rows than they have.

use super::{
  disk::{Machine, segment},
  *,
};

#[test]
fn the_account_follows_the_rows_of_an_adopted_segment_and_not_its_header() {
  for stated in [1, 2, u32::MAX] {
    let mut dead = Machine::new(&json!({}));
    (0..3).for_each(|n| dead.run(10, &format!("r{n}")));
    dead.is_down = true;
    dead.pass(10, 400);
    let content = dead.segments.values().next().unwrap();
    let mut machine = Machine::new(&json!({}));
    machine.found = vec![segment(1, content, stated), segment(2, content, 3)];
    machine.segments.extend([(1, content.clone()), (2, content.clone())]);
    machine.pass(0, 5_000);
    machine.exporter.shutdown(9 * SECOND, at(5_000));
    machine.pass(5_000, 6_000);
    let stats = machine.stats();
    assert_eq!((stats.accepted, stats.sent, stats.spooled), (6, 6, 0), "{stats:?}");
    assert_eq!(stats.bytes.accepted, stats.bytes.sent);
    assert!(machine.segments.is_empty());
  }
}
