//! Lists that grow and share their items: the messages of a conversation, of which every turn shows all
//! that there were so far. Kept as they are shown, so that memory grows with the conversation and not
//! with its square.

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
  /// The bytes of those that no slice has been weighed with.
  unweighed: usize,
  /// How many from the first on were rewritten, or need not be.
  rewritten: usize,
}

#[derive(Clone)]
struct Item {
  text: Arc<str>,
  /// The bytes of this and all earlier items, with a comma behind each.
  bytes_so_far: usize,
}

/// Some items of a list, behind an item of its own.
#[derive(Clone)]
pub struct Slice {
  first: Option<Arc<str>>,
  list: List,
  range: Range<usize>,
  bytes: usize,
  weight: usize,
}

impl List {
  /// How many items there are.
  pub fn len(&self) -> usize {
    self.items().all.len()
  }

  /// Whether there are none.
  pub fn is_empty(&self) -> bool {
    self.len() == 0
  }

  /// The list with only its first `kept` items, and then those of `fresh`. The list itself, if that is
  /// all that it has; else a new one that shares what is kept.
  pub fn go_on(&self, kept: usize, fresh: impl IntoIterator<Item = String>) -> Self {
    let list = if self.len() == kept { self.clone() } else { self.fork(kept) };
    let mut items = list.items();
    for text in fresh {
      let before = items.all.last().map_or(0, |item| item.bytes_so_far);
      items.unweighed += text.len();
      items.all.push(Item { bytes_so_far: before + text.len() + 1, text: text.into() });
    }
    drop(items);
    list
  }

  fn fork(&self, kept: usize) -> Self {
    let items = self.items();
    let all = items.all.iter().take(kept).cloned().collect();
    let rewritten = items.rewritten.min(kept);
    Self(Arc::new(Mutex::new(Items { all, unweighed: 0, rewritten })))
  }

  /// The items in `range`, as far as there are, behind `first`.
  pub fn slice(&self, first: Option<Arc<str>>, range: Range<usize>) -> Slice {
    let mut items = self.items();
    let end = range.end.min(items.all.len());
    let range = range.start.min(end)..end;
    let bytes_before = |position: usize| {
      let last = position.checked_sub(1).and_then(|last| items.all.get(last));
      last.map_or(0, |item| item.bytes_so_far)
    };
    let own = first.as_ref().map_or(0, |first| first.len() + 1);
    // The brackets, and a comma less than items.
    let bytes = (own + bytes_before(range.end) - bytes_before(range.start) + 1).max(2);
    let weight = own + mem::take(&mut items.unweighed);
    Slice { first, list: self.clone(), range, bytes, weight }
  }

  /// Rewrites the items that were not rewritten yet.
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
  /// Rewrites the items, those of them that were not rewritten yet, and the one in front.
  pub fn rewrite(&mut self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    self.list.rewrite(rewritten);
    if let Some(text) = self.first.as_ref().and_then(|first| rewritten(first)) {
      self.first = Some(text.into());
    }
    let weight = self.weight;
    *self = self.list.slice(self.first.clone(), self.range.clone());
    self.weight = weight;
  }

  /// How many bytes the list has as JSON.
  pub fn bytes(&self) -> usize {
    self.bytes
  }

  /// About how many bytes of memory this has and what came before it had not.
  pub fn weight(&self) -> usize {
    self.weight
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
  fn an_earlier_slice_does_not_see_what_came_later() {
    let list = List::default().go_on(0, numbers(0..2));
    let early = list.slice(None, 0..2);
    let grown = list.go_on(2, numbers(2..12));
    assert_eq!(written(&early), "[0,1]");
    assert_eq!(written(&grown.slice(None, 0..12)), "[0,1,2,3,4,5,6,7,8,9,10,11]");
    assert_eq!(written(&grown.slice(Some("\"system\"".into()), 0..12)).len(), 36);
  }

  #[test]
  fn an_edited_history_leaves_the_earlier_one_alone() {
    let list = List::default().go_on(0, numbers(0..4));
    let before = list.slice(None, 0..4);
    let edited = list.go_on(2, numbers(8..9));
    assert_eq!(written(&edited.slice(None, 0..9)), "[0,1,8]");
    assert_eq!(written(&before), "[0,1,2,3]");
  }

  #[test]
  fn an_empty_list_is_one() {
    assert_eq!(written(&List::default().slice(None, 0..0)), "[]");
    assert_eq!(written(&List::default().slice(Some("7".into()), 0..0)), "[7]");
  }
}
