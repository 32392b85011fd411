//! Values whose name is another value beside them: `{"name": "password", "value": "x"}`, `[["password", "x"]]`,
//! `["--password", "x"]`.

use braintrust_row::scan::{Scanner, Step, Token};

use super::{
  blanks::{SPACES, trim_start, word_at_end},
  escapes::unescaped,
  paths::PathState,
  rules::Rules,
};

/// The longest name, with its quotes and escapes: other strings are content.
pub const LONGEST: usize = 128;
/// The members that have a name, besides those that end with [`NAME_ENDS`], and those that have it among other words:
/// `{"selector": "input[name='password']", "text": "x"}`.
const NAMES: [&str; 7] = ["id", "field", "header", "label", "path", "variable", "target"];
const SELECTORS: [&str; 4] = ["selector", "element", "locator", "placeholder"];
const NAME_ENDS: [&str; 2] = ["name", "key"];
/// How the member ends that has the value.
const VALUE_ENDS: [&str; 2] = ["value", "values"];
/// The member that has what is typed into a field.
const TEXT: &str = "text";
/// How functions begin that set what their first argument names.
const SETTERS: [&str; 4] = ["set", "append", "add", "put"];
/// The list of Node that has names and values in turn.
const HEADERS: &str = "rawHeaders";

/// Whether a member has a name that stands for another member's.
pub fn is_name(member: &str) -> bool {
  is_any(member, &NAMES) || is_selector(member) || ends_with_any(member, &NAME_ENDS)
}

fn is_selector(member: &str) -> bool {
  is_any(member, &SELECTORS)
}

fn is_any(member: &str, names: &[&str]) -> bool {
  names.iter().any(|name| member.eq_ignore_ascii_case(name))
}

/// Whether a member has a value that another member names.
pub fn is_value(member: &str) -> bool {
  ends_with_any(member, &VALUE_ENDS)
}

/// Whether a member has a text, which a member before it may name.
pub fn is_text(member: &str) -> bool {
  member == TEXT
}

/// Whether a name ends with one of these in any case.
fn ends_with_any(name: &str, ends: &[&str]) -> bool {
  ends.iter().any(|end| {
    let last = name.len().checked_sub(end.len()).and_then(|at| name.get(at..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(end))
  })
}

/// Whether a list of this name has names and values in turn.
pub fn are_headers(member: &str) -> bool {
  member == HEADERS
}

/// The name in the line before that with which a text ends, as in YAML: `- name: PASSWORD`, `  value: x`.
pub fn name_in_line_before(text: &str) -> Option<&str> {
  let before = text.trim_end_matches([' ', '\t']).strip_suffix('\n')?;
  let far = before.len().saturating_sub(LONGEST);
  let line = far + memchr::memrchr(b'\n', before.as_bytes().get(far..)?).map_or(0, |end| end + 1);
  let (member, name) = before.get(line..)?.split_once(':')?;
  let is_named = is_name(member.trim_start_matches([' ', '\t', '-']).trim_end());
  is_named.then(|| name.trim().trim_matches(['"', '\'']))
}

/// Whether a text ends with the name of a function that sets what its first argument names.
pub fn sets(text: &str) -> bool {
  let name = word_at_end(text, &char::is_alphanumeric).unwrap_or_default().to_ascii_lowercase();
  SETTERS.iter().any(|start| name.starts_with(start)) || name.ends_with("header")
}

/// Whether an item of a list may be what the item before it names, with this text behind it: a string that no other string
/// follows, as in a list of names, or the last item.
pub fn may_be_named(item: &str, behind: &str) -> bool {
  let Some(next) = trim_start(behind, &SPACES).strip_prefix(',') else { return true };
  let next = trim_start(next, &SPACES);
  let is_string = |text: &str| text.starts_with(['\'', '"', '`']);
  let is_other = !next.is_empty() && !next.starts_with([')', ']']);
  !is_other || is_string(item) && !is_string(next)
}

/// Whether a member of the object whose text this is has a covered name, also if the text is cut or malformed.
pub fn has_covered_name(
  rules: &Rules,
  text: &str,
  mut scanner: Scanner<'_>,
  location: &PathState,
) -> bool {
  while let Ok(Some(Step { token, range })) = scanner.next_step() {
    match token {
      Token::Name => {
        let Ok(value) = scanner.skip_value() else { return false };
        let member = unescaped(text.get(range).unwrap_or_default());
        let value = text.get(value).unwrap_or_default();
        let is_named = match is_selector(&member) {
          true => has_covered_word(rules, value, location),
          false => is_name(&member) && is_covered(rules, value, location),
        };
        if is_named {
          return true;
        }
      }
      Token::Close(_) => return false,
      Token::Open(_) | Token::String | Token::Scalar => {}
    }
  }
  false
}

/// Whether a value is a string with a covered name.
fn is_covered(rules: &Rules, value: &str, location: &PathState) -> bool {
  value.len() <= LONGEST && value.starts_with('"') && {
    let name = unescaped(value);
    rules.covers(&name, &rules.enter(location, &name))
  }
}

/// Whether a string or a word of it is a covered name.
fn has_covered_word(rules: &Rules, value: &str, location: &PathState) -> bool {
  let is_part = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
  let has_word = || {
    let shown = unescaped(value);
    let mut words = shown.split(|letter| !is_part(letter)).filter(|word| !word.is_empty());
    words.any(|word| rules.covers(word, &rules.enter(location, word)))
  };
  is_covered(rules, value, location)
    || value.len() <= LONGEST && value.starts_with('"') && has_word()
}

/// A list whose items may name others.
#[derive(Default)]
pub struct Items {
  /// Whether it is an item of a list itself, as those of `Object.entries`.
  is_inner: bool,
  /// Whether it has names and values in turn.
  are_headers: bool,
  /// How many items have begun.
  count: usize,
  /// What the last one names.
  named: Named,
}

/// What an item names.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Named {
  #[default]
  Nothing,
  /// The next item.
  Next,
  /// The next item, if it may be named.
  Last,
  /// The next item, unless it is an option of a command, too.
  Argument,
}

impl Items {
  /// No items yet.
  pub fn new(is_inner: bool, are_headers: bool) -> Self {
    Self { is_inner, are_headers, ..Self::default() }
  }

  /// An item begins. Returns whether the one before it covers it; `may_be_named`: whether it is a list or an
  /// object, or [may be named](may_be_named).
  pub fn next(
    &mut self,
    rules: &Rules,
    item: &str,
    may_be_named: impl FnOnce() -> bool,
    location: &PathState,
  ) -> bool {
    let is_option = item.starts_with("\"-");
    let is_named = match self.named {
      Named::Nothing => false,
      Named::Next => true,
      Named::Last => may_be_named(),
      Named::Argument => !is_option,
    };
    let named = match () {
      () if is_named => Named::Nothing,
      () if self.are_headers && self.count.is_multiple_of(2) => Named::Next,
      () if self.is_inner && self.count == 0 => Named::Last,
      () if is_option => Named::Argument,
      () => Named::Nothing,
    };
    let has_name = named != Named::Nothing && is_covered(rules, item, location);
    self.named = if has_name { named } else { Named::Nothing };
    self.count += 1;
    is_named
  }
}
