//! What the JavaScript thread waits for at the end of the process.

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
  /// Something has changed.
  pub fn notify(&self) {
    // Held by a waiter until it waits: no change falls between its look and its wait.
    drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
    self.changed.notify_all();
  }

  /// Blocks until `look` finds what it waits for. `None` when it has not by `deadline`.
  pub fn wait<T>(&self, deadline: Instant, look: impl Fn() -> Option<T>) -> Option<T> {
    let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
      if let Some(found) = look() {
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
