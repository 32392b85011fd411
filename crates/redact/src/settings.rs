//! Lines of commands that set a variable: `ENV PASSWORD x`, `set -x PASSWORD x`.

use std::ops::Range;

use memchr::memmem;

use super::{blanks::line, marked_lines::is_line_start, unquoted::BLANKS};

/// How lines begin that set what a name in them stands for, what may stand before that, and how a value begins that is a
/// reference or a command.
const SETTERS: [&str; 4] = ["ENV ", "set -", "setenv ", "setx "];
const PROMPTS: [char; 3] = [' ', '\t', '$'];
const REFERENCES: [char; 3] = ['$', '%', '('];

/// The names and values that lines set.
pub fn named_values(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
  let starts = SETTERS.iter().flat_map(|setter| {
    memmem::find_iter(text.as_bytes(), setter).map(|start| (start, start + setter.len()))
  });
  starts.filter_map(|(start, end)| {
    if !is_line_start(text.get(..start)?.trim_end_matches(PROMPTS)) {
      return None;
    }
    let line = line(text.get(end..)?);
    // The letters of an option.
    let named = if text.get(..end)?.ends_with('-') { line.split_once(' ')?.1 } else { line };
    let (name, value) = named.trim_start_matches(BLANKS).split_once(BLANKS)?;
    let value = value.trim_start();
    let is_shown = !value.is_empty() && !value.starts_with(REFERENCES);
    let start = end + line.len() - value.len();
    is_shown.then_some((name, start..start + value.trim_end().len()))
  })
}
