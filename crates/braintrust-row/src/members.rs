//! Members of a small JSON object, by name, in the order of their insertion.
//!
//! A row has about ten. A plain list needs one allocation, and a lookup costs less than hashing the name.

use std::borrow::Cow;

/// Values by name. Cheap for tens of members, not for hundreds.
#[derive(Clone, Debug, PartialEq)]
pub struct Members<V>(Vec<(Cow<'static, str>, V)>);

impl<V> Default for Members<V> {
  fn default() -> Self {
    Self(Vec::new())
  }
}

impl<V> Members<V> {
  /// Sets a member. An existing one keeps its position.
  pub fn insert(&mut self, name: Cow<'static, str>, value: V) {
    match self.position(&name).and_then(|at| self.0.get_mut(at)) {
      Some((_, known)) => *known = value,
      None => {
        if self.0.is_empty() {
          self.0.reserve(16);
        }
        self.0.push((name, value));
      }
    }
  }

  /// Sets a member unless it exists.
  pub fn insert_new(&mut self, name: Cow<'static, str>, value: V) {
    if self.position(&name).is_none() {
      self.0.push((name, value));
    }
  }

  /// Adds all members of `later`, whose values win.
  pub fn extend(&mut self, later: Self) {
    if self.0.is_empty() {
      *self = later;
      return;
    }
    for (name, value) in later.0 {
      self.insert(name, value);
    }
  }

  /// Removes a member.
  pub fn remove(&mut self, name: &str) {
    self.0.retain(|(known, _)| known != name);
  }

  /// The value of a member.
  pub fn get(&self, name: &str) -> Option<&V> {
    self.0.get(self.position(name)?).map(|(_, value)| value)
  }

  /// Whether there is a member of that name.
  pub fn contains(&self, name: &str) -> bool {
    self.position(name).is_some()
  }

  /// Whether there are no members.
  pub fn is_empty(&self) -> bool {
    self.0.is_empty()
  }

  /// Names and values in the order of their insertion.
  pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
    self.0.iter().map(|(name, value)| (name.as_ref(), value))
  }

  /// Names and mutable values in the order of their insertion.
  pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
    self.0.iter_mut().map(|(name, value)| (&**name, value))
  }

  /// The bytes of memory of the list, without those that its values point to.
  pub fn footprint(&self) -> usize {
    self.0.capacity() * size_of::<(Cow<'static, str>, V)>()
  }

  fn position(&self, name: &str) -> Option<usize> {
    self.0.iter().position(|(known, _)| known == name)
  }
}

impl<V> IntoIterator for Members<V> {
  type Item = (Cow<'static, str>, V);
  type IntoIter = std::vec::IntoIter<Self::Item>;

  fn into_iter(self) -> Self::IntoIter {
    self.0.into_iter()
  }
}
