//! One JSON value as text: checked once, then only copied.

use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;

/// A JSON value as the text that goes on the wire. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
  /// The text of a value that was already parsed as JSON.
  pub fn raw(value: &RawValue) -> Self {
    Self(value.get().into())
  }

  /// `null`, which takes back what an earlier row said.
  pub fn null() -> Self {
    Self("null".into())
  }

  /// A JSON string.
  pub fn text(value: &str) -> Self {
    Self::of(&value)
  }

  /// Any value whose serialisation cannot fail (numbers, strings, flags and lists of them).
  /// Should it fail all the same, the result is `null`.
  pub fn of(value: &impl Serialize) -> Self {
    Self(serde_json::to_string(value).unwrap_or_else(|_| "null".into()).into())
  }

  /// A value put together from pieces of JSON text. The caller vouches for the whole.
  pub fn concat(pieces: &[&str]) -> Self {
    Self(pieces.concat().into())
  }

  /// The value's text.
  pub fn as_str(&self) -> &str {
    &self.0
  }
}

impl fmt::Debug for Json {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&self.0)
  }
}
