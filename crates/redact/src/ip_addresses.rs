//! Addresses of IPv4 and IPv6.

use std::ops::Range;

/// Forms of addresses. The first group is an address of IPv4, the second may be one of IPv6.
pub const EXPRESSION: &str = concat!(
  before!(),
  r"(?:((?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))",
  r"|((?:[0-9A-Fa-f]{0,4}:){2,8}[0-9A-Fa-f.]*))",
);

/// The address in a match.
pub fn accepted(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let shown = text.get(found.clone()).unwrap_or_default();
  let follows = text.as_bytes().get(found.end).copied().unwrap_or(b' ');
  if follows.is_ascii_alphanumeric() {
    return Vec::new();
  }
  if !shown.contains(':') {
    return vec![found];
  }
  // The colon or full stop of a sentence.
  let shown = shown.trim_end_matches('.');
  let shown = if shown.ends_with("::") { shown } else { shown.trim_end_matches(':') };
  // `a::b` is a path in many languages.
  let is_path = |text: &str| {
    text.split("::").count() == 2
      && text.matches(':').count() == 2
      && !text.contains(|c: char| c.is_ascii_digit())
  };
  let is_address = |text: &str| !is_path(text) && text.parse::<core::net::Ipv6Addr>().is_ok();
  // A label of hexadecimal digits may come first: `add:2001:db8::1`.
  let labels = shown.match_indices(':').map(|(at, _)| at + 1);
  let labels = labels.filter(|at| shown.get(*at..).unwrap_or_default().matches(':').count() > 2);
  std::iter::once(0)
    .chain(labels)
    .flat_map(|at| {
      let text = shown.get(at..).unwrap_or_default();
      [(at, text), (at, text.trim_end_matches("::"))]
    })
    .find(|(_, text)| is_address(text))
    .map(|(at, text)| found.start + at..found.start + at + text.len())
    .into_iter()
    .collect()
}
