//! Finds base64 in a text: `data:` URLs, and runs of its characters that are long, varied, or begin as files do.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use base64::{
  Engine, alphabet,
  engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;

use super::{
  context::{Content, Context, Name, Position, SHORTEST},
  placeholder::{Replacement, Replacer, Source},
  runs::{self, is_base64},
};

/// The first characters of files of known types.
const FILES: [(&str, &str); 22] = [
  ("iVBORw0KGgo", "image/png"),
  ("/9j/", "image/jpeg"),
  ("R0lGOD", "image/gif"),
  // WebP, WAV and AVI.
  ("UklGR", ""),
  ("JVBERi0", "application/pdf"),
  ("UEsDB", "application/zip"),
  ("N3q8rycc", "application/x-7z-compressed"),
  ("0M8R4KGx", "application/x-ole-storage"),
  ("SUkqA", "image/tiff"),
  ("TU0AK", "image/tiff"),
  ("AAABAA", "image/x-icon"),
  ("T2dnU", "audio/ogg"),
  ("SUQz", "audio/mpeg"),
  ("//uQ", "audio/mpeg"),
  ("ZkxhQ", "audio/flac"),
  ("GkXfo", "video/webm"),
  // MP4, HEIC and AVIF, whose first box has one of these lengths.
  ("AAAAGGZ0eX", ""),
  ("AAAAHGZ0eX", ""),
  ("AAAAIGZ0eX", ""),
  ("d09GM", "font/woff2"),
  ("PHN2Zy", "image/svg+xml"),
  ("H4sI", "application/gzip"),
];
/// The shortest run that counts when it begins as a file, in bytes. Also the shortest that the search finds.
const SHORTEST_FILE: usize = runs::SHORTEST_CORE;
/// The shortest varied run that counts in a member whose name is one of content, in bytes. Hashes are shorter.
const SHORTEST_NAMED: usize = 100;
/// The shortest varied run that counts anywhere, in bytes. Keys, tokens and ids are shorter.
const SHORTEST_RUN: usize = 256;
/// The shortest varied run that counts in a member whose name is one of ids, in bytes.
const SHORTEST_IN_ID: usize = 1024;
/// The shortest run that counts although its characters are not evenly distributed, in bytes.
const SHORTEST_UNEVEN: usize = 1024;
/// How many matching characters of a file's start are not a coincidence.
const SURE_START: usize = 5;
/// The longest head of a `data:` URL, in bytes.
const LONGEST_HEAD: usize = 200;
/// The longest JSON Web Token that stays, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;
/// What precedes the base64 of a `data:` URL.
const MARK: &str = ";base64,";
/// Finds the mark. Made once: a search in a short text takes less time.
static MARKS: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(MARK));

/// Decodes with and without padding, and whatever the last bits are.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
  .with_decode_allow_trailing_bits(true)
  .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// Whether a text, with or without the escapes of JSON, may have base64 that [`without`] replaces. Fast.
pub fn is_possible(text: &str, name: Name) -> bool {
  let is_short = text.len() < SHORTEST_FILE + 2;
  (is_short && name == Name::Content)
    || text.len() >= SHORTEST && MARKS.find(text.as_bytes()).is_some()
    || !is_short && runs::next(text.as_bytes(), 0).is_some()
}

/// What a text becomes.
pub enum Replaced {
  /// A text with placeholders for base64.
  Text(String),
  /// The reference to an attachment, as JSON: the text was nothing but its content.
  Reference(String),
}

/// What a text without base64 is; `None` when it has none.
pub fn without(
  text: &str,
  position: Position,
  context: &Context<'_>,
  replacer: &mut Replacer<'_>,
) -> Option<Replaced> {
  if is_possible(text, position.name) { searched(text, position, context, replacer) } else { None }
}

