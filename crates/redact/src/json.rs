//! Redacts JSON text. Bytes that no rule covers are copied unchanged.

use std::ops::Range;

use braintrust_row::{
  Json,
  scan::{Malformed, Scanner, Step, Token},
  string,
};

use super::{
  embedded::{self, Form, Value},
  escapes::{unescaped, unescaped_content},
  paths::PathState,
  rules::Rules,
};

/// Values that are nested deeper than this are replaced. Events are not: capturing limits their depth to 100.
const DEEPEST: usize = 128;
/// How many levels of JSON inside strings are redacted. Strings with more are replaced.
const DEEPEST_TEXT: usize = 8;
/// The replacement of values that are nested too deep.
const TOO_DEEP: &str = "[flue-braintrust: too deep]";

/// The redacted JSON text; `location` is the position of its value. `None` when nothing changes. A text that is not
/// JSON is redacted as the content of a string.
pub fn rewritten(rules: &Rules, text: &str, location: &PathState) -> Option<String> {
  Rewrite::new(rules, text, location, 0).run().unwrap_or_else(|Malformed| {
    redacted_text(rules, text, location, 0)
      .map(|changed| Json::text(&changed).as_str().into_owned())
  })
}

/// The redacted content of a string, which is nested in so many other strings; `None` when nothing changes.
pub fn redacted_text(
  rules: &Rules,
  text: &str,
  location: &PathState,
  inside: usize,
) -> Option<String> {
  // Without escapes, a pattern that matches a string in JSON matches the text.
  let is_literal = !rules.matches_members() && !rules.has_anchors() && !text.contains('\\');
  if is_literal && !rules.may_match(text) {
    return None;
  }
  if embedded::is_json(text) {
    return redacted_json(rules, text, location, inside);
  }
  // A match amid text may be a part of JSON, which must stay valid.
  if is_literal && !text.contains(['{', '[']) {
    return rules.redact_text(text);
  }
  let mut out = String::new();
  let mut copied = 0;
  for Value { range, form } in embedded::values(text) {
    let value = text.get(range.clone()).unwrap_or_default();
    let changed = match form {
      Form::Json => redacted_json(rules, value, location, inside),
      Form::Malformed => redacted_malformed(rules, value, location, inside),
      Form::Content => redacted_content(rules, value, location, inside),
    };
    if let Some(changed) = changed {
      out.push_str(text.get(copied..range.start).unwrap_or_default());
      out.push_str(&changed);
      copied = range.end;
    }
  }
  if copied == 0 {
    return rules.redact_text(text);
  }
  out.push_str(text.get(copied..).unwrap_or_default());
  rules.redact_text(&out).or(Some(out))
}

/// The redacted content of a string that is JSON, as JSON.
fn redacted_json(rules: &Rules, text: &str, location: &PathState, inside: usize) -> Option<String> {
  if inside >= DEEPEST_TEXT {
    return Some(Json::text(TOO_DEEP).as_str().into_owned());
  }
  // A pattern may be meant for the text, such as `"pin": *"[0-9]+"`.
  if rules.matches_across(text, || tokens(text)) {
    return Some(rules.mark().as_str().into_owned());
  }
  Rewrite::new(rules, text, location, inside + 1).run().ok().flatten()
}

/// The redacted content of a string in a text.
fn redacted_content(
  rules: &Rules,
  text: &str,
  location: &PathState,
  inside: usize,
) -> Option<String> {
  let changed = match inside >= DEEPEST_TEXT {
    true => TOO_DEEP.to_owned(),
    false => redacted_text(rules, &unescaped_content(text), location, inside + 1)?,
  };
  string::content(&Json::text(&changed).as_str()).map(str::to_owned)
}

