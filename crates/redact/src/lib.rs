//! What must not leave: rules by which strings, members and whole values are replaced.
//!
//! Owns the rules and how they are applied to a row, before anything of it waits, is kept or leaves. Applied to
//! every string and every member's name at any depth of every field, the span's name and its error included.
//! Pure: it knows neither Flue nor any I/O.
//!
//! - **keys** name members whose whole value is replaced, whatever it is, wherever they are. Upper and lower
//!   case, `_` and `-` make no difference.
//! - **paths** name members by where they are: the field, then the names of members, joined by dots. Lists
//!   have no names: `input.content` is the content of each message. `*` stands for one name, `**` for any.
//! - **patterns** are regular expressions; what they match is replaced. The engine takes linear time, so
//!   there are no look-arounds and no back-references.
//! - **builtins** are patterns that are known by a name.
//!
//! A string that is JSON itself, such as the arguments of a tool call, is looked into.

mod builtin;
mod given;
mod json;
mod pattern;
mod redactor;
mod rules;

pub use given::{Given, RulesError};
pub use redactor::Redactor;

#[cfg(test)]
mod tests;
