//! The ends of compactions that came before their starts.

use crate::activity::Activity;
use braintrust_row::Row;
use flue_event::{Event, Usage};

/// How many are kept.
const MAX_ENDS: usize = 64;

/// The end of a compaction that came before its start.
pub struct EarlyEnd {
  pub activity: Activity,
  /// When it came, milliseconds since the epoch.
  pub at: i64,
  pub index: Option<f64>,
  pub usage: Option<Usage>,
  /// What it states, without the identity of the compaction.
  pub row: Row,
}

/// The latest such ends, the latest first.
#[derive(Default)]
pub struct EarlyEnds(Vec<EarlyEnd>);

impl EarlyEnds {
  /// Keeps an end.
  pub fn keep(&mut self, early: EarlyEnd) {
    self.0.truncate(MAX_ENDS - 1);
    self.0.insert(0, early);
  }

  /// Takes the end of the compaction that an event starts, and not of an earlier one of the operation.
  pub fn take(&mut self, activity: &Activity, start: &Event<'_>) -> Option<EarlyEnd> {
    let place = self.0.iter().position(|early| {
      let is_after = match (early.index, start.index) {
        (Some(end), Some(start)) => end > start,
        _ => early.at >= start.at,
      };
      is_after && early.activity == *activity
    })?;
    Some(self.0.remove(place))
  }
}
