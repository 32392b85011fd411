//! The rules as they are given, and as they are applied to a row.

use std::{borrow::Cow, collections::HashSet};

use serde::Deserialize;
use thiserror::Error;

use super::{
  builtin::{BUILTINS, Builtin},
  json,
  pattern::{Patterns, compiled},
};
use braintrust_row::{Json, Members, Row};

/// Stands in the place of what is redacted unless the rules say otherwise.
const REPLACEMENT: &str = "[redacted]";

/// The members in which messages tell what a model thought, in both forms.
const REASONING: [&str; 3] = ["thinking", "thinkingsignature", "reasoning"];

/// The option `redact`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Given {
  keys: Vec<String>,
  paths: Vec<String>,
  patterns: Vec<Expression>,
  pub builtins: Option<Vec<String>>,
  replacement: Option<String>,
}

/// A regular expression: its text, or that of a JavaScript `RegExp` with its flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Expression {
  Text(String),
  RegExp { source: String, flags: String },
}

/// Rules that cannot be applied.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RulesError {
  /// A builtin has another name.
  #[error("redact.builtins has no {name:?}; there are: {}", known())]
  UnknownBuiltin {
    /// As it was given.
    name: String,
  },
  /// A pattern is no regular expression, or one that takes more than linear time.
  #[error("redact.patterns[{position}] cannot be used: {why}")]
  BadPattern {
    /// From 0.
    position: usize,
    /// What the compiler says.
    why: String,
  },
  /// A flag changes what is matched in a way that is not supported.
  #[error("redact.patterns[{position}] has the flag {flag:?}, which is not supported")]
  BadFlag {
    /// From 0.
    position: usize,
    /// The flag.
    flag: char,
  },
  /// A path names nothing.
  #[error("redact.paths[{position}] is no path; one looks like input.user.email")]
  BadPath {
    /// From 0.
    position: usize,
  },
}

fn known() -> String {
  let names: Vec<_> = BUILTINS.iter().map(|builtin| builtin.name).collect();
  names.join(", ")
}

/// Applies the rules.
#[derive(Debug)]
pub struct Redactor {
  pub(super) rules: Rules,
  /// The same with what tells of reasoning, for what went into a model and came out.
  of_models: Option<Rules>,
}

/// What is to be replaced by what.
#[derive(Clone, Debug)]
pub struct Rules {
  keys: HashSet<String>,
  paths: Option<regex::RegexSet>,
  /// The last names of the paths; `None` if one of them may be any name.
  path_ends: Option<HashSet<String>>,
  patterns: Option<std::sync::Arc<Patterns>>,
  replacement: String,
}

impl Redactor {
  /// `None` when there is nothing to redact. Without `reasoning` what models thought is replaced, too.
  pub fn new(given: &Given, reasoning: bool) -> Result<Option<Self>, RulesError> {
    let rules = Rules::new(given)?;
    let of_models = (!reasoning).then(|| {
      let mut of_models = rules.clone();
      of_models.keys.extend(REASONING.map(str::to_owned));
      of_models
    });
    let is_needed = of_models.is_some() || rules.looks_at_members() || rules.patterns.is_some();
    Ok(is_needed.then_some(Self { rules, of_models }))
  }

  /// Replaces in a row all that is to be replaced.
  pub fn row(&self, row: &mut Row) {
    let rules = &self.rules;
    if let Some(name) = &mut row.name
      && let Some(changed) = rules.text(name)
    {
      *name = changed;
    }
    let of_models = self.of_models.as_ref().unwrap_or(rules);
    for (field, value, rules) in [
      ("input", &mut row.input, of_models),
      ("output", &mut row.output, of_models),
      ("error", &mut row.error, rules),
    ] {
      if let Some(value) = value {
        rules.member(value, field, field);
      }
    }
    if let Some(own) = &mut row.own {
      own.fields_mut().for_each(|(field, value)| rules.member(value, field, field));
      rules.members(&mut own.attributes, "span_attributes");
    }
    rules.members(&mut row.metadata, "metadata");
    rules.names(&mut row.metrics);
  }
}

impl Rules {
  /// All members of a field that is an object, and their names.
  fn members(&self, members: &mut Members<Json>, field: &str) {
    for (name, mut value) in std::mem::take(members).into_iter() {
      self.member(&mut value, &name, &format!("{field}.{name}"));
      let name = self.text(&name).map_or(name, Cow::Owned);
      members.insert(name, value);
    }
  }

