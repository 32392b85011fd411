//! The builtin patterns.

use std::ops::Range;

use super::{api_keys, credit_cards, ip_addresses};

/// The parts of a text that are redacted for a match in it: criteria that an expression cannot state.
pub type Accepted = fn(&str, Range<usize>) -> Vec<Range<usize>>;

/// A pattern with a name.
pub struct Builtin {
  /// The name in `redact.builtins`.
  pub name: &'static str,
  /// The regular expression. Its first group that matches, if any, is the match.
  pub expression: &'static str,
  /// The parts that are redacted for a match.
  pub accepted: Accepted,
}

/// All builtins. A pattern matches a form: matches may be something else, and other forms are not found.
pub const BUILTINS: &[Builtin] = &[
  Builtin {
    name: "api-keys",
    expression: api_keys::EXPRESSION,
    accepted: |text, found| {
      let is_key = api_keys::is_accepted(text.get(found.clone()).unwrap_or_default());
      Vec::from_iter(is_key.then_some(found))
    },
  },
  Builtin {
    name: "bearer-tokens",
    expression: concat!(before!(), r"((?i-u:bearer)(?:[ \t+]|%20)+[A-Za-z0-9._~+/=-]{8,})"),
    accepted: always,
  },
  Builtin {
    name: "credit-cards",
    expression: credit_cards::EXPRESSION,
    accepted: credit_cards::accepted,
  },
  Builtin {
    name: "emails",
    // Letters of any script; the domain's last label has no digits.
    expression: concat!(
      r#"(?:[\w.%+&'’-]+|"(?:[^"\\\r\n]|\\.){1,64}")"#,
      r"(?:@|%40)(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})",
    ),
    accepted: without_escape,
  },
  Builtin {
    name: "ip-addresses",
    expression: ip_addresses::EXPRESSION,
    accepted: ip_addresses::accepted,
  },
  Builtin {
    name: "jwts",
    // Also encrypted ones, whose second part may be empty.
    expression: concat!(
      before!(),
      r"(eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"
    ),
    accepted: always,
  },
  Builtin {
    name: "private-keys",
    // Line breaks may be escaped, once or more; the end may be missing. Five dashes end the search for it, so that no
    // part of a text is searched twice.
    expression: concat!(
      r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----",
      r#"(?:(?:-{0,4}[A-Za-z0-9+/=\s\\:,.;()%'"&#@<>_])*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"#,
      r"|[A-Za-z0-9+/=\s\\:,%-]*)",
    ),
    accepted: always,
  },
];

fn always(_: &str, found: Range<usize>) -> Vec<Range<usize>> {
  vec![found]
}

/// A match without the letter of an escape before it: text that is not JSON may contain `\nada@example.com`.
fn without_escape(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let before = text.get(..found.start).unwrap_or_default();
  let shown = text.get(found.clone()).unwrap_or_default();
  let is_escape = before.ends_with('\\') && shown.starts_with(['n', 'r', 't', 'b', 'f']);
  let is_longer = shown.as_bytes().get(1).is_some_and(|byte| *byte != b'@');
  always(text, found.start + usize::from(is_escape && is_longer)..found.end)
}
