//! The rules as they are given, and what can be wrong with them.

use serde::Deserialize;
use thiserror::Error;

use super::builtin::BUILTINS;

/// The option `redact`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Given {
  pub(super) keys: Vec<String>,
  pub(super) paths: Vec<String>,
  pub(super) patterns: Vec<Expression>,
  pub builtins: Option<Vec<String>>,
  pub(super) replacement: Option<String>,
}

/// A regular expression: its text, or that of a JavaScript `RegExp` with its flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Expression {
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

impl Expression {
  /// The expression with its flags.
  pub fn text(&self, position: usize) -> Result<String, RulesError> {
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
