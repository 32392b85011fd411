//! JavaScript's regular expressions, translated to those of the `regex` crate, which match in linear time.
//!
//! A translation has the matches of JavaScript's `RegExp`. What cannot have them is refused by name: look-around,
//! back-references, and the rare constructs that [`Refusal`] names. The rules are those of ECMA-262, section 22.2.
//!
//! - Without the flags `u` and `v`, JavaScript matches UTF-16 code units. [`View`] splits characters accordingly.
//! - `^` and `$` with the flag `m` also match at `\r`, U+2028 and U+2029. [`View`] marks these lines.
//! - Classes and letters with the flag `i` are written out: each character stands for itself.

mod charset;
mod class;
mod cursor;
mod escape;
mod fold;
mod parser;
mod refusal;
mod view;

pub use parser::Translation;
pub use refusal::Refusal;
pub use view::View;

/// Translates the source of a `RegExp` with the flags `i`, `m`, `s`, `u` and `v`; others are ignored.
///
/// # Errors
/// [`Refusal`], which names the construct.
pub fn translate(source: &str, flags: &str) -> Result<Translation, Refusal> {
  let plain = parser::parse(source, flags, false)?;
  if plain.view.lines { parser::parse(source, flags, true) } else { Ok(plain) }
}
