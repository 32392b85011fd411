//! The compiled rules: which values they cover, and the replacement.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use braintrust_row::Json;

use super::{
  builtin::{BUILTINS, Builtin},
  paths::{PathState, Paths},
  pattern::{Pattern, Patterns, replaced},
  raw_rules::{RawRules, RulesError},
};

/// The default replacement of redacted text.
const REPLACEMENT: &str = "[redacted]";

/// The keys of reasoning in messages of Flue, Anthropic, Google and others, besides those that begin with
/// [`REASONING_START`].
const REASONING: [&str; 3] = ["thinking", "thinkingsignature", "thoughtsignature"];
/// How the keys of reasoning begin.
const REASONING_START: &str = "reasoning";
/// What follows that in the keys of settings and counts.
const SETTINGS: [&str; 5] = ["budget", "effort", "level", "mode", "token"];

/// The keys of errors in the attributes of log lines.
const ERRORS: [&str; 5] = ["error", "err", "exception", "cause", "stack"];

/// The compiled rules.
#[derive(Clone, Debug)]
pub struct Rules {
  keys: HashSet<String>,
  paths: Paths,
  patterns: Option<std::sync::Arc<Patterns>>,
  replacement: String,
  hides_reasoning: bool,
  hides_errors: bool,
  keeps_numbers: bool,
}

impl Rules {
  /// Compiles the rules of the option `redact`.
  ///
  /// # Errors
  /// [`RulesError`] for the first rule that cannot be applied.
  pub fn new(raw: &RawRules) -> Result<Self, RulesError> {
    let keys = raw.keys.iter().map(|key| normal(key).into_owned()).collect();
    let mut paths = Paths::default();
    for (position, path) in raw.paths.iter().enumerate() {
      if !paths.add(path) {
        return Err(RulesError::BadPath { position });
      }
    }
    let mut expressions = Vec::new();
    for (position, expression) in raw.patterns.iter().enumerate() {
      let translation = expression.translated(position)?;
      let expression = Pattern::of_translation(&translation)
        .map_err(|error| RulesError::BadPattern { position, why: error.0 })?;
      expressions.push(expression);
    }
    let mut builtins: Vec<&Builtin> = Vec::new();
    for name in raw.builtins.iter().flatten() {
      let known = builtins.len();
      builtins.extend(BUILTINS.iter().filter(|builtin| builtin.name == name));
      if builtins.len() == known {
        return Err(RulesError::UnknownBuiltin { name: name.clone() });
      }
    }
    let patterns = Patterns::new(expressions, &builtins)
      .map_err(|error| RulesError::BadPattern { position: 0, why: error.0 })?;
    let replacement = raw.replacement.clone().unwrap_or_else(|| REPLACEMENT.to_owned());
    Ok(Self {
      keys,
      paths,
      patterns: patterns.map(Into::into),
      replacement,
      hides_reasoning: false,
      hides_errors: false,
      keeps_numbers: false,
    })
  }

