//! Blocks the JavaScript thread at the end of the process until everything is delivered, the exporter has ended, or
//! content must be masked.

use std::{
  sync::{Condvar, Mutex, PoisonError},
  time::Duration,
};

use crate::clock::Clock;

/// How long it waits at most before it looks at the clock again.
const STEP: Duration = Duration::from_millis(100);

/// Wakes the waiting thread whenever something may have changed.
#[derive(Default)]
pub struct ExitSignal {
  lock: Mutex<()>,
  changed: Condvar,
}

impl ExitSignal {
  /// Wakes the waiting thread to poll again.
  pub fn notify(&self) {
    // The waiter holds the lock until it waits: no notification falls between its poll and its wait.
    drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
    self.changed.notify_all();
  }

  /// Blocks until `poll` finds what it waits for. `None` when it has not by `deadline`.
  pub fn wait<T>(
    &self,
    clock: &Clock,
    deadline: Duration,
    poll: impl Fn() -> Option<T>,
  ) -> Option<T> {
    let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
      if let Some(found) = poll() {
        return Some(found);
      }
      let now = clock.elapsed();
      let left = deadline.saturating_sub(now).min(STEP);
      if left.is_zero() {
        return None;
      }
      held = self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
      clock.woke(now + left);
    }
  }
}
