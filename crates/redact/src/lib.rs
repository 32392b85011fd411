//! Redaction: rules that replace strings, members and whole values of rows.
//!
//! A row is redacted before it is queued, stored or sent: every string and every member name at any depth of
//! every field, the span's name and its error included. The crate knows neither Flue nor any I/O.
//!
//! - **keys** name members whose whole value is replaced, whatever it is, wherever they are. Upper and lower
//!   case, `_` and `-` make no difference.
//! - **paths** name members by their position: the field, then the names of members, joined by dots. Lists
//!   have no names: `input.content` is the content of each message. `*` stands for one name, `**` for any
//!   number, also none.
//! - **patterns** are regular expressions of JavaScript whose matches are replaced. They are translated for an
//!   engine that takes linear time, so there are no look-arounds and no back-references.
//! - **builtins** are patterns with a name.
//!
//! A string that contains JSON, such as the arguments of a tool call, is redacted inside, decoded. Members that Python or
//! JavaScript printed are found, too.
//!
//! The files, each of which imports only those above it:
//!
//! | file | |
//! |---|---|
//! | `ecma` | JavaScript's regular expressions, translated |
//! | `api_keys`, `credentials`, `credit_cards`, `emails`, `ip_addresses` | the builtin patterns that need more than an expression |
//! | `builtin` | the builtin patterns |
//! | `engine` | what runs expressions |
//! | `escapes` | text with escapes that is not JSON |
//! | `pattern` | all patterns together |
//! | `paths` | members by their position |
//! | `raw_rules` | the option as it is parsed, and its errors |
//! | `rules` | the compiled rules |
//! | `blanks` | what may stand between the tokens of a text |
//! | `embedded` | JSON inside of text |
//! | `kind` | objects that are reasoning or errors |
//! | `pairs` | values that another value names |
//! | `marked_lines` | lines with marks before their first word |
//! | `quotes` | the quotes of strings in other text |
//! | `settings` | lines of commands that set a variable |
//! | `form_fields` | fields of forms with several parts |
//! | `elements` | elements of XML |
//! | `tables` | cells of tables |
//! | `assignments` | strings after an equals sign |
//! | `unquoted` | values without quotes |
//! | `values` | values as Python and JavaScript print them |
//! | `literals` | members as Python and JavaScript print them |
//! | `printed` | the same of what was printed as a string |
//! | `json` | redaction of JSON text |
//! | `redactor` | redaction of rows |

/// What may stand before a match of a builtin: not a letter or digit, unless that belongs to an escape such as `\n`,
/// `\u000a` or `%20`, or to the code of a terminal's colour, which may be escaped itself.
macro_rules! before {
  () => {
    r"(?:\A|(?-u:[^A-Za-z0-9])|\\[nrtbfv]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2}|(?:\x1B|\\u001[Bb]|\\x1[Bb])\[[0-9;]*[A-Za-z])"
  };
}

mod api_keys;
mod assignments;
mod blanks;
mod builtin;
mod credentials;
mod credit_cards;
mod ecma;
mod elements;
mod emails;
mod embedded;
mod engine;
mod escapes;
mod form_fields;
mod ip_addresses;
mod json;
mod kind;
mod literals;
mod marked_lines;
mod pairs;
mod paths;
mod pattern;
mod printed;
mod quotes;
mod raw_rules;
mod redactor;
mod rules;
mod settings;
mod tables;
mod unquoted;
mod values;

pub use raw_rules::{RawRules, RulesError};
pub use redactor::Redactor;

#[cfg(test)]
mod tests;
