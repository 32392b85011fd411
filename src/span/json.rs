//! One JSON value as text: checked once, then only copied.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;

use super::list::{List, Slice};

/// A JSON value as the text that goes on the wire. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Text);

#[derive(Clone, PartialEq, Eq)]
enum Text {
  Whole(Arc<str>),
  /// A list that shares its items with others.
  List(Slice),
}

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
    Self::of(&value)
  }

  /// Any value whose serialisation cannot fail (numbers, strings, flags and lists of them).
  /// Should it fail all the same, the result is `null`.
  pub fn of(value: &impl Serialize) -> Self {
    serde_json::to_string(value).map_or_else(|_| Self::null(), |text| Self::written(&text))
  }

  /// A value put together from pieces of JSON text. The caller vouches for the whole.
  pub fn concat(pieces: &[&str]) -> Self {
    Self(Text::Whole(pieces.concat().into()))
  }

  /// Those items of a list, behind `first` if there is one.
  pub fn list(first: Option<Arc<str>>, list: &List, range: Range<usize>) -> Self {
    Self(Text::List(list.slice(first, range)))
  }

  fn written(text: &str) -> Self {
    Self(Text::Whole(text.into()))
  }

  /// The value's text.
  pub fn as_str(&self) -> Cow<'_, str> {
    match &self.0 {
      Text::Whole(text) => Cow::Borrowed(text),
      Text::List(slice) => {
        let mut text = Vec::with_capacity(slice.bytes());
        slice.write(&mut text);
        Cow::Owned(String::from_utf8_lossy(&text).into_owned())
      }
    }
  }

  /// Appends the value's text.
  pub fn write(&self, body: &mut Vec<u8>) {
    match &self.0 {
      Text::Whole(text) => body.extend_from_slice(text.as_bytes()),
      Text::List(slice) => slice.write(body),
    }
  }

  /// How many bytes the text has.
  pub fn bytes(&self) -> usize {
    match &self.0 {
      Text::Whole(text) => text.len(),
      Text::List(slice) => slice.bytes(),
    }
  }

  /// How many bytes of memory go with the value. What it shares counts for whoever had it first.
  pub fn weight(&self) -> usize {
    match &self.0 {
      Text::Whole(text) => text.len(),
      Text::List(slice) => slice.weight(),
    }
  }
}

impl fmt::Debug for Json {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&self.as_str())
  }
}
