//! The end of the process: its beginning on the main thread, and a function that the C library calls in `exit()`.
//!
//! Node ends worker threads one after another, and each waits for its exporters. So all begin to deliver with the main
//! thread, by one deadline.
//!
//! Node runs no listener after one that calls `process.exit` or throws, and no hook of an addon after `process.exit`.
//! In `exit()` the exporters that JavaScript did not shut down still deliver and report. Not on Windows, which ends all
//! other threads before it calls such functions: there is nothing to wait for.

#![allow(unsafe_code, reason = "the C library is called")]

use std::{
  sync::{Arc, Mutex, PoisonError},
  time::Instant,
};

use super::{
  ending::{self, ExitStep, Exporters},
  shared::Shared,
  stderr,
};

/// The part of the exit timeout in which JavaScript may mask, as in `js/masking.js`.
const MASKING_SHARE: f64 = 0.75;

/// The exporters of all threads.
static EXPORTERS: Exporters = Exporters::new();
/// When the main thread began to end.
static BEGAN: Mutex<Option<Instant>> = Mutex::new(None);

/// Has the exporter end with the process: shuts it down in `exit()` at the latest.
pub fn register(shared: &Arc<Shared>) {
  EXPORTERS.add(shared);
  #[cfg(unix)]
  listen();
}

/// Prints a line of JavaScript's on stderr. Never blocks; `exit()` waits until it is written, even without an exporter.
/// The binary must stay loaded from now on.
pub fn print_line(line: &str) {
  #[cfg(unix)]
  listen();
  stderr::print(line);
}

/// The main thread begins to end: all exporters deliver what they have. Events are still accepted.
pub fn begin() {
  *BEGAN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
  for shared in EXPORTERS.present() {
    ending::begin(&shared, ExitStep::Delivery);
  }
}

/// A signal ends the process next: shuts down the exporters that have not ended, those of workers. Their JavaScript still
/// runs: it may mask for three quarters of the time that is left.
pub fn end_now() {
  let left = left();
  for shared in &left {
    ending::begin(shared, ExitStep::Interruption);
  }
  for shared in &left {
    let until = shared.clock.elapsed() + shared.exit_time_left().mul_f64(MASKING_SHARE);
    shared.exit_signal.wait(&shared.clock, until, || shared.has_delivered().then_some(()));
  }
  ending::end_without_javascript(&left, began());
  stderr::wait(ending::GRACE);
}

/// When the main thread began to end, if it has.
pub fn began() -> Option<Instant> {
  *BEGAN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the C library call [`end_all`] in `exit()`.
#[cfg(unix)]
fn listen() {
  use std::{
    panic::catch_unwind,
    process,
    sync::{Once, OnceLock},
  };

  unsafe extern "C" {
    fn atexit(callback: extern "C" fn()) -> i32;
  }

  static PROCESS: OnceLock<u32> = OnceLock::new();
  static REGISTERED: Once = Once::new();

  extern "C" fn on_exit() {
    // A process forked from this one has none of its threads.
    if PROCESS.get() == Some(&process::id()) {
      // A panic must not unwind into the C library.
      let _panicked = catch_unwind(end_all);
    }
  }

  REGISTERED.call_once(|| {
    PROCESS.get_or_init(process::id);
    // SAFETY: the binary, and with it the function, stays loaded. A failure leaves the JavaScript listeners.
    unsafe { atexit(on_exit) };
  });
}

/// Removes the exporters that have not ended from the registry, and returns them.
fn left() -> Vec<Arc<Shared>> {
  EXPORTERS.take().into_iter().filter(|shared| !shared.has_ended()).collect()
}

/// Shuts down the exporters that have not ended.
#[cfg(unix)]
fn end_all() {
  ending::end_without_javascript(&left(), began());
  // What JavaScript printed last.
  stderr::wait(ending::GRACE);
}
