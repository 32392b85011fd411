//! Where content waits for the JavaScript thread, which alone can call the user's masking function.
//!
//! The exporter's thread posts requests here; the JavaScript thread takes them, from time to time and at the end of
//! the process, and returns the masked content by a command.

use std::{
  collections::VecDeque,
  sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
  },
};

use export::masking::{MaskRequest, Masking};

/// The requests that wait.
#[derive(Default)]
pub struct MaskExchange {
  is_enabled: AtomicBool,
  /// No JavaScript runs any more.
  is_unavailable: AtomicBool,
  requests: Mutex<VecDeque<MaskRequest>>,
}

impl MaskExchange {
  /// From now on rows pass through the masking function, or not.
  pub fn enable(&self, enabled: bool) {
    self.is_enabled.store(enabled, Relaxed);
  }

  /// No JavaScript runs any more: what must be masked is lost.
  pub fn set_unavailable(&self) {
    self.is_unavailable.store(true, Relaxed);
  }

  /// Whether rows pass through the masking function.
  pub fn masking(&self) -> Masking {
    match (self.is_enabled.load(Relaxed), self.is_unavailable.load(Relaxed)) {
      (false, _) => Masking::Off,
      (true, false) => Masking::On,
      (true, true) => Masking::Unavailable,
    }
  }

  pub fn post(&self, request: MaskRequest) {
    self.lock().push_back(request);
  }

  /// Takes the request that has waited longest, as JSON: `{ batch, content }`.
  pub fn take(&self) -> Option<String> {
    let MaskRequest { batch, content } = self.lock().pop_front()?;
    Some(format!(r#"{{"batch":{batch},"content":{content}}}"#))
  }

  pub fn is_empty(&self) -> bool {
    self.lock().is_empty()
  }

  /// Nothing is masked any more.
  pub fn clear(&self) {
    self.lock().clear();
  }

  fn lock(&self) -> MutexGuard<'_, VecDeque<MaskRequest>> {
    self.requests.lock().unwrap_or_else(PoisonError::into_inner)
  }
}
