//! The patterns together: one look at a text tells which of them match, if any.

use regex::{RegexBuilder, RegexSet, RegexSetBuilder};

use super::builtin::Builtin;

/// How large an expression may become when it is compiled, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Regular expressions, and what stands in the place of what they match.
#[derive(Debug)]
pub struct Patterns {
  all: RegexSet,
  each: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
  expression: regex::Regex,
  is_one: fn(&str) -> bool,
}

impl Patterns {
  /// `None` when there are none.
  pub fn new(own: &[String], builtins: &[&Builtin]) -> Result<Option<Self>, regex::Error> {
    let mut each = Vec::new();
    for expression in own {
      each.push(Pattern { expression: compiled(expression)?, is_one: |_| true });
    }
    for Builtin { expression, is_one, .. } in builtins {
      each.push(Pattern { expression: compiled(expression)?, is_one: *is_one });
    }
    if each.is_empty() {
      return Ok(None);
    }
    let expressions = each.iter().map(|pattern| pattern.expression.as_str());
    let all = RegexSetBuilder::new(expressions).size_limit(MOST_BYTES * each.len()).build()?;
    Ok(Some(Self { all, each }))
  }

  /// The text with `replacement` in the place of what matches. `None` when nothing does.
  pub fn apply(&self, text: &str, replacement: &str) -> Option<String> {
    if !self.all.is_match(text) {
      return None;
    }
    let mut changed: Option<String> = None;
    for Pattern { expression, is_one } in &self.each {
      let before = changed.as_deref().unwrap_or(text);
      let mut after = String::new();
      let mut copied = 0;
      for found in expression.find_iter(before).filter(|found| is_one(found.as_str())) {
        // What matches without a character, matches between all.
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

/// An expression of the given text.
pub fn compiled(expression: &str) -> Result<regex::Regex, regex::Error> {
  RegexBuilder::new(expression).size_limit(MOST_BYTES).build()
}
