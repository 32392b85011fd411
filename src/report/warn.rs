//! Warnings: one line on stderr, once for each sort of trouble.

use std::io::Write;

/// The sorts of trouble a user hears of, each with a code to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
  /// Braintrust cannot be reached or does not work; delivery is tried again.
  Unreachable,
  /// Braintrust refused the API key, or the organisation does not exist.
  Unauthorized,
  /// Rows are lost.
  Lost,
}

impl Warning {
  fn code(self) -> &'static str {
    match self {
      Self::Unreachable => "FLUE_BRAINTRUST_UNREACHABLE",
      Self::Unauthorized => "FLUE_BRAINTRUST_UNAUTHORIZED",
      Self::Lost => "FLUE_BRAINTRUST_LOST",
    }
  }
}

/// Which warnings were given already.
#[derive(Default)]
pub struct Warnings {
  given: Vec<Warning>,
}

impl Warnings {
  /// Says `message`, unless the same sort of warning was given before.
  pub fn once(&mut self, warning: Warning, message: &str) {
    if self.given(warning) {
      return;
    }
    self.given.push(warning);
    let line = format!("[flue-braintrust] {}: {message}\n", warning.code());
    // If stderr is closed there is nobody left to tell.
    let _closed = std::io::stderr().write_all(line.as_bytes());
  }

  /// Whether this sort of warning was given.
  pub fn given(&self, warning: Warning) -> bool {
    self.given.contains(&warning)
  }
}