/// The redacted list or object that is malformed or does not end.
fn redacted_malformed(
  rules: &Rules,
  text: &str,
  location: &PathState,
  inside: usize,
) -> Option<String> {
  if inside >= DEEPEST_TEXT {
    return Some(Json::text(TOO_DEEP).as_str().into_owned());
  }
  let rewrite = Rewrite { is_cut: true, ..Rewrite::new(rules, text, location, inside + 1) };
  rewrite.run().ok().flatten()
}

/// The strings, names and scalars of a JSON text.
fn tokens(text: &str) -> Vec<Range<usize>> {
  let mut scanner = Scanner::new(text);
  let mut ranges = Vec::new();
  while let Ok(Some(Step { token, range })) = scanner.next_step() {
    match token {
      Token::Name | Token::String => ranges.push(range.start + 1..range.end - 1),
      Token::Scalar => ranges.push(range),
      Token::Open(_) | Token::Close(_) => {}
    }
  }
  ranges
}

/// The types of objects that are reasoning, in messages of Flue, OpenAI, Anthropic and the AI SDK.
const REASONING_TYPES: [&str; 4] =
  [r#""reasoning""#, r#""thinking""#, r#""redacted_thinking""#, r#""thought""#];
/// The members of reasoning that are not redacted.
const KEPT_OF_REASONING: &[&str] = &["type", "id", "index", "thought"];
/// The members of an error that are not redacted.
const KEPT_OF_ERROR: &[&str] = &["name", "code"];

/// An open list or object.
struct Container {
  /// Its position.
  location: PathState,
  /// The members that are kept, if all others are redacted.
  kept: Option<&'static [&'static str]>,
}

/// The members that tell whether an object is reasoning or an error.
#[derive(Default)]
struct Kind<'a> {
  kind: Option<&'a str>,
  thought: Option<&'a str>,
  name: Option<&'a str>,
  message: Option<&'a str>,
  stack: Option<&'a str>,
}

impl<'a> Kind<'a> {
  /// Reads the object at the beginning of a text, also if it is cut or malformed.
  fn of(text: &'a str) -> Self {
    let mut kind = Self::default();
    let mut scanner = Scanner::new(text);
    while let Ok(Some(Step { token, range })) = scanner.next_step() {
      match token {
        Token::Name => {
          let name = unescaped(text.get(range.clone()).unwrap_or_default());
          let value = scanner.skip_value();
          let shown = text.get(value.clone().unwrap_or(range.end..text.len()));
          kind.set(&name, shown.filter(|value| *value != "null"));
          if value.is_err() {
            break;
          }
        }
        Token::Close(_) => break,
        Token::Open(_) | Token::String | Token::Scalar => {}
      }
    }
    kind
  }

  fn set(&mut self, name: &str, value: Option<&'a str>) {
    let member = match name {
      "type" => &mut self.kind,
      "thought" => &mut self.thought,
      "name" => &mut self.name,
      "message" => &mut self.message,
      "stack" => &mut self.stack,
      _ => return,
    };
    *member = value.or(*member);
  }

  fn is_reasoning(&self) -> bool {
    self.kind.is_some_and(|kind| REASONING_TYPES.contains(&kind)) || self.thought == Some("true")
  }

  /// Whether it is an error as capturing writes it, or has what makes one.
  fn is_error(&self) -> bool {
    self.message.is_some() && (self.stack.is_some() || self.name.is_some())
  }
}

/// A pass over one text.
struct Rewrite<'a> {
  rules: &'a Rules,
  text: &'a str,
  scanner: Scanner<'a>,
  /// The position of the current value.
  location: PathState,
  containers: Vec<Container>,
  /// The output so far.
  out: String,
  /// How many bytes of the text the output covers.
  copied: usize,
  /// How many JSON strings this text is nested in.
  inside: usize,
  /// Whether the text may end early or be malformed.
  is_cut: bool,
}

impl<'a> Rewrite<'a> {
  fn new(rules: &'a Rules, text: &'a str, location: &PathState, inside: usize) -> Self {
    Self {
      rules,
      text,
      scanner: Scanner::new(text),
      location: location.clone(),
      containers: Vec::new(),
      out: String::new(),
      copied: 0,
      inside,
      is_cut: false,
    }
  }

