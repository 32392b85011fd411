//! Elements of XML and HTML: `<password>x</password>`, `<add key="password" value="x"/>`, `<key>password</key><string>x`.

use std::{collections::BTreeMap, ops::Range};

use memchr::{memchr, memchr_iter, memchr2};

use super::{
  blanks::{SPACES, find_end},
  pairs,
  quotes::is_quote,
};

/// How many bytes the beginning of an element has at most.
const LONGEST_START: usize = 1024;
/// The attributes that name what an element contains, and the element that names the next one in a list of properties.
const KEY: &str = "key";
const NAMES: [&str; 2] = ["name", KEY];
/// The attribute with the value of `<meta name="csrf-token" content="x">`.
const CONTENT: &str = "content";
/// The elements whose content is not what their attribute names.
const LABELS: [&str; 3] = ["a", "button", "label"];

/// The values in the elements of a text whose names are covered, in no order. An end belongs to the last element of its
/// name that has begun.
pub fn covered_values(text: &str, covers: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
  let mut values = Vec::new();
  // Where the contents of the elements begin that have not ended, and whether they have no other elements.
  let mut open: BTreeMap<&str, Vec<(usize, bool)>> = BTreeMap::new();
  // Where the element begins that has the value of a name, and whether only one for values has it.
  let mut value = (0, true);
  for start in memchr_iter(b'<', text.as_bytes()) {
    if let Some(name) = end_of_element(text, start + 1) {
      if let Some((from, is_text)) = open.get_mut(name).and_then(Vec::pop)
        && let Some(content) = text.get(from..start).filter(|content| !content.is_empty())
        && !(is_text && content.contains('<'))
      {
        values.push(from..start);
      }
      if pairs::is_name(name)
        && let Some(next) = element_behind_name(text, start, covers)
      {
        value = (next, name != KEY);
      }
    } else if let Some((name, end)) = element(text, start + 1) {
      let tag = start + 1 + name.len()..end;
      let (mut is_named, mut has_named_content) = (false, false);
      attributes(text, tag.clone(), &mut |attribute, range| {
        if pairs::is_name(attribute) && covers(string(text, &range)) {
          is_named = true;
          has_named_content |= NAMES.contains(&attribute);
        }
      });
      if is_named {
        attributes(text, tag, &mut |attribute, range| {
          if pairs::is_value(attribute) || attribute == CONTENT {
            values.push(range);
          }
        });
      }
      let content = end + 1;
      if text.get(..end).is_some_and(|tag| tag.ends_with('/')) {
        continue;
      }
      let is_value = value.0 == start && (!value.1 || pairs::is_value(local(name)));
      if is_value || covers(local(name)) {
        open.entry(name).or_default().push((content, false));
      } else if has_named_content && !LABELS.contains(&name) {
        open.entry(name).or_default().push((content, true));
        value = (next_element(text, content).unwrap_or_default(), true);
      }
    }
  }
  values
}

/// The name of the element whose end follows a bracket.
fn end_of_element(text: &str, at: usize) -> Option<&str> {
  let rest = text.get(at..)?.strip_prefix('/')?;
  let (name, behind) = name_of(rest);
  let is_end = |next: char| next == '>' || next.is_whitespace();
  (behind.is_empty() || behind.starts_with(is_end)).then_some(name)
}

/// Where the element begins that follows the end of another one, whose content is a covered name.
fn element_behind_name(text: &str, end: usize, covers: &dyn Fn(&str) -> bool) -> Option<usize> {
  let far = end.saturating_sub(pairs::LONGEST);
  let start = far + memchr::memrchr(b'>', text.as_bytes().get(far..end)?)? + 1;
  let near = text.as_bytes().get(end..text.len().min(end + pairs::LONGEST))?;
  let behind = end + memchr(b'>', near)? + 1;
  covers(text.get(start..end)?.trim()).then(|| next_element(text, behind))?
}

/// Where an element begins that follows white space.
fn next_element(text: &str, at: usize) -> Option<usize> {
  let next = text.get(at..)?.trim_start_matches(SPACES);
  next.starts_with('<').then_some(text.len() - next.len())
}

/// The name with which a text begins, and what follows it.
fn name_of(text: &str) -> (&str, &str) {
  text.split_at(find_end(text, &|letter| !letter.is_alphanumeric() && !"_-.:".contains(letter)))
}

/// The name of an element whose beginning ends near, and the position of that end.
fn element(text: &str, at: usize) -> Option<(&str, usize)> {
  let (name, behind) = Some(name_of(text.get(at..)?)).filter(|(name, _)| !name.is_empty())?;
  let bytes = behind.as_bytes();
  let end = memchr2(b'>', b'<', bytes.get(..bytes.len().min(LONGEST_START))?)?;
  let is_start = bytes.get(end) == Some(&b'>')
    && (end == 0 || bytes.first().is_some_and(u8::is_ascii_whitespace));
  is_start.then_some((name, at + name.len() + end))
}

/// Passes the attributes with strings in a part of a text: their names, and the positions of the strings.
fn attributes(text: &str, part: Range<usize>, found: &mut dyn FnMut(&str, Range<usize>)) {
  let mut at = part.start;
  while let Some(rest) = text.get(at..part.end)
    && let Some(equals) = memchr(b'=', rest.as_bytes())
  {
    let start = at + equals + 1;
    at = start;
    if let Some(quote) = text.as_bytes().get(start).filter(|first| is_quote(**first)) {
      let inner = text.as_bytes().get(start + 1..).unwrap_or_default();
      at = memchr(*quote, inner).map_or(text.len(), |end| start + end + 2);
      found(rest.get(..equals).unwrap_or_default().trim_ascii(), start..at);
    }
  }
}

/// The content of the string at a position.
fn string<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
  text.get(range.start + 1..range.end - 1).unwrap_or_default()
}

/// A name without that of its namespace.
fn local(name: &str) -> &str {
  name.rsplit_once(':').map_or(name, |(_, name)| name)
}
