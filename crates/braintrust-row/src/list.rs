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

impl Items {
  fn push(&mut self, text: Arc<str>) {
    self.uncounted += text.len();
    let bytes_so_far = self.bytes_before(self.all.len()) + text.len() + 1;
    self.all.push(Item { text, bytes_so_far });
  }

  /// The bytes of the items before a position, with a comma after each.
  fn bytes_before(&self, position: usize) -> usize {
    let last = position.checked_sub(1).and_then(|last| self.all.get(last));
    last.map_or(0, |item| item.bytes_so_far)
  }
}

#[derive(Clone)]
struct Item {
  text: Arc<str>,
  /// The bytes of this and all earlier items, with a comma after each.
  bytes_so_far: usize,
}

/// Some items of a list, after items that only the slice has.
#[derive(Clone)]
pub struct Slice {
  head: Vec<Arc<str>>,
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

  /// The bytes of all items, with a comma after each.
  pub fn bytes(&self) -> usize {
    let items = self.items();
    items.bytes_before(items.all.len())
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
      items.push(text.into());
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

  /// A list of the items after the first `count`.
  pub fn without_first(&self, count: usize) -> Self {
    let items = self.items();
    let list = Self::default();
    let mut rest = list.items();
    rest.rewritten = items.rewritten.saturating_sub(count);
    for item in items.all.iter().skip(count) {
      rest.push(item.text.clone());
    }
    drop(rest);
    list
  }

  /// `head`, followed by the items in `range` that exist.
  pub fn slice(&self, head: Vec<Arc<str>>, range: Range<usize>) -> Slice {
    let mut items = self.items();
    let end = range.end.min(items.all.len());
    let range = range.start.min(end)..end;
    let head_bytes: usize = head.iter().map(|item| item.len() + 1).sum();
    // Two brackets, and one comma less than items.
    let bytes =
      (head_bytes + items.bytes_before(range.end) - items.bytes_before(range.start) + 1).max(2);
    let memory_bytes = head_bytes + mem::take(&mut items.uncounted);
    Slice { head, list: self.clone(), range, bytes, memory_bytes }
  }

  /// Rewrites the items that were not rewritten before.
  fn rewrite(&self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    let mut items = self.items();
    let from = mem::replace(&mut items.rewritten, 0);
    let mut before = items.bytes_before(from);
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
  /// Rewrites the items of the head, and those of the list that were not rewritten before. `rewritten` returns `None`
  /// to leave a text unchanged.
  pub fn rewrite(&mut self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    self.list.rewrite(rewritten);
    for item in &mut self.head {
      if let Some(text) = rewritten(item) {
        *item = text.into();
      }
    }
    let memory_bytes = self.memory_bytes;
    *self = self.list.slice(mem::take(&mut self.head), self.range.clone());
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
    for (position, text) in self.head.iter().chain(items).enumerate() {
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
    let early = list.slice(Vec::new(), 0..2);
    let grown = list.extend_from(2, numbers(2..12));
    assert_eq!(written(&early), "[0,1]");
    assert_eq!(written(&grown.slice(Vec::new(), 0..12)), "[0,1,2,3,4,5,6,7,8,9,10,11]");
    assert_eq!(written(&grown.slice(vec!["\"system\"".into()], 0..12)).len(), 36);
  }

  #[test]
  fn an_edited_history_does_not_change_the_earlier_one() {
    let list = List::default().extend_from(0, numbers(0..4));
    let before = list.slice(Vec::new(), 0..4);
    let edited = list.extend_from(2, numbers(8..9));
    assert_eq!(written(&edited.slice(Vec::new(), 0..9)), "[0,1,8]");
    assert_eq!(written(&before), "[0,1,2,3]");
  }

  #[test]
  fn a_list_without_its_first_items_counts_the_bytes_of_the_rest() {
    let list = List::default().extend_from(0, numbers(8..12));
    let rest = list.without_first(3).extend_from(1, numbers(12..13));
    assert_eq!(written(&rest.slice(Vec::new(), 0..2)), "[11,12]");
    assert_eq!(rest.bytes(), 6);
    assert_eq!(written(&list.slice(Vec::new(), 0..4)), "[8,9,10,11]");
  }

  #[test]
  fn an_empty_list_is_a_json_list() {
    assert_eq!(written(&List::default().slice(Vec::new(), 0..0)), "[]");
    assert_eq!(written(&List::default().slice(vec!["7".into()], 0..0)), "[7]");
  }
}
