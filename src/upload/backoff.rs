//! How long to wait before the next try.

use std::time::Duration;

use tokio::time::Instant;

/// The first wait is at most this long.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: each wait is drawn between nothing and a bound that doubles,
/// so that many processes that lost the same server do not come back at once.
#[derive(Default)]
pub struct Backoff {
  failures: u32,
  /// When the last failure was counted.
  failed: Option<Instant>,
}

impl Backoff {
  /// The wait after the failure of a request that began then. Requests that were under way together and
  /// failed together are one failure.
  pub fn wait(&mut self, began: Instant) -> Duration {
    if self.failed.is_none_or(|failed| failed <= began) {
      self.failures = self.failures.saturating_add(1);
      self.failed = Some(Instant::now());
    }
    let doublings = self.failures.saturating_sub(1);
    let bound = FIRST.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST);
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
      let bound = FIRST.saturating_mul(2u32.saturating_pow(failure.min(10))).min(LONGEST);
      assert!(backoff.wait(Instant::now()) <= bound);
    }
    backoff.reset();
    assert!(backoff.wait(Instant::now()) <= FIRST);
  }

  #[test]
  fn a_wait_is_anything_between_nothing_and_its_bound() {
    let wait = || {
      let mut backoff = Backoff::default();
      (0..20).map(|_| backoff.wait(Instant::now())).last().unwrap()
    };
    let waits: Vec<Duration> = (0..200).map(|_| wait()).collect();
    for quarter in 0..4 {
      let within =
        LONGEST.mul_f64(f64::from(quarter) / 4.0)..LONGEST.mul_f64(f64::from(quarter + 1) / 4.0);
      assert!(waits.iter().any(|wait| within.contains(wait)), "{within:?}");
    }
  }

  #[test]
  fn requests_that_fail_together_are_one_failure() {
    let mut backoff = Backoff::default();
    let began = Instant::now();
    for _ in 0..8 {
      assert!(backoff.wait(began) <= FIRST);
    }
    assert_eq!(backoff.failures(), 1);
  }
}
