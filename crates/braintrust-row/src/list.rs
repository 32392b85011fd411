//! Lists that grow and share their items: the messages of a conversation, of which every turn's input has all
//! so far. Memory grows with the length of the conversation and not with its square.

use std::{
  fmt, mem,
  ops::Range,
  sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A growing list of JSON texts. Cloning shares it.
#[derive(Clone, Default)]
pub struct List(Arc<Mutex<Items>>);

#[derive(Default)]
struct Items {
  all: Vec<Item>,
  /// The bytes of the items that no slice has counted yet.
  uncounted: usize,
  /// How many items, from the first on, were passed to [`Slice::rewrite`].
  rewritten: usize,
}

#[derive(Clone)]
struct Item {
  text: Arc<str>,
  /// The bytes of this and all earlier items, with a comma behind each.
  bytes_so_far: usize,
}

/// Some items of a list, after an optional item that only the slice has.
#[derive(Clone)]
pub struct Slice {
  first: Option<Arc<str>>,
  list: List,
  range: Range<usize>,
  bytes: usize,
  memory_bytes: usize,
}

impl List {
  /// How many items there are.
  pub fn len(&self) -> usize {
    self.items().all.len()
  }

  /// Whether the list has no items.
  pub fn is_empty(&self) -> bool {
    self.len() == 0
  }

  /// A list of the first `kept` items, followed by `fresh`. It is this list if that has exactly `kept` items,
  /// and otherwise a new one that shares their texts.
  pub fn extend_from(&self, kept: usize, fresh: impl IntoIterator<Item = String>) -> Self {
    let list = if self.len() == kept { self.clone() } else { self.fork(kept) };
    let mut items = list.items();
    for text in fresh {
      let before = items.all.last().map_or(0, |item| item.bytes_so_far);
      items.uncounted += text.len();
      items.all.push(Item { bytes_so_far: before + text.len() + 1, text: text.into() });
    }
    drop(items);
    list
  }

  fn fork(&self, kept: usize) -> Self {
    let items = self.items();
    let all = items.all.iter().take(kept).cloned().collect();
    let rewritten = items.rewritten.min(kept);
    Self(Arc::new(Mutex::new(Items { all, uncounted: 0, rewritten })))
  }

  /// `first`, followed by the items in `range` that exist.
  pub fn slice(&self, first: Option<Arc<str>>, range: Range<usize>) -> Slice {
    let mut items = self.items();
    let end = range.end.min(items.all.len());
    let range = range.start.min(end)..end;
    let bytes_before = |position: usize| {
      let last = position.checked_sub(1).and_then(|last| items.all.get(last));
      last.map_or(0, |item| item.bytes_so_far)
    };
    let first_bytes = first.as_ref().map_or(0, |first| first.len() + 1);
    // Two brackets, and one comma less than items.
    let bytes = (first_bytes + bytes_before(range.end) - bytes_before(range.start) + 1).max(2);
    let memory_bytes = first_bytes + mem::take(&mut items.uncounted);
    Slice { first, list: self.clone(), range, bytes, memory_bytes }
  }

  /// Rewrites the items that were not rewritten before.
  fn rewrite(&self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    let mut items = self.items();
    let from = mem::replace(&mut items.rewritten, 0);
    let mut before =
      from.checked_sub(1).and_then(|last| items.all.get(last)).map_or(0, |item| item.bytes_so_far);
    for item in items.all.iter_mut().skip(from) {
      if let Some(text) = rewritten(&item.text) {
        item.text = text.into();
      }
      before += item.text.len() + 1;
      item.bytes_so_far = before;
    }
    items.rewritten = items.all.len();
  }

  fn items(&self) -> MutexGuard<'_, Items> {
    self.0.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

impl Slice {
  /// Rewrites the first item, and those of the list that were not rewritten before. `rewritten` returns `None`
  /// to leave a text unchanged.
  pub fn rewrite(&mut self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    self.list.rewrite(rewritten);
    if let Some(text) = self.first.as_ref().and_then(|first| rewritten(first)) {
      self.first = Some(text.into());
    }
    let memory_bytes = self.memory_bytes;
    *self = self.list.slice(self.first.clone(), self.range.clone());
    self.memory_bytes = memory_bytes;
  }

  /// The length of the JSON text in bytes.
  pub fn bytes(&self) -> usize {
    self.bytes
  }

  /// The bytes of memory that earlier slices of the list do not count. An estimate.
  pub fn memory_bytes(&self) -> usize {
    self.memory_bytes
  }

  /// Appends the list as JSON.
  pub fn write(&self, body: &mut Vec<u8>) {
    let items = self.list.items();
    let items = items.all.get(self.range.clone()).unwrap_or_default();
    let items = items.iter().map(|item| &item.text);
    body.push(b'[');
    for (position, text) in self.first.iter().chain(items).enumerate() {
      if position > 0 {
        body.push(b',');
      }
      body.extend_from_slice(text.as_bytes());
    }
    body.push(b']');
  }
}

impl PartialEq for Slice {
  fn eq(&self, other: &Self) -> bool {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    self.write(&mut one);
    other.write(&mut two);
    one == two
  }
}

impl Eq for Slice {}

impl fmt::Debug for List {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "List({} items)", self.len())
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn written(slice: &Slice) -> String {
    let mut text = Vec::new();
    slice.write(&mut text);
    assert_eq!(text.len(), slice.bytes());
    String::from_utf8(text).unwrap()
  }

  fn numbers(range: Range<usize>) -> impl Iterator<Item = String> {
    range.map(|number| number.to_string())
  }

  #[test]
  fn an_earlier_slice_does_not_have_later_items() {
    let list = List::default().extend_from(0, numbers(0..2));
    let early = list.slice(None, 0..2);
    let grown = list.extend_from(2, numbers(2..12));
    assert_eq!(written(&early), "[0,1]");
    assert_eq!(written(&grown.slice(None, 0..12)), "[0,1,2,3,4,5,6,7,8,9,10,11]");
    assert_eq!(written(&grown.slice(Some("\"system\"".into()), 0..12)).len(), 36);
  }

  #[test]
  fn an_edited_history_does_not_change_the_earlier_one() {
    let list = List::default().extend_from(0, numbers(0..4));
    let before = list.slice(None, 0..4);
    let edited = list.extend_from(2, numbers(8..9));
    assert_eq!(written(&edited.slice(None, 0..9)), "[0,1,8]");
    assert_eq!(written(&before), "[0,1,2,3]");
  }

  #[test]
  fn an_empty_list_is_a_json_list() {
    assert_eq!(written(&List::default().slice(None, 0..0)), "[]");
    assert_eq!(written(&List::default().slice(Some("7".into()), 0..0)), "[7]");
  }
}
