//! The `regex` crate.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::error::{CompileError, MOST_BYTES};

/// An expression.
#[derive(Debug)]
pub struct Expression(Regex);

impl Expression {
  /// Compiles an expression.
  pub fn new(source: &str) -> Result<Self, CompileError> {
    Ok(Self(RegexBuilder::new(source).size_limit(MOST_BYTES).build()?))
  }

  /// The expression as it is written.
  pub fn source(&self) -> &str {
    self.0.as_str()
  }

  /// The matches in a text.
  pub fn matches(&self, text: &str) -> Vec<Range<usize>> {
    self.0.find_iter(text.as_bytes()).map(|found| found.range()).collect()
  }

  /// For each match: the first group that matches, else the whole match.
  pub fn first_groups(&self, text: &str) -> Vec<Range<usize>> {
    let captures = self.0.captures_iter(text.as_bytes());
    let found = captures.filter_map(|captures| {
      let mut groups = captures.iter();
      let whole = groups.next().flatten();
      Some(groups.flatten().next().or(whole)?.range())
    });
    found.collect()
  }
}

/// Expressions, of which any may match.
#[derive(Debug)]
pub struct Set(RegexSet);

impl Set {
  /// Compiles expressions together.
  pub fn new(sources: &[&str]) -> Result<Self, CompileError> {
    let limit = MOST_BYTES * sources.len();
    Ok(Self(RegexSetBuilder::new(sources).size_limit(limit).build()?))
  }

  /// Whether an expression matches.
  pub fn is_match(&self, text: &str) -> bool {
    self.0.is_match(text.as_bytes())
  }
}

impl From<regex::Error> for CompileError {
  /// The last line of the compiler's message. The lines above show the position.
  fn from(error: regex::Error) -> Self {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    Self(last.strip_prefix("error: ").unwrap_or(last).to_owned())
  }
}