  /// The names of numbers, which are the application's own where it tells some.
  fn names(&self, numbers: &mut Members<f64>) {
    if numbers.iter().all(|(name, _)| self.text(name).is_none()) {
      return;
    }
    for (name, value) in std::mem::take(numbers).into_iter() {
      let name = self.text(&name).map_or(name, Cow::Owned);
      numbers.insert(name, value);
    }
  }

  fn new(given: &Given) -> Result<Self, RulesError> {
    let keys = given.keys.iter().map(|key| normal(key).into_owned()).collect();
    let mut paths = Vec::new();
    for (position, path) in given.paths.iter().enumerate() {
      paths.push(path_expression(path).ok_or(RulesError::BadPath { position })?);
    }
    let paths = (!paths.is_empty()).then(|| regex::RegexSet::new(paths)).transpose();
    let paths = paths.map_err(|error| RulesError::BadPattern { position: 0, why: why(&error) })?;
    let ends = given.paths.iter().filter_map(|path| path.rsplit('.').next());
    let path_ends = ends.map(|name| (!name.starts_with('*')).then(|| name.to_owned())).collect();
    let mut expressions = Vec::new();
    for (position, expression) in given.patterns.iter().enumerate() {
      let expression = expression.text(position)?;
      compiled(&expression)
        .map_err(|error| RulesError::BadPattern { position, why: why(&error) })?;
      expressions.push(expression);
    }
    let mut builtins: Vec<&Builtin> = Vec::new();
    for name in given.builtins.iter().flatten() {
      let known = BUILTINS.iter().find(|builtin| builtin.name == name);
      builtins.push(known.ok_or_else(|| RulesError::UnknownBuiltin { name: name.clone() })?);
    }
    let patterns = Patterns::new(&expressions, &builtins)
      .map_err(|error| RulesError::BadPattern { position: 0, why: why(&error) })?;
    let replacement = given.replacement.clone().unwrap_or_else(|| REPLACEMENT.to_owned());
    Ok(Self { keys, paths, path_ends, patterns: patterns.map(Into::into), replacement })
  }

  /// Whether members are replaced by their names.
  pub fn looks_at_members(&self) -> bool {
    !self.keys.is_empty() || self.paths.is_some()
  }

  /// Whether the whole value of a member is to be replaced.
  pub fn covers(&self, name: &str, path: &str) -> bool {
    (!self.keys.is_empty() && self.keys.contains(normal(name).as_ref()))
      || self.paths.as_ref().is_some_and(|paths| self.may_end(name) && paths.is_match(path))
  }

  /// Whether a path may end with the name, which is told faster than whether one does.
  fn may_end(&self, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    self.path_ends.as_ref().is_none_or(|ends| ends.contains(last))
  }

  /// The text with what matches a pattern replaced. `None` when nothing does.
  pub fn text(&self, text: &str) -> Option<String> {
    self.patterns.as_ref()?.apply(text, &self.replacement)
  }

  /// What stands in the place of a value, as JSON.
  pub fn mark(&self) -> Json {
    Json::text(&self.replacement)
  }

  /// The value of a member of that name, or of a field, at that path.
  fn member(&self, value: &mut Json, name: &str, path: &str) {
    if self.covers(name, path) {
      *value = self.mark();
    } else {
      value.rewrite(&mut |text| json::rewritten(self, text, path));
    }
  }
}

impl Expression {
  /// The expression with its flags.
  fn text(&self, position: usize) -> Result<String, RulesError> {
    let (source, flags) = match self {
      Self::Text(source) => (source, ""),
      Self::RegExp { source, flags } => (source, flags.as_str()),
    };
    let mut kept = String::new();
    for flag in flags.chars() {
      match flag {
        'i' | 'm' | 's' => kept.push(flag),
        // All matches are replaced, of whole characters.
        'g' | 'u' | 'd' => {}
        flag => return Err(RulesError::BadFlag { position, flag }),
      }
    }
    Ok(if kept.is_empty() { source.clone() } else { format!("(?{kept}:{source})") })
  }
}

/// What the compiler says, in one line: it shows the place in lines above.
fn why(error: &regex::Error) -> String {
  let text = error.to_string();
  let last = text.lines().last().unwrap_or_default();
  last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// A name without what makes no difference.
fn normal(name: &str) -> Cow<'_, str> {
  if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
    return Cow::Borrowed(name);
  }
  let letters = name.chars().filter(|character| !['_', '-'].contains(character));
  Cow::Owned(letters.flat_map(char::to_lowercase).collect())
}

/// The expression of a path.
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
