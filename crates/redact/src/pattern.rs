//! All patterns together: one pass over a text finds out whether any matches.

use std::ops::Range;

use braintrust_row::sort_by_key;

use super::{
  builtin::{Accepted, Builtin},
  ecma::{Translation, View},
  engine::{CompileError, Expression, Set},
  escapes::{DEEPEST_ESCAPES, Decoded, IN_PAGES, decoded, has_escapes, map_to_original},
};

/// Regular expressions.
#[derive(Debug)]
pub struct Patterns {
  /// All expressions, for texts that look the same in each view.
  all: Set,
  each: Vec<Pattern>,
  /// The views of the expressions that see some texts differently, each once.
  views: Vec<View>,
  /// Whether an expression of the option has `^` or `$`.
  has_anchors: bool,
}

/// An expression. Expressions match bytes, because `\B` may match inside a character; matches that are not empty
/// consist of whole characters nevertheless.
#[derive(Debug)]
pub struct Pattern {
  expression: Expression,
  view: View,
  /// The parts that are redacted for a match. `None`: all of it.
  accepted: Option<Accepted>,
}

impl Patterns {
  /// The expressions of the option, and those of builtins. `None` when there are none.
  pub fn new(
    expressions: Vec<Pattern>,
    builtins: &[&Builtin],
  ) -> Result<Option<Self>, CompileError> {
    // Translations have these for anchors only: all other characters are escaped by their numbers.
    let anchors = [r"\A", r"\z", "(?m:"];
    let has_anchor = |text: &str| anchors.iter().any(|anchor| text.contains(anchor));
    let has_anchors = expressions.iter().any(|one| has_anchor(one.expression.source()));
    let mut each = expressions;
    for Builtin { expression, accepted, .. } in builtins {
      let (expression, view) = (Expression::new(expression)?, View::default());
      each.push(Pattern { expression, view, accepted: Some(*accepted) });
    }
    if each.is_empty() {
      return Ok(None);
    }
    let expressions: Vec<_> = each.iter().map(|pattern| pattern.expression.source()).collect();
    let all = Set::new(&expressions)?;
    let mut views: Vec<View> = Vec::new();
    for Pattern { view, .. } in &each {
      if *view != View::default() && !views.contains(view) {
        views.push(*view);
      }
    }
    Ok(Some(Self { all, each, views, has_anchors }))
  }

  /// The ranges of all matches, also of those in the text's escapes. Each pattern sees the text as it is, so their order
  /// makes no difference.
  pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
    let each = if self.may_match(text) { self.each.as_slice() } else { &[] };
    let mut ranges: Vec<_> = each.iter().flat_map(|pattern| pattern.matches(text)).collect();
    if has_escapes(text) {
      ranges.append(&mut self.matches_in_escapes(text));
    }
    united(ranges)
  }

  /// The matches in the text's decoded escapes that are not matches as it is written.
  fn matches_in_escapes(&self, text: &str) -> Vec<Range<usize>> {
    let mut levels: Vec<Decoded> = Vec::new();
    let mut ranges = Vec::new();
    while levels.len() < DEEPEST_ESCAPES
      && let Some(level) = decoded(levels.last().map_or(text, |level| &level.text), IN_PAGES)
    {
      let matches = if self.may_match(&level.text) { self.each.as_slice() } else { &[] };
      let matches = matches.iter().flat_map(|pattern| pattern.matches(&level.text));
      let mut found: Vec<_> = matches.filter(|range| level.touches_escape(range)).collect();
      levels.push(level);
      map_to_original(&levels, &mut found);
      ranges.append(&mut found);
    }
    united(ranges)
  }

  /// Whether an expression of the option has a match that is in none of the ascending ranges.
  pub fn matches_across(&self, text: &str, ranges: &[Range<usize>]) -> bool {
    let is_inside = |found: &Range<usize>| {
      let at = ranges.partition_point(|range| range.end < found.end);
      ranges.get(at).is_some_and(|range| range.start <= found.start)
    };
    let mut patterns = self.each.iter().filter(|pattern| pattern.accepted.is_none());
    patterns.any(|pattern| pattern.matches(text).iter().any(|found| !is_inside(found)))
  }

  /// Whether an expression of the option has an anchor.
  pub fn has_anchors(&self) -> bool {
    self.has_anchors
  }

  /// Whether an expression may match: if not, none does.
  pub fn may_match(&self, text: &str) -> bool {
    self.views.iter().any(|view| view.changes(text)) || self.all.is_match(text)
  }
}

impl Pattern {
  /// Compiles an expression of the option.
  pub fn of_translation(translation: &Translation) -> Result<Self, CompileError> {
    let Translation { expression, view } = translation;
    Ok(Self { expression: Expression::new(expression)?, view: *view, accepted: None })
  }

  /// The parts of a text that are redacted, in their order.
  fn matches(&self, text: &str) -> Vec<Range<usize>> {
    let Some(accepted) = self.accepted else {
      let seen = self.view.of(text);
      let mut found = self.expression.matches(&seen.seen);
      // An empty match is found between all characters.
      found.retain(|range| !range.is_empty());
      return seen.originals(found);
    };
    let found = self.expression.first_groups(text).into_iter();
    found.flat_map(|range| accepted(text, range)).collect()
  }
}

/// The text with `replacement` in the place of each range; `None` if there are none.
pub fn replaced(text: &str, ranges: Vec<Range<usize>>, replacement: &str) -> Option<String> {
  let mut after = String::new();
  let mut copied = 0;
  let ranges = united(ranges);
  for range in &ranges {
    after.push_str(text.get(copied..range.start).unwrap_or_default());
    after.push_str(replacement);
    copied = range.end;
  }
  after.push_str(text.get(copied..).unwrap_or_default());
  (!ranges.is_empty()).then_some(after)
}

/// The ranges in their order, with those that overlap as one.
fn united(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
  sort_by_key(&mut ranges, |range| (range.start as u64, 0));
  let mut united: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
  for range in ranges {
    match united.last_mut().filter(|last| last.end > range.start) {
      Some(last) => last.end = last.end.max(range.end),
      None => united.push(range),
    }
  }
  united
}
