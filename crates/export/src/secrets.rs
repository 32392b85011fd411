//! The API keys that a process knows. Asterisks replace them in all that its exporters send, write or print.

use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem;
use serde_json::Value;

/// The shortest key that is looked for in content, in bytes. Those of Braintrust have more than 40.
const SHORTEST: usize = 16;
/// How often a key is looked for as JSON in JSON, if that changes it.
const MAX_ESCAPED: usize = 3;
/// The most keys that are looked for; the oldest are forgotten.
const MAX_KEYS: usize = 1024;
/// The bytes at the start of a key that one search finds. Keys of one kind share them.
const HEAD: usize = 4;

/// The API keys that a process knows. All its exporters share one set, so that each hides those of the others, too.
#[derive(Default)]
pub struct Secrets(Mutex<Arc<Known>>);

/// Texts that are looked for.
#[derive(Clone, Default)]
struct Forms {
  /// The starts of the texts, each once.
  heads: Vec<[u8; HEAD]>,
  texts: Vec<String>,
}

#[derive(Clone, Default)]
struct Known {
  keys: Vec<String>,
  /// The keys as they stand in JSON.
  encoded: Forms,
  /// The keys as they stand in JSON, and as they are.
  plain: Forms,
}

impl Secrets {
  /// Adds a key. One that is as short as a word is not looked for.
  pub fn add(&self, key: &str) {
    let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
    if key.len() < SHORTEST || known.keys.iter().any(|known| known == key) {
      return;
    }
    let mut next = Known::clone(&known);
    if next.keys.len() >= MAX_KEYS {
      next = Known::default();
      known.keys.iter().skip(1).for_each(|key| next.add(key));
    }
    next.add(key);
    *known = Arc::new(next);
  }

  /// Adds the keys in what the host passes as a [`RawConfig`](crate::config::RawConfig), including unused ones.
  pub fn add_from(&self, raw: &str) {
    let Ok(raw) = serde_json::from_str::<Value>(raw) else { return };
    for (from, name) in
      [("options", "apiKey"), ("env", "BRAINTRUST_API_KEY"), ("file", "BRAINTRUST_API_KEY")]
    {
      let key = raw.get(from).and_then(|from| from.get(name)).and_then(Value::as_str);
      self.add(key.unwrap_or_default().trim());
    }
  }

  /// Whether bytes of any kind have a key.
  pub fn are_in(&self, content: &[u8]) -> bool {
    let forms = &self.known().plain;
    forms.heads.iter().any(|head| forms.find(head, content, 0).is_some())
  }

  /// Replaces the keys in JSON by asterisks, as many as they have bytes.
  pub fn hide_in(&self, json: &mut [u8]) {
    self.known().encoded.hide_in(json);
  }

  /// The text with asterisks in the place of the keys.
  pub fn hide(&self, text: String) -> String {
    let mut bytes = text.into_bytes();
    self.known().plain.hide_in(&mut bytes);
    // Whole texts are replaced: what is left is valid.
    String::from_utf8(bytes).unwrap_or_default()
  }

  fn known(&self) -> Arc<Known> {
    self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
  }
}

impl Known {
  fn add(&mut self, key: &str) {
    self.keys.push(key.to_owned());
    self.add_text(key);
    if let Some(bare) = bare(key).filter(|bare| bare.len() >= SHORTEST && *bare != key) {
      self.add_text(bare);
    }
  }

  fn add_text(&mut self, key: &str) {
    self.plain.add(key);
    let mut text = key.to_owned();
    for _ in 0..MAX_ESCAPED {
      let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
      self.encoded.add(&escaped);
      if escaped == text {
        break;
      }
      self.plain.add(&escaped);
      text = escaped;
    }
  }
}

/// The key in a setting that has more than the key, such as quotes, its name or `Bearer`.
fn bare(key: &str) -> Option<&str> {
  let is_around = |char: char| !char.is_ascii_graphic() || matches!(char, '"' | '\'' | '`' | '=');
  key.split(is_around).max_by_key(|part| part.len())
}

