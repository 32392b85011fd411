//! The engines of expressions: the `regex` crate, or in WebAssembly two of its engines without the code that chooses
//! among all, which would be a tenth of the module. Both find the same matches.
//!
//! Expressions match bytes, because `\B` may match inside a character.

mod error;
#[cfg(not(target_family = "wasm"))]
mod full;
#[cfg(any(target_family = "wasm", test))]
mod small;

pub use error::CompileError;
#[cfg(not(target_family = "wasm"))]
pub use full::{Expression, Set};
#[cfg(target_family = "wasm")]
pub use small::{Expression, Set};

#[cfg(test)]
mod tests;
