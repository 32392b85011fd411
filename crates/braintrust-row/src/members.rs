//! Members of a small JSON object, by name, in the order in which they came.
//!
//! A row has some ten of them. In a plain list they cost one allocation, and looking one up costs less
//! than hashing its name.

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
  /// Sets a member. One that is there already keeps its place.
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

  /// Sets a member unless it is there already.
  pub fn insert_new(&mut self, name: Cow<'static, str>, value: V) {
    if self.position(&name).is_none() {
      self.0.push((name, value));
    }
  }

  /// Takes in all members of another; its values win.
  pub fn extend(&mut self, later: Self) {
    if self.0.is_empty() {
      *self = later;
      return;
    }
    for (name, value) in later.0 {
      self.insert(name, value);
    }
  }

  pub fn remove(&mut self, name: &str) {
    self.0.retain(|(known, _)| known != name);
  }

  pub fn get(&self, name: &str) -> Option<&V> {
    self.0.get(self.position(name)?).map(|(_, value)| value)
  }

  pub fn contains(&self, name: &str) -> bool {
    self.position(name).is_some()
  }

  pub fn is_empty(&self) -> bool {
    self.0.is_empty()
  }

  pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
    self.0.iter().map(|(name, value)| (name.as_ref(), value))
  }

  pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
    self.0.iter_mut().map(|(name, value)| (&**name, value))
  }

  /// The bytes of memory that the list takes, without what its values point to.
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
