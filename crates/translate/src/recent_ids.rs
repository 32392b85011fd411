//! A bounded memory of activities.

use std::collections::HashMap;

use braintrust_row::RowId;

use crate::activity::Activity;

/// How many activities are remembered at least; at most twice as many.
const MAX_REMEMBERED: usize = 4096;

/// The latest activities, with the rows of their spans as far as these matter.
#[derive(Default)]
pub struct RecentIds {
  latest: HashMap<Activity, Option<RowId>>,
  before: HashMap<Activity, Option<RowId>>,
}

impl RecentIds {
  /// Remembers an activity.
  pub fn insert(&mut self, activity: Activity, row: Option<RowId>) {
    if self.latest.len() >= MAX_REMEMBERED {
      self.before = std::mem::take(&mut self.latest);
    }
    self.latest.insert(activity, row);
  }

  /// Forgets an activity.
  pub fn remove(&mut self, activity: &Activity) {
    self.latest.remove(activity);
    self.before.remove(activity);
  }

  /// Whether the activity is remembered.
  pub fn contains(&self, activity: &Activity) -> bool {
    self.latest.contains_key(activity) || self.before.contains_key(activity)
  }

  /// The row that is remembered with an activity.
  pub fn row(&self, activity: &Activity) -> Option<RowId> {
    self.latest.get(activity).or_else(|| self.before.get(activity)).copied().flatten()
  }
}
