//! The builtin patterns.

/// A pattern with a name.
pub struct Builtin {
  /// The name in `redact.builtins`.
  pub name: &'static str,
  /// The regular expression.
  pub expression: &'static str,
  /// Whether a match is redacted, by criteria that the expression cannot state.
  pub is_valid: fn(&str) -> bool,
}

/// All builtins. Word boundaries are those of ASCII, which are faster. A pattern matches a form: matches may be
/// something else, and other forms are not found.
pub const BUILTINS: &[Builtin] = &[
  Builtin {
    name: "api-keys",
    // The prefixes of the keys of well-known services.
    expression: concat!(
      r"(?-u:\b)(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{16,}",
      r"|(?-u:\b)gh[pousr]_[A-Za-z0-9]{20,}|(?-u:\b)github_pat_[A-Za-z0-9_]{20,}|(?-u:\b)glpat-[A-Za-z0-9_-]{20,}",
      r"|(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)|(?-u:\b)AIza[A-Za-z0-9_-]{35}|(?-u:\b)ya29\.[A-Za-z0-9_-]{20,}",
      r"|(?-u:\b)xox[abeprs]-[A-Za-z0-9-]{10,}|(?-u:\b)hf_[A-Za-z0-9]{20,}|(?-u:\b)npm_[A-Za-z0-9]{30,}",
    ),
    is_valid: always,
  },
  Builtin {
    name: "bearer-tokens",
    expression: r"(?i:(?-u:\b)bearer[ \t]+[A-Z0-9._~+/=-]{8,})",
    is_valid: always,
  },
  Builtin {
    name: "credit-cards",
    expression: r"(?-u:\b)[0-9](?:[ -]?[0-9]){12,18}(?-u:\b)",
    is_valid: has_check_digit,
  },
  Builtin {
    name: "emails",
    expression: r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    is_valid: always,
  },
  Builtin {
    name: "ip-addresses",
    expression: concat!(
      r"(?-u:\b)(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?-u:\b)",
      r"|(?-u:\b)(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?-u:\b)",
    ),
    is_valid: always,
  },
  Builtin {
    name: "jwts",
    expression: r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    is_valid: always,
  },
  Builtin {
    name: "private-keys",
    // Also a key whose end is missing.
    expression: r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s:,-]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    is_valid: always,
  },
];

fn always(_: &str) -> bool {
  true
}

/// Whether the digits end with the check digit of the others, by Luhn's rule (ISO/IEC 7812-1).
fn has_check_digit(text: &str) -> bool {
  let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'));
  let sum: u32 = digits
    .enumerate()
    .map(|(place, digit)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
    .sum();
  sum.is_multiple_of(10)
}
