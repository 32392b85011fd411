//! An invariant that does not hold.

use std::{fmt, time::Duration};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
  /// The invariant.
  pub invariant: &'static str,
  /// When, since the world began.
  pub at: Duration,
  /// What was found.
  pub detail: String,
}

impl fmt::Display for Finding {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} at {:.3} s: {}", self.invariant, self.at.as_secs_f64(), self.detail)
  }
}
