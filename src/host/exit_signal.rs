//! Blocks the JavaScript thread at the end of the process until everything is delivered, the exporter has ended, or
//! content must be masked.

use std::{
  sync::{Condvar, Mutex, PoisonError},
  time::Instant,
};

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
  pub fn wait<T>(&self, deadline: Instant, poll: impl Fn() -> Option<T>) -> Option<T> {
    let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
      if let Some(found) = poll() {
        return Some(found);
      }
      let left = deadline.saturating_duration_since(Instant::now());
      if left.is_zero() {
        return None;
      }
      held = self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
    }
  }
}