// Few texts come here: V8 optimises a large function of a module after few calls.
#[inline(never)]
fn searched(
  text: &str,
  position: Position,
  context: &Context<'_>,
  replacer: &mut Replacer<'_>,
) -> Option<Replaced> {
  let name = position.name;
  let source = Source::new(text);
  if name == Name::Content && context.has_content && is_short_content(text) {
    let Replacement { text, reference } =
      replacer.of_text(decoded(text), context, &source, &(0..text.len()));
    let reference = reference.filter(|_| position.takes_object);
    return Some(reference.map_or(Replaced::Text(text), Replaced::Reference));
  }
  let mut out = String::new();
  let mut copied = 0;
  let mut found = Candidates::new(text);
  while let Some(run) = found.next_from(copied) {
    let Some((range, replacement)) =
      replacement(text, run, copied, name, context, (replacer, &source))
    else {
      continue;
    };
    if position.takes_object
      && is_whole(text, &range)
      && let Some(reference) = replacement.reference
    {
      return Some(Replaced::Reference(reference));
    }
    // A `data:` URL begins before its run, and perhaps in what was replaced before.
    out.push_str(text.get(copied..range.start.max(copied))?);
    out.push_str(&replacement.text);
    copied = range.end;
  }
  if copied == 0 {
    return None;
  }
  out.push_str(text.get(copied..)?);
  Some(Replaced::Text(out))
}

/// Whether there is nothing but blanks around a range.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
  let around = [text.get(..range.start), text.get(range.end..)];
  around.into_iter().flatten().all(|part| part.trim_ascii().is_empty())
}

/// The runs that may be content, in order: long ones, and those of `data:` URLs.
struct Candidates<'a> {
  text: &'a str,
  at: usize,
  long: Option<Range<usize>>,
  url: Option<Range<usize>>,
}

impl<'a> Candidates<'a> {
  fn new(text: &'a str) -> Self {
    Self { text, at: 0, long: runs::next(text.as_bytes(), 0), url: next_url(text, 0) }
  }

  /// The next run that begins at `from` or after it.
  fn next_from(&mut self, from: usize) -> Option<Range<usize>> {
    self.at = self.at.max(from);
    let starts_late = |run: &Range<usize>, at: usize| run.start >= at;
    if self.long.as_ref().is_some_and(|run| !starts_late(run, self.at)) {
      self.long = runs::next(self.text.as_bytes(), self.at);
    }
    if self.url.as_ref().is_some_and(|run| !starts_late(run, self.at)) {
      self.url = next_url(self.text, self.at);
    }
    let next = match (&self.long, &self.url) {
      (Some(long), Some(url)) if long.start < url.start => long,
      (_, Some(url)) => url,
      (Some(long), None) => long,
      (None, None) => return None,
    };
    self.at = next.end.max(next.start + 1);
    Some(next.clone())
  }
}

/// The next run after the mark of a `data:` URL.
fn next_url(text: &str, from: usize) -> Option<Range<usize>> {
  let found = MARKS.find(text.as_bytes().get(from..)?)?;
  let start = from + found + MARK.len();
  Some(start..runs::end_of(text.as_bytes(), start))
}

/// What is replaced for a run, and by what; `None` when the run is not content. The text before `replaced` is replaced
/// already.
fn replacement(
  text: &str,
  run: Range<usize>,
  replaced: usize,
  name: Name,
  context: &Context<'_>,
  (replacer, source): (&mut Replacer<'_>, &Source<'_>),
) -> Option<(Range<usize>, Replacement)> {
  let encoded = text.get(run.clone())?;
  let before = text.get(..run.start)?;
  if let Some((start, media_type)) = data_url(before) {
    let media_type =
      if media_type.is_empty() { context.media_type.as_deref() } else { Some(media_type) };
    let found = typed(media_type, context);
    let range = start..run.end;
    let replacement = replacer.of_text(decoded(encoded), &found, source, &range);
    return Some((range, replacement));
  }
  if encoded.len() < SHORTEST_FILE {
    return None;
  }
  let file = FILES.iter().find(|(start, _)| encoded.starts_with(start));
  // Also the picture of a signature is a file.
  if name == Name::Opaque && file.is_none_or(|(start, _)| start.len() < SURE_START) {
    return None;
  }
  // From the run on: blanks at the ends of the text are not searched for each run.
  let is_whole =
    before.trim_ascii_end().is_empty() && text.get(run.end..)?.trim_ascii_start().is_empty();
  let is_content = match name {
    Name::Content if is_whole && context.has_content => !encoded.starts_with("file-"),
    Name::Content if is_whole => encoded.len() >= SHORTEST_NAMED && is_varied(encoded),
    Name::Id => encoded.len() >= SHORTEST_IN_ID && is_varied(encoded),
    _ => encoded.len() >= SHORTEST_RUN && is_varied(encoded) && !is_token(text, replaced, &run),
  };
  if !is_content && file.is_none() {
    return None;
  }
  let stated = context.media_type.as_deref().filter(|_| name == Name::Content);
  let known = file.map(|(_, media_type)| *media_type).filter(|media_type| !media_type.is_empty());
  let mut found = typed(stated.or(known), context);
  found.is_image |= name == Name::Content && context.is_image;
  let replacement = replacer.of_text(decoded(encoded), &found, source, &run);
  Some((run, replacement))
}

