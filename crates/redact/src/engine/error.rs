//! Why an expression cannot be compiled.

/// The largest size of a compiled expression, in bytes.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The reason that the compiler states.
#[derive(Debug, PartialEq, Eq)]
pub struct CompileError(pub String);
