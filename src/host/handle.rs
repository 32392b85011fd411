//! The JavaScript thread's handle of an exporter.

use std::{
  io::Write,
  panic::{AssertUnwindSafe, catch_unwind},
  sync::Arc,
  time::Duration,
};

use export::{
  admission::Priority,
  config::Settings,
  counters::Stats,
  diagnostics::{Code, Diagnostic, rows_are},
  loss::LossReason,
};

use super::{
  chunks::EventText,
  command::{Command, Reply, Report},
  shared::{Shared, TraceDestination},
  thread,
};

/// How long after the deadline the JavaScript thread still waits for the exporter's thread to end.
const GRACE: Duration = Duration::from_millis(250);

/// The JavaScript thread's handle of an exporter.
pub struct ExporterHandle {
  settings: Arc<Settings>,
  shared: Arc<Shared>,
}

/// Why a wait for the thread ended.
enum Waited {
  Ended,
  /// There is content to mask.
  Masking,
}

impl ExporterHandle {
  /// An exporter without a connection. Only with a spool, whose files of dead processes are adopted, its thread starts
  /// at once. Touches no disk, which may not respond.
  pub fn new(settings: Settings) -> Self {
    let shared = Shared::new(&settings, Box::new(print), Box::new(print_debug));
    let handle = Self { settings: Arc::new(settings), shared: Arc::new(shared) };
    if handle.settings.spool.is_some() && handle.shared.queue.begin() {
      handle.start();
    }
    handle
  }

  /// Pushes one event. Never blocks; false when it is refused. A refused event is counted, unless it continues a span:
  /// then its minimal end is expected next.
  pub fn record(&self, event: &impl EventText, priority: Priority) -> bool {
    match self.shared.queue.push(event, priority) {
      Ok(first) => {
        self.shared.account.accept_event(priority);
        if first {
          self.start();
        }
        true
      }
      Err(reason) => {
        if priority.counts_when_refused() {
          self.refuse(reason, event.len());
        }
        false
      }
    }
  }

  /// Counts an event that comes after [`Self::shutdown`].
  pub fn refuse_late(&self) {
    self.refuse(LossReason::Closed, 0);
  }

  fn refuse(&self, reason: LossReason, bytes: usize) {
    let why = match reason {
      LossReason::QueueFull => "the queue is full",
      LossReason::Closed => "the recorder is closed",
      LossReason::UnreadableEvent => "the event text cannot be copied",
      _ => "the exporter's thread has stopped",
    };
    self.shared.account.refuse(reason, bytes, why, self.shared.clock.elapsed());
  }

  /// Calls `reply` once every event accepted until now is settled, or `timeout` has passed.
  pub fn flush(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    // Without a thread nothing is pending: the dropped command sends its reply.
    self.shared.queue.command(Command::Flush {
      deadline: self.shared.clock.elapsed() + timeout,
      reply: Reply::new(self.shared.account.clone(), reply),
    });
  }

  /// Refuses further events, closes the open spans, delivers rows until `timeout` has passed, counts the
  /// rest as lost and ends the thread. Then calls `reply`.
  pub fn shutdown(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.shared.shut_down(timeout, reply);
  }

  /// [`Self::shutdown`] within the exit timeout of the settings, or what is left of it if shutdown has begun
  /// before.
  pub fn begin_shutdown(&self) {
    begin_shutdown(&self.shared, self.settings.exit_timeout);
  }

  /// Waits for what [`Self::begin_shutdown`] began: the end of the process. False when content must be masked
  /// first; then this is to be called again.
  pub fn wait_shutdown(&self) -> bool {
    wait_shutdown(&self.shared, true)
  }

  /// Sets whether rows pass through the masking function from now on. Default: no.
  pub fn set_masking(&self, wanted: bool) {
    self.shared.masks.enable(wanted);
  }

  /// The next mask request, as JSON: `{ batch, content }`.
  pub fn take_mask_request(&self) -> Option<String> {
    self.shared.masks.take()
  }

  /// Passes the masked content of a batch to the exporter.
  pub fn complete_masking(&self, batch: u64, content: String) {
    self.shared.queue.command(Command::Masked { batch, content });
  }

  /// Whether no thread runs: it has not started, or it has ended.
  pub fn is_at_rest(&self) -> bool {
    self.shared.queue.is_at_rest()
  }

  /// A hook for the end of the environment: shuts down, and waits for the exporter's thread to end.
  pub fn cleanup_hook(&self) -> impl FnOnce() + Send + 'static {
    let (shared, timeout) = (Arc::downgrade(&self.shared), self.settings.exit_timeout);
    move || {
      if let Some(shared) = shared.upgrade() {
        shared.masks.set_unavailable();
        begin_shutdown(&shared, timeout);
        wait_shutdown(&shared, false);
      }
    }
  }

  /// The diagnostics since the last call.
  pub fn take_diagnostics(&self) -> Vec<Diagnostic> {
    self.shared.account.diagnostics.take()
  }

  /// Where spans are shown.
  pub fn trace_destination(&self) -> TraceDestination {
    self.shared.trace_destination()
  }

  /// The counters now.
  pub fn stats(&self) -> Stats {
    self.shared.account.counters.stats()
  }

  fn start(&self) {
    let (shared, settings) = (self.shared.clone(), self.settings.clone());
    let thread = std::thread::Builder::new().name("flue-braintrust".into());
    let started = thread.spawn(move || {
      let survived = catch_unwind(AssertUnwindSafe(|| thread::run(&shared, &settings)));
      let reason = if survived.is_ok() { LossReason::Closed } else { LossReason::EngineFailed };
      shared.on_thread_exit(reason);
    });
    if started.is_err() {
      self.shared.on_thread_exit(LossReason::EngineFailed);
    }
  }
}

impl Drop for ExporterHandle {
  /// The recorder is garbage-collected: its thread delivers its rows and ends.
  fn drop(&mut self) {
    self.begin_shutdown();
  }
}

/// Shuts an exporter down, and wakes [`wait_shutdown`] when it has ended.
fn begin_shutdown(shared: &Arc<Shared>, timeout: Duration) {
  let ended = shared.clone();
  shared.shut_down(timeout, move |_| ended.set_ended());
}

/// Waits until an exporter has ended. False when content must be masked first, if the caller `masks`.
fn wait_shutdown(shared: &Shared, masks: bool) -> bool {
  let deadline = shared.queue.deadline().unwrap_or_else(|| shared.clock.elapsed());
  let waited = shared.exit_signal.wait(shared.clock.at(deadline + GRACE), || {
    if shared.has_ended() {
      Some(Waited::Ended)
    } else if masks && !shared.masks.is_empty() {
      Some(Waited::Masking)
    } else {
      None
    }
  });
  if waited.is_none() {
    // The thread did not end in time.
    let stats = shared.account.counters.stats();
    let unprocessed = shared.account.counters.unprocessed();
    let lost = stats.pending + stats.lost.values().sum::<u64>() + unprocessed;
    let message =
      format!("{} lost: the process ends before the events are processed.", rows_are(lost));
    shared.account.diagnostics.once(Code::Exit, &message);
  }
  !matches!(waited, Some(Waited::Masking))
}

/// Shows a line of the debug log on stderr.
fn print_debug(line: &str) {
  // A closed stderr is no failure.
  let _closed =
    std::io::stderr().write_all(format!("[flue-braintrust] debug: {line}\n").as_bytes());
}

/// Shows a diagnostic as one line on stderr.
fn print(diagnostic: &Diagnostic) {
  // A closed stderr is no failure.
  let _closed = std::io::stderr().write_all(format!("{diagnostic}\n").as_bytes());
}
