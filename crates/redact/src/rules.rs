//! The compiled rules: which values they cover, and the replacement.

use std::{borrow::Cow, collections::HashSet};

use braintrust_row::Json;

use super::{
  builtin::{BUILTINS, Builtin},
  pattern::{Patterns, compiled},
  raw_rules::{RawRules, RulesError},
};

/// The default replacement of redacted text.
const REPLACEMENT: &str = "[redacted]";

/// The compiled rules.
#[derive(Clone, Debug)]
pub struct Rules {
  keys: HashSet<String>,
  paths: Option<regex::RegexSet>,
  /// The last names of the paths; `None` if one of them ends with a wildcard.
  path_ends: Option<HashSet<String>>,
  patterns: Option<std::sync::Arc<Patterns>>,
  replacement: String,
}

impl Rules {
  /// Compiles the rules of the option `redact`.
  ///
  /// # Errors
  /// [`RulesError`] for the first rule that cannot be applied.
  pub fn new(raw: &RawRules) -> Result<Self, RulesError> {
    let keys = raw.keys.iter().map(|key| normal(key).into_owned()).collect();
    let mut paths = Vec::new();
    for (position, path) in raw.paths.iter().enumerate() {
      paths.push(path_expression(path).ok_or(RulesError::BadPath { position })?);
    }
    let paths = (!paths.is_empty()).then(|| regex::RegexSet::new(paths)).transpose();
    let paths = paths.map_err(|error| RulesError::BadPattern { position: 0, why: why(&error) })?;
    let ends = raw.paths.iter().filter_map(|path| path.rsplit('.').next());
    let path_ends = ends.map(|name| (!name.starts_with('*')).then(|| name.to_owned())).collect();
    let mut expressions = Vec::new();
    for (position, expression) in raw.patterns.iter().enumerate() {
      let expression = expression.text(position)?;
      compiled(&expression)
        .map_err(|error| RulesError::BadPattern { position, why: why(&error) })?;
      expressions.push(expression);
    }
    let mut builtins: Vec<&Builtin> = Vec::new();
    for name in raw.builtins.iter().flatten() {
      let known = BUILTINS.iter().find(|builtin| builtin.name == name);
      builtins.push(known.ok_or_else(|| RulesError::UnknownBuiltin { name: name.clone() })?);
    }
    let patterns = Patterns::new(&expressions, &builtins)
      .map_err(|error| RulesError::BadPattern { position: 0, why: why(&error) })?;
    let replacement = raw.replacement.clone().unwrap_or_else(|| REPLACEMENT.to_owned());
    Ok(Self { keys, paths, path_ends, patterns: patterns.map(Into::into), replacement })
  }

  /// Adds keys, which must be in lower case without `_` and `-`.
  pub fn add_keys(&mut self, keys: impl IntoIterator<Item = &'static str>) {
    self.keys.extend(keys.into_iter().map(str::to_owned));
  }

  /// Whether there are no rules.
  pub fn is_empty(&self) -> bool {
    !self.matches_members() && self.patterns.is_none()
  }

  /// Whether there are keys or paths.
  pub fn matches_members(&self) -> bool {
    !self.keys.is_empty() || self.paths.is_some()
  }

  /// Whether a key or a path covers the member `name` at `path`, so that its whole value is replaced.
  pub fn covers(&self, name: &str, path: &str) -> bool {
    (!self.keys.is_empty() && self.keys.contains(normal(name).as_ref()))
      || self.paths.as_ref().is_some_and(|paths| self.may_end(name) && paths.is_match(path))
  }

  /// Whether a path may end with the name. Cheaper than matching the paths.
  fn may_end(&self, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    self.path_ends.as_ref().is_none_or(|ends| ends.contains(last))
  }

  /// The text with all matches of patterns replaced. `None` when there is no match.
  pub fn redact_text(&self, text: &str) -> Option<String> {
    self.patterns.as_ref()?.apply(text, &self.replacement)
  }

  /// The replacement as a JSON string.
  pub fn mark(&self) -> Json {
    Json::text(&self.replacement)
  }
}

/// The reason of the compiler: the last line of its message. The lines above show the position.
fn why(error: &regex::Error) -> String {
  let text = error.to_string();
  let last = text.lines().last().unwrap_or_default();
  last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// A name in lower case, without `_` and `-`.
fn normal(name: &str) -> Cow<'_, str> {
  if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
    return Cow::Borrowed(name);
  }
  let letters = name.chars().filter(|character| !['_', '-'].contains(character));
  Cow::Owned(letters.flat_map(char::to_lowercase).collect())
}

/// The regular expression of a path; `None` when the path is malformed.
fn path_expression(path: &str) -> Option<String> {
  if path.is_empty() || path.split('.').any(str::is_empty) {
    return None;
  }
  let names = path.split('.').map(|name| match name {
    "*" => "[^.]*".to_owned(),
    "**" => ".*".to_owned(),
    name => regex::escape(name),
  });
  Some(format!(r"(?s)\A{}\z", names.collect::<Vec<_>>().join(r"\.")))
}