/// The context of content with that media type.
fn typed<'a>(media_type: Option<&'a str>, around: &Context<'_>) -> Context<'a> {
  let is_image = media_type.map_or(around.is_image, |media_type| media_type.starts_with("image/"));
  Context {
    media_type: media_type.map(Cow::Borrowed),
    has_content: true,
    is_image,
    is_opaque: false,
  }
}

/// The start of the `data:` URL whose base64 follows `before`, and its media type.
fn data_url(before: &str) -> Option<(usize, &str)> {
  const SCHEME: &str = "data:";
  let end = before.len().checked_sub(MARK.len())?;
  let head = before
    .get(..end)
    .filter(|_| before.get(end..).is_some_and(|mark| mark.eq_ignore_ascii_case(MARK)))?;
  let window = head.len().saturating_sub(LONGEST_HEAD);
  let is_scheme = |at: &usize| {
    head.get(*at..at + SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
  };
  let start = (window..head.len()).rev().find(is_scheme)?;
  let media_type = head.get(start + SCHEME.len()..)?.split(';').next().unwrap_or_default();
  Some((start, media_type))
}

/// Whether a run is a part of a JSON Web Token that begins at `from` or after it: parts between dots, of which the first
/// begins with `{"` in base64.
fn is_token(text: &str, from: usize, run: &Range<usize>) -> bool {
  let bytes = text.as_bytes();
  let is_part = |byte: &&u8| is_base64(**byte) && !b"+/".contains(byte) || **byte == b'.';
  let window = run.start.saturating_sub(LONGEST_TOKEN).max(from);
  let before = bytes.get(window..run.start).unwrap_or_default();
  let start = run.start - before.iter().rev().take_while(is_part).count();
  let rest = bytes.get(start..).unwrap_or_default();
  let length = rest.iter().take(LONGEST_TOKEN + 1).take_while(is_part).count();
  let token = rest.get(..length).unwrap_or_default();
  token.len() <= LONGEST_TOKEN && token.starts_with(b"eyJ") && token.contains(&b'.')
}

/// Whether a short text is content where content is stated: ids and file names have other lengths, or `-` and `_`.
fn is_short_content(text: &str) -> bool {
  let run = text.trim_ascii_end().trim_end_matches('=');
  let has = |class: fn(&u8) -> bool| run.as_bytes().iter().any(class);
  (SHORTEST..=SHORTEST_FILE).contains(&text.len())
    && text.trim_ascii_end().len().is_multiple_of(4)
    && has(u8::is_ascii_uppercase)
    && has(u8::is_ascii_lowercase)
    && run.bytes().all(|byte| is_base64(byte) && !matches!(byte, b'-' | b'_'))
}

/// Whether the characters of a run are distributed as those of encoded bytes: words, paths, hexadecimal digits and
/// repetitions are not.
fn is_varied(run: &str) -> bool {
  let (mut upper, mut lower, mut digits, mut others) = (0_usize, 0, 0, 0);
  for byte in run.bytes() {
    match byte {
      b'A'..=b'Z' => upper += 1,
      b'a'..=b'z' => lower += 1,
      b'0'..=b'9' => digits += 1,
      b'+' | b'/' | b'-' | b'_' => others += 1,
      // Escapes and line breaks.
      _ => {}
    }
  }
  let all = upper + lower + digits + others;
  let is_even = upper * 10 >= all && lower * 10 >= all && digits * 33 >= all && others * 10 <= all;
  is_even || (all >= SHORTEST_UNEVEN && upper > 0 && lower > 0 && digits > 0)
}

/// The bytes of a run. Those that are not base64 count as they are.
fn decoded(run: &str) -> Content {
  let standard = runs::standard(run);
  // A run that was cut may end with a character that encodes no whole byte.
  let whole = standard.len() - usize::from(standard.len() % 4 == 1);
  match STANDARD.decode(standard.get(..whole).unwrap_or_default()) {
    Ok(bytes) => Content { bytes, is_decoded: true },
    Err(_) => Content { bytes: standard, is_decoded: false },
  }
}
