//! Redaction: rules that replace strings, members and whole values of rows.
//!
//! A row is redacted before it is queued, stored or sent: every string and every member name at any depth of
//! every field, the span's name and its error included. The crate knows neither Flue nor any I/O.
//!
//! - **keys** name members whose whole value is replaced, whatever it is, wherever they are. Upper and lower
//!   case, `_` and `-` make no difference.
//! - **paths** name members by their position: the field, then the names of members, joined by dots. Lists
//!   have no names: `input.content` is the content of each message. `*` stands for one name, `**` for any.
//! - **patterns** are regular expressions whose matches are replaced. The engine takes linear time, so
//!   there are no look-arounds and no back-references.
//! - **builtins** are patterns with a name.
//!
//! A string that is JSON itself, such as the arguments of a tool call, is redacted inside.
//!
//! The files, each of which imports only those above it:
//!
//! | file | |
//! |---|---|
//! | `builtin` | the builtin patterns |
//! | `pattern` | all patterns together |
//! | `raw_rules` | the option as it is parsed, and its errors |
//! | `rules` | the compiled rules |
//! | `json` | redaction of JSON text |
//! | `redactor` | redaction of rows |

mod builtin;
mod json;
mod pattern;
mod raw_rules;
mod redactor;
mod rules;

pub use raw_rules::{RawRules, RulesError};
pub use redactor::Redactor;

#[cfg(test)]
mod tests;
