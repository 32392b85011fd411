//! Finds runs of base64 characters in a text.
//!
//! A run may be broken by what encoders write inside base64: line breaks after full lines, and the escapes of `+`, `/`
//! and `=` in JSON text and URLs.

use std::ops::Range;

/// The shortest unbroken part of a run that is found, in bytes. The search looks at one byte in so many.
pub const SHORTEST_CORE: usize = 48;
/// The shortest line of base64 that another line continues, in bytes: PEM has 64, MIME 76; some
/// encoders break earlier.
const SHORTEST_LINE: usize = 48;
/// The characters of base64 that encoders escape: in JSON text after a backslash, in URLs after `%`.
const JSON_ESCAPES: [&[u8]; 4] = [b"/", b"u002B", b"u002F", b"u003D"];
const URL_ESCAPES: [&[u8]; 3] = [b"2B", b"2F", b"3D"];

/// The next run from `from` on that has an unbroken part of [`SHORTEST_CORE`] bytes.
pub fn next(text: &[u8], from: usize) -> Option<Range<usize>> {
  let core = next_core(text, from)?;
  let mut start = start_of(text, core.start, from);
  // The end of another escape in front of it, as of `,` in a URL.
  let is_escape = start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'%');
  if is_escape
    && text.get(start..start + 2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
  {
    start += 2;
  }
  Some(start..end_of(text, core.start))
}

/// The next [`SHORTEST_CORE`] or more bytes in a row that are base64.
fn next_core(text: &[u8], mut from: usize) -> Option<Range<usize>> {
  loop {
    let probe = from + SHORTEST_CORE - 1;
    if !is_base64(*text.get(probe)?) {
      from = probe + 1;
      continue;
    }
    let before = text.get(from..probe)?.iter().rev().take_while(|byte| is_base64(**byte)).count();
    let after = text.get(probe..)?.iter().take_while(|byte| is_base64(**byte)).count();
    let core = probe - before..probe + after;
    if core.len() >= SHORTEST_CORE {
      return Some(core);
    }
    from = core.end + 1;
  }
}

/// The start of the run whose unbroken part begins at `core`, at `from` or after it.
fn start_of(text: &[u8], core: usize, from: usize) -> usize {
  let mut start = core;
  loop {
    let Some(before) = text.get(from..start) else { return start };
    let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    let part = text.get(start..).unwrap_or_default();
    let escape = if slashes > 0 && begins(part, &JSON_ESCAPES) {
      slashes
    } else if before.ends_with(b"%") && begins(part, &URL_ESCAPES) {
      1
    } else {
      return start;
    };
    let before = before.get(..before.len() - escape).unwrap_or_default();
    let more = before.iter().rev().take_while(|byte| is_base64(**byte)).count();
    start = start - escape - more;
  }
}

/// The end of the run at `start`, with its padding.
pub fn end_of(text: &[u8], start: usize) -> usize {
  let (mut at, mut line) = (start, start);
  loop {
    let rest = text.get(at..).unwrap_or_default();
    at += match rest.first() {
      Some(byte) if is_base64(*byte) => rest.iter().take_while(|byte| is_base64(**byte)).count(),
      Some(b'%') if begins(rest.get(1..).unwrap_or_default(), &URL_ESCAPES) => 3,
      Some(b'\\' | b'\r' | b'\n') => {
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        let escaped = rest.get(slashes..).unwrap_or_default();
        if slashes > 0
          && let Some(escape) = JSON_ESCAPES.iter().find(|e| begins(escaped, &[**e]))
        {
          slashes + escape.len()
        } else {
          let gap = line_break(rest);
          let is_continued = rest.get(gap).is_some_and(|byte| is_base64(*byte));
          if gap == 0 || at - line < SHORTEST_LINE || !is_continued {
            break;
          }
          line = at + gap;
          gap
        }
      }
      _ => break,
    };
  }
  let padding = text.get(at..).unwrap_or_default();
  at + padding.iter().take(2).take_while(|byte| **byte == b'=').count()
}

/// The length of a line break with what is beside it: escapes in JSON text, and the indentation of the next line.
fn line_break(rest: &[u8]) -> usize {
  let mut at = 0;
  loop {
    let rest = rest.get(at..).unwrap_or_default();
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    at += match rest.get(slashes) {
      Some(b'r' | b'n') if slashes > 0 => slashes + 1,
      Some(b'\r' | b'\n') if slashes == 0 => 1,
      Some(b' ' | b'\t') if slashes == 0 && at > 0 => 1,
      _ => return at,
    };
  }
}

/// Whether the text begins with one of those, in upper or lower case.
fn begins(text: &[u8], with: &[&[u8]]) -> bool {
  let same = |one: &&[u8]| text.get(..one.len()).is_some_and(|part| part.eq_ignore_ascii_case(one));
  with.iter().any(same)
}

/// The base64 of a run, in the standard alphabet, without what breaks it.
pub fn standard(run: &str) -> Vec<u8> {
  let bytes = run.as_bytes();
  let mut out = Vec::with_capacity(bytes.len());
  let mut at = 0;
  while let Some(byte) = bytes.get(at) {
    let slashes = bytes.get(at..).unwrap_or_default();
    let slashes = slashes.iter().take_while(|byte| **byte == b'\\').count();
    let rest = bytes.get(at + slashes..).unwrap_or_default();
    at += match byte {
      b'-' => push(&mut out, b'+', 1),
      b'_' => push(&mut out, b'/', 1),
      b'\\' if begins(rest, &[b"u002B"]) => push(&mut out, b'+', slashes + 5),
      b'\\' if begins(rest, &[b"u002F"]) => push(&mut out, b'/', slashes + 5),
      b'\\' if begins(rest, &[b"u003D"]) => push(&mut out, b'=', slashes + 5),
      // In front of a slash, which follows; of a line break; or of nothing.
      b'\\' if begins(rest, &[b"r", b"n"]) => slashes + 1,
      b'%' if begins(rest, &[b"%2B"]) => push(&mut out, b'+', 3),
      b'%' if begins(rest, &[b"%2F"]) => push(&mut out, b'/', 3),
      b'%' if begins(rest, &[b"%3D"]) => push(&mut out, b'=', 3),
      // All at once: there may be many.
      b'\\' => slashes,
      b'%' | b'\r' | b'\n' | b' ' | b'\t' => 1,
      byte => push(&mut out, *byte, 1),
    };
  }
  out
}

fn push(out: &mut Vec<u8>, byte: u8, length: usize) -> usize {
  out.push(byte);
  length
}

/// Whether a byte is a character of base64, without its padding.
pub fn is_base64(byte: u8) -> bool {
  BASE64.get(usize::from(byte)).copied().unwrap_or_default()
}

/// A table: the search spends its time here.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const BASE64: [bool; 256] = {
  let mut table = [false; 256];
  let mut byte = 0_u8;
  while byte < 128 {
    table[byte as usize] =
      byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    byte += 1;
  }
  table
};
