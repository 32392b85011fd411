//! Warnings: one line on stderr, once for each sort of trouble.

use std::{
  io::Write,
  sync::{Mutex, PoisonError},
};

/// The sorts of trouble a user hears of, each with a code to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
  /// Braintrust cannot be reached or does not work; delivery is tried again.
  Unreachable,
  /// The server refused the API key, has no such organisation, or is not Braintrust.
  Refused,
  /// Rows or events are lost.
  Lost,
  /// What was lost in all, told at the end.
  Exit,
  /// What should outlive the process cannot be kept.
  Spool,
}

impl Warning {
  fn code(self) -> &'static str {
    match self {
      Self::Unreachable => "FLUE_BRAINTRUST_UNREACHABLE",
      Self::Refused => "FLUE_BRAINTRUST_REFUSED",
      Self::Lost => "FLUE_BRAINTRUST_LOST",
      Self::Exit => "FLUE_BRAINTRUST_EXIT",
      Self::Spool => "FLUE_BRAINTRUST_SPOOL",
    }
  }
}

/// Which warnings were given already.
#[derive(Default)]
pub struct Warnings {
  given: Mutex<Vec<Warning>>,
}

impl Warnings {
  /// Says `message`, unless the same sort of warning was given before.
  pub fn once(&self, warning: Warning, message: &str) {
    let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
    if given.contains(&warning) {
      return;
    }
    given.push(warning);
    let line = format!("[flue-braintrust] {}: {message}\n", warning.code());
    // If stderr is closed there is nobody left to tell.
    let _closed = std::io::stderr().write_all(line.as_bytes());
  }
}
