//! The builtin patterns.

use std::ops::Range;

use super::{api_keys, credentials, credit_cards, emails, ip_addresses};

/// Base64 of a key, in one line.
macro_rules! base64 {
  () => {
    "(?:[a-z+/=]*[A-Z0-9]){12}"
  };
}

/// Members of a class: those of `\s` but for the blank, which would need the tables of Unicode.
macro_rules! space {
  () => {
    r"\x09-\x0D\u{85}\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}"
  };
}

/// What may be a part of a key that is cut, and this space.
macro_rules! part {
  ($space:literal) => {
    concat!(
      "(?:-{0,4}[",
      $space,
      space!(),
      r"A-Za-z0-9+/=\\:,%|>#*\x1B\u{2192}\u{2502}]|[._][A-Za-z0-9]|\[[0-9;]*m)"
    )
  };
}

/// The parts of a text that are redacted for a match in it: criteria that an expression cannot state.
pub type Accepted = fn(&str, Range<usize>) -> Vec<Range<usize>>;

/// A pattern with a name.
pub struct Builtin {
  /// The name in `redact.builtins`, also of the one before it.
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
    expression: credentials::BEARER,
    accepted: credentials::accepted_bearer,
  },
  Builtin {
    name: "credentials",
    expression: credentials::PAIR,
    accepted: credentials::accepted_pair,
  },
  Builtin {
    name: "credentials",
    expression: credentials::OPTION,
    accepted: credentials::accepted_option,
  },
  Builtin {
    name: "credit-cards",
    expression: credit_cards::EXPRESSION,
    accepted: credit_cards::accepted,
  },
  Builtin { name: "emails", expression: emails::EXPRESSION, accepted: emails::accepted },
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
    // Anything may stand before its lines, such as their numbers, and spaces may be those of a form. A text that mentions
    // these lines alone has spaces between them, and no base64: 12 capitals and digits with none but small letters amid
    // them. Five dashes end the search for the end, so that no part of a text is searched twice; the mark of a difference
    // may be before them. The end may be missing: then what may be a key belongs to it, up to the end of a sentence.
    expression: concat!(
      r"-----BEGIN[A-Z0-9 +%]*PRIVATE[ +%20]{1,3}KEY[A-Z +%20]*-----",
      r"(?:(?:(?:-{0,4}[^-])*?",
      base64!(),
      r"(?:-{0,4}[^-])*?|(?:-{0,4}[^ -])*?)-{5,7}END[A-Z0-9 +%]*PRIVATE[ +%20]{1,3}KEY[A-Z +%20]*-----|",
      part!(" "),
      "*?",
      base64!(),
      part!(" "),
      "*|",
      part!(""),
      "*)",
    ),
    accepted: always,
  },
];

fn always(_: &str, found: Range<usize>) -> Vec<Range<usize>> {
  vec![found]
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn spaces_are_those_of_unicode() {
    let parsed = |expression| regex_syntax::parse(expression).unwrap();
    assert_eq!(parsed(concat!("[ ", space!(), "]")), parsed(r"\s"));
  }

  #[test]
  fn no_builtin_needs_the_tables_of_unicode() {
    for Builtin { name, expression, .. } in BUILTINS {
      let classes = [r"\w", r"\W", r"\s", r"\S", r"\d", r"\D", r"\b", r"\B", r"\p", r"\P"];
      assert!(!classes.iter().any(|class| expression.contains(class)), "{name}: {expression}");
    }
  }
}
