//! The end of an exporter with its process, as the thread that waits for it sees it.

use std::{
  mem,
  sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
  time::{Duration, Instant},
};

use export::{
  diagnostics::{Code, rows_are},
  loss::LossReason,
};

use super::{shared::Shared, stderr};

/// How long after the deadline the JavaScript thread still waits for the exporter to end, and then for its lines on
/// stderr.
pub const GRACE: Duration = Duration::from_millis(250);

/// What the JavaScript thread waits for at the end of the process.
#[derive(Clone, Copy)]
pub enum ExitStep {
  /// Everything is delivered; events are still accepted.
  Delivery,
  /// The same after the open spans are closed.
  Interruption,
  /// The exporter has ended.
  Shutdown,
}

/// Why a wait for the thread ended.
enum Waited {
  Done,
  /// There is content to mask.
  Masking,
}

/// The exporters of an environment, or of the process, as far as they exist.
#[derive(Default)]
pub struct Exporters(Mutex<Vec<Weak<Shared>>>);

impl Exporters {
  /// No exporters.
  pub const fn new() -> Self {
    Self(Mutex::new(Vec::new()))
  }

  /// Adds an exporter.
  pub fn add(&self, shared: &Arc<Shared>) {
    let mut exporters = self.lock();
    exporters.retain(|exporter| exporter.strong_count() > 0);
    exporters.push(Arc::downgrade(shared));
  }

  /// Removes all exporters, and returns those that exist.
  pub fn take(&self) -> Vec<Arc<Shared>> {
    let exporters = mem::take(&mut *self.lock());
    exporters.iter().filter_map(Weak::upgrade).collect()
  }

  /// Those that exist.
  pub fn present(&self) -> Vec<Arc<Shared>> {
    self.lock().iter().filter_map(Weak::upgrade).collect()
  }

  fn lock(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
    self.0.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

/// Begins a step.
pub fn begin(shared: &Arc<Shared>, step: ExitStep) {
  start_if_events_wait(shared);
  match step {
    ExitStep::Delivery => shared.deliver_before_exit(false),
    ExitStep::Interruption => shared.deliver_before_exit(true),
    ExitStep::Shutdown => shared.shut_down_at_exit(),
  }
}

/// Shuts exporters down and waits for their threads to end, when JavaScript cannot run any more. If the process `began`
/// to end, the exit timeout runs since then.
pub fn end_without_javascript(exporters: &[Arc<Shared>], began: Option<Instant>) {
  for shared in exporters {
    if let Some(began) = began {
      shared.begin_exit_timeout(began);
    }
    shared.masks.set_unavailable();
    begin(shared, ExitStep::Shutdown);
  }
  for shared in exporters {
    wait(shared, ExitStep::Shutdown, None);
  }
}

/// Starts the thread if it could not be started when the first events came.
pub fn start_if_events_wait(shared: &Arc<Shared>) {
  if shared.queue.begin_for_waiting() {
    shared.start();
  }
}

/// Waits until a step is done. A caller that masks content states the longest time to wait: false when it has passed, or
/// content must be masked first.
pub fn wait(shared: &Shared, step: ExitStep, slice: Option<Duration>) -> bool {
  let now = shared.clock.elapsed();
  let end = shared.queue.deadline().unwrap_or(now) + GRACE;
  let until = slice.map_or(end, |slice| end.min(now + slice));
  let waited = shared.exit_signal.wait(&shared.clock, until, || {
    let is_done = match step {
      ExitStep::Delivery | ExitStep::Interruption => shared.has_delivered(),
      ExitStep::Shutdown => shared.has_ended(),
    };
    if is_done {
      Some(Waited::Done)
    } else if slice.is_some() && !shared.masks.is_empty() {
      Some(Waited::Masking)
    } else {
      None
    }
  });
  let is_late = match waited {
    Some(Waited::Done) => false,
    None if until == end => true,
    Some(Waited::Masking) | None => return false,
  };
  if matches!(step, ExitStep::Shutdown) {
    if is_late {
      report_unprocessed(shared);
    } else if shared.queue.has_thread() {
      // It may have ended before, and have refused events since.
      shared.account.warn_total_lost();
    } else {
      // The thread never started: what waits for it is lost.
      shared.on_thread_exit(LossReason::NotDeliveredAtExit);
    }
    stderr::wait(GRACE);
  }
  true
}

/// Reports the rows of a thread that did not end in time.
fn report_unprocessed(shared: &Shared) {
  let stats = shared.account.counters.stats();
  let unprocessed = shared.account.counters.unprocessed();
  let lost = stats.pending + stats.lost.values().sum::<u64>() + unprocessed;
  let message =
    format!("{} lost: the process ends before the events are processed.", rows_are(lost));
  shared.account.diagnostics.once(Code::Exit, &message);
}

#[cfg(test)]
mod tests {
  use export::config::Settings;

  use super::*;

  fn exporter() -> Arc<Shared> {
    let settings = Settings::parse(r#"{"options":{"apiKey":"key"},"env":{},"file":{}}"#).unwrap();
    Arc::new(Shared::new(Box::new(|_| {}), settings, Box::new(|_| {}), Box::new(|_| {})))
  }

  #[test]
  fn exporters_that_are_gone_take_no_memory() {
    let exporters = Exporters::new();
    for _ in 0..100 {
      exporters.add(&exporter());
    }
    assert_eq!(exporters.lock().len(), 1);
    let present = exporter();
    exporters.add(&present);
    assert_eq!(exporters.take().len(), 1);
  }
}
