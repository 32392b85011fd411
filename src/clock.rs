//! The clocks of the process.

use std::{
  sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
  },
  time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use export::Now;

/// The most that counts of the time in which no thread ran: the process was stopped, or its machine.
const MAX_LATE: Duration = Duration::from_millis(500);

/// The monotonic clock, which starts at zero, and the wall clock. While the process is stopped, the monotonic clock
/// stands still, so that no deadline passes without a chance to meet it: as far as a thread waits by it and then calls
/// [`woke`](Self::woke).
#[derive(Debug)]
pub struct Clock {
  start: Instant,
  /// How long it stood still, in microseconds.
  stood_still: AtomicU64,
  /// What it showed last, in microseconds: what has passed by then stays passed.
  shown: AtomicU64,
  /// One thread after another notes that it woke: the same stop counts once.
  waking: Mutex<()>,
}

impl Clock {
  /// A clock that starts at zero now.
  pub fn start() -> Self {
    Self {
      start: Instant::now(),
      stood_still: AtomicU64::new(0),
      shown: AtomicU64::new(0),
      waking: Mutex::default(),
    }
  }

  /// The time now.
  pub fn now(&self) -> Now {
    Now { elapsed: self.elapsed(), unix_ms: unix_ms() }
  }

  /// The time since the clock was started.
  pub fn elapsed(&self) -> Duration {
    let elapsed = self.start.elapsed().saturating_sub(self.stood_still());
    self.shown.store(micros(elapsed), Relaxed);
    elapsed
  }

  /// The instant at which the clock shows `elapsed`.
  pub fn at(&self, elapsed: Duration) -> Instant {
    self.start + self.stood_still() + elapsed
  }

  /// Notes that a thread woke that has waited until `due` at the latest. If it woke much later, and nothing has read the
  /// clock meanwhile, the process was stopped.
  pub fn woke(&self, due: Duration) {
    self.woke_after(self.start.elapsed(), due);
  }

  fn woke_after(&self, since_start: Duration, due: Duration) {
    let _alone = self.waking.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = Duration::from_micros(self.shown.load(Relaxed));
    let elapsed = since_start.saturating_sub(self.stood_still());
    let late = elapsed.saturating_sub(due.max(shown));
    let excess = late.saturating_sub(MAX_LATE);
    self.stood_still.fetch_add(micros(excess), Relaxed);
    self.shown.store(micros(elapsed.saturating_sub(excess)), Relaxed);
  }

  fn stood_still(&self) -> Duration {
    Duration::from_micros(self.stood_still.load(Relaxed))
  }
}

fn micros(time: Duration) -> u64 {
  u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the wall clock is read here")]
fn unix_ms() -> i64 {
  let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
  since.and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
  use super::*;

  const SECOND: Duration = Duration::from_secs(1);

  #[test]
  fn a_stop_counts_half_a_second_whichever_threads_wake_from_it() {
    let clock = Clock::start();
    // One that wakes in time.
    clock.woke_after(SECOND, SECOND);
    // Two that wait until the third second wake in the seventieth.
    clock.woke_after(70 * SECOND, 3 * SECOND);
    clock.woke_after(70 * SECOND, 2 * SECOND);
    assert_eq!(clock.stood_still(), 67 * SECOND - MAX_LATE);
    clock.woke_after(71 * SECOND, 4 * SECOND);
    assert_eq!(clock.stood_still(), 67 * SECOND - MAX_LATE);
  }
}
