//! What a process leaves behind: the spans it had open and the deliveries it had not settled.
//!
//! Written down while the process lives and read by the next one, which goes on with what Flue recovers
//! and closes the rest as interrupted. Holds ids, names and times; never content.

use serde::{Deserialize, Serialize};

use crate::{
  activity::Activity, open_span::Open, placement::Parent, state::State, submissions::Submission,
};
use braintrust_row::Row;

/// The open spans and unsettled deliveries of a process.
#[derive(Default, Serialize, Deserialize)]
struct Remains<S = Open, D = Submission> {
  /// When they were written down, milliseconds since the epoch.
  at: i64,
  spans: Vec<(Activity, S)>,
  submissions: Vec<(String, D)>,
}

/// An open span as it is written down, with its name or without.
struct Told<'a> {
  span: &'a Open,
  name: bool,
}

impl Serialize for Told<'_> {
  fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
    if self.name {
      return self.span.serialize(serializer);
    }
    let mut told = serde_json::to_value(self.span).map_err(serde::ser::Error::custom)?;
    for name in ["/look/name", "/handed_down/workflow"] {
      if let Some(name) = told.pointer_mut(name) {
        name.take();
      }
    }
    told.serialize(serializer)
  }
}

/// What would remain if the process ended at `at`, milliseconds since the epoch. `None` if nothing would.
/// Without `names`, spans have none: names that must be masked are not written to disk either.
pub fn remains(state: &State, at: i64, names: bool) -> Option<Vec<u8>> {
  let told = |span| Told { span, name: names };
  let spans: Vec<_> =
    state.tree.iter().map(|(activity, span)| (activity.clone(), told(span))).collect();
  let submissions: Vec<_> =
    state.submissions.unsettled(at).map(|(id, submission)| (id.clone(), submission)).collect();
  if spans.is_empty() && submissions.is_empty() {
    return None;
  }
  serde_json::to_vec(&Remains { at, spans, submissions }).ok()
}

/// Adds what another process left. Fails on bytes that are not from [`remains`].
pub fn inherit(state: &mut State, remains: &[u8]) -> Result<(), serde_json::Error> {
  let Remains { at, spans, submissions } = serde_json::from_slice::<Remains>(remains)?;
  let mut spans: Vec<_> =
    spans.into_iter().filter(|(name, _)| state.tree.get(name).is_none()).collect();
  // Parents first, so that each child finds its parent.
  while !spans.is_empty() {
    let names: Vec<Activity> = spans.iter().map(|(name, _)| name.clone()).collect();
    let waits =
      |span: &Open| matches!(&span.place.parent, Parent::Span(parent, _) if names.contains(parent));
    let (later, now): (Vec<_>, Vec<_>) = spans.into_iter().partition(|(_, span)| waits(span));
    // Only garbage makes a circle, but that is to be closed as well.
    let (later, now) = if now.is_empty() { (now, later) } else { (later, now) };
    for (activity, mut span) in now {
      span.left_at = Some(span.left_at.unwrap_or(at));
      state.tree.insert(activity, span);
    }
    spans = later;
  }
  for (id, submission) in submissions {
    state.submissions.inherit(id, submission);
  }
  Ok(())
}

/// Interrupts the spans of processes that last wrote them down at `left_by` or before, and that this process has
/// not continued. Returns their last rows.
pub fn close_forsaken(state: &mut State, at: i64, left_by: i64) -> Vec<Row> {
  let forsaken: Vec<Activity> = state
    .tree
    .iter()
    .filter(|(_, span)| span.left_at.is_some_and(|left| left <= left_by))
    .filter(|(_, span)| state.tree.is_forsaken(span))
    .map(|(activity, _)| activity.clone())
    .collect();
  let mut rows = Vec::new();
  for activity in forsaken {
    rows.extend(state.tree.interrupt(&activity, at));
  }
  rows
}