  /// The rules and these keys, which must be [`normal`].
  fn with_keys<const N: usize>(mut self, keys: [&'static str; N]) -> Self {
    self.keys.extend(keys.map(str::to_owned));
    self
  }

  /// The rules, and those that cover a model's reasoning in any known form.
  pub fn hiding_reasoning(self) -> Self {
    Self { hides_reasoning: true, ..self.with_keys(REASONING) }
  }

  /// The rules, and those that cover errors.
  pub fn hiding_errors(self) -> Self {
    Self { hides_errors: true, ..self.with_keys(ERRORS) }
  }

  /// Whether objects are redacted whose type is that of reasoning.
  pub fn hides_reasoning(&self) -> bool {
    self.hides_reasoning
  }

  /// Whether objects are redacted that are errors.
  pub fn hides_errors(&self) -> bool {
    self.hides_errors
  }

  /// The rules for values that must be numbers: patterns have no effect on them, and `null` replaces what a key or a
  /// path covers.
  pub fn for_numbers(&self) -> Self {
    Self { keeps_numbers: true, ..self.clone() }
  }

  /// The number as text, with all matches replaced. `None` when there is no match.
  pub fn redact_number(&self, number: &str) -> Option<String> {
    if self.keeps_numbers { None } else { self.redact_text(number) }
  }

  /// Whether there are no rules.
  pub fn is_empty(&self) -> bool {
    !self.matches_members() && self.patterns.is_none()
  }

  /// Whether there are keys or paths.
  pub fn matches_members(&self) -> bool {
    !self.keys.is_empty() || !self.paths.is_empty()
  }

  /// The position of a field of a row, or of a member in it.
  pub fn location(&self, names: &[&str]) -> PathState {
    names.iter().fold(self.paths.start(), |location, name| self.paths.enter(&location, name))
  }

  /// The position of the member `name` below `parent`.
  pub fn enter(&self, parent: &PathState, name: &str) -> PathState {
    self.paths.enter(parent, name)
  }

  /// Whether a key or a path covers the member `name` at `location`, so that its whole value is replaced.
  pub fn covers(&self, name: &str, location: &PathState) -> bool {
    (!self.keys.is_empty() && self.has_key(&normal(name))) || self.paths.covers(location)
  }

  /// Whether a key covers a [`normal`] name.
  fn has_key(&self, name: &str) -> bool {
    let reasoning = name.strip_prefix(REASONING_START).filter(|_| self.hides_reasoning);
    let is_setting = |rest: &str| SETTINGS.iter().any(|part| rest.contains(part));
    self.keys.contains(name) || reasoning.is_some_and(|rest| !is_setting(rest))
  }

  /// The text with all matches of patterns replaced. `None` when there is no match.
  pub fn redact_text(&self, text: &str) -> Option<String> {
    self.redact_ranges(text, self.matches(text))
  }

  /// The text with these ranges replaced. `None` when there are none.
  pub fn redact_ranges(&self, text: &str, ranges: Vec<Range<usize>>) -> Option<String> {
    replaced(text, ranges, &self.replacement)
  }

  /// The ranges of a text that patterns match, in their order.
  pub fn matches(&self, text: &str) -> Vec<Range<usize>> {
    self.patterns.as_ref().map(|patterns| patterns.ranges(text)).unwrap_or_default()
  }

  /// Whether a pattern may match: if not, none does.
  pub fn may_match(&self, text: &str) -> bool {
    self.patterns.as_ref().is_some_and(|patterns| patterns.may_match(text))
  }

  /// Whether a pattern may match at the border of a text only.
  pub fn has_anchors(&self) -> bool {
    self.patterns.as_ref().is_some_and(|patterns| patterns.has_anchors())
  }

  /// Whether a pattern matches across the borders of JSON tokens, which are at these ranges of the text.
  pub fn matches_across(&self, text: &str, tokens: impl FnOnce() -> Vec<Range<usize>>) -> bool {
    let patterns = self.patterns.as_ref().filter(|patterns| patterns.may_match(text));
    patterns.is_some_and(|patterns| patterns.matches_across(text, &tokens()))
  }

  /// Whether a path covers a position.
  pub fn covers_path(&self, location: &PathState) -> bool {
    self.paths.covers(location)
  }

  /// The replacement as text.
  pub fn replacement(&self) -> &str {
    &self.replacement
  }

  /// The replacement as a JSON string; `null` for values that must be numbers.
  pub fn mark(&self) -> Json {
    if self.keeps_numbers { Json::null() } else { Json::text(&self.replacement) }
  }
}

/// A name in lower case, without what separates its words or is not seen, such as the mark at the beginning of a CSV file.
/// One that has nothing else stays as it is.
fn normal(name: &str) -> Cow<'_, str> {
  if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
    return Cow::Borrowed(name);
  }
  if name.is_ascii() {
    let mut normal = name.to_ascii_lowercase();
    normal.retain(|letter| !is_separator(letter));
    return if normal.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(normal) };
  }
  let letters = name.chars().map(narrow).filter(|letter| !is_separator(*letter));
  let normal: String = letters.flat_map(char::to_lowercase).collect();
  if normal.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(normal) }
}

/// The character of ASCII for its wide form.
fn narrow(letter: char) -> char {
  let wide = u32::from(letter).wrapping_sub(0xFEE0);
  if ('\u{FF01}'..='\u{FF5E}').contains(&letter) {
    char::from_u32(wide).unwrap_or(letter)
  } else {
    letter
  }
}

fn is_separator(letter: char) -> bool {
  let is_unseen = matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}');
  letter.is_ascii_punctuation() || letter.is_whitespace() || is_unseen
}
