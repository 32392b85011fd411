//! Redacts JSON text. Bytes that no rule covers are copied unchanged.

use std::ops::Range;

use braintrust_row::{
  Json,
  scan::{Malformed, Scanner, Step, Token},
  string::unescaped,
};
use serde_json::value::RawValue;

use super::rules::Rules;

/// Values that are nested deeper than this are replaced. Events are not: capturing limits their depth to 100.
const DEEPEST: usize = 128;
/// How many levels of JSON inside JSON strings are redacted.
const DEEPEST_TEXT: usize = 3;
/// The replacement of values that are nested too deep.
const TOO_DEEP: &str = "\"[flue-braintrust: too deep]\"";

/// The redacted JSON text; `path` is the path of its value. `None` when nothing changes. A text that is not JSON is
/// redacted as the content of a string.
pub fn rewritten(rules: &Rules, text: &str, path: &str) -> Option<String> {
  Rewrite::new(rules, text, path, 0).run().unwrap_or_else(|Malformed| {
    rules.redact_text(text).map(|changed| Json::text(&changed).as_str().into_owned())
  })
}

/// A pass over one text.
struct Rewrite<'a> {
  rules: &'a Rules,
  text: &'a str,
  scanner: Scanner<'a>,
  /// The path of the current value.
  path: String,
  /// The length of the path at the start of each open list and object.
  path_lengths: Vec<usize>,
  /// The output so far.
  out: String,
  /// How many bytes of the text the output covers.
  copied: usize,
  /// How many JSON strings this text is nested in.
  inside: usize,
}

impl<'a> Rewrite<'a> {
  fn new(rules: &'a Rules, text: &'a str, path: &str, inside: usize) -> Self {
    Self {
      rules,
      text,
      scanner: Scanner::new(text),
      path: path.to_owned(),
      path_lengths: Vec::new(),
      out: String::new(),
      copied: 0,
      inside,
    }
  }

  fn run(mut self) -> Result<Option<String>, Malformed> {
    while let Some(Step { token, range }) = self.scanner.next_step()? {
      match token {
        Token::Open(_) if self.scanner.depth() > DEEPEST => {
          let end = self.scanner.skip_container()?;
          self.replace(range.start..end, TOO_DEEP);
        }
        Token::Open(_) => self.path_lengths.push(self.path.len()),
        Token::Close(_) => {
          let length = self.path_lengths.pop();
          self.path.truncate(length.unwrap_or_default());
        }
        Token::Name => self.member(range)?,
        Token::String => self.string(range),
        Token::Scalar => {}
      }
    }
    if self.copied == 0 {
      return Ok(None);
    }
    self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
    Ok(Some(self.out))
  }

  /// Redacts the name of a member, and its value if a key or a path covers it.
  fn member(&mut self, range: Range<usize>) -> Result<(), Malformed> {
    let text = self.text;
    let name = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = self.rules.redact_text(&name) {
      self.replace(range, &Json::text(&changed).as_str());
    }
    if !self.rules.matches_members() {
      return Ok(());
    }
    self.path.truncate(self.path_lengths.last().copied().unwrap_or_default());
    self.path.push('.');
    self.path.push_str(&name);
    if self.rules.covers(&name, &self.path) {
      let value = self.scanner.skip_value()?;
      let mark = self.rules.mark();
      self.replace(value, &mark.as_str());
    }
    Ok(())
  }

  /// Redacts a string.
  fn string(&mut self, range: Range<usize>) {
    let text = self.text;
    let content = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = self.changed(&content) {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// The redacted content of a string; `None` when nothing changes.
  fn changed(&self, text: &str) -> Option<String> {
    let is_json = self.rules.matches_members()
      && self.inside < DEEPEST_TEXT
      && text.trim_start().starts_with(['{', '['])
      && serde_json::from_str::<&RawValue>(text).is_ok();
    let inner = if is_json {
      Rewrite::new(self.rules, text, &self.path, self.inside + 1).run().ok().flatten()
    } else {
      None
    };
    self.rules.redact_text(inner.as_deref().unwrap_or(text)).or(inner)
  }

  /// Writes `with` in the place of that range of the text.
  fn replace(&mut self, range: Range<usize>, with: &str) {
    self.out.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
    self.out.push_str(with);
    self.copied = range.end;
  }
}
