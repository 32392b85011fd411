//! Members of objects as Python and JavaScript print them: `{'password': 'x'}` and `{ password: 'x' }`.

use std::ops::Range;

use braintrust_row::terminal;

use super::{
  blanks::{SPACES, trim_end, trim_start, without_codes},
  escapes::unescaped_content,
  marked_lines::{MarkedLine, is_line_start},
  paths::PathState,
  rules::Rules,
};

/// The covered values of such members in a text, in their order. Each part of the text is read a few times at most.
pub struct Literals<'a> {
  rules: &'a Rules,
  text: &'a str,
  location: &'a PathState,
  /// Where the search continues.
  at: usize,
  /// The end of the last covered value.
  pub covered: usize,
}

impl<'a> Literals<'a> {
  /// The covered values of a text at this location.
  pub fn new(rules: &'a Rules, text: &'a str, location: &'a PathState) -> Self {
    Self { rules, text, location, at: 0, covered: 0 }
  }

  /// The next covered value whose name ends before `limit`. It may end behind that.
  pub fn next_before(&mut self, limit: usize) -> Option<Range<usize>> {
    let start = self.at.max(self.covered);
    let part = self.text.get(start..limit).filter(|_| self.rules.matches_members())?;
    for found in memchr::memchr2_iter(b':', b'=', part.as_bytes()) {
      let (before, rest) = self.text.split_at_checked(start + found)?;
      let is_pair = rest.starts_with("=>");
      if !is_pair && !rest.starts_with(':') {
        continue;
      }
      let value = trim_start(rest.get(1 + usize::from(is_pair)..)?, &SPACES);
      if let Some((before, name)) = name_at_end(before, value, is_pair)
        && self.covers(name)
        && let Some(value) = self.value(before, value)
      {
        self.covered = value.end;
        return Some(value);
      }
    }
    self.at = limit;
    None
  }

  /// The next covered value that begins before `limit`, where the content of a string seems to end, and ends behind it;
  /// also as a part of that content.
  pub fn crossing(&mut self, limit: usize) -> Option<Range<usize>> {
    let covered = self.covered;
    let value = std::iter::from_fn(|| self.next_before(limit)).find(|value| value.end > limit)?;
    let inner = unescaped_content(self.text.get(value.start..limit).unwrap_or_default());
    if end_of_value(&inner, None) == inner.len() {
      return Some(value);
    }
    self.covered = covered;
    self.at = limit;
    None
  }

  /// Continues at a later position, behind text without covered values.
  pub fn skip_to(&mut self, at: usize) {
    self.at = at;
  }

  /// What replaces a value.
  pub fn mark(&self) -> String {
    format!("'{}'", self.rules.replacement().replace('\\', r"\\").replace('\'', r"\'"))
  }

  fn covers(&self, name: &str) -> bool {
    let name = without_codes(name.into());
    self.rules.covers(&name, &self.rules.enter(self.location, &name))
  }

  /// The value with which the rest of the text begins, of a name with this text before it.
  fn value(&self, before: &str, rest: &str) -> Option<Range<usize>> {
    let end = end_of_value(rest, MarkedLine::of(before).as_ref());
    let value = trim_end(rest.get(..end)?, &SPACES);
    let start = self.text.len() - rest.len();
    (!value.is_empty()).then_some(start..start + value.len())
  }
}

/// The text before the name in which a text ends, and that name, which a value follows. One without quotes is the first
/// word of a line, or follows a brace or a comma; what is behind it is not prose. The name before an arrow has quotes
/// or is a symbol of Ruby: another may be a parameter.
fn name_at_end<'a>(text: &'a str, value: &str, is_pair: bool) -> Option<(&'a str, &'a str)> {
  let text = trim_end(text, &[' ', '\t']);
  // Before a colon, a name with double quotes is JSON.
  let quote = text.chars().next_back().filter(|last| *last == '\'' || is_pair && *last == '"');
  if let Some(quote) = quote {
    // The quotes may be escaped.
    let quoted = text.strip_suffix(quote)?.trim_end_matches('\\');
    let (before, name) = quoted.rsplit_once(quote)?;
    return Some((before.trim_end_matches('\\'), name));
  }
  if !is_pair && !is_shown_value(value.as_bytes()) {
    return None;
  }
  let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
  let mut start = text.trim_end_matches(is_part).len();
  // The name may follow a code of colours, which ends with a letter.
  if let Some(code) = terminal::start_of_code(text.as_bytes().get(..start)?) {
    start = code + terminal::code_length(text.as_bytes().get(code..)?);
  }
  let name = text.get(start..).filter(|name| !name.is_empty())?;
  let mut before = text.get(..start)?;
  if is_pair {
    before = before.strip_suffix(':')?;
  }
  let outer = trim_end(before, &[' ', '\t']);
  (outer.ends_with(['{', ',']) || is_line_start(outer)).then_some((before, name))
}

