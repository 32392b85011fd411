//! The option `redact` as it is parsed, and the errors in it.

use serde::Deserialize;
use thiserror::Error;

use super::{
  builtin::BUILTINS,
  ecma::{Translation, translate},
};

/// The option `redact`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RawRules {
  pub(super) keys: Vec<String>,
  pub(super) paths: Vec<String>,
  pub(super) patterns: Vec<Expression>,
  /// The names of builtin patterns; `None` when the option does not set them.
  pub builtins: Option<Vec<String>>,
  pub(super) replacement: Option<String>,
}

/// A regular expression of JavaScript: its source, or that of a `RegExp` with its flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Expression {
  Text(String),
  RegExp { source: String, flags: String },
}

/// An error in the option `redact`.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RulesError {
  /// No builtin pattern has this name.
  #[error("unknown builtin {name:?} in redact.builtins; known: {}", builtin_names())]
  UnknownBuiltin {
    /// The unknown name.
    name: String,
  },
  /// A pattern is not a regular expression, needs more than linear time, or is too large.
  #[error("redact.patterns[{position}] cannot be used: {why}")]
  BadPattern {
    /// The index in the list.
    position: usize,
    /// The reason that the compiler gives.
    why: String,
  },
  /// A flag of a JavaScript `RegExp` is not supported.
  #[error("redact.patterns[{position}] has the unsupported flag {flag:?}")]
  BadFlag {
    /// The index in the list.
    position: usize,
    /// The unsupported flag.
    flag: char,
  },
  /// A path is empty or has an empty name.
  #[error("redact.paths[{position}] is not a path; expected for example input.user.email")]
  BadPath {
    /// The index in the list.
    position: usize,
  },
}

fn builtin_names() -> String {
  let mut names: Vec<_> = BUILTINS.iter().map(|builtin| builtin.name).collect();
  names.dedup();
  names.join(", ")
}

impl Expression {
  /// The expression in the syntax of the `regex` crate.
  pub fn translated(&self, position: usize) -> Result<Translation, RulesError> {
    let (source, flags) = match self {
      Self::Text(source) => (source, ""),
      Self::RegExp { source, flags } => (source, flags.as_str()),
    };
    // `g` and `d` are implied: all matches are replaced.
    if let Some(flag) = flags.chars().find(|flag| !"dgimsuv".contains(*flag)) {
      return Err(RulesError::BadFlag { position, flag });
    }
    translate(source, flags)
      .map_err(|refusal| RulesError::BadPattern { position, why: refusal.to_string() })
  }
}
