//! Elements of XML: `<password>x</password>`.

use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::blanks::find_end;

/// How many bytes the beginning of an element has at most.
const LONGEST_START: usize = 256;

/// The contents of the elements in a text whose names are covered, in their order.
pub fn covered_contents(text: &str, covers: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
  let mut contents: Vec<Range<usize>> = Vec::new();
  // Names of elements that do not end, from there on.
  let mut open: Vec<&str> = Vec::new();
  for start in memchr_iter(b'<', text.as_bytes()) {
    let Some((name, content)) = element(text, start + 1) else { continue };
    let is_inner = contents.last().is_some_and(|last| start < last.end);
    if is_inner || open.contains(&name) || !covers(local(name)) {
      continue;
    }
    let behind = text.get(content..).unwrap_or_default();
    match memmem::find(behind.as_bytes(), format!("</{name}").as_bytes()) {
      Some(0) => {}
      Some(end) => contents.push(content..content + end),
      None => open.push(name),
    }
  }
  contents
}

/// The name of an element whose beginning ends near, and where its content begins.
fn element(text: &str, at: usize) -> Option<(&str, usize)> {
  let rest = text.get(at..)?;
  let is_part = |letter: char| letter.is_alphanumeric() || "_-.:".contains(letter);
  let name =
    rest.get(..find_end(rest, &|letter| !is_part(letter))).filter(|name| !name.is_empty())?;
  let bytes = rest.as_bytes().get(name.len()..)?;
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
