//! Members of a JSON object, by name, in the order of their insertion.
//!
//! A row has about ten. A plain list needs one allocation, and a lookup costs less than hashing the name. Only large
//! objects, which applications choose, have an index.

use std::{
  borrow::Cow,
  collections::HashMap,
  hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use super::json::Json;

/// How many members have no index.
const MAX_UNINDEXED: usize = 32;

/// Values by name.
#[derive(Clone, Debug)]
pub struct Members<V> {
  list: Vec<(Cow<'static, str>, V)>,
  /// Boxed: nearly all have none.
  index: Option<Box<Index>>,
}

/// The positions of members by the hashes of their names. Of names with the same hash, that of the first.
#[derive(Clone, Debug, Default)]
struct Index(HashMap<u64, usize, Hasher>);

type Hasher = BuildHasherDefault<DefaultHasher>;

impl<V> Default for Members<V> {
  fn default() -> Self {
    Self { list: Vec::new(), index: None }
  }
}

impl<V: PartialEq> PartialEq for Members<V> {
  fn eq(&self, other: &Self) -> bool {
    self.list == other.list
  }
}

impl<V> Members<V> {
  /// Sets a member. An existing one keeps its position.
  pub fn insert(&mut self, name: Cow<'static, str>, value: V) {
    match self.position(&name).and_then(|at| self.list.get_mut(at)) {
      Some((_, known)) => *known = value,
      None => self.push(name, value),
    }
  }

  /// Sets a member unless it exists.
  pub fn insert_new(&mut self, name: Cow<'static, str>, value: V) {
    if self.position(&name).is_none() {
      self.push(name, value);
    }
  }

  /// Adds all members of `later`, whose values win.
  pub fn extend(&mut self, later: Self) {
    if self.list.is_empty() {
      *self = later;
      return;
    }
    for (name, value) in later.list {
      self.insert(name, value);
    }
  }

  /// Removes a member.
  pub fn remove(&mut self, name: &str) {
    let before = self.list.len();
    self.list.retain(|(known, _)| known != name);
    if self.list.len() < before {
      self.index = None;
      self.write_index();
    }
  }

  /// The value of a member.
  pub fn get(&self, name: &str) -> Option<&V> {
    self.list.get(self.position(name)?).map(|(_, value)| value)
  }

  /// Whether there is a member of that name.
  pub fn contains(&self, name: &str) -> bool {
    self.position(name).is_some()
  }

  /// Whether there are no members.
  pub fn is_empty(&self) -> bool {
    self.list.is_empty()
  }

  /// Names and values in the order of their insertion.
  pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
    self.list.iter().map(|(name, value)| (name.as_ref(), value))
  }

  /// Names and mutable values in the order of their insertion.
  pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
    self.list.iter_mut().map(|(name, value)| (&**name, value))
  }

  /// The bytes of memory of the list, without those that its values point to.
  pub fn footprint(&self) -> usize {
    let index = self.index.as_ref().map_or(0, |index| index.0.capacity());
    self.list.capacity() * size_of::<(Cow<'static, str>, V)>() + index * size_of::<(u64, usize)>()
  }

  /// Adds a member that does not exist.
  fn push(&mut self, name: Cow<'static, str>, value: V) {
    if self.list.is_empty() {
      self.list.reserve(16);
    }
    if let Some(index) = &mut self.index {
      index.0.entry(hash(&name)).or_insert(self.list.len());
    }
    self.list.push((name, value));
    self.write_index();
  }

  /// Writes the index if there are many members and it is missing.
  fn write_index(&mut self) {
    if self.index.is_some() || self.list.len() <= MAX_UNINDEXED {
      return;
    }
    let mut index = Index::default();
    for (at, (name, _)) in self.list.iter().enumerate() {
      index.0.entry(hash(name)).or_insert(at);
    }
    self.index = Some(Box::new(index));
  }

  fn position(&self, name: &str) -> Option<usize> {
    let is_at = |at: &usize| self.list.get(*at).is_some_and(|(known, _)| known == name);
    if let Some(index) = &self.index {
      let first = *index.0.get(&hash(name))?;
      if is_at(&first) {
        return Some(first);
      }
    }
    (0..self.list.len()).find(is_at)
  }
}

impl Members<Json> {
  /// As [`Json::merge_earlier`], for each value that has an earlier one of its name.
  pub(super) fn merge_earlier(&mut self, earlier: &Self) -> bool {
    let mut members = self.iter_mut();
    members
      .all(|(name, value)| earlier.get(name).is_none_or(|earlier| value.merge_earlier(earlier)))
  }
}

fn hash(name: &str) -> u64 {
  Hasher::default().hash_one(name)
}

impl<V> IntoIterator for Members<V> {
  type Item = (Cow<'static, str>, V);
  type IntoIter = std::vec::IntoIter<Self::Item>;

  fn into_iter(self) -> Self::IntoIter {
    self.list.into_iter()
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn numbered(count: usize) -> Members<usize> {
    let mut members = Members::default();
    (0..count).for_each(|number| members.insert(number.to_string().into(), number));
    members
  }

  #[test]
  fn many_members_are_found_by_name_and_keep_their_order() {
    let mut members = numbered(100);
    members.insert("7".into(), 700);
    members.insert_new("8".into(), 800);
    members.remove("50");
    members.extend(numbered(102));
    assert_eq!(
      (members.get("7"), members.get("8"), members.get("101")),
      (Some(&7), Some(&8), Some(&101))
    );
    assert_eq!(members.get("102"), None);
    let order: Vec<usize> = members.iter().map(|(_, value)| *value).collect();
    let expected: Vec<usize> = (0..50).chain(51..100).chain([50, 100, 101]).collect();
    assert_eq!(order, expected);
  }

  #[test]
  fn many_members_are_added_in_linear_time() {
    let mut members = numbered(500_000);
    members.extend(numbered(500_000));
    assert_eq!(members.iter().count(), 500_000);
  }
}
