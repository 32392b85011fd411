//! Why an expression cannot be compiled.

/// The largest size of a compiled expression, in bytes.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The reason that the compiler states.
#[derive(Debug, PartialEq, Eq)]
pub struct CompileError(pub String);

impl CompileError {
  /// The last line of the compiler's message. The lines above show the position.
  pub fn of_message(message: &str) -> Self {
    let last = message.lines().last().unwrap_or_default();
    Self(last.strip_prefix("error: ").unwrap_or(last).to_owned())
  }
}
