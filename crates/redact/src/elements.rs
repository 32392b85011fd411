//! Elements of XML: `<password>x</password>`.

use std::{collections::BTreeMap, ops::Range};

use memchr::memchr_iter;

use super::blanks::find_end;

/// How many bytes the beginning of an element has at most.
const LONGEST_START: usize = 256;

/// The contents of the elements in a text whose names are covered, in no order. An end belongs to the last element of its
/// name that has begun.
pub fn covered_contents(text: &str, covers: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
  let mut contents = Vec::new();
  // Where the contents of the elements begin that have not ended.
  let mut open: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
  for start in memchr_iter(b'<', text.as_bytes()) {
    if let Some(name) = end_of_element(text, start + 1) {
      let content = open.get_mut(name).and_then(Vec::pop);
      contents.extend(content.filter(|content| *content < start).map(|content| content..start));
    } else if let Some((name, content)) = element(text, start + 1)
      && covers(local(name))
    {
      open.entry(name).or_default().push(content);
    }
  }
  contents
}

/// The name of the element whose end follows a bracket.
fn end_of_element(text: &str, at: usize) -> Option<&str> {
  let rest = text.get(at..)?.strip_prefix('/')?;
  let (name, behind) = name_of(rest);
  let is_end = |next: char| next == '>' || next.is_whitespace();
  (behind.is_empty() || behind.starts_with(is_end)).then_some(name)
}

/// The name with which a text begins, and what follows it.
fn name_of(text: &str) -> (&str, &str) {
  text.split_at(find_end(text, &|letter| !letter.is_alphanumeric() && !"_-.:".contains(letter)))
}

/// The name of an element whose beginning ends near, and where its content begins.
fn element(text: &str, at: usize) -> Option<(&str, usize)> {
  let (name, behind) = Some(name_of(text.get(at..)?)).filter(|(name, _)| !name.is_empty())?;
  let bytes = behind.as_bytes();
  let end = memchr::memchr2(b'>', b'<', bytes.get(..bytes.len().min(LONGEST_START))?)?;
  let is_start = bytes.get(end) == Some(&b'>')
    && (end == 0 || bytes.first().is_some_and(u8::is_ascii_whitespace))
    && bytes.get(end.wrapping_sub(1)) != Some(&b'/');
  is_start.then_some((name, at + name.len() + end + 1))
}

/// A name without that of its namespace.
fn local(name: &str) -> &str {
  name.rsplit_once(':').map_or(name, |(_, name)| name)
}
