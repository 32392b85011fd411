//! Members that PHP prints: `[password] => x` of `print_r`, `["password"]=>` of `var_dump`.

use super::{marked_lines::is_line_start, pairs, room::HAS_ROOM};

/// The name in brackets in which a text ends.
pub struct Name<'t> {
  pub name: &'t str,
  /// Whether it has quotes, as only `var_dump` prints them: then the value has its quotes and brackets.
  pub is_quoted: bool,
}

/// The name in brackets that begins the last line of a text, and ends it: `[password]`, also `[password:User:private]`.
pub fn name_at_end(text: &str) -> Option<Name<'_>> {
  if !HAS_ROOM {
    return None;
  }
  let item = text.strip_suffix(']')?;
  let far = item.len().saturating_sub(pairs::LONGEST);
  let start = far + memchr::memrchr(b'[', item.as_bytes().get(far..)?)?;
  let name = item.get(start + 1..)?.split(':').next()?;
  let shown = name.trim_matches('"');
  let is_quoted = shown.len() < name.len();
  is_line_start(item.get(..start)?).then_some(Name { name: shown, is_quoted })
}

/// The length of the value with which a text begins behind the arrow of `print_r`: up to the line with the next name, or to
/// the bracket in its own line that ends a list or an object.
pub fn end_of_value(text: &str) -> usize {
  let mut lines = text.split_inclusive('\n');
  let mut end = lines.next().map_or(0, str::len);
  let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
  let bracket = lines.clone().next().filter(|line| line.trim() == "(").map(indentation);
  for line in lines {
    let words = line.trim();
    let is_end = match bracket {
      Some(bracket) => words == ")" && indentation(line) == bracket,
      None => words.is_empty() || words.starts_with(['[', ')']),
    };
    if is_end && bracket.is_none() {
      break;
    }
    end += line.len();
    if is_end {
      break;
    }
  }
  text.get(..end).unwrap_or(text).trim_end().len()
}
