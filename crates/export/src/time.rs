//! The time of a call. The core has no clock: its host passes the time.

use std::time::Duration;

/// What both clocks of the host show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
  /// The monotonic clock: the time since any fixed moment of the host. Deadlines and delays are measured by it.
  pub elapsed: Duration,
  /// The wall clock, milliseconds since the epoch. Spans and files are dated by it.
  pub unix_ms: i64,
}
