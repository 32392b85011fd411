//! Elements of XML and HTML: `<password>x</password>`, `<add key="password" value="x"/>`, `<key>password</key><string>x`.

use std::{collections::BTreeMap, iter, ops::Range};

use memchr::{memchr, memchr_iter, memchr2};

use super::{
  blanks::{SPACES, find_end},
  pairs,
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
pub fn covered_values(text: &str, covers: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
  let mut values = Vec::new();
  // Where the contents of the elements begin that have not ended, and whether they have no other elements.
  let mut open: BTreeMap<&str, Vec<(usize, bool)>> = BTreeMap::new();
  // Where the element begins that has the value of a name, and whether only one for values has it.
  let mut value = None;
  for start in memchr_iter(b'<', text.as_bytes()) {
    if let Some(name) = end_of_element(text, start + 1) {
      let content = open.get_mut(name).and_then(Vec::pop);
      values.extend(content.and_then(|(from, is_text)| {
        let content = text.get(from..start)?;
        let is_other = content.is_empty() || is_text && content.contains('<');
        (!is_other).then_some(from..start)
      }));
      if pairs::is_name(name) {
        let next = element_behind_name(text, start, &covers);
        value = next.map(|next| (next, name != KEY));
      }
    } else if let Some(Element { name, attributes, content }) = element(text, start + 1) {
      let is_named =
        |attribute: &Attribute<'_>| pairs::is_name(attribute.name) && covers(attribute.value);
      let mut names = attributes.clone().filter(is_named).peekable();
      if names.peek().is_some() {
        let is_value = |attribute: &Attribute<'_>| {
          pairs::is_value(attribute.name) || attribute.name.eq_ignore_ascii_case(CONTENT)
        };
        let is_code = |attribute: &Attribute<'_>| attribute.value.starts_with('{');
        let of_names = attributes.filter(|attribute| is_value(attribute) && !is_code(attribute));
        values.extend(of_names.map(|attribute| attribute.range));
      }
      let Some(content) = content else { continue };
      let is_value = value
        .take_if(|(at, _)| *at == start)
        .is_some_and(|(_, is_value)| !is_value || pairs::is_value(local(name)));
      if is_value || covers(local(name)) {
        open.entry(name).or_default().push((content, false));
      } else if names.any(|attribute| NAMES.contains(&attribute.name)) && !LABELS.contains(&name) {
        open.entry(name).or_default().push((content, true));
        value = next_element(text, content).map(|next| (next, true));
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
fn element_behind_name(text: &str, end: usize, covers: &impl Fn(&str) -> bool) -> Option<usize> {
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

/// The beginning of an element.
struct Element<'t, A> {
  name: &'t str,
  attributes: A,
  /// Where its content begins, if it has some.
  content: Option<usize>,
}

/// The element whose name begins at a position, and whose beginning ends near.
fn element(
  text: &str,
  at: usize,
) -> Option<Element<'_, impl Iterator<Item = Attribute<'_>> + Clone>> {
  let (name, behind) = Some(name_of(text.get(at..)?)).filter(|(name, _)| !name.is_empty())?;
  let bytes = behind.as_bytes();
  let end = memchr2(b'>', b'<', bytes.get(..bytes.len().min(LONGEST_START))?)?;
  let is_start = bytes.get(end) == Some(&b'>')
    && (end == 0 || bytes.first().is_some_and(u8::is_ascii_whitespace));
  let is_empty = bytes.get(..end)?.ends_with(b"/");
  let behind_name = at + name.len();
  let content = (!is_empty).then_some(behind_name + end + 1);
  let attributes = attributes(text, behind_name, behind_name + end);
  is_start.then_some(Element { name, attributes, content })
}

/// An attribute of an element.
struct Attribute<'t> {
  name: &'t str,
  value: &'t str,
  /// The position of the value with its quotes.
  range: Range<usize>,
}

/// The attributes that begin in a part of a text.
fn attributes(
  text: &str,
  mut at: usize,
  mut end: usize,
) -> impl Iterator<Item = Attribute<'_>> + Clone {
  iter::from_fn(move || {
    let before = text.get(at..end)?;
    let equals = at + memchr(b'=', before.as_bytes())?;
    let name = text.get(at..equals)?.trim_ascii();
    let start = equals + 1;
    let near = text.as_bytes().get(start..)?;
    let (value, length) = match near.first() {
      Some(quote @ (b'"' | b'\'')) => {
        let value = text.get(start + 1..)?;
        let length = memchr(*quote, value.as_bytes()).unwrap_or(value.len());
        (value.get(..length)?, length + 2)
      }
      _ => {
        let value = text.get(start..end)?.split_ascii_whitespace().next().unwrap_or_default();
        (value, value.len())
      }
    };
    let range = start..(start + length).min(text.len());
    at = range.end;
    // A bracket in a string ends nothing.
    if at > end {
      end = at + memchr2(b'>', b'<', text.as_bytes().get(at..)?).unwrap_or_default();
    }
    Some(Attribute { name, value, range })
  })
}

/// A name without that of its namespace.
fn local(name: &str) -> &str {
  name.rsplit_once(':').map_or(name, |(_, name)| name)
}