/// Whether a text begins with a string, a number, a list or an object, also one of a class: `Secret {`, `Row(2) [`.
fn is_shown_value(text: &[u8]) -> bool {
  match text {
    [b'0'..=b'9' | b'\'' | b'"' | b'`' | b'[' | b'{', ..]
    | [b'-', b'0'..=b'9', ..]
    | [b'<', b'B', b'u', b'f', ..] => true,
    _ => {
      let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
      let name = text.iter().take_while(is_part).count();
      let behind = text.get(name..).unwrap_or_default();
      name > 0 && matches!(behind, [b' ', b'{' | b'[', ..] | [b'(', b'0'..=b'9', ..])
    }
  }
}

/// Where the value at the beginning of a text ends: at a comma, at the end of its object or its line. If a string or a
/// bracket of it does not end: with the text, or with what belongs to its line if that has marks.
fn end_of_value(shown: &str, line: Option<&MarkedLine<'_>>) -> usize {
  let text = shown.as_bytes();
  let (mut at, mut depth, mut last) = (0, 0_usize, b' ');
  while let Some(byte) = text.get(at) {
    match byte {
      b'\\' => at = end_of_escape(text, at),
      b'\'' if is_apostrophe(text, at) => {}
      b'\'' | b'"' | b'`' => {
        let end = end_of_string(text, at);
        if end >= text.len()
          && let Some(line) = line
        {
          return at + line.end(shown.get(at..).unwrap_or_default());
        }
        at = end;
      }
      b'[' if terminal::is_in_code(text, at) => {}
      b'(' | b'[' | b'{' => depth += 1,
      b')' | b']' | b'}' if depth > 0 => depth -= 1,
      b')' | b']' | b'}' => return at,
      b',' if depth == 0 => return at,
      // The lines of a string may be joined by `+`; Python's `pprint` puts a string on each.
      b'\n' if depth == 0 && last != b'+' && !(is_quote(last) && is_string_next(text, at)) => {
        return at;
      }
      b'\n'
        if depth > 0
          && line.is_some_and(|line| !line.has(shown.get(at + 1..).unwrap_or_default(), true)) =>
      {
        return at;
      }
      _ => {}
    }
    if !byte.is_ascii_whitespace() {
      last = *byte;
    }
    at += 1;
  }
  text.len()
}

/// Whether a quote is a part of a word, as in `don't`, and not behind the prefix of a string, as in `b'x'`, or a code of
/// colours.
fn is_apostrophe(text: &[u8], quote: usize) -> bool {
  let before = text.get(..quote).unwrap_or_default();
  let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
  let length = before.iter().rev().take_while(is_part).take(3).count();
  let word = before.get(before.len() - length..).unwrap_or_default();
  let is_prefix = length < 2 || length == 2 && word.iter().all(|l| b"bBrRfF".contains(l));
  let is_code =
    || before.split_last().and_then(|(_, code)| terminal::start_of_code(code)).is_some();
  !is_prefix && text.get(quote + 1).is_some_and(u8::is_ascii_alphabetic) && !is_code()
}

fn is_quote(byte: u8) -> bool {
  matches!(byte, b'\'' | b'"')
}

/// Whether white space and then a string follow that is not the name of a member.
fn is_string_next(text: &[u8], at: usize) -> bool {
  let next = text.get(at..).unwrap_or_default().trim_ascii_start();
  next.first().is_some_and(|first| is_quote(*first)) && {
    let behind = next.get(end_of_string(next, 0) + 1..).unwrap_or_default();
    !behind.trim_ascii_start().starts_with(b":")
  }
}

/// The end of the backslashes at `at` and of what they escape: of a string, if that is its quote, which ends in this line.
fn end_of_escape(text: &[u8], at: usize) -> usize {
  let rest = text.get(at..).unwrap_or_default();
  let length = rest.iter().take_while(|byte| **byte == b'\\').count();
  let quote = rest.get(..=length).filter(|quote| quote.last().is_some_and(|last| is_quote(*last)));
  let string = quote.and_then(|quote| {
    let behind = rest.get(quote.len()..)?;
    let is_end = |end: &usize| !behind.get(..*end).unwrap_or_default().ends_with(b"\\");
    let end = memchr::memmem::find_iter(behind, quote).find(is_end)?;
    let content = behind.get(..end)?;
    memchr::memchr(b'\n', content).is_none().then_some(content)
  });
  // Otherwise each backslash escapes one byte.
  at + string.map_or((length - 1) | 1, |string| 2 * length + 1 + string.len())
}

/// The position of the quote that ends the string whose first quote is at `quote`. One that does not end in its line is
/// cut: where it ends is not known.
fn end_of_string(text: &[u8], quote: usize) -> usize {
  let mut at = quote + 1;
  while let Some(byte) = text.get(at).filter(|byte| Some(*byte) != text.get(quote)) {
    match byte {
      b'\n' if text.get(quote) != Some(&b'`') => return text.len(),
      b'\\' => at += 2,
      _ => at += 1,
    }
  }
  at
}
