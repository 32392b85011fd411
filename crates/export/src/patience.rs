//! How long a request may go without a response before it is repeated.
//!
//! A connection can be dropped without a word: after a suspension of the machine, by a firewall, by a server that
//! hangs. The time adapts to what the server usually takes, so that a slow server gets no request twice.

use std::time::Duration;

/// The time before anything is known of the server.
const FIRST: Duration = Duration::from_secs(2);
/// The shortest time.
const LEAST: Duration = Duration::from_secs(1);
/// The same as the process ends.
const LEAST_AT_EXIT: Duration = Duration::from_millis(100);
/// The factor of the slowest recent response.
const FACTOR: u32 = 2;
/// The bytes of a body that a slow network carries in a second.
const BYTES_PER_SECOND: f64 = 128.0 * 1024.0;

/// The patience with a server.
#[derive(Debug, Default)]
pub struct Patience {
  /// The slowest response, which fades with each faster one.
  slowest: Option<Duration>,
  /// How long the last repetition waited in vain, until there is a response.
  unanswered: Duration,
  /// The most time, as the process is about to end.
  most: Option<Duration>,
}

impl Patience {
  /// Notes that a response took so long.
  pub fn note(&mut self, took: Duration) {
    let faded = self.slowest.unwrap_or_default().mul_f64(0.9);
    self.slowest = Some(faded.max(took));
    self.unanswered = Duration::ZERO;
  }

  /// Notes that a repetition had no response for so long: the server may be slow, and the next one waits for longer.
  pub fn note_unanswered(&mut self, waited: Duration) {
    self.unanswered = self.unanswered.max(waited);
  }

  /// Bounds the time: the process ends in `remaining`, which leaves room for a repetition and its own repetition.
  pub fn limit(&mut self, remaining: Duration) {
    let most = (remaining / 4).max(LEAST_AT_EXIT);
    self.most = Some(self.most.map_or(most, |before| before.min(most)));
  }

  /// The time before the first repetition of a request with a body of `bytes`.
  pub fn time(&self, bytes: usize) -> Duration {
    let usual = self.slowest.map_or(FIRST, |slowest| (slowest * FACTOR).max(LEAST));
    let usual = usual.max(self.unanswered * FACTOR);
    let time = usual + Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
    self.most.map_or(time, |most| time.min(most))
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const SECOND: Duration = Duration::from_secs(1);

  #[test]
  fn a_slow_server_gets_more_time_until_it_is_fast_again() {
    let mut patience = Patience::default();
    assert_eq!(patience.time(0), FIRST);
    patience.note(Duration::from_millis(20));
    assert_eq!(patience.time(0), LEAST);
    patience.note(5 * SECOND);
    assert_eq!(patience.time(0), 10 * SECOND);
    (0..50).for_each(|_| patience.note(Duration::from_millis(20)));
    assert_eq!(patience.time(0), LEAST);
  }

  #[test]
  fn repetitions_in_vain_get_more_time_until_there_is_a_response() {
    let mut patience = Patience::default();
    patience.note(Duration::from_millis(20));
    patience.note_unanswered(4 * SECOND);
    assert_eq!(patience.time(0), 8 * SECOND);
    patience.note(Duration::from_millis(20));
    assert_eq!(patience.time(0), LEAST);
  }

  #[test]
  fn a_large_body_gets_more_time() {
    let patience = Patience::default();
    assert_eq!(patience.time(1 << 20), FIRST + 8 * SECOND);
  }

  #[test]
  fn before_the_end_the_time_leaves_room_for_repetitions() {
    let mut patience = Patience::default();
    patience.note(5 * SECOND);
    patience.limit(2 * SECOND);
    patience.limit(4 * SECOND);
    assert_eq!(patience.time(1 << 20), SECOND / 2);
  }
}
