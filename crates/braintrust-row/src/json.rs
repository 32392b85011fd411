//! One JSON value as text: checked once, then only copied.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
  list::{List, Slice},
  string::is_plain,
};

/// A JSON value as the text that goes on the wire. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Text);

/// A text that is short is always kept in place, so that equal texts are kept alike.
#[derive(Clone, PartialEq, Eq)]
enum Text {
  Short {
    length: u8,
    bytes: [u8; SHORT],
  },
  Long(Arc<str>),
  /// A list that shares its items with others.
  List(Box<Slice>),
}

/// Long enough for a quoted id of Flue's, a number or a name: most values need no memory of their own.
const SHORT: usize = 46;

impl Json {
  /// The text of a value that was already parsed as JSON.
  pub fn raw(value: &RawValue) -> Self {
    Self::written(value.get())
  }

  /// `null`, which takes back what an earlier row said.
  pub fn null() -> Self {
    Self::written("null")
  }

  /// A JSON string.
  pub fn text(value: &str) -> Self {
    if value.len() + 2 <= SHORT && is_plain(value) {
      return Self::short(&["\"", value, "\""]);
    }
    Self::of(&value)
  }

  /// Any value whose serialisation cannot fail (numbers, strings, flags and lists of them).
  /// Should it fail all the same, the result is `null`.
  pub fn of(value: &impl Serialize) -> Self {
    serde_json::to_string(value).map_or_else(|_| Self::null(), |text| Self::written(&text))
  }

  /// A value put together from pieces of JSON text. The caller vouches for the whole.
  pub fn concat(pieces: &[&str]) -> Self {
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() <= SHORT {
      return Self::short(pieces);
    }
    Self(Text::Long(pieces.concat().into()))
  }

  /// Those items of a list, behind `first` if there is one.
  pub fn list(first: Option<Arc<str>>, list: &List, range: Range<usize>) -> Self {
    Self(Text::List(Box::new(list.slice(first, range))))
  }

  fn written(text: &str) -> Self {
    Self::concat(&[text])
  }

  /// Pieces that together are at most [`SHORT`] bytes.
  fn short(pieces: &[&str]) -> Self {
    let mut bytes = [0; SHORT];
    let mut length = 0;
    for piece in pieces {
      if let Some(place) = bytes.get_mut(length..length + piece.len()) {
        place.copy_from_slice(piece.as_bytes());
        length += piece.len();
      }
    }
    // It is at most `SHORT`.
    Self(Text::Short { length: length as u8, bytes })
  }

  fn plain(&self) -> Option<&[u8]> {
    match &self.0 {
      Text::Short { length, bytes } => bytes.get(..usize::from(*length)),
      Text::Long(text) => Some(text.as_bytes()),
      Text::List(_) => None,
    }
  }

  /// The value's text.
  pub fn as_str(&self) -> Cow<'_, str> {
    match self.plain() {
      Some(text) => String::from_utf8_lossy(text),
      None => {
        let mut text = Vec::with_capacity(self.bytes());
        self.write(&mut text);
        Cow::Owned(String::from_utf8_lossy(&text).into_owned())
      }
    }
  }

  /// Appends the value's text.
  pub fn write(&self, body: &mut Vec<u8>) {
    match (&self.0, self.plain()) {
      (Text::List(slice), _) => slice.write(body),
      (_, text) => body.extend_from_slice(text.unwrap_or_default()),
    }
  }

  /// Changes the text of the value, or of each item of a list; `None` leaves it as it is. An item that others
  /// share is asked for once.
  pub fn rewrite(&mut self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    if let Text::List(slice) = &mut self.0 {
      slice.rewrite(rewritten);
    } else if let Some(text) = rewritten(&self.as_str()) {
      *self = Self::written(&text);
    }
  }

  /// Takes in the members of an earlier object that it does not have, at any depth. What is no object, or
  /// was none, stays.
  pub fn merge_into(&mut self, earlier: &Self) {
    let is_object = |json: &Self| json.plain().is_some_and(|text| text.starts_with(b"{"));
    if is_object(self)
      && is_object(earlier)
      && let Some(merged) = merged(&earlier.as_str(), &self.as_str(), DEEPEST)
    {
      *self = Self::written(&merged);
    }
  }

  /// A list with those items of another that it does not have, behind its own. If one is no list, the other.
  pub fn with_items_of(self, later: &Self) -> Self {
    let (own, other) = (self.as_str().into_owned(), later.as_str());
    let lists = (serde_json::from_str::<Vec<&RawValue>>(&own), serde_json::from_str(&other));
    let (Ok(mut items), Ok(others)) = lists else { return later.clone() };
    let others: Vec<&RawValue> = others;
    let is_new = |item: &&RawValue| !items.iter().any(|known| known.get() == item.get());
    let new: Vec<&RawValue> = others.into_iter().filter(is_new).collect();
    items.extend(new);
    Self::of(&items)
  }

  /// How many bytes the text has.
  pub fn bytes(&self) -> usize {
    match &self.0 {
      Text::List(slice) => slice.bytes(),
      _ => self.plain().map_or(0, <[u8]>::len),
    }
  }

  /// How many bytes of memory the value points to. What it shares counts for whoever had it first.
  pub fn weight(&self) -> usize {
    match &self.0 {
      Text::Short { .. } => 0,
      Text::Long(text) => text.len() + ALLOCATION,
      Text::List(slice) => slice.weight() + size_of::<Slice>() + ALLOCATION,
    }
  }
}

/// How deep objects are merged; below it the later one stands.
const DEEPEST: usize = 64;

/// An object with the members of a later one. `None` if one of them is none.
fn merged(earlier: &str, later: &str, depth: usize) -> Option<String> {
  type Object<'a> = IndexMap<String, &'a RawValue>;
  let mut members: IndexMap<String, Cow<'_, str>> = serde_json::from_str::<Object>(earlier)
    .ok()?
    .into_iter()
    .map(|(name, value)| (name, Cow::Borrowed(value.get())))
    .collect();
  for (name, value) in serde_json::from_str::<Object>(later).ok()? {
    let value = value.get();
    let known = members.get(&name).filter(|known| known.starts_with('{') && depth > 0);
    let deep = known.filter(|_| value.starts_with('{'));
    let deep = deep.and_then(|known| merged(known, value, depth - 1));
    members.insert(name, deep.map_or(Cow::Borrowed(value), Cow::Owned));
  }
  let members: Vec<String> =
    members.iter().map(|(name, value)| format!("{}:{value}", Json::text(name).as_str())).collect();
  Some(format!("{{{}}}", members.join(",")))
}

/// What an allocation takes besides its content, about.
const ALLOCATION: usize = 32;

impl fmt::Debug for Json {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&self.as_str())
  }
}
