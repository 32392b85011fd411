//! A bounded memory of ids.

use std::{collections::HashMap, hash::Hash};

/// How many ids are remembered at least; at most twice as many.
const MAX_REMEMBERED: usize = 4096;

/// The latest ids, and a value for each.
pub struct RecentIds<T, V = ()> {
  latest: HashMap<T, V>,
  before: HashMap<T, V>,
}

impl<T, V> Default for RecentIds<T, V> {
  fn default() -> Self {
    Self { latest: HashMap::new(), before: HashMap::new() }
  }
}

impl<T: Eq + Hash> RecentIds<T> {
  /// Remembers an id.
  pub fn insert(&mut self, id: T) {
    self.set(id, ());
  }
}

impl<T: Eq + Hash, V> RecentIds<T, V> {
  /// Remembers an id and its value.
  pub fn set(&mut self, id: T, value: V) {
    if self.latest.len() >= MAX_REMEMBERED {
      self.before = std::mem::take(&mut self.latest);
    }
    self.latest.insert(id, value);
  }

  /// The value of an id, to be changed; of an unknown id, the default.
  pub fn entry(&mut self, id: T) -> &mut V
  where
    T: Clone,
    V: Default,
  {
    if !self.latest.contains_key(&id) {
      let known = self.before.remove(&id).unwrap_or_default();
      self.set(id.clone(), known);
    }
    self.latest.entry(id).or_default()
  }

  /// Forgets an id. Returns its value, if it was remembered.
  pub fn remove(&mut self, id: &T) -> Option<V> {
    let before = self.before.remove(id);
    self.latest.remove(id).or(before)
  }

  /// The value of an id, to be changed, if it is remembered.
  pub fn get_mut(&mut self, id: &T) -> Option<&mut V> {
    self.latest.get_mut(id).or_else(|| self.before.get_mut(id))
  }

  /// The value of an id, if it is remembered.
  pub fn get(&self, id: &T) -> Option<&V> {
    self.latest.get(id).or_else(|| self.before.get(id))
  }

  /// Whether the id is remembered.
  pub fn contains(&self, id: &T) -> bool {
    self.get(id).is_some()
  }
}
