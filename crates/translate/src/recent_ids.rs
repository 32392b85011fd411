//! A bounded memory of ids.

use std::{collections::HashSet, hash::Hash};

/// How many ids are remembered at least; at most twice as many.
const MAX_REMEMBERED: usize = 4096;

/// The latest ids.
pub struct RecentIds<T> {
  latest: HashSet<T>,
  before: HashSet<T>,
}

impl<T> Default for RecentIds<T> {
  fn default() -> Self {
    Self { latest: HashSet::new(), before: HashSet::new() }
  }
}

impl<T: Eq + Hash> RecentIds<T> {
  /// Remembers an id.
  pub fn insert(&mut self, id: T) {
    if self.latest.len() >= MAX_REMEMBERED {
      self.before = std::mem::take(&mut self.latest);
    }
    self.latest.insert(id);
  }

  /// Forgets an id.
  pub fn remove(&mut self, id: &T) {
    self.latest.remove(id);
    self.before.remove(id);
  }

  /// Whether the id is remembered.
  pub fn contains(&self, id: &T) -> bool {
    self.latest.contains(id) || self.before.contains(id)
  }
}
