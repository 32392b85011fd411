//! Finds base64 in a text: `data:` URLs, and runs of its characters that are long, varied, or begin as files do.

use std::{borrow::Cow, ops::Range};

use base64::{
  Engine, alphabet,
  engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
  context::{Context, Name, SHORTEST},
  placeholder,
};

/// The first characters of files of known types.
const FILES: [(&str, &str); 11] = [
  ("iVBORw0KGgo", "image/png"),
  ("/9j/", "image/jpeg"),
  ("R0lGOD", "image/gif"),
  ("UklGR", ""),
  ("JVBERi0", "application/pdf"),
  ("UEsDB", "application/zip"),
  ("SUkqA", "image/tiff"),
  ("TU0AK", "image/tiff"),
  ("T2dnU", "audio/ogg"),
  ("PHN2Zy", "image/svg+xml"),
  ("H4sI", "application/gzip"),
];
/// The shortest run that counts when it begins as a file, in bytes.
const SHORTEST_FILE: usize = 48;
/// The shortest varied run that counts in a member whose name is one of content, in bytes.
const SHORTEST_NAMED: usize = 64;
/// The shortest varied run that counts anywhere, in bytes. Keys, tokens and ids are shorter.
const SHORTEST_RUN: usize = 256;
/// The shortest run that counts although its characters are not evenly distributed, in bytes.
const SHORTEST_UNEVEN: usize = 1024;
/// The shortest line of base64 that another line continues, in bytes: PEM has 64, MIME 76.
const SHORTEST_LINE: usize = 60;
/// The longest head of a `data:` URL, in bytes.
const LONGEST_HEAD: usize = 200;

/// Decodes with and without padding, and whatever the last bits are.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
  .with_decode_allow_trailing_bits(true)
  .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// The text with placeholders for base64; `None` when it has none.
pub fn without(text: &str, name: Name, context: &Context<'_>) -> Option<String> {
  if text.len() < SHORTEST {
    return None;
  }
  let mut out = String::new();
  let mut copied = 0;
  let mut at = 0;
  while let Some(run) = next_run(text, at) {
    at = run.end;
    let Some((range, replacement)) = replacement(text, run, name, context) else { continue };
    // A `data:` URL begins before its run.
    if range.start >= copied {
      out.push_str(text.get(copied..range.start).unwrap_or_default());
      out.push_str(&replacement);
      copied = range.end;
      at = range.end;
    }
  }
  if copied == 0 {
    return None;
  }
  out.push_str(text.get(copied..).unwrap_or_default());
  Some(out)
}

/// What is replaced for a run, and by what; `None` when the run is not content.
fn replacement(
  text: &str,
  run: Range<usize>,
  name: Name,
  context: &Context<'_>,
) -> Option<(Range<usize>, String)> {
  let encoded = text.get(run.clone())?;
  let before = text.get(..run.start)?;
  if let Some((start, media_type)) = data_url(before) {
    let media_type =
      if media_type.is_empty() { context.media_type.as_deref() } else { Some(media_type) };
    let found = typed(media_type, context);
    return Some((start..run.end, placeholder::of(&decoded(encoded), &found)));
  }
  let file = FILES.iter().find(|(start, _)| encoded.starts_with(start));
  let is_whole = run.start == 0 && text.get(run.end..)?.trim_end().is_empty();
  let is_content = match name {
    Name::Opaque => false,
    Name::Content if is_whole && context.has_content && !encoded.starts_with("file-") => {
      encoded.len() >= SHORTEST_FILE || is_short_content(encoded)
    }
    Name::Content if is_whole => encoded.len() >= SHORTEST_NAMED && is_varied(encoded),
    _ => encoded.len() >= SHORTEST_RUN && is_varied(encoded),
  };
  let is_file = file.is_some() && encoded.len() >= SHORTEST_FILE && name != Name::Opaque;
  if !is_content && !is_file {
    return None;
  }
  let stated = context.media_type.as_deref().filter(|_| name == Name::Content);
  let known = file.map(|(_, media_type)| *media_type).filter(|media_type| !media_type.is_empty());
  let mut found = typed(stated.or(known), context);
  found.is_image |= name == Name::Content && context.is_image;
  Some((run.clone(), placeholder::of(&decoded(encoded), &found)))
}

