//! Tables as databases, Markdown and Node show them, and CSV: the cells below covered names.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::{blanks::find_end, marked_lines::is_mark};

/// What the rule between names and rows of Node consists of.
const RULE: &str = "\u{2500}\u{2500}";
/// What separates the columns of a table, and those of a file.
const BARS: &str = "|\u{2502}";
const SEPARATORS: [&str; 3] = [",", "\t", ";"];
/// How many bytes a line with names has at most.
const LONGEST_LINE: usize = 4096;
/// How many lines are searched for the names of the columns of a file.
const HEAD: usize = 4;

/// The cells in a text below covered names, in no order.
pub fn covered_cells(text: &str, covers: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
  let mut cells = Cells { text, covers, covered: Vec::new(), found: Vec::new() };
  let bytes = text.as_bytes();
  let mut dashes = memchr_iter(b'-', bytes).filter(|dash| bytes.get(dash + 1) == Some(&b'-'));
  cells.below_rules(&mut dashes);
  if !text.is_ascii() {
    cells.below_rules(&mut memmem::find_iter(bytes, RULE));
  }
  cells.of_file();
  cells.found
}

struct Cells<'t> {
  text: &'t str,
  covers: &'t dyn Fn(&str) -> bool,
  /// The covered columns of the table.
  covered: Vec<usize>,
  found: Vec<Range<usize>>,
}

impl Cells<'_> {
  /// Adds those of tables with a rule below the names, which is in the lines of these positions.
  fn below_rules(&mut self, rules: &mut dyn Iterator<Item = usize>) {
    let mut end = 0;
    for found in rules {
      let Some(before) = self.text.get(end..found) else { continue };
      let start = end + memrchr(b'\n', before.as_bytes()).map_or(0, |line| line + 1);
      let rest = self.text.as_bytes().get(found..).unwrap_or_default();
      end = memchr(b'\n', rest).map_or(self.text.len(), |line| found + line);
      if self.text.get(start..end).is_some_and(is_rule) {
        let names = self.text.get(..start).and_then(line_at_end).unwrap_or_default();
        end = self.below(names, end + 1, BARS);
      }
    }
  }

  /// Adds those of a file with the names of the columns in one of the first lines.
  fn of_file(&mut self) {
    let mut end = 0;
    for line in self.text.split_inclusive('\n').take(HEAD) {
      end += line.len();
      if line.len() > LONGEST_LINE || end == self.text.len() {
        return;
      }
      let next = self.text.get(end..).and_then(|rest| rest.split_inclusive('\n').next());
      for separators in SEPARATORS {
        let count = |line: &str| cells(line, separators).count();
        if cells(line, separators).all(|cell| is_name(bare(cell)))
          && count(line) > 1
          && next.is_some_and(|next| count(next) == count(line))
        {
          self.below(line, end, separators);
        }
      }
    }
  }

  /// Adds those of the rows from a position on, if names are covered. Returns their end.
  fn below(&mut self, names: &str, mut at: usize, separators: &str) -> usize {
    let all = cells(names, separators).enumerate();
    let covered = all.filter(|(_, name)| (self.covers)(bare(name))).map(|(column, _)| column);
    self.covered = covered.collect();
    let Some(first) = self.covered.first().copied() else { return at };
    let count = cells(names, separators).count();
    for line in self.text.get(at..).unwrap_or_default().split_inclusive('\n') {
      let found = cells(line, separators).count();
      if line.trim().is_empty() || found == 1 && !is_rule(line) {
        return at;
      }
      let mut start = at;
      for (column, cell) in cells(line, separators).enumerate() {
        // If a cell has the separator, the others are not where they should be.
        let is_covered = found > count && column >= first || self.covered.contains(&column);
        let shown = cell.trim_end_matches(|end| separators.contains(end));
        let inner = shown.trim();
        if is_covered && found > 1 && !inner.is_empty() {
          let from = start + shown.len() - shown.trim_start().len();
          self.found.push(from..from + inner.len());
        }
        start += cell.len();
      }
      at += line.len();
    }
    at
  }
}

/// The cells of a line, with what separates them.
fn cells<'t>(line: &'t str, separators: &'t str) -> impl Iterator<Item = &'t str> {
  line.split_inclusive(move |letter| separators.contains(letter))
}

/// Whether a line is the rule below the names of a table, or between its rows.
fn is_rule(line: &str) -> bool {
  let is_box = |letter: char| ('\u{2500}'..='\u{257F}').contains(&letter);
  let end =
    find_end(line, &|letter| !(is_mark(letter) || is_box(letter) || "=\r\n".contains(letter)));
  end == line.len() && find_end(line, &|letter| is_box(letter) || "|+".contains(letter)) < end
}

/// The line before the break with which a text ends.
fn line_at_end(text: &str) -> Option<&str> {
  let text = text.strip_suffix('\n')?;
  let far = text.len().saturating_sub(LONGEST_LINE);
  let line = memrchr(b'\n', text.as_bytes().get(far..)?).map_or(far, |line| far + line + 1);
  text.get(line..)
}

/// A name without what stands around it.
fn bare(name: &str) -> &str {
  let name = name.trim_start_matches(is_mark);
  name.trim_matches(|letter: char| " \t\r\n*`'\"|,;\u{2502}".contains(letter))
}

/// Whether a text may be the name of a column of a file. One of several words begins with a capital, unlike code.
fn is_name(text: &str) -> bool {
  let has_words = text.starts_with(char::is_uppercase);
  let is_other = |letter: char| {
    !(letter.is_alphanumeric() || "_-.".contains(letter) || has_words && letter == ' ')
  };
  !text.is_empty() && find_end(text, &is_other) == text.len()
}
