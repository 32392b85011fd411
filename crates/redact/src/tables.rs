//! Tables as databases, Markdown and Node show them, and CSV: the cells below covered names.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

use super::{blanks::find_end, marked_lines::is_mark};

/// What the rule between names and rows of Node consists of.
const RULE: &str = "\u{2500}\u{2500}";
/// What separates the columns of a table.
const BARS: [char; 2] = ['|', '\u{2502}'];
/// What separates the columns of a file.
const SEPARATORS: [char; 3] = [',', '\t', ';'];
/// How many bytes a line with names has at most, and the name of a column of a file.
const LONGEST_LINE: usize = 4096;
const LONGEST_NAME: usize = 64;
/// How many lines are searched for the names of the columns of a file.
const HEAD: usize = 4;

/// The cells in a text below covered names, in no order; `dashes`: where it has two of them.
pub fn covered_cells(
  text: &str,
  dashes: &[usize],
  covers: impl Fn(&str) -> bool,
) -> Vec<Range<usize>> {
  let mut cells = Vec::new();
  below_rules(text, dashes.iter().copied(), &covers, &mut cells);
  if !text.is_ascii() {
    below_rules(text, memmem::find_iter(text.as_bytes(), RULE), &covers, &mut cells);
  }
  of_file(text, &covers, &mut cells);
  cells
}

/// Those of tables with a rule below the names, which is in the lines of these positions.
fn below_rules(
  text: &str,
  rules: impl Iterator<Item = usize>,
  covers: &impl Fn(&str) -> bool,
  cells: &mut Vec<Range<usize>>,
) {
  let mut end = 0;
  for found in rules {
    let Some(before) = text.get(end..found) else { continue };
    let start = end + memrchr(b'\n', before.as_bytes()).map_or(0, |line| line + 1);
    end = end_of_line(text, found);
    let Some(columns) = text.get(start..end).and_then(Columns::of) else { continue };
    let names = line_before(text, start);
    let covered =
      |cell: &Range<usize>| names.get(cell.clone()).is_some_and(|name| covers(bare(name)));
    let all = columns.cells(names);
    let covered: Vec<_> = (0..all.len()).filter(|at| all.get(*at).is_some_and(covered)).collect();
    if !covered.is_empty() {
      end = columns.cover(text, end + 1, all.len(), &covered, cells);
    }
  }
}

/// Where the columns of a table are.
enum Columns {
  /// Between bars.
  Bars,
  /// From these characters of the line on.
  Starts(Vec<usize>),
}

impl Columns {
  /// Those of the rule between names and rows.
  fn of(rule: &str) -> Option<Self> {
    let is_box = |letter: char| ('\u{2500}'..='\u{257F}').contains(&letter);
    if !rule.chars().all(|letter| is_mark(letter) || is_box(letter) || "=\r".contains(letter)) {
      return None;
    }
    if rule.contains(|letter| is_box(letter) || "|+".contains(letter)) {
      return Some(Self::Bars);
    }
    let mut last = ' ';
    let mut starts = Vec::new();
    for (at, letter) in rule.trim_end().chars().enumerate() {
      if letter == '-' && last == ' ' {
        starts.push(at);
      }
      if !"- ".contains(letter) {
        return None;
      }
      last = letter;
    }
    (!starts.is_empty()).then_some(Self::Starts(starts))
  }

  /// The cells of a line.
  fn cells(&self, line: &str) -> Vec<Range<usize>> {
    match self {
      Self::Bars => {
        let mut cells = Vec::new();
        let mut start = 0;
        for (at, bar) in line.match_indices(BARS) {
          cells.push(start..at);
          start = at + bar.len();
        }
        cells.push(start..line.len());
        cells
      }
      Self::Starts(starts) => {
        let mut letters = line.char_indices().map(|(at, _)| at);
        let mut before = 0;
        let mut at = |column: &usize| {
          let at = letters.nth(column - before).unwrap_or(line.len());
          before = column + 1;
          at
        };
        let starts: Vec<_> = starts.iter().map(&mut at).collect();
        let ends = starts.iter().skip(1).copied().chain([line.len()]);
        starts.iter().zip(ends).map(|(start, end)| *start..end).collect()
      }
    }
  }

  /// Adds the cells of the rows from a position on that are in the covered ones of so many columns. Returns their end.
  fn cover(
    &self,
    text: &str,
    mut at: usize,
    count: usize,
    covered: &[usize],
    cells: &mut Vec<Range<usize>>,
  ) -> usize {
    // A heading has a rule below it, too; `psql` prints a space before the only column.
    let is_only = count == 1;
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
      let is_row = match self {
        Self::Bars => line.contains(BARS) || Self::of(line.trim_end()).is_some(),
        Self::Starts(_) => !line.trim().is_empty() && (!is_only || line.starts_with(' ')),
      };
      if !is_row {
        break;
      }
      let all = self.cells(line);
      let mut row = covered.iter().filter_map(|column| all.get(*column).cloned());
      // A cell has a bar: where it ends is not known.
      let rest = row.clone().next().filter(|_| all.len() > count);
      let row = rest.map(|cell| cell.start..line.len()).into_iter().chain(row.by_ref());
      // A rule may stand between rows, too.
      if all.len() > 1 || is_only {
        cells.extend(row.filter_map(|cell| filled(text, at + cell.start..at + cell.end)));
      }
      at += line.len();
    }
    at
  }
}

