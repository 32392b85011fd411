//! The state that the JavaScript thread and the exporter's thread share.

use std::{
  sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
  },
  time::Duration,
};

use export::{
  Exporter,
  config::Settings,
  connection::Session,
  debug_log::{DebugLog, LineSink},
  diagnostics::{Account, Sink},
  loss::LossReason,
};
use serde::Serialize;

use super::{
  command::{Command, Reply, Report},
  event_queue::EventQueue,
  exit_signal::ExitSignal,
  mask_exchange::MaskExchange,
};
use crate::clock::Clock;

/// The shared state of the two threads.
pub struct Shared {
  /// The clock of both threads.
  pub clock: Clock,
  /// Events and commands for the exporter's thread.
  pub queue: EventQueue,
  /// Counters, diagnostics and the debug log.
  pub account: Arc<Account>,
  /// Mask requests for the JavaScript thread.
  pub masks: MaskExchange,
  /// Whether the thread has ended, after it was asked to.
  has_ended: AtomicBool,
  /// Wakes the JavaScript thread at the end of the process.
  pub exit_signal: ExitSignal,
  destination: Mutex<TraceDestination>,
}

/// Where Braintrust shows spans, for links and slugs.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceDestination {
  /// The base address of Braintrust's application.
  pub app_url: String,
  /// The organization; `None`: the login has not stated it yet.
  pub org_name: Option<String>,
  /// The name of the project.
  pub project_name: String,
  /// The UUID of the project; `None`: the registration has not stated it yet.
  pub project_id: Option<String>,
  /// Whether traces join those of callers.
  pub distributed: bool,
}

impl Shared {
  /// The state before the thread starts. Diagnostics go to `sink`, lines of the debug log to `log`.
  pub fn new(settings: &Settings, sink: Sink, log: LineSink) -> Self {
    let mut account = Account::new(settings.warn_period, sink);
    if settings.debug_log {
      account.log = DebugLog::new(log);
    }
    Self {
      clock: Clock::start(),
      queue: EventQueue::new(Exporter::admission(settings)),
      account: Arc::new(account),
      masks: MaskExchange::default(),
      has_ended: AtomicBool::new(false),
      exit_signal: ExitSignal::default(),
      destination: Mutex::new(TraceDestination {
        app_url: settings.app_url.clone(),
        org_name: settings.org_name.clone(),
        project_name: settings.project_name.clone(),
        project_id: settings.project_id.clone(),
        distributed: settings.translation.distributed,
      }),
    }
  }

  /// Where spans are shown.
  pub fn trace_destination(&self) -> TraceDestination {
    self.destination.lock().unwrap_or_else(PoisonError::into_inner).clone()
  }

  /// Records that the shutdown is complete: the thread ends.
  pub fn set_ended(&self) {
    self.masks.clear();
    self.has_ended.store(true, SeqCst);
    self.exit_signal.notify();
  }

  /// Whether the thread has ended after a shutdown.
  pub fn has_ended(&self) -> bool {
    self.has_ended.load(SeqCst)
  }

  /// Records where spans are shown, as the login states it.
  pub fn set_session(&self, session: &Session) {
    let mut destination = self.destination.lock().unwrap_or_else(PoisonError::into_inner);
    destination.org_name = session.org_name.clone().or(destination.org_name.take());
    destination.project_id = Some(session.project_id.clone());
  }

  /// Refuses further events, and calls `reply` when the thread has ended.
  pub fn shut_down(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.queue.command(Command::Shutdown {
      deadline: self.clock.elapsed() + timeout,
      reply: Reply::new(self.account.clone(), reply),
    });
  }

  /// Handles the end of the thread: refuses further events and counts pending rows as lost.
  pub fn on_thread_exit(&self, reason: LossReason) {
    self.queue.close(reason);
    // The sizes of these events are not available any more.
    for _ in 0..self.account.counters.unprocessed() {
      self.account.counters.refuse(reason, 0);
      self.account.counters.event_processed();
    }
    self.account.counters.lose(reason, self.account.counters.pending());
  }
}
