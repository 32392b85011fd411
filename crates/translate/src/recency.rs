//! Values of conversations, each with a size in bytes, in the order of their use.

use std::collections::{BTreeMap, HashMap};

/// Values by key. The one that was least recently used, of those that have a size, is known.
pub struct Recency<V> {
  entries: HashMap<String, Entry<V>>,
  /// The keys of the entries that have a size, by their last use.
  order: BTreeMap<u64, String>,
  /// The number of uses so far.
  uses: u64,
  bytes: usize,
}

#[derive(Default)]
struct Entry<V> {
  value: V,
  used: u64,
  bytes: usize,
}

impl<V> Default for Recency<V> {
  fn default() -> Self {
    Self { entries: HashMap::new(), order: BTreeMap::new(), uses: 0, bytes: 0 }
  }
}

impl<V: Default> Recency<V> {
  /// Uses the value of a key, added if it is new, and sets its size in bytes.
  pub fn entry(&mut self, key: &str, bytes: usize) -> &mut V {
    self.uses += 1;
    let entry = self.entries.entry(key.to_owned()).or_default();
    self.order.remove(&entry.used);
    entry.used = self.uses;
    if bytes > 0 {
      self.order.insert(entry.used, key.to_owned());
    }
    self.bytes = self.bytes - entry.bytes + bytes;
    entry.bytes = bytes;
    &mut entry.value
  }

  /// The value of a key. It does not count as used.
  pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
    self.entries.get_mut(key).map(|entry| &mut entry.value)
  }

  /// The bytes of all values.
  pub fn bytes(&self) -> usize {
    self.bytes
  }

  /// The value that was least recently used, of those that have a size.
  pub fn least_recent(&mut self) -> Option<(String, &mut V)> {
    let key = self.order.first_key_value()?.1.clone();
    let entry = self.entries.get_mut(&key)?;
    Some((key, &mut entry.value))
  }

  /// Removes a value.
  pub fn remove(&mut self, key: &str) {
    if let Some(entry) = self.entries.remove(key) {
      self.bytes -= entry.bytes;
      self.order.remove(&entry.used);
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_least_recently_used_value_with_a_size_comes_first() {
    let mut values = Recency::<u8>::default();
    for (key, bytes) in [("a", 5), ("b", 0), ("c", 7)] {
      values.entry(key, bytes);
    }
    assert_eq!(values.bytes(), 12);
    assert_eq!(values.least_recent().unwrap().0, "a");
    values.entry("a", 6);
    assert_eq!(values.least_recent().unwrap().0, "c");
    values.entry("c", 0);
    assert_eq!(values.least_recent().unwrap().0, "a");
    values.remove("a");
    assert!(values.least_recent().is_none());
    assert_eq!(values.bytes(), 0);
  }
}
