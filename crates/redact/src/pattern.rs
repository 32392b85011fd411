//! All patterns together: one pass over a text finds out whether any matches.

use regex::{RegexBuilder, RegexSet, RegexSetBuilder};

use super::builtin::Builtin;

/// The largest size of a compiled expression, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Regular expressions.
#[derive(Debug)]
pub struct Patterns {
  all: RegexSet,
  each: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
  expression: regex::Regex,
  is_valid: fn(&str) -> bool,
}

impl Patterns {
  /// Compiles the expressions of the option and of builtins. `None` when there are none.
  pub fn new(expressions: &[String], builtins: &[&Builtin]) -> Result<Option<Self>, regex::Error> {
    let mut each = Vec::new();
    for expression in expressions {
      each.push(Pattern { expression: compiled(expression)?, is_valid: |_| true });
    }
    for Builtin { expression, is_valid, .. } in builtins {
      each.push(Pattern { expression: compiled(expression)?, is_valid: *is_valid });
    }
    if each.is_empty() {
      return Ok(None);
    }
    let expressions = each.iter().map(|pattern| pattern.expression.as_str());
    let all = RegexSetBuilder::new(expressions).size_limit(MOST_BYTES * each.len()).build()?;
    Ok(Some(Self { all, each }))
  }

  /// The text with `replacement` in the place of each match. `None` when there is no match.
  pub fn apply(&self, text: &str, replacement: &str) -> Option<String> {
    if !self.all.is_match(text) {
      return None;
    }
    let mut changed: Option<String> = None;
    for Pattern { expression, is_valid } in &self.each {
      let before = changed.as_deref().unwrap_or(text);
      let mut after = String::new();
      let mut copied = 0;
      for found in expression.find_iter(before).filter(|found| is_valid(found.as_str())) {
        // An empty match is found between all characters.
        if found.is_empty() {
          continue;
        }
        after.push_str(before.get(copied..found.start()).unwrap_or_default());
        after.push_str(replacement);
        copied = found.end();
      }
      if copied > 0 {
        after.push_str(before.get(copied..).unwrap_or_default());
        changed = Some(after);
      }
    }
    changed
  }
}

/// Compiles an expression.
pub fn compiled(expression: &str) -> Result<regex::Regex, regex::Error> {
  RegexBuilder::new(expression).size_limit(MOST_BYTES).build()
}
