//! Members of objects as Python and JavaScript print them: `{'password': 'x'}`, `{ password: 'x' }`, `User(password='x')`.

use std::ops::Range;

use super::{
  assignments,
  blanks::{SPACES, trim_end, trim_start, without_codes, word_at_end},
  elements,
  escapes::{Decoded, unescaped_content},
  form_fields,
  marked_lines::{MarkedLine, is_line_start},
  pairs,
  paths::PathState,
  rules::Rules,
  settings, tables, unquoted,
  values::{end_of_value, is_shown},
};

/// The covered values of such members in a text, in their order. Each part of the text is read a few times at most.
pub struct Literals<'a> {
  rules: &'a Rules,
  text: &'a str,
  location: &'a PathState,
  /// The text, if it is what the escapes of another one stand for.
  decoded: Option<&'a Decoded>,
  /// Where the search continues.
  at: usize,
  /// The end of the last covered value.
  pub covered: usize,
}

impl<'a> Literals<'a> {
  /// The covered values of a text at this location.
  pub fn new(rules: &'a Rules, text: &'a str, location: &'a PathState) -> Self {
    Self { rules, text, location, decoded: None, at: 0, covered: 0 }
  }

  /// The same of the text that the escapes of another one stand for.
  pub fn of_decoded(rules: &'a Rules, level: &'a Decoded, location: &'a PathState) -> Self {
    Self { decoded: Some(level), ..Self::new(rules, &level.text, location) }
  }

