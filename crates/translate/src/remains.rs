//! What a process leaves behind: the spans it had open and the deliveries it had not settled.
//!
//! Written down while the process lives and read by the next one, which goes on with what Flue recovers
//! and closes the rest as interrupted. Holds ids, names and times; never content.

use serde::{Deserialize, Serialize};

use super::{
  Translator,
  activity::Activity,
  submission::Submission,
  tree::{Open, Parent},
};
use braintrust_row::Row;

/// The open spans and unsettled deliveries of a process.
#[derive(Default, Serialize, Deserialize)]
pub struct Remains<S = Open, D = Submission> {
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

impl Translator {
  /// What would remain if the process ended at `at`. `None` when nothing would.
  /// Without `names`, spans have none: what is masked is not written down either.
  pub fn remains(&self, at: i64, names: bool) -> Option<Vec<u8>> {
    let told = |span| Told { span, name: names };
    let spans: Vec<_> =
      self.tree.iter().map(|(activity, span)| (activity.clone(), told(span))).collect();
    let submissions: Vec<_> =
      self.submissions.unsettled(at).map(|(id, submission)| (id.clone(), submission)).collect();
    if spans.is_empty() && submissions.is_empty() {
      return None;
    }
    serde_json::to_vec(&Remains { at, spans, submissions }).ok()
  }

  /// Takes over what another process left. Text that is not [`Self::remains`] is an error.
  pub fn inherit(&mut self, remains: &[u8]) -> Result<(), serde_json::Error> {
    let Remains { at, spans, submissions } = serde_json::from_slice::<Remains>(remains)?;
    let mut spans: Vec<_> =
      spans.into_iter().filter(|(name, _)| self.tree.get(name).is_none()).collect();
    // Parents first, so that each finds the span it lies below.
    while !spans.is_empty() {
      let names: Vec<Activity> = spans.iter().map(|(name, _)| name.clone()).collect();
      let waits = |span: &Open| matches!(&span.place.parent, Parent::Span(parent, _) if names.contains(parent));
      let (later, now): (Vec<_>, Vec<_>) = spans.into_iter().partition(|(_, span)| waits(span));
      // Only garbage makes a circle, but that is to be closed as well.
      let (later, now) = if now.is_empty() { (now, later) } else { (later, now) };
      for (activity, mut span) in now {
        span.left_at = Some(span.left_at.unwrap_or(at));
        self.tree.insert(activity, span);
      }
      spans = later;
    }
    for (id, submission) in submissions {
      self.submissions.inherit(id, submission);
    }
    Ok(())
  }

  /// Closes what was inherited from processes that were last known to live by `left_by` at the latest, and
  /// nobody has gone on with.
  pub fn close_forsaken(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    let forsaken: Vec<Activity> = self
      .tree
      .iter()
      .filter(|(_, span)| span.left_at.is_some_and(|left| left <= left_by))
      .filter(|(_, span)| self.tree.is_forsaken(span))
      .map(|(activity, _)| activity.clone())
      .collect();
    let mut rows = Vec::new();
    for activity in forsaken {
      self.tree.interrupt(&activity, at, &mut rows);
    }
    rows
  }
}
