//! Writes JSON from pieces of JSON text.

use braintrust_row::{Json, string};

/// Joins JSON strings to one string, with line breaks between them.
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

/// Writes a JSON list.
pub struct ListWriter {
  text: String,
}

impl ListWriter {
  /// An empty list with memory for that many bytes.
  pub fn with_capacity(bytes: usize) -> Self {
    let mut text = String::with_capacity(bytes);
    text.push('[');
    Self { text }
  }

  /// The output to write the next element to.
  pub fn next(&mut self) -> &mut String {
    if self.text.len() > 1 {
      self.text.push(',');
    }
    &mut self.text
  }

  /// Ends the list.
  pub fn end(mut self) -> Json {
    self.text.push(']');
    Json::concat(&[&self.text])
  }
}
