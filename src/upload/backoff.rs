//! How long to wait before the next try.

use std::time::Duration;

/// The first wait is at most this long.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: each wait is drawn between nothing and a bound that doubles,
/// so that many processes that lost the same server do not come back at once.
#[derive(Default)]
pub struct Backoff {
  failures: u32,
}

impl Backoff {
  /// The wait after one more failure.
  pub fn wait(&mut self) -> Duration {
    let bound = FIRST
      .saturating_mul(2u32.saturating_pow(self.failures))
      .min(LONGEST);
    self.failures = self.failures.saturating_add(1);
    bound.mul_f64(fastrand::f64())
  }

  /// How many failures there were in a row.
  pub fn failures(&self) -> u32 {
    self.failures
  }

  /// Something worked.
  pub fn reset(&mut self) {
    self.failures = 0;
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn waits_grow_to_a_bound_and_start_over_after_a_success() {
    let mut backoff = Backoff::default();
    for failure in 0..100u32 {
      let bound = FIRST
        .saturating_mul(2u32.saturating_pow(failure.min(10)))
        .min(LONGEST);
      assert!(backoff.wait() <= bound);
    }
    backoff.reset();
    assert!(backoff.wait() <= FIRST);
  }
}
