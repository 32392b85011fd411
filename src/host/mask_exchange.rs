//! Mask requests for the JavaScript thread, the only one that can call the user's masking function.
//!
//! The exporter's thread posts requests here; the JavaScript thread takes them, from time to time and at the end of
//! the process, and returns the masked content by a command.

use std::{
  collections::VecDeque,
  sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
  },
};

use export::masking::MaskRequest;

/// The queued mask requests.
#[derive(Default)]
pub struct MaskExchange {
  /// How often a masking function was set and removed: odd while one is set.
  changes: AtomicU32,
  /// Whether the JavaScript thread can no longer call the masking function.
  is_unavailable: AtomicBool,
  requests: Mutex<VecDeque<MaskRequest>>,
}

impl MaskExchange {
  /// Notes that a masking function is set or removed. The number of changes if this is one. For the JavaScript thread.
  pub fn enable(&self, enabled: bool) -> Option<u32> {
    let changes = self.changes();
    (enabled != Self::is_set(changes)).then(|| {
      self.changes.store(changes.wrapping_add(1), Relaxed);
      changes.wrapping_add(1)
    })
  }

  /// Whether one is set after so many changes.
  pub fn is_set(changes: u32) -> bool {
    changes % 2 == 1
  }

  /// How often a masking function was set and removed.
  pub fn changes(&self) -> u32 {
    self.changes.load(Relaxed)
  }

  /// The masking function can no longer be called: rows that must be masked are sent without content.
  pub fn set_unavailable(&self) {
    self.is_unavailable.store(true, Relaxed);
  }

  /// Whether the masking function can no longer be called.
  pub fn is_unavailable(&self) -> bool {
    self.is_unavailable.load(Relaxed)
  }

  /// Queues a request.
  pub fn post(&self, request: MaskRequest) {
    self.lock().push_back(request);
  }

  /// Takes the oldest request, as JSON: `{ batch, content }`.
  pub fn take(&self) -> Option<String> {
    let MaskRequest { batch, content } = self.lock().pop_front()?;
    Some(format!(r#"{{"batch":{batch},"content":{content}}}"#))
  }

  /// Whether no request is queued.
  pub fn is_empty(&self) -> bool {
    self.lock().is_empty()
  }

  /// Drops all requests.
  pub fn clear(&self) {
    self.lock().clear();
  }

  fn lock(&self) -> MutexGuard<'_, VecDeque<MaskRequest>> {
    self.requests.lock().unwrap_or_else(PoisonError::into_inner)
  }
}
