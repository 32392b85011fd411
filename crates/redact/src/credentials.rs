//! Credentials in headers and addresses: bearer tokens, and pairs of a user's name and password.

use std::ops::Range;

use base64::{
  Engine,
  alphabet::STANDARD,
  engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::{memmem, memrchr_iter, memrchr3};

/// A bearer token with its scheme; one after a colon, an equals sign or a quote without it.
pub const BEARER: &str = concat!(
  before!(),
  r#"(?:((?i-u:bearer)(?:[ \t+]|%20)+[A-Za-z0-9._~+/=-]{8,})"#,
  r#"|(?i-u:bearer)[ \t]*[ \t=:](?:[ \t]|%20)*\\*["'`]?([A-Za-z0-9._~+/=-]{8,}))"#,
);

/// A user and password in base64 with their scheme, and those of a URL.
pub const PAIR: &str = concat!(
  "(?:",
  before!(),
  r#"((?i-u:basic)(?:[ \t+]|%20)+[A-Za-z0-9+/_-]{6,}={0,2})"#,
  r#"|[A-Za-z0-9]://((?-u:[^\x00-\x20/?#@:"'<>\\`])*:(?-u:[^\x00-\x20/?#"'<>\\`])+)@)"#,
);

/// The user and password in an option of `curl`, and the password in one of other commands. A match that is none may be a
/// URL with a pair: these are other patterns.
pub const OPTION: &str = concat!(
  r#"(?-u:[\x09\x0A\x20"'])-(?:(?:[uU]|-user|-proxy-user)[ =\t"',\\]{0,4}"#,
  r#"((?-u:[^\x00-\x20:"'`\\<>$])+:(?-u:[^\x00-\x20"'`\\<>${*])(?-u:[^\x00-\x20"'`\\])*)"#,
  r#"|[pa][ =\t"',\\]{0,4}((?-u:[^\x00-\x20"'`\\<>${*;|&)\[-])(?-u:[^\x00-\x20"'`\\])*))"#,
);

/// What follows the word in a text, and is not a token.
const WORDS: [&str; 10] = [
  "authentication",
  "authorization",
  "certificate",
  "certificates",
  "credential",
  "credentials",
  "instrument",
  "instruments",
  "security",
  "securities",
];
/// What is after a colon or an equals sign, without quotes, is a token if it has a digit, or is so long and has no dot:
/// `bearer: process.env.GITHUB_TOKEN`.
const LONG: usize = 20;

/// The commands with a password behind `-p` or `-a`, and whether a blank may stand between them.
const COMMANDS: [(&str, &str, bool); 6] = [
  ("mysql", "-p", false),
  ("mariadb", "-p", false),
  ("sshpass", "-p", true),
  ("mongo", "-p", true),
  ("login", "-p", true),
  ("redis-cli", "-a", true),
];

/// How many bytes of a command are looked at before an option of it.
const LONGEST_COMMAND: usize = 512;

/// Base64 that may be cut.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
  &STANDARD,
  GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The token in a match, unless it is none.
pub fn accepted_bearer(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let shown = text.get(found.clone()).unwrap_or_default();
  let behind = behind_scheme(shown, "bearer");
  let token = behind.unwrap_or(shown);
  let is_word = WORDS.contains(&&*token.trim_end_matches('.').to_ascii_lowercase());
  // The header of a response: `Bearer resource_metadata="…"`.
  let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
  let is_parameter = token.strip_suffix('=').is_some_and(is_name)
    && text.get(found.end..).is_some_and(|rest| rest.starts_with(['"', '\\']));
  let is_quoted = text.get(..found.start).is_some_and(|before| before.ends_with(['"', '\'', '`']));
  let is_token = behind.is_some()
    || is_quoted
    || token.len() >= LONG && !token.contains('.')
    || token.contains(|letter: char| letter.is_ascii_digit());
  Vec::from_iter((is_token && !is_word && !is_parameter).then_some(found))
}

/// The user and password in a match, unless it has none.
pub fn accepted_pair(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let (shown, behind) = (text.get(found.clone()), text.get(found.end..));
  let shown = shown.unwrap_or_default();
  // The digest of an image: `docker://alpine:3.18@sha256:…`.
  let is_image = behind.is_some_and(|behind| behind.starts_with("@sha256:"));
  let is_pair = match shown.split_once(':') {
    Some((user, password)) => !is_image && !is_host(user, password),
    None => behind_scheme(shown, "basic").is_some_and(has_pair),
  };
  Vec::from_iter(is_pair.then_some(found))
}

/// The user and password, or the password, in an option, unless it is that of another command: `-u 1000:1000`.
pub fn accepted_option(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let (before, rest) = text.split_at_checked(found.start).unwrap_or_default();
  let shown = rest.get(..found.len()).unwrap_or_default();
  let option = before.trim_end_matches([' ', '=', '\t', ',', '"', '\'', '\\']);
  let is_apart = before.get(option.len()..).is_some_and(|gap| gap.contains([' ', '\t', ',']));
  let command = command(option);
  let is_accepted = if option.ends_with(['p', 'a']) {
    // Of several commands in a line, the last.
    let start = memrchr3(b';', b'|', b'&', command).unwrap_or_default();
    let last = command.get(start..).unwrap_or_default();
    let mut commands = COMMANDS
      .iter()
      .filter(|(_, flag, may_be_apart)| option.ends_with(flag) && (*may_be_apart || !is_apart));
    !is_port(shown) && commands.any(|(name, ..)| has_program(last, name))
  } else {
    memmem::find(command, b"curl").is_some()
  };
  Vec::from_iter(is_accepted.then_some(found))
}

/// The command in which a text ends, also in lines that a backslash joins.
fn command(text: &str) -> &[u8] {
  let far = text.len().saturating_sub(LONGEST_COMMAND);
  let near = text.as_bytes().get(far..).unwrap_or_default();
  let is_end = |at: &usize| !near.get(..*at).is_some_and(|line| line.ends_with(b"\\"));
  let start = memrchr_iter(b'\n', near).find(is_end).unwrap_or_default();
  near.get(start..).unwrap_or_default()
}

/// Whether a command has a word that begins so, and is no part of a path other than that of programs.
fn has_program(command: &[u8], name: &str) -> bool {
  let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-_@:=".contains(byte);
  memmem::find_iter(command, name).any(|at| {
    let before = command.get(..at).unwrap_or_default();
    before.ends_with(b"bin/") || !before.last().is_some_and(is_part)
  })
}

/// Whether an option publishes a port of a container: `127.0.0.1:80:80`, `53:53/udp`.
fn is_port(shown: &str) -> bool {
  let ports = shown.split('/').next().unwrap_or_default();
  ports.contains(':') && !ports.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// Whether a host and its port stand before the mark of a list, and what follows is another item: `localhost:3000,a@x.com`.
fn is_host(host: &str, behind: &str) -> bool {
  let is_address = |byte: u8| byte == b'.' || byte.is_ascii_digit();
  let is_local = host == "localhost" || host.contains('.') && host.bytes().all(is_address);
  let rest = behind.trim_start_matches(|digit: char| digit.is_ascii_digit());
  is_local && rest.len() < behind.len() && rest.starts_with([',', ';', '|', ')'])
}

/// What a header has after its scheme.
fn behind_scheme<'t>(shown: &'t str, scheme: &str) -> Option<&'t str> {
  let (word, rest) = shown.split_at_checked(scheme.len())?;
  let behind = rest.trim_start_matches([' ', '\t', '+']).trim_start_matches("%20");
  (word.eq_ignore_ascii_case(scheme) && behind.len() < rest.len()).then_some(behind)
}

/// Whether base64, which may be cut, is that of a text with a colon. A word with a capital may be it by chance: `Online`.
fn has_pair(base64: &str) -> bool {
  let base64 = base64.trim_end_matches('=');
  let is_word = base64.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
  let whole = base64.len() - usize::from(base64.len() % 4 == 1);
  let standard = base64.get(..whole).unwrap_or_default().replace('-', "+").replace('_', "/");
  let bytes = if is_word { Vec::new() } else { LENIENT.decode(standard).unwrap_or_default() };
  let text = String::from_utf8_lossy(&bytes);
  let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
  text.contains(':') && !text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}
