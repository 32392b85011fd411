//! The JavaScript thread's handle of an exporter.

use std::{sync::Arc, time::Duration};

use export::{
  RestoredWork, admission::Priority, config::Settings, counters::Stats, diagnostics::Diagnostic,
  loss::LossReason,
};

use super::{
  absolute_paths::make_absolute,
  chunks::EventText,
  command::{Command, Reply, Report},
  ending::{self, ExitStep},
  engine::Engine,
  process_exit,
  shared::{Shared, TraceDestination},
  stderr,
};

/// How long a recorder that is garbage-collected may deliver its rows, if its exit timeout is not longer.
const DROPPED: Duration = Duration::from_secs(10);

/// The JavaScript thread's handle of an exporter.
pub struct ExporterHandle {
  shared: Arc<Shared>,
}

impl ExporterHandle {
  /// An exporter without a connection, which the engine is to drive: with a spool at once, to adopt what dead processes
  /// left, otherwise from the first event on. Does no I/O itself: a disk may not respond.
  pub fn new(engine: &Arc<Engine>, mut settings: Settings) -> Self {
    make_absolute(&mut settings);
    let has_spool = settings.spool.is_some();
    let driving = engine.clone();
    let starter = Box::new(move |shared| driving.drive(shared));
    let shared =
      Arc::new(Shared::new(starter, settings, Box::new(print), Box::new(stderr::print_debug)));
    engine.register(&shared);
    process_exit::register(&shared);
    if has_spool && shared.queue.begin() {
      shared.start();
    }
    Self { shared }
  }

  /// Pushes one event. Never blocks; false when it is refused. A refused event is counted, unless it continues a span:
  /// then its minimal end is expected next.
  ///
  /// `cut` states that content was cut from it.
  pub fn record(&self, event: &impl EventText, priority: Priority, cut: bool) -> bool {
    match self.shared.queue.push(event, priority, cut) {
      Ok(first) => {
        if first {
          self.shared.start();
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

  /// Whether [`Self::record`] would accept the end of a span with so many UTF-16 units now, unless it is shut down.
  pub fn has_room(&self, length: usize) -> bool {
    self.shared.queue.admits(length, Priority::Continuation)
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

  /// Whether a trace with this id is recorded, as far as its id decides.
  pub fn samples(&self, trace: &str) -> bool {
    self.shared.settings.samples(trace)
  }

  /// What a span propagates to other processes, after the content policy and the rules. `None` when it is not a JSON
  /// object.
  pub fn redact_propagated(&self, event: &str) -> Option<String> {
    self.shared.settings.redact_propagated(event)
  }

  /// The work of dead processes since the last call.
  pub fn take_restored(&self) -> Vec<RestoredWork> {
    self.shared.take_restored()
  }

  /// Connects before the first event comes. Starts the thread.
  pub fn connect(&self) {
    if self.shared.queue.begin() {
      self.shared.start();
    }
    self.shared.queue.command(Command::Connect);
  }

  /// Calls `reply` once every event accepted until now is settled, or `timeout` has passed.
  pub fn flush(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    ending::start_if_events_wait(&self.shared);
    // Without a thread the dropped command sends its reply.
    self.shared.queue.command(Command::Flush {
      deadline: self.shared.clock.elapsed() + timeout,
      reply: Reply::new(self.shared.account.clone(), reply),
    });
  }

  /// Refuses further events, closes the open spans, delivers rows until `timeout` has passed, counts the
  /// rest as lost and ends the exporter. Then calls `reply`.
  pub fn shutdown(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.shared.shut_down(timeout, reply);
  }

  /// Begins a step of the end of the process. Returns what is left of the exit timeout, which begins with the first
  /// step.
  pub fn begin_exit(&self, step: ExitStep) -> Duration {
    ending::begin(&self.shared, step);
    self.shared.exit_time_left()
  }

  /// Waits for what [`Self::begin_exit`] began, at most for `slice`, and for the exit timeout and a grace. False when it
  /// is not done, or content must be masked first; then this is to be called again.
  pub fn wait_exit(&self, step: ExitStep, slice: Duration) -> bool {
    ending::wait(&self.shared, step, Some(slice))
  }

  /// Sets whether the rows of later events pass through the masking function. Default: no.
  pub fn set_masking(&self, wanted: bool) {
    if let Some(changes) = self.shared.masks.enable(wanted) {
      // If it is removed: after the events that are to be masked. If it is set: the snapshot on the disk follows.
      self.shared.queue.command(Command::ChangeMasking { changes });
    }
  }

  /// The next mask request, as JSON: `{ batch, content }`.
  pub fn take_mask_request(&self) -> Option<String> {
    self.shared.masks.take()
  }

  /// Passes the masked content of a batch to the exporter, from `cut` rows of which content was cut.
  pub fn complete_masking(&self, batch: u64, content: String, cut: usize) {
    self.shared.account.counters.cut(cut);
    self.shared.queue.command(Command::Masked { batch, content, is_last: false });
  }

  /// The same for the first rows of a batch. All other rows that must be masked are sent without content.
  pub fn end_masking(&self, batch: u64, content: String, cut: usize) {
    self.shared.account.counters.cut(cut);
    self.shared.masks.clear();
    self.shared.queue.command(Command::Masked { batch, content, is_last: true });
  }

  /// Whether no event and no row waits, in memory or in the spool.
  pub fn is_idle(&self) -> bool {
    self.shared.account.counters.is_idle()
  }

  /// Whether no thread runs: it has not started, or it has ended.
  pub fn is_at_rest(&self) -> bool {
    self.shared.queue.is_at_rest()
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
}

impl Drop for ExporterHandle {
  /// The recorder is garbage-collected, so nobody can mask its rows: those that must be masked are sent without content,
  /// and it ends.
  fn drop(&mut self) {
    self.shared.masks.set_unavailable();
    ending::start_if_events_wait(&self.shared);
    self.shared.shut_down(self.shared.settings.exit_timeout.max(DROPPED), |_| {});
  }
}

/// Shows a diagnostic as one line on stderr.
fn print(diagnostic: &Diagnostic) {
  stderr::print(&diagnostic.to_string());
}
