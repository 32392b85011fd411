//! The clocks of the process.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use export::Now;

/// The monotonic clock, which starts at zero, and the wall clock. Copies show the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
  /// A clock that starts at zero now.
  pub fn start() -> Self {
    Self(Instant::now())
  }

  /// The time now.
  pub fn now(self) -> Now {
    Now { elapsed: self.elapsed(), unix_ms: unix_ms() }
  }

  /// The time since the clock was started.
  pub fn elapsed(self) -> Duration {
    self.0.elapsed()
  }

  /// The instant at which the clock shows `elapsed`.
  pub fn at(self, elapsed: Duration) -> Instant {
    self.0 + elapsed
  }
}

#[expect(clippy::disallowed_methods, reason = "the wall clock is read here")]
fn unix_ms() -> i64 {
  let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
  since.and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok()).unwrap_or(0)
}
