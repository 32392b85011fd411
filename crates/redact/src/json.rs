//! Looks through JSON text, and writes anew only what changes.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::rules::Rules;
use braintrust_row::Json;

/// What is nested deeper than this is replaced as a whole. No event is: the facade's limit is 100.
const DEEPEST: usize = 128;
/// How deep JSON in strings of JSON is looked into.
const DEEPEST_TEXT: usize = 3;
/// Stands in the place of what is nested too deep to be looked at.
const TOO_DEEP: &str = "\"[flue-braintrust: too deep]\"";

/// The JSON text with everything replaced that the rules cover; `path` is where it stands. `None` when nothing
/// changes. What is no JSON is taken for the text of a string.
pub fn rewritten(rules: &Rules, text: &str, path: &str) -> Option<String> {
  Walk::new(rules, text, path, 0).run().unwrap_or_else(|Broken| {
    rules.text(text).map(|changed| Json::text(&changed).as_str().into_owned())
  })
}

/// The text is no JSON.
#[derive(Debug)]
struct Broken;

struct Walk<'a> {
  rules: &'a Rules,
  text: &'a str,
  at: usize,
  /// Where we are, as the rules' paths name it.
  path: String,
  /// What was written so far, and how much of the text that covers.
  out: String,
  copied: usize,
  depth: usize,
  /// In how many strings we are.
  inside: usize,
}

impl<'a> Walk<'a> {
  fn new(rules: &'a Rules, text: &'a str, path: &str, inside: usize) -> Self {
    let (out, path) = (String::new(), path.to_owned());
    Self { rules, text, at: 0, path, out, copied: 0, depth: 0, inside }
  }

  fn run(mut self) -> Result<Option<String>, Broken> {
    self.value()?;
    self.skip_space();
    if self.at != self.text.len() {
      return Err(Broken);
    }
    if self.copied == 0 {
      return Ok(None);
    }
    self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
    Ok(Some(self.out))
  }

  fn value(&mut self) -> Result<(), Broken> {
    match self.peek()? {
      b'"' => {
        let (start, text) = self.string()?;
        if let Some(changed) = self.changed(&text) {
          self.replace(start, &Json::text(&changed).as_str());
        }
        Ok(())
      }
      b'{' => self.nested(b'}', Self::member),
      b'[' => self.nested(b']', Self::value),
      _ => self.scalar(),
    }
  }

  /// A list or an object.
  fn nested(&mut self, end: u8, item: fn(&mut Self) -> Result<(), Broken>) -> Result<(), Broken> {
    if self.depth == DEEPEST {
      let start = self.at;
      self.skip_nested()?;
      self.replace(start, TOO_DEEP);
      return Ok(());
    }
    self.depth += 1;
    self.at += 1;
    if self.peek()? != end {
      loop {
        item(self)?;
        match self.peek()? {
          b',' => self.at += 1,
          byte if byte == end => break,
          _ => return Err(Broken),
        }
      }
    }
    self.at += 1;
    self.depth -= 1;
    Ok(())
  }

  fn member(&mut self) -> Result<(), Broken> {
    if self.peek()? != b'"' {
      return Err(Broken);
    }
    let (start, name) = self.string()?;
    if let Some(changed) = self.rules.text(&name) {
      self.replace(start, &Json::text(&changed).as_str());
    }
    if self.peek()? != b':' {
      return Err(Broken);
    }
    self.at += 1;
    self.skip_space();
    let (start, outside) = (self.at, self.path.len());
    if self.rules.looks_at_members() {
      self.path.push('.');
      self.path.push_str(&name);
    }
    if self.rules.covers(&name, &self.path) {
      self.skip_value()?;
      let mark = self.rules.mark();
      self.replace(start, &mark.as_str());
    } else {
      self.value()?;
    }
    self.path.truncate(outside);
    Ok(())
  }

  /// A string's content with everything replaced that is to be; `None` when nothing is.
  fn changed(&self, text: &str) -> Option<String> {
    let is_json = self.rules.looks_at_members()
      && self.inside < DEEPEST_TEXT
      && text.trim_start().starts_with(['{', '['])
      && serde_json::from_str::<&RawValue>(text).is_ok();
    let inner = if is_json {
      Walk::new(self.rules, text, &self.path, self.inside + 1).run().ok().flatten()
    } else {
      None
    };
    self.rules.text(inner.as_deref().unwrap_or(text)).or(inner)
  }

