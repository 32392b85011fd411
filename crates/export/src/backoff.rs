//! The delay before the next attempt.

use std::time::Duration;

use fastrand::Rng;

/// The bound of the first delay.
const FIRST: Duration = Duration::from_millis(500);
/// The bound that no delay exceeds.
const MAX: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: each delay is drawn between zero and a bound that doubles, so that many
/// processes do not retry at the same moment.
#[derive(Debug)]
pub struct Backoff {
  rng: Rng,
  failures: u32,
  /// When the last failure was counted.
  failed_at: Option<Duration>,
}

impl Backoff {
  /// A backoff without failures. `seed` is random, so that no two processes draw the same delays.
  pub fn new(seed: u64) -> Self {
    Self { rng: Rng::with_seed(seed), failures: 0, failed_at: None }
  }

  /// The delay after a failure at `now` of a request that began at `began`. Requests in flight at the same time that
  /// fail together count as one failure.
  pub fn next_delay(&mut self, began: Duration, now: Duration) -> Duration {
    if self.failed_at.is_none_or(|failed| failed <= began) {
      self.failures = self.failures.saturating_add(1);
      self.failed_at = Some(now);
    }
    let doublings = self.failures.saturating_sub(1);
    let bound = FIRST.saturating_mul(2u32.saturating_pow(doublings)).min(MAX);
    bound.mul_f64(self.rng.f64())
  }

  /// The delay of one request that fails for the `attempt`th time while others succeed: at most `most`.
  pub fn delay_of(&mut self, attempt: u32, most: Duration) -> Duration {
    let bound = FIRST.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1))).min(most);
    bound.mul_f64(self.rng.f64())
  }

  /// The number of failures in a row.
  pub fn failures(&self) -> u32 {
    self.failures
  }

  /// A request succeeded.
  pub fn reset(&mut self) {
    self.failures = 0;
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  /// Each request begins when the one before has failed.
  fn delays(seed: u64, failures: u32) -> Vec<Duration> {
    let mut backoff = Backoff::new(seed);
    let at = |failure: u32| Duration::from_secs(failure.into());
    (0..failures).map(|failure| backoff.next_delay(at(failure), at(failure))).collect()
  }

  #[test]
  fn delays_grow_to_a_bound_and_start_over_after_a_success() {
    for seed in 0..100 {
      for (failure, delay) in (0..).zip(delays(seed, 100)) {
        assert!(delay <= FIRST.saturating_mul(2u32.saturating_pow(failure)).min(MAX));
      }
    }
    let mut backoff = Backoff::new(1);
    for at in (0..20).map(Duration::from_secs) {
      backoff.next_delay(at, at);
    }
    backoff.reset();
    assert!(backoff.next_delay(Duration::from_secs(30), Duration::from_secs(30)) <= FIRST);
  }

  #[test]
  fn a_delay_is_drawn_anywhere_between_zero_and_its_bound() {
    let delays: Vec<Duration> = (0..200).filter_map(|seed| delays(seed, 20).pop()).collect();
    for quarter in 0..4 {
      let within = MAX.mul_f64(f64::from(quarter) / 4.0)..MAX.mul_f64(f64::from(quarter + 1) / 4.0);
      assert!(delays.iter().any(|delay| within.contains(delay)), "{within:?}");
    }
  }

  #[test]
  fn requests_that_fail_together_count_as_one_failure() {
    let mut backoff = Backoff::new(1);
    for at in 1..9 {
      assert!(backoff.next_delay(Duration::ZERO, Duration::from_secs(at)) <= FIRST);
    }
    assert_eq!(backoff.failures(), 1);
  }
}
