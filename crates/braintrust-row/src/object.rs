//! The writer of JSON objects.

use super::{json::Json, members::Members, string::is_plain};

/// Writes a JSON object, member by member.
pub struct Object<'a> {
  body: &'a mut Vec<u8>,
  empty: bool,
}

impl<'a> Object<'a> {
  /// Opens an object at the end of `body`.
  pub fn open(body: &'a mut Vec<u8>) -> Self {
    body.push(b'{');
    Self { body, empty: true }
  }

  /// The members of an object whose braces the caller writes.
  pub fn members(body: &'a mut Vec<u8>) -> Self {
    Self { body, empty: true }
  }

  /// Copies encoded members, each with a comma after it. To be called before any other.
  pub fn first_members(&mut self, members: &[u8]) {
    self.body.extend_from_slice(members);
  }

  fn key(&mut self, name: &str) {
    if !self.empty {
      self.body.push(b',');
    }
    self.empty = false;
    write_text(self.body, name);
    self.body.push(b':');
  }

  /// A member whose value is JSON text.
  pub fn json(&mut self, name: &str, value: &str) {
    self.key(name);
    self.body.extend_from_slice(value.as_bytes());
  }

  /// A member whose value is JSON.
  pub fn value(&mut self, name: &str, value: &Json) {
    self.key(name);
    value.write(self.body);
  }

  /// A member whose value is a string.
  pub fn text(&mut self, name: &str, value: &str) {
    self.key(name);
    write_text(self.body, value);
  }

  /// The member of a comment with this text, a JSON string.
  pub fn comment(&mut self, text: &str) {
    self.json("comment", &format!(r#"{{"text":{text}}}"#));
  }

  /// A member whose value is an id.
  pub fn id(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    self.key(name);
    self.body.push(b'"');
    write(self.body);
    self.body.push(b'"');
  }

  /// A member whose value is a list of one id.
  pub fn id_list(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    self.key(name);
    self.body.extend_from_slice(b"[\"");
    write(self.body);
    self.body.extend_from_slice(b"\"]");
  }

  /// A member whose value is a number.
  fn number(&mut self, name: &str, value: f64) {
    self.key(name);
    // Writing to memory does not fail.
    let _written = serde_json::to_writer(&mut *self.body, &value);
  }

  /// A member `metrics` with these values, unless there are none.
  pub fn metrics(&mut self, metrics: &Members<f64>) {
    if metrics.is_empty() {
      return;
    }
    let mut object = self.object("metrics");
    for (name, value) in metrics.iter() {
      object.number(name, *value);
    }
    object.close();
  }

  /// A member whose value is an object.
  pub fn object(&mut self, name: &str) -> Object<'_> {
    self.key(name);
    Object::open(self.body)
  }

  /// Ends the object.
  pub fn close(self) {
    self.body.push(b'}');
  }
}

/// Appends a JSON string.
fn write_text(body: &mut Vec<u8>, text: &str) {
  if is_plain(text) {
    body.push(b'"');
    body.extend_from_slice(text.as_bytes());
    body.push(b'"');
  } else {
    Json::of(&text).write(body);
  }
}