  /// Where a string begins, and what it says.
  fn string(&mut self) -> Result<(usize, Cow<'a, str>), Broken> {
    let start = self.at;
    self.skip_string()?;
    let token = self.text.get(start..self.at).ok_or(Broken)?;
    Ok((start, unescaped(token)))
  }

  fn skip_string(&mut self) -> Result<(), Broken> {
    self.at += 1;
    loop {
      match self.bytes().get(self.at).ok_or(Broken)? {
        b'"' => break,
        b'\\' => self.at += 2,
        _ => self.at += 1,
      }
    }
    self.at += 1;
    Ok(())
  }

  /// A number, `true`, `false` or `null`.
  fn scalar(&mut self) -> Result<(), Broken> {
    let start = self.at;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    while self.bytes().get(self.at).is_some_and(is_part) {
      self.at += 1;
    }
    if self.at > start { Ok(()) } else { Err(Broken) }
  }

  fn skip_value(&mut self) -> Result<(), Broken> {
    match self.peek()? {
      b'"' => self.skip_string(),
      b'{' | b'[' => self.skip_nested(),
      _ => self.scalar(),
    }
  }

  /// Passes over a list or an object, however deep it is.
  fn skip_nested(&mut self) -> Result<(), Broken> {
    let mut open = 0_usize;
    loop {
      match self.bytes().get(self.at).ok_or(Broken)? {
        b'"' => {
          self.skip_string()?;
          continue;
        }
        b'{' | b'[' => open += 1,
        b'}' | b']' => open = open.checked_sub(1).ok_or(Broken)?,
        _ => {}
      }
      self.at += 1;
      if open == 0 {
        return Ok(());
      }
    }
  }

  /// Writes this in the place of what stands between `start` and where we are.
  fn replace(&mut self, start: usize, with: &str) {
    self.out.push_str(self.text.get(self.copied..start).unwrap_or_default());
    self.out.push_str(with);
    self.copied = self.at;
  }

  /// The next byte that is no white space.
  fn peek(&mut self) -> Result<u8, Broken> {
    self.skip_space();
    self.bytes().get(self.at).copied().ok_or(Broken)
  }

  fn skip_space(&mut self) {
    while self.bytes().get(self.at).is_some_and(|byte| b" \n\r\t".contains(byte)) {
      self.at += 1;
    }
  }

  fn bytes(&self) -> &'a [u8] {
    self.text.as_bytes()
  }
}

/// What a string's token says. Halves of characters become replacement characters.
fn unescaped(token: &str) -> Cow<'_, str> {
  let inside = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
  if !inside.contains('\\') {
    return Cow::Borrowed(inside);
  }
  match serde_json::from_str(token) {
    Ok(text) => Cow::Owned(text),
    Err(_) => Cow::Owned(serde_json::from_str(&without_halves(token)).unwrap_or_default()),
  }
}

/// The token with `\ufffd` in the place of escapes that are half a character.
fn without_halves(token: &str) -> String {
  let mut out = String::with_capacity(token.len());
  let mut rest = token;
  let half = |text: &str, range: std::ops::RangeInclusive<u16>| {
    let digits = text.strip_prefix("\\u").and_then(|text| text.get(..4));
    digits
      .and_then(|digits| u16::from_str_radix(digits, 16).ok())
      .is_some_and(|unit| range.contains(&unit))
  };
  while let Some(at) = rest.find('\\') {
    out.push_str(rest.get(..at).unwrap_or_default());
    rest = rest.get(at..).unwrap_or_default();
    let is_high = half(rest, 0xD800..=0xDBFF);
    let length = if is_high && rest.get(6..).is_some_and(|low| half(low, 0xDC00..=0xDFFF)) {
      12
    } else if rest.starts_with("\\u") {
      6
    } else {
      2
    };
    if length == 6 && half(rest, 0xD800..=0xDFFF) {
      out.push_str("\\ufffd");
    } else {
      out.push_str(rest.get(..length).unwrap_or(rest));
    }
    rest = rest.get(length..).unwrap_or_default();
  }
  out.push_str(rest);
  out
}
