//! Properties of any stream of events, however it was cut.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{
  OWN_KINDS, RELEASES, processes, recordings,
  trace::{Trace, name},
  translate, translate_until_crash,
};
use braintrust_row::Row;

/// A recording without crashes: one process's events.
fn recording() -> impl Strategy<Value = Vec<String>> {
  let all: Vec<(&str, String)> = RELEASES
    .iter()
    .flat_map(|release| recordings(release).into_iter().map(move |name| (*release, name)))
    .filter(|(_, name)| !name.starts_with("crash-") && !name.starts_with("run-recovery"))
    .collect();
  prop::sample::select(all).prop_map(|(release, name)| processes(release, &name).concat())
}

fn trace(events: &[String]) -> Trace {
  let mut trace = Trace::default();
  translate(events, &mut trace);
  trace
}

proptest! {
  #![proptest_config(ProptestConfig::with_cases(128))]

  /// A process may end anywhere.
  #[test]
  fn cut_off_anywhere_each_span_closes_once_below_a_parent_that_exists(
    events in recording(), cut in 0.0..1.0,
  ) {
    let kept = (events.len() as f64 * cut) as usize;
    let trace = trace(&events[..kept]);
    for (id, row) in &trace.rows {
      prop_assert_eq!(trace.closed.get(id), Some(&1), "{}", name(row));
      prop_assert!(*row.metrics.get("end").unwrap() >= *row.metrics.get("start").unwrap(), "{}", name(row));
      prop_assert_eq!(row.parent.is_some(), trace.parent(row).is_some(), "{}", name(row));
    }
  }

  /// A filter may drop any event: ends without starts, starts without ends.
  #[test]
  fn whichever_events_are_missing_each_span_is_closed_and_none_ends_before_it_starts(
    events in recording(), seed in any::<u64>(), keep in 0.1..1.0,
  ) {
    let mut random = proptest::test_runner::TestRng::from_seed(
      proptest::test_runner::RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4),
    );
    let kept: Vec<String> =
      events.into_iter().filter(|_| f64::from(random.next_u32()) / f64::from(u32::MAX) < keep).collect();
    let trace = trace(&kept);
    for (id, row) in &trace.rows {
      prop_assert!(trace.closed.contains_key(id), "{} is open", name(row));
      // The end of a task alone does not have its start.
      let start = row.metrics.get("start").copied().unwrap_or(0.0);
      prop_assert!(*row.metrics.get("end").unwrap() >= start, "{}", name(row));
      // Nor do a subagent's events have the parent of its task.
      let in_task = row.metadata.contains("flue.task_id");
      prop_assert!(in_task || row.parent.is_some() == trace.parent(row).is_some(), "{}", name(row));
    }
  }

  /// An observer may be registered twice.
  #[test]
  fn duplicate_events_are_ignored(events in recording()) {
    let twice: Vec<String> = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    let (once, twice) = (trace(&events), trace(&twice));
    for (id, row) in &once.rows {
      prop_assert_eq!(format!("{row:?}"), format!("{:?}", twice.rows[id]));
    }
    prop_assert_eq!(once.rows.len(), twice.rows.len());
  }

  /// The same events are the same spans, in whatever process.
  #[test]
  fn a_replay_changes_nothing(events in recording()) {
    let once = trace(&events);
    let mut twice = Trace::default();
    translate(&events, &mut twice);
    translate(&events, &mut twice);
    let shown = |trace: &Trace| -> HashMap<_, _> {
      trace.rows.iter().map(|(id, row)| (*id, format!("{row:?}"))).collect()
    };
    prop_assert_eq!(shown(&once), shown(&twice));
  }

  /// A process may crash anywhere, and the next one continue.
  #[test]
  fn two_processes_write_what_one_would_have_written(events in recording(), cut in 0.0..1.0) {
    let (first, second) = events.split_at((events.len() as f64 * cut) as usize);
    let mut halves = Trace::default();
    let (crashed, last) = translate_until_crash(None, first, &mut halves);
    let (mut next, end) = translate_until_crash(crashed.snapshot(last, true), second, &mut halves);
    halves.take(next.close_all(end.max(last)));
    let whole = trace(&events);
    for (id, row) in &whole.rows {
      prop_assert_eq!(durable(row), durable(&halves.rows[id]));
    }
    prop_assert_eq!(whole.rows.len(), halves.rows.len());
  }

  /// Garbage neither stops the translation nor breaks the spans around it.
  #[test]
  fn events_without_content_change_nothing(events in recording(), at in 0usize..50, noise in noise()) {
    let mut noisy = events.clone();
    noisy.insert(at.min(noisy.len()), noise);
    let (clean, noisy) = (trace(&events), trace(&noisy));
    for (id, row) in &clean.rows {
      prop_assert_eq!(format!("{row:?}"), format!("{:?}", noisy.rows[id]));
    }
  }
}

/// A row without what only memory has: log lines are content, which no snapshot holds. And without what corrects the
/// mark of an adopted span, which has ended after all.
fn durable(row: &Row) -> String {
  let mut row = row.clone();
  row.metadata.remove("flue.logs");
  if row.metadata.get("flue.interrupted").is_some_and(|value| value.as_str() == "false") {
    row.metadata.remove("flue.interrupted");
  }
  let mut metadata: Vec<_> = std::mem::take(&mut row.metadata).into_iter().collect();
  let mut metrics: Vec<_> = std::mem::take(&mut row.metrics).into_iter().collect();
  metadata.sort_by(|(one, _), (other, _)| one.cmp(other));
  metrics.sort_by(|(one, _), (other, _)| one.cmp(other));
  format!("{row:?} {metadata:?} {metrics:?}")
}

fn noise() -> impl Strategy<Value = String> {
  let kinds = flue_event::TRANSLATED_KINDS.iter().chain(OWN_KINDS).copied().collect::<Vec<_>>();
  let kinds = prop::sample::select(kinds);
  let values = prop::sample::select(vec!["null", "7", "\"\"", "[]", "{}", "true", "1e999"]);
  (kinds, values).prop_map(|(kind, value)| {
    let ids = [
      "runId",
      "operationId",
      "turnId",
      "toolCallId",
      "taskId",
      "submissionId",
      "request",
      "timestamp",
    ];
    let members: Vec<String> = ids.iter().map(|id| format!("\"{id}\":{value}")).collect();
    format!("{{\"type\":\"{kind}\",{}}}", members.join(","))
  })
}
