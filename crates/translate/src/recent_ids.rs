//! A bounded memory of activities.

use std::collections::HashSet;

use crate::activity::Activity;

/// How many activities are remembered at least; at most twice as many.
const MAX_REMEMBERED: usize = 4096;

/// The latest activities.
#[derive(Default)]
pub struct RecentIds {
  latest: HashSet<Activity>,
  before: HashSet<Activity>,
}

impl RecentIds {
  /// Remembers an activity.
  pub fn insert(&mut self, activity: Activity) {
    if self.latest.len() >= MAX_REMEMBERED {
      self.before = std::mem::take(&mut self.latest);
    }
    self.latest.insert(activity);
  }

  /// Forgets an activity.
  pub fn remove(&mut self, activity: &Activity) {
    self.latest.remove(activity);
    self.before.remove(activity);
  }

  /// Whether the activity is remembered.
  pub fn contains(&self, activity: &Activity) -> bool {
    self.latest.contains(activity) || self.before.contains(activity)
  }
}