impl Forms {
  fn add(&mut self, text: &str) {
    if let Some(head) = text.as_bytes().first_chunk().filter(|head| !self.heads.contains(head)) {
      self.heads.push(*head);
    }
    // Of two that begin alike, the longer one is found.
    let at = self.texts.iter().position(|known| known.len() < text.len());
    self.texts.insert(at.unwrap_or(self.texts.len()), text.to_owned());
  }

  /// The next text with this head from a position on: where it begins and ends.
  fn find(&self, head: &[u8], content: &[u8], mut from: usize) -> Option<(usize, usize)> {
    loop {
      let at = from + memmem::find(content.get(from..)?, head)?;
      let found = content.get(at..)?;
      if let Some(text) = self.texts.iter().find(|text| found.starts_with(text.as_bytes())) {
        return Some((at, at + text.len()));
      }
      from = at + 1;
    }
  }

  fn hide_in(&self, content: &mut [u8]) {
    for head in &self.heads {
      let mut from = 0;
      while let Some((start, end)) = self.find(head, content, from) {
        if let Some(secret) = content.get_mut(start..end) {
          secret.fill(b'*');
        }
        from = end;
      }
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const KEY: &str = "sk-0123456789abcdef";

  #[test]
  fn every_key_is_hidden_wherever_it_is() {
    let secrets = Secrets::default();
    secrets.add_from(
      r#"{"options":{"apiKey":"other-0123456789"},"env":{"BRAINTRUST_API_KEY":" sk-0123456789abcdef\n"},
        "file":{"BRAINTRUST_API_KEY":"sk-0123456789abcdefgh"}}"#,
    );
    let text = format!("{KEY}{KEY}gh sk-0123456789abcde other-0123456789, sk-{KEY}");
    let hidden = secrets.hide(text);
    let stars = |bytes| "*".repeat(bytes);
    assert_eq!(
      hidden,
      format!("{}{} sk-0123456789abcde {}, sk-{}", stars(19), stars(21), stars(16), stars(19))
    );
    assert!(secrets.are_in(b"x other-0123456789") && !secrets.are_in(b"other-012345678"));
  }

  #[test]
  fn a_key_is_found_without_what_a_setting_has_around_it() {
    for setting in ["\"KEY\"", "'KEY'", "Bearer KEY", "NAME=KEY", "\u{feff}KEY", "KEY\nx: 1"] {
      let secrets = Secrets::default();
      secrets.add(&setting.replace("KEY", KEY));
      assert_eq!(
        secrets.hide(format!("a {KEY}.")),
        format!("a {}.", "*".repeat(KEY.len())),
        "{setting}"
      );
    }
  }

  #[test]
  fn a_key_is_found_behind_its_escapes_and_json_stays_valid() {
    let key = r#"ab"cdefghi\jklmnop\"#;
    let secrets = Secrets::default();
    secrets.add(key);
    let mut value = Value::from(key);
    for _ in 0..MAX_ESCAPED {
      value = Value::from(value.to_string());
    }
    // The outermost text is the content of a file.
    let mut content = value.as_str().unwrap().to_owned();
    while let Ok(Value::String(inner)) = serde_json::from_str(&content) {
      assert!(secrets.are_in(content.as_bytes()));
      let mut hidden = content.into_bytes();
      secrets.hide_in(&mut hidden);
      let read: Value = serde_json::from_slice(&hidden).unwrap();
      assert!(!read.to_string().contains("cdefghi"), "{read}");
      content = inner;
    }
    assert_eq!(content, key);
    assert_eq!(secrets.hide(content), "*".repeat(key.len()));
  }

  #[test]
  fn a_short_key_is_a_word_and_the_oldest_of_very_many_are_forgotten() {
    let secrets = Secrets::default();
    secrets.add("short-key-15byt");
    assert!(!secrets.are_in(b"short-key-15byt"));
    (0..=MAX_KEYS).for_each(|number| secrets.add(&format!("key-{number:016}")));
    assert!(!secrets.are_in(format!("key-{:016}", 0).as_bytes()));
    assert!(secrets.are_in(format!("key-{MAX_KEYS:016}").as_bytes()));
  }
}