  fn run(mut self) -> Result<Option<String>, Malformed> {
    loop {
      match self.step() {
        Ok(true) => {}
        Err(malformed) if !self.is_cut => return Err(malformed),
        Ok(false) | Err(_) => break,
      }
    }
    if self.copied == 0 {
      return Ok(None);
    }
    self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
    Ok(Some(self.out))
  }

  /// Redacts one token. False at the end.
  fn step(&mut self) -> Result<bool, Malformed> {
    let Some(Step { token, range }) = self.scanner.next_step()? else { return Ok(false) };
    match token {
      Token::Open(_) if self.scanner.depth() > DEEPEST => {
        let end = self.scanner.skip_container();
        if end.is_ok() || self.is_cut {
          let end = end.unwrap_or(self.text.len());
          self.replace(range.start..end, &Json::text(TOO_DEEP).as_str());
        }
        end?;
      }
      Token::Open(_) => {
        let kept = self.kept_members(range.start);
        self.containers.push(Container { location: self.location.clone(), kept });
      }
      Token::Close(_) => {
        if let Some(container) = self.containers.pop() {
          self.location = container.location;
        }
      }
      Token::Name => self.member(range)?,
      Token::String => self.string(range),
      Token::Scalar => self.scalar(range),
    }
    Ok(true)
  }

  /// The members that are kept of the value that begins there, if it is reasoning or an error whose others are
  /// redacted.
  fn kept_members(&self, start: usize) -> Option<&'static [&'static str]> {
    let (reasoning, errors) = (self.rules.hides_reasoning(), self.rules.hides_errors());
    let text = self.text.get(start..).filter(|_| reasoning || errors).unwrap_or_default();
    if !text.starts_with('{') {
      return None;
    }
    let kind = Kind::of(text);
    if reasoning && kind.is_reasoning() {
      Some(KEPT_OF_REASONING)
    } else {
      (errors && kind.is_error()).then_some(KEPT_OF_ERROR)
    }
  }

  /// Redacts the name of a member, and its value if a key or a path covers it.
  fn member(&mut self, range: Range<usize>) -> Result<(), Malformed> {
    let text = self.text;
    let name = unescaped(text.get(range.clone()).unwrap_or_default());
    let name_end = range.end;
    if let Some(changed) = self.rules.redact_text(&name) {
      self.replace(range, &Json::text(&changed).as_str());
    }
    let parent = self.containers.last();
    let is_hidden =
      parent.and_then(|parent| parent.kept).is_some_and(|kept| !kept.contains(&&*name));
    if !is_hidden && !self.rules.matches_members() {
      return Ok(());
    }
    if let Some(parent) = parent {
      self.location = self.rules.enter(&parent.location, &name);
    }
    if is_hidden || self.rules.covers(&name, &self.location) {
      let mark = self.rules.mark();
      match self.scanner.skip_value() {
        Ok(value) => self.replace(value, &mark.as_str()),
        Err(malformed) => {
          if self.is_cut {
            self.replace(name_end..self.text.len(), &format!(":{}", mark.as_str()));
          }
          return Err(malformed);
        }
      }
    }
    Ok(())
  }

  /// Redacts a string.
  fn string(&mut self, range: Range<usize>) {
    let text = self.text;
    let content = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = redacted_text(self.rules, &content, &self.location, self.inside) {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// Redacts a number, which becomes a string.
  fn scalar(&mut self, range: Range<usize>) {
    let number = self.text.get(range.clone()).unwrap_or_default();
    if number.starts_with(|first: char| first == '-' || first.is_ascii_digit())
      && let Some(changed) = self.rules.redact_number(number)
    {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// Writes `with` in the place of that range of the text.
  fn replace(&mut self, range: Range<usize>, with: &str) {
    self.out.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
    self.out.push_str(with);
    self.copied = range.end;
  }
}