  /// The next covered value whose name ends before `limit`. It may end behind that.
  pub fn next_before(&mut self, limit: usize) -> Option<Range<usize>> {
    let start = self.at.max(self.covered);
    let part = self.text.get(start..limit).filter(|_| self.rules.matches_members())?;
    for found in memchr::memchr3_iter(b':', b'=', b',', part.as_bytes()) {
      let (mut before, rest) = self.text.split_at_checked(start + found)?;
      // Most commas are not behind a name.
      if rest.starts_with(',') && !before.ends_with(is_quote_of_string) {
        continue;
      }
      // What is far from escapes is the same without them.
      let at = before.len();
      let near = at.saturating_sub(pairs::LONGEST)..at + 2;
      if self.decoded.is_some_and(|level| !level.touches_escape(&near)) {
        continue;
      }
      let is_pair = rest.starts_with("=>");
      let mut behind = rest.get(1 + usize::from(is_pair)..)?;
      if rest.starts_with(':') {
        // Markdown: `**password:** x`, `**password**: x`.
        behind = behind.trim_start_matches('*');
        before = before.trim_end_matches('*');
      }
      let value = trim_start(behind, &SPACES);
      let value = if rest.starts_with(',') {
        self.value_of_pair(before, value)
      } else if is_pair || rest.starts_with(':') {
        name_at_end(before, value, is_pair, self.decoded.is_some())
          .filter(|(before, name)| self.covers(name) || self.is_named(before, name))
          .and_then(|(before, _)| self.value(before, value))
          .or_else(|| self.in_line(before, behind))
      } else {
        self.assigned(before, behind, value)
      };
      if let Some(value) = value {
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

  fn covers(&self, name: &str) -> bool {
    let name = without_codes(name.into());
    self.rules.covers(&name, &self.rules.enter(self.location, &name))
  }

  /// The value with which the rest of the text begins, of a name with this text before it.
  fn value(&self, before: &str, rest: &str) -> Option<Range<usize>> {
    let end = end_of_value(rest, MarkedLine::of(before).as_ref());
    let value = trim_end(rest.get(..end)?, &SPACES);
    (!value.is_empty()).then(|| self.range(rest, value.len()))
  }

  /// The value behind an equals sign with this text before and behind it.
  fn assigned(&self, before: &str, rest: &str, value: &str) -> Option<Range<usize>> {
    if let Some(names) = assignments::names(before, value) {
      let is_covered = names.into_iter().flatten().any(|name| self.is_set(before, name));
      if is_covered && (self.is_escaped(value) || !assignments::ends_string(before, value)) {
        return Some(self.range(value, assignments::end(before, value)));
      } else if value.starts_with(is_quote_of_string) {
        return None;
      }
    }
    if rest.starts_with(unquoted::BLANKS) {
      // A file of settings.
      let before = trim_end(before, &unquoted::BLANKS);
      let name = assignments::word(before).filter(|name| self.covers(name))?;
      let value = unquoted::in_line(before.strip_suffix(name)?, name, rest)?;
      return Some(self.range(rest.trim_start_matches(unquoted::BLANKS), value.len()));
    }
    let name = unquoted::assigned_name(before).filter(|name| self.is_set(before, name))?;
    let outer = before.strip_suffix(name).unwrap_or(before);
    let length = unquoted::assigned_length(outer, name, rest);
    (length > 0).then(|| self.range(rest, length))
  }

  /// Whether a name before an equals sign is covered, also as an option of Java: `-Dpassword=x`.
  fn is_set(&self, before: &str, name: &str) -> bool {
    let option = || before.strip_suffix(name)?.ends_with('-').then(|| name.strip_prefix('D'))?;
    self.covers(name) || option().is_some_and(|name| self.covers(name))
  }

  /// Whether an escape stands for the quote with which the rest of the text begins: it may begin a string in a string.
  fn is_escaped(&self, rest: &str) -> bool {
    let start = self.text.len() - rest.len();
    self.decoded.is_some_and(|level| level.touches_escape(&(start..start + 1)))
  }

  /// The second and last item of a list in another, of which the first is a name: `[('password', 'x')]`; the second argument
  /// of a function that sets something: `setItem('token', 'x')`.
  fn value_of_pair(&self, before: &str, value: &str) -> Option<Range<usize>> {
    let quote = before.chars().next_back().filter(|last| is_quote_of_string(*last))?;
    let (before, name) = before.strip_suffix(quote)?.rsplit_once(quote)?;
    let list = trim_end(before, &SPACES).strip_suffix(['(', '['])?;
    let is_inner = trim_end(list, &SPACES).ends_with(['(', '[', '{', ',']);
    let is_set = pairs::sets(list) && value.starts_with(is_quote_of_string);
    if !(is_inner || is_set) || !self.covers(name) {
      return None;
    }
    let covered = self.value(before, value)?;
    // A list of names has more of them.
    let is_name = !is_set && covered.len() <= pairs::LONGEST;
    let is_last = !is_name || pairs::may_be_named(value, self.text.get(covered.end..)?);
    is_last.then_some(covered)
  }

  /// The covered contents of elements and options of commands, in no order.
  pub fn elements_and_options(&self) -> Vec<Range<usize>> {
    if !self.rules.matches_members() {
      return Vec::new();
    }
    let covers: &dyn Fn(&str) -> bool = &|name| self.covers(name);
    let mut ranges = elements::covered_values(self.text, covers);
    ranges.append(&mut tables::covered_cells(self.text, covers));
    let named = unquoted::options(self.text)
      .chain(form_fields::named_values(self.text))
      .chain(settings::named_values(self.text))
      .chain(unquoted::logins(self.text))
      .chain(unquoted::strings(self.text));
    ranges.extend(named.filter(|(name, _)| covers(name)).map(|(_, value)| value));
    ranges
  }

  /// The value without quotes of a name that begins a line or a string, with this text before the colon and behind it.
  fn in_line(&self, before: &str, behind: &str) -> Option<Range<usize>> {
    let name = assignments::word(before)?;
    let value = if self.covers(name) {
      let brackets = || unquoted::in_brackets(before, name, behind);
      // A file of settings may have a path: `db.password: x`.
      let is_part = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
      let outer = before.strip_suffix(name)?;
      let line = if outer.ends_with('.') { outer.trim_end_matches(is_part) } else { outer };
      unquoted::in_line(line, name, behind).or_else(brackets)?
    } else {
      let before = before.strip_suffix(name).filter(|_| pairs::is_value(name))?;
      pairs::name_in_line_before(before).filter(|name| self.covers(name))?;
      unquoted::rest_of_line(behind)?
    };
    let rest = behind.trim_start_matches(unquoted::BLANKS);
    // The lines of a text in YAML.
    let block = if unquoted::begins_block(value) { MarkedLine::of_any(before) } else { None };
    let length = block.map_or(value.len(), |line| line.end(rest));
    Some(self.range(rest, rest.get(..length)?.trim_end().len()))
  }

  /// Whether the member before this one, with the text before that, has a covered name for its value:
  /// `{'name': 'password', 'value': 'x'}`.
  fn is_named(&self, before: &str, member: &str) -> bool {
    pairs::is_value(member)
      && last_member(before)
        .is_some_and(|(member, name)| pairs::is_name(member) && self.covers(name))
  }

  /// The position of a value of this length, with which the rest of the text begins.
  fn range(&self, rest: &str, length: usize) -> Range<usize> {
    let start = self.text.len() - rest.len();
    start..start + length
  }
}

/// What replaces a value.
pub fn mark(rules: &Rules) -> String {
  format!("'{}'", rules.replacement().replace('\\', r"\\").replace('\'', r"\'"))
}

/// The text before the name in which a text ends, and that name, which a value follows. One without quotes is the first
/// word of a line or a string, or follows a brace or a comma; what is behind it is not prose. The name before an arrow has quotes
/// or is a symbol of Ruby: another may be a parameter.
fn name_at_end<'a>(
  text: &'a str,
  value: &str,
  is_pair: bool,
  has_json: bool,
) -> Option<(&'a str, &'a str)> {
  // A name in quotes may stand in another line.
  let quoted = trim_end(text, &SPACES);
  let text = if quoted.ends_with('\'') { quoted } else { trim_end(text, &[' ', '\t']) };
  let is_quote = |last: &char| match last {
    '"' => is_pair || has_json,
    last => *last == '\'' || *last == '`',
  };
  let quote = text.chars().next_back().filter(is_quote);
  if let Some(quote) = quote {
    // The quotes may be escaped.
    let quoted = text.strip_suffix(quote)?.trim_end_matches('\\');
    let (before, name) = quoted.rsplit_once(quote)?;
    // Markdown lists names in back-ticks.
    let is_name = quote != '`' || is_shown(value.as_bytes()) && is_line_start(before);
    return is_name.then(|| (before.trim_end_matches('\\'), name));
  }
  if !is_pair && !is_shown(value.as_bytes()) {
    return None;
  }
  let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
  let name = word_at_end(text, &is_part)?;
  let start = text.len() - name.len();
  let mut before = text.get(..start)?;
  if is_pair {
    before = before.strip_suffix(':')?;
  }
  let outer = trim_end(before, &[' ', '\t']);
  // A name behind other brackets may be a parameter, and what follows it a type.
  let is_argument = || outer.ends_with(['(', '[']) && value.starts_with(is_quote_of_string);
  let is_first = outer.ends_with(['{', ',']) || begins_string(outer, value) || is_line_start(outer);
  (is_first || is_argument()).then_some((before, name))
}

/// Whether a text ends with the quote that begins a string, as Node prints a text with several lines, each as one; the value
/// does not end it.
fn begins_string(text: &str, value: &str) -> bool {
  let quote = text.chars().next_back().filter(|last| is_quote_of_string(*last));
  let before = quote.and_then(|quote| text.strip_suffix(quote)).map(|text| trim_end(text, &[]));
  before.is_some_and(|before| !before.ends_with(|last: char| last.is_alphanumeric()))
    && !value.starts_with(|first| Some(first) == quote)
}

/// The member with a string in which a text ends, before a comma: its name and the string.
fn last_member(text: &str) -> Option<(&str, &str)> {
  let text = trim_end(trim_end(text, &SPACES).strip_suffix(',')?, &SPACES);
  let quote = text.chars().next_back().filter(|last| is_quote_of_string(*last))?;
  let (before, value) = text.strip_suffix(quote)?.rsplit_once(quote)?;
  let name = trim_end(trim_end(before, &SPACES).strip_suffix(':')?, &SPACES);
  let name = name.trim_end_matches(is_quote_of_string);
  Some((word_at_end(name, &|letter| letter.is_alphanumeric() || letter == '_')?, value))
}

fn is_quote_of_string(letter: char) -> bool {
  matches!(letter, '\'' | '"' | '`')
}
