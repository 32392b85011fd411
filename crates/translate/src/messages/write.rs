//! Writes JSON from pieces of JSON text.

use braintrust_row::{Json, string};

/// Writes JSON strings as one, a line break between each two.
pub fn join<'a>(out: &mut String, texts: impl Iterator<Item = &'a str>) {
  out.push('"');
  for (place, text) in texts.enumerate() {
    if place > 0 {
      out.push_str("\\n");
    }
    out.push_str(string::content(text).unwrap_or_default());
  }
  out.push('"');
}

/// Writes a list, each element by `one`.
pub fn list<T>(
  out: &mut String,
  all: impl IntoIterator<Item = T>,
  mut one: impl FnMut(&mut String, T),
) {
  out.push('[');
  for (place, element) in all.into_iter().enumerate() {
    if place > 0 {
      out.push(',');
    }
    one(out, element);
  }
  out.push(']');
}

/// A JSON list that is being written.
pub struct List {
  text: String,
}

impl List {
  /// An empty list with memory for so many bytes.
  pub fn with_capacity(bytes: usize) -> Self {
    let mut text = String::with_capacity(bytes);
    text.push('[');
    Self { text }
  }

  /// Where to write the next element.
  pub fn next(&mut self) -> &mut String {
    if self.text.len() > 1 {
      self.text.push(',');
    }
    &mut self.text
  }

  /// The whole list.
  pub fn end(mut self) -> Json {
    self.text.push(']');
    Json::concat(&[&self.text])
  }
}