/// Those of a file with the names of the columns in one of the first lines of the text.
fn of_file(text: &str, covers: &impl Fn(&str) -> bool, cells: &mut Vec<Range<usize>>) {
  let mut at = 0;
  for line in text.split_inclusive('\n').take(HEAD) {
    at += line.len();
    if line.len() > LONGEST_LINE || at == text.len() {
      return;
    }
    let line = line.trim_end_matches(['\r', '\n']);
    for separator in SEPARATORS {
      let names: Vec<_> = line.split(separator).map(bare).collect();
      let is_head = names.len() > 1 && names.iter().all(|name| is_name(name));
      let covered: Vec<_> = (0..names.len())
        .filter(|at| is_head && names.get(*at).is_some_and(|name| covers(name)))
        .collect();
      if !covered.is_empty() {
        rows(text, at, separator, names.len(), &covered, cells);
        return;
      }
    }
  }
}

/// Adds the covered cells of the rows of a file from a position on, up to a blank line. Nothing if the first row has not
/// so many cells.
fn rows(
  text: &str,
  mut at: usize,
  separator: char,
  count: usize,
  covered: &[usize],
  cells: &mut Vec<Range<usize>>,
) {
  let first = at;
  while at < text.len() {
    let (row, end) = row(text, at, separator);
    let is_blank = text.get(at..end).unwrap_or_default().trim().is_empty();
    if is_blank || at == first && row.len() != count {
      return;
    }
    at = end;
    // A cell has the separator: where it ends is not known.
    let last = if row.len() > count { row.last().cloned() } else { None };
    for column in covered.iter().filter(|_| row.len() >= count) {
      let Some(cell) = row.get(*column) else { continue };
      let end = last.as_ref().map_or(cell.end, |last| last.end);
      cells.extend(filled(text, cell.start..end));
    }
  }
}

/// The cells of the row that begins at a position, and where the next one begins.
fn row(text: &str, mut at: usize, separator: char) -> (Vec<Range<usize>>, usize) {
  let mut cells = Vec::new();
  loop {
    let start = at;
    let rest = text.get(at..).unwrap_or_default();
    // A quote in a string is doubled, as if two strings followed each other.
    let strings = rest.strip_prefix('"').map_or(0, |mut inner| {
      loop {
        let Some((_, behind)) = inner.split_once('"') else { return rest.len() };
        match behind.strip_prefix('"') {
          Some(next) => inner = next,
          None => return rest.len() - behind.len(),
        }
      }
    });
    let behind = rest.get(strings..).unwrap_or_default();
    at += strings + find_end(behind, &|letter| letter == separator || letter == '\n');
    cells.push(start..at);
    match text.get(at..).and_then(|rest| rest.chars().next()) {
      Some('\n') | None => return (cells, (at + 1).min(text.len())),
      Some(_) => at += 1,
    }
  }
}

/// The line before the one that begins at a position.
fn line_before(text: &str, start: usize) -> &str {
  let before = text.get(..start).and_then(|before| before.strip_suffix('\n')).unwrap_or_default();
  let far = before.len().saturating_sub(LONGEST_LINE);
  let line = before.as_bytes().get(far..).and_then(|near| memrchr(b'\n', near));
  before.get(line.map_or(far, |line| far + line + 1)..).unwrap_or_default()
}

fn end_of_line(text: &str, at: usize) -> usize {
  let rest = text.as_bytes().get(at..).unwrap_or_default();
  memchr(b'\n', rest).map_or(text.len(), |line| at + line)
}

/// A name without what stands around it.
fn bare(name: &str) -> &str {
  name.trim_start_matches(is_mark).trim_matches(|letter: char| " \t\r*`'\"".contains(letter))
}

/// Whether a text may be the name of a column of a file. One of several words begins with a capital, unlike code.
fn is_name(text: &str) -> bool {
  let has_words = text.starts_with(char::is_uppercase);
  let is_part =
    |letter: char| letter.is_alphanumeric() || "_-.".contains(letter) || has_words && letter == ' ';
  !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_part)
}

/// The position of what is in a cell, if it is not empty.
fn filled(text: &str, cell: Range<usize>) -> Option<Range<usize>> {
  let shown = text.get(cell.clone())?;
  let start = cell.start + shown.len() - shown.trim_start().len();
  let end = start + shown.trim().len();
  (start < end).then_some(start..end)
}
