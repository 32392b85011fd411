//! The end of the process after its last JavaScript: a function that the C library calls in `exit()`.
//!
//! Node runs no listener after one that calls `process.exit` or throws, and no hook of an addon after `process.exit`.
//! Here the exporters that JavaScript did not shut down still deliver and report.
//!
//! Not on Windows, which ends all other threads before it calls such functions: there is nothing to wait for.

#![allow(unsafe_code, reason = "the C library is called")]

use std::{
  panic::catch_unwind,
  process,
  sync::{Arc, Once, OnceLock},
};

use super::{
  ending::{Exporters, end_without_javascript},
  shared::Shared,
};

/// The exporters of all threads.
static EXPORTERS: Exporters = Exporters::new();

/// Shuts the exporter down in `exit()` at the latest.
pub fn register(shared: &Arc<Shared>) {
  EXPORTERS.add(shared);
  static REGISTERED: Once = Once::new();
  REGISTERED.call_once(listen);
}

fn listen() {
  unsafe extern "C" {
    fn atexit(callback: extern "C" fn()) -> i32;
  }

  static PROCESS: OnceLock<u32> = OnceLock::new();

  extern "C" fn on_exit() {
    // A process forked from this one has none of its threads.
    if PROCESS.get() == Some(&process::id()) {
      // A panic must not unwind into the C library.
      let _panicked = catch_unwind(end_all);
    }
  }

  PROCESS.get_or_init(process::id);
  // SAFETY: the binary, and with it the function, stays loaded. A failure leaves the JavaScript listeners.
  unsafe { atexit(on_exit) };
}

/// Shuts down the exporters that have not ended.
fn end_all() {
  let left: Vec<_> = EXPORTERS.take().into_iter().filter(|shared| !shared.has_ended()).collect();
  end_without_javascript(&left);
}
