//! Where rows wait for the JavaScript thread, which alone can call the application's masking function.
//!
//! The engine's thread puts the content of rows here; the JavaScript thread takes it, from time to time and
//! at the end of the process, and gives it back by a command.

use std::{
  collections::VecDeque,
  sync::{
    Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
  },
};

use tokio::time::Instant;

/// The content of some rows.
#[derive(Debug)]
pub struct Unmasked {
  /// By which the engine knows them.
  pub batch: u64,
  /// One object for each, as the JSON of a list.
  pub content: String,
}

impl Unmasked {
  /// `{ batch, content }`.
  pub fn to_json(&self) -> String {
    format!(r#"{{"batch":{},"content":{}}}"#, self.batch, self.content)
  }
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
  /// The engine has ended.
  Ended,
  /// There is something to mask.
  Unmasked,
  /// Neither, and the time is up.
  Late,
}

/// The content that is to be masked.
#[derive(Default)]
pub struct Masks {
  wanted: AtomicBool,
  /// Nobody is left to mask.
  forsaken: AtomicBool,
  state: Mutex<State>,
  changed: Condvar,
}

#[derive(Default)]
struct State {
  unmasked: VecDeque<Unmasked>,
  ended: bool,
}

impl Masks {
  /// From now on rows are masked, or not.
  pub fn want(&self, wanted: bool) {
    self.wanted.store(wanted, Relaxed);
  }

  /// Whether rows are to be masked.
  pub fn are_wanted(&self) -> bool {
    self.wanted.load(Relaxed)
  }

  /// Nobody will mask any more: what must be masked is lost.
  pub fn forsake(&self) {
    self.forsaken.store(true, Relaxed);
  }

  /// Whether what must be masked is lost.
  pub fn are_forsaken(&self) -> bool {
    self.are_wanted() && self.forsaken.load(Relaxed)
  }

  /// Puts content here to be masked.
  pub fn post(&self, unmasked: Unmasked) {
    self.lock().unmasked.push_back(unmasked);
    self.changed.notify_all();
  }

  /// Takes the content that has waited longest.
  pub fn take(&self) -> Option<Unmasked> {
    self.lock().unmasked.pop_front()
  }

  /// The engine has ended: nothing is masked any more.
  pub fn end(&self) {
    let mut state = self.lock();
    state.ended = true;
    state.unmasked.clear();
    drop(state);
    self.changed.notify_all();
  }

  /// Blocks until the engine has ended or there is something to mask, if that is `wanted`.
  pub fn wait(&self, until: Instant, wanted: bool) -> Waited {
    let mut state = self.lock();
    loop {
      if state.ended {
        return Waited::Ended;
      }
      if wanted && !state.unmasked.is_empty() {
        return Waited::Unmasked;
      }
      let left = until.saturating_duration_since(Instant::now());
      if left.is_zero() {
        return Waited::Late;
      }
      state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}
