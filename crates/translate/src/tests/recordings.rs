use std::collections::HashSet;

use super::{RELEASES, recordings, replay, trace::name as name_of};
use braintrust_row::Row;

#[test]
fn every_recording_becomes_the_trace_that_was_reviewed() {
  for release in RELEASES {
    for name in recordings(release) {
      insta::assert_snapshot!(format!("{release}/{name}"), replay(release, &name).describe());
    }
  }
}

#[test]
fn in_every_recording_each_span_is_closed_below_a_parent_that_exists() {
  for release in RELEASES {
    for name in recordings(release) {
      let trace = replay(release, &name);
      assert!(!trace.rows.is_empty(), "{release}/{name}");
      let crashed = name.starts_with("crash-");
      for (id, row) in &trace.rows {
        let what = format!("{release}/{name}: {}", name_of(row));
        let closed = trace.closed.get(id).copied().unwrap_or_default();
        assert!(closed == 1 || (crashed && closed > 1), "{what} is closed {closed} times");
        assert!(
          *row.metrics.get("end").unwrap() >= *row.metrics.get("start").unwrap(),
          "{what} ends before it starts"
        );
        assert_eq!(row.parent.is_some(), trace.parent(row).is_some(), "{what} has a lost parent");
        let root = trace.path(row).len() == 1;
        assert_eq!(root, row.parent.is_none());
        if let Some(parent) = trace.parent(row) {
          assert_eq!(row.span.trace, parent.span.trace, "{what} is not in its parent's trace");
          let end = |row: &Row| *row.metrics.get("end").unwrap();
          // What is interrupted ends when it was last known to run, and may be resumed below a parent that is not.
          let is_within = crashed || end(row) <= end(parent);
          assert!(is_within, "{what} ends after {}", name_of(parent));
        }
      }
      let roots: Vec<_> = trace.rows.values().filter(|row| row.parent.is_none()).collect();
      let traces: HashSet<_> = roots.iter().map(|row| row.span.trace).collect();
      assert_eq!(roots.len(), traces.len(), "{release}/{name} has two roots in one trace");
    }
  }
}
