//! The headers of a request.

use http::HeaderValue;

/// What names of headers may contain besides letters and digits: RFC 9110, section 5.6.2.
const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";

/// Headers by name, in the order in which they are set. A list: in a Worker, a map of known names would be 17 KB of code.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, HeaderValue)>);

impl Headers {
  /// Sets a header in place of one with the same name. Returns whether the name is one; if not, nothing changes.
  pub fn set(&mut self, name: &str, value: HeaderValue) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || MARKS.contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) {
      return false;
    }
    self.remove(name);
    self.0.push((name.to_ascii_lowercase(), value));
    true
  }

  /// Removes the header with this name.
  pub fn remove(&mut self, name: &str) {
    self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
  }

  /// The names, in lower case, and the values.
  pub fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
    self.0.iter().map(|(name, value)| (name.as_str(), value))
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn headers(all: &[(&str, &'static str)]) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in all {
      assert!(headers.set(name, HeaderValue::from_static(value)), "{name}");
    }
    headers
  }

  #[test]
  fn a_header_takes_the_place_of_one_with_the_same_name_in_any_case() {
    let mut headers = headers(&[("Accept", "a"), ("x-amz-acl", "b"), ("ACCEPT", "c")]);
    let all: Vec<_> = headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
    assert_eq!(all, [("x-amz-acl", &b"b"[..]), ("accept", b"c")]);
    headers.remove("X-Amz-Acl");
    assert_eq!(headers.iter().count(), 1);
  }

  #[test]
  fn what_is_no_name_is_refused() {
    for name in ["", "bad header", "x:", "x\n", "naïve"] {
      assert!(!Headers::default().set(name, HeaderValue::from_static("x")), "{name}");
    }
  }
}
