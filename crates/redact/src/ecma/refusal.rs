//! Why an expression is not translated.

use thiserror::Error;

/// A construct that has no faithful translation, or is not JavaScript.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
  /// `(?=`, `(?!`, `(?<=`, `(?<!`.
  #[error("look-around {0:?} needs more than linear time")]
  LookAround(&'static str),
  /// `\1`, `\k<name>`; also octal escapes, which look alike.
  #[error("back-references and octal escapes such as {0:?} are not supported")]
  BackReference(String),
  /// `\p{…}`, `\P{…}`.
  #[error("Unicode properties such as {0:?} are not supported")]
  Property(String),
  /// `\q{…}`.
  #[error("strings in classes, {0:?}, are not supported")]
  ClassString(&'static str),
  /// `(?:|a)*`: the engines differ in what they repeat.
  #[error(
    "the quantifier {0:?} repeats a group that prefers to match nothing, which is not supported"
  )]
  EmptyRepetition(String),
  /// `\ud83d` with the flag `u`.
  #[error("half a surrogate pair, {0:?}, is not supported with the flags u and v")]
  HalfPair(String),
  /// `\c1`, `\x1`, and others that JavaScript accepts for compatibility.
  #[error("the escape {0:?} is not supported")]
  Escape(String),
  /// Groups are nested too deep.
  #[error("groups are nested deeper than {0}")]
  TooDeep(usize),
  /// Not a JavaScript expression.
  #[error("syntax error: {0}")]
  Syntax(&'static str),
}
