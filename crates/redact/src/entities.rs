//! Strings in quotes that are entities of HTML: `{&quot;password&quot;:&quot;x&quot;}`.

use memchr::memrchr;

use super::pairs;

/// The entities of quotes.
const QUOTES: [&str; 7] = ["&quot;", "&#34;", "&#x22;", "&apos;", "&#39;", "&#039;", "&#x27;"];

/// The string in which a text ends, without its quotes.
pub fn string_at_end(text: &str) -> Option<&str> {
  let quote =
    text.ends_with(';').then(|| QUOTES.iter().find(|quote| text.ends_with(**quote)))??;
  let inner = text.strip_suffix(quote)?;
  // A name is short, and has no other entity.
  let far = inner.len().saturating_sub(pairs::LONGEST);
  let start = far + memrchr(b'&', inner.as_bytes().get(far..)?)?;
  inner.get(start..)?.strip_prefix(quote)
}

/// The length of the string with which a text begins: one that does not end takes all of it.
pub fn end_of_string(text: &str) -> Option<usize> {
  let quote =
    text.starts_with('&').then(|| QUOTES.iter().find(|quote| text.starts_with(**quote)))??;
  let mut ends = text.match_indices(quote).skip(1);
  let end = ends.find(|(end, _)| !text.get(..*end).is_some_and(|before| before.ends_with('\\')));
  Some(end.map_or(text.len(), |(end, _)| end + quote.len()))
}