/// The context of content with that media type.
fn typed<'a>(media_type: Option<&'a str>, around: &Context<'_>) -> Context<'a> {
  let is_image = media_type.map_or(around.is_image, |media_type| media_type.starts_with("image/"));
  Context { media_type: media_type.map(Cow::Borrowed), has_content: true, is_image }
}

/// The start of the `data:` URL whose base64 follows `before`, and its media type.
fn data_url(before: &str) -> Option<(usize, &str)> {
  const MARK: &str = ";base64,";
  let end = before.len().checked_sub(MARK.len())?;
  let head = before
    .get(..end)
    .filter(|_| before.get(end..).is_some_and(|mark| mark.eq_ignore_ascii_case(MARK)))?;
  let window = head.len().saturating_sub(LONGEST_HEAD);
  let start = head.bytes().enumerate().skip(window).filter_map(|(at, _)| {
    head.get(at..at + 5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")).then_some(at)
  });
  let start = start.last()?;
  let media_type = head.get(start + 5..)?.split(';').next().unwrap_or_default();
  Some((start, media_type))
}

/// The next run of base64 from `from` on; lines that continue each other are one run.
fn next_run(text: &str, from: usize) -> Option<Range<usize>> {
  let bytes = text.as_bytes();
  let rest = bytes.get(from..)?;
  let start = from + rest.iter().position(|byte| is_base64(*byte))?;
  let (mut at, mut line) = (start, start);
  let is_url = text.get(..start).is_some_and(|before| before.ends_with(','));
  loop {
    match bytes.get(at) {
      Some(byte) if is_base64(*byte) || (is_url && *byte == b'%') => at += 1,
      Some(b'\r' | b'\n') if at - line >= SHORTEST_LINE => {
        let next =
          at + bytes.get(at..)?.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if !bytes.get(next).is_some_and(|byte| is_base64(*byte)) {
          break;
        }
        (at, line) = (next, next);
      }
      _ => break,
    }
  }
  // Padding ends a run.
  let padding = bytes.get(at..)?.iter().take(2).take_while(|byte| **byte == b'=').count();
  Some(start..at + padding)
}

fn is_base64(byte: u8) -> bool {
  byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Whether a short run is content where content is stated: ids and file names have other lengths, or `-` and `_`.
fn is_short_content(run: &str) -> bool {
  let has = |class: fn(&u8) -> bool| run.as_bytes().iter().any(class);
  run.len() >= SHORTEST
    && run.len().is_multiple_of(4)
    && has(u8::is_ascii_uppercase)
    && has(u8::is_ascii_lowercase)
    && !has(|byte| matches!(byte, b'-' | b'_'))
}

/// Whether the characters of a run are distributed as those of encoded bytes: words, paths, hexadecimal digits and
/// repetitions are not.
fn is_varied(run: &str) -> bool {
  let (mut upper, mut lower, mut digits, mut others) = (0, 0, 0, 0);
  for byte in run.bytes() {
    match byte {
      b'A'..=b'Z' => upper += 1,
      b'a'..=b'z' => lower += 1,
      b'0'..=b'9' => digits += 1,
      _ => others += 1,
    }
  }
  let is_even = upper * 10 >= run.len()
    && lower * 10 >= run.len()
    && digits * 33 >= run.len()
    && others * 10 <= run.len();
  is_even || (run.len() >= SHORTEST_UNEVEN && upper > 0 && lower > 0 && digits > 0)
}

/// The bytes of a run. Those that are not base64 count as they are.
fn decoded(run: &str) -> Vec<u8> {
  let run = if run.contains('%') {
    Cow::Owned(run.replace("%2B", "+").replace("%2F", "/").replace("%3D", "="))
  } else {
    Cow::Borrowed(run)
  };
  let standard: Vec<u8> = run
    .bytes()
    .filter(|byte| !matches!(byte, b'\r' | b'\n'))
    .map(|byte| match byte {
      b'-' => b'+',
      b'_' => b'/',
      byte => byte,
    })
    .collect();
  STANDARD.decode(&standard).unwrap_or(standard)
}
