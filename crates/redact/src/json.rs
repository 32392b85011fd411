//! Looks through JSON text, and writes anew only what changes.

use std::ops::Range;

use braintrust_row::{
  Json,
  scan::{Malformed, Scanner, Step, Token},
  string::unescaped,
};
use serde_json::value::RawValue;

use super::rules::Rules;

/// What is nested deeper than this is replaced as a whole. No event is: the facade's limit is 100.
const DEEPEST: usize = 128;
/// How deep JSON in strings of JSON is looked into.
const DEEPEST_TEXT: usize = 3;
/// Stands in the place of what is nested too deep to be looked at.
const TOO_DEEP: &str = "\"[flue-braintrust: too deep]\"";

/// The JSON text with everything replaced that the rules cover; `path` is where it stands. `None` when nothing
/// changes. What is no JSON is taken for the text of a string.
pub fn rewritten(rules: &Rules, text: &str, path: &str) -> Option<String> {
  Rewrite::new(rules, text, path, 0).run().unwrap_or_else(|Malformed| {
    rules.text(text).map(|changed| Json::text(&changed).as_str().into_owned())
  })
}

struct Rewrite<'a> {
  rules: &'a Rules,
  text: &'a str,
  scanner: Scanner<'a>,
  /// Where we are, as the rules' paths name it.
  path: String,
  /// How long the path was where each list and object that is open began.
  path_lengths: Vec<usize>,
  /// What was written so far, and how much of the text that covers.
  out: String,
  copied: usize,
  /// In how many strings we are.
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

  /// A member of that name begins.
  fn member(&mut self, range: Range<usize>) -> Result<(), Malformed> {
    let text = self.text;
    let name = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = self.rules.text(&name) {
      self.replace(range, &Json::text(&changed).as_str());
    }
    if !self.rules.looks_at_members() {
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

  fn string(&mut self, range: Range<usize>) {
    let text = self.text;
    let content = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = self.changed(&content) {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// A string's content with everything replaced that is to be; `None` when nothing is.
  fn changed(&self, text: &str) -> Option<String> {
    let is_json = self.rules.looks_at_members()
      && self.inside < DEEPEST_TEXT
      && text.trim_start().starts_with(['{', '['])
      && serde_json::from_str::<&RawValue>(text).is_ok();
    let inner = if is_json {
      Rewrite::new(self.rules, text, &self.path, self.inside + 1).run().ok().flatten()
    } else {
      None
    };
    self.rules.text(inner.as_deref().unwrap_or(text)).or(inner)
  }

  /// Writes this in the place of that part of the text.
  fn replace(&mut self, range: Range<usize>, with: &str) {
    self.out.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
    self.out.push_str(with);
    self.copied = range.end;
  }
}
