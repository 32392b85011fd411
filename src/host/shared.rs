//! The state that the JavaScript thread and the exporter's thread share.

use std::{
  mem,
  sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
  },
  time::{Duration, Instant},
};

use export::{
  Exporter, RestoredWork, account::Account, config::Settings, connection::Session,
  debug_log::LineSink, diagnostics::Sink, loss::LossReason,
};
use serde::Serialize;

use super::{
  command::{Command, Reply, Report},
  event_queue::EventQueue,
  exit_signal::ExitSignal,
  mask_exchange::MaskExchange,
  secrets::secrets,
};
use crate::clock::Clock;

/// Has a thread drive an exporter until it ends.
pub type Starter = Box<dyn Fn(Arc<Shared>) + Send + Sync>;

/// The shared state of the two threads.
pub struct Shared {
  starter: Starter,
  /// The settings of the exporter.
  pub settings: Arc<Settings>,
  /// The clock of both threads.
  pub clock: Clock,
  /// Events and commands for the exporter's thread.
  pub queue: EventQueue,
  /// Counters, diagnostics and the debug log.
  pub account: Arc<Account>,
  /// Mask requests for the JavaScript thread.
  pub masks: MaskExchange,
  /// Whether the exporter has ended, after it was asked to.
  has_ended: AtomicBool,
  /// The deliveries before the exit that are in progress.
  exit_deliveries: AtomicU32,
  /// Wakes the JavaScript thread at the end of the process.
  pub exit_signal: ExitSignal,
  destination: Mutex<TraceDestination>,
  /// The work of dead processes that the JavaScript thread does not know of yet.
  restored: Mutex<Vec<RestoredWork>>,
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
  /// The UUID of the experiment that receives the spans; `None`: the logs of the project do.
  pub experiment_id: Option<String>,
  /// Whether traces join those of callers.
  pub distributed: bool,
  /// Whether only a part of all traces is recorded, as far as the settings decide.
  pub is_sampled: bool,
  /// Whether traces with errors are recorded, too.
  pub keeps_errors: bool,
  /// The share of traces that is recorded, as far as the settings decide.
  pub sample_rate: f64,
  /// The directory of the spool; `None`: there is none.
  pub spool_dir: Option<String>,
  /// Whether a connection was made: the members above are final.
  pub is_connected: bool,
}

impl Shared {
  /// The state before `starter` is called. Diagnostics go to `sink`, lines of the debug log to `log`.
  pub fn new(starter: Starter, settings: Settings, sink: Sink, log: LineSink) -> Self {
    let mut account = Account::new(settings.warn_period, secrets(), sink);
    if settings.debug_log {
      account.show_log(log);
    }
    let account = Arc::new(account);
    Self {
      starter,
      clock: Clock::start(),
      queue: EventQueue::new(Exporter::admission(&settings), account.clone()),
      account,
      masks: MaskExchange::default(),
      has_ended: AtomicBool::new(false),
      exit_deliveries: AtomicU32::new(0),
      exit_signal: ExitSignal::default(),
      destination: Mutex::new(TraceDestination {
        app_url: settings.app_url.clone(),
        org_name: settings.org_name.clone(),
        project_name: settings.project_name.clone(),
        project_id: settings.project_id.clone(),
        experiment_id: settings.experiment_id.clone(),
        distributed: settings.translation.distributed,
        is_sampled: settings.sample_rate < 1.0,
        keeps_errors: settings.keep_errors,
        sample_rate: settings.sample_rate,
        spool_dir: settings.spool.as_ref().map(|spool| spool.dir.display().to_string()),
        is_connected: false,
      }),
      settings: Arc::new(settings),
      restored: Mutex::default(),
    }
  }

  /// Passes work of dead processes to the JavaScript thread.
  pub fn add_restored(&self, restored: Vec<RestoredWork>) {
    self.restored.lock().unwrap_or_else(PoisonError::into_inner).extend(restored);
  }

  /// The work of dead processes since the last call.
  pub fn take_restored(&self) -> Vec<RestoredWork> {
    mem::take(&mut self.restored.lock().unwrap_or_else(PoisonError::into_inner))
  }

  /// Where spans are shown.
  pub fn trace_destination(&self) -> TraceDestination {
    self.destination.lock().unwrap_or_else(PoisonError::into_inner).clone()
  }

  /// Records that the shutdown is complete: the exporter ends.
  pub fn set_ended(&self) {
    self.masks.clear();
    self.has_ended.store(true, SeqCst);
    self.exit_signal.notify();
  }

  /// Whether the exporter has ended after a shutdown.
  pub fn has_ended(&self) -> bool {
    self.has_ended.load(SeqCst)
  }

  /// Records where spans are shown, as the login states it.
  pub fn set_session(&self, session: &Session) {
    let mut destination = self.destination.lock().unwrap_or_else(PoisonError::into_inner);
    destination.org_name = session.org_name.clone().or(destination.org_name.take());
    destination.project_id = Some(session.project_id.clone());
    destination.is_connected = true;
  }

  /// Delivers everything as the process ends, at most until the exit timeout has passed. Events are still accepted;
  /// `interrupts` closes the open spans. [`Self::has_delivered`] states when it is done.
  pub fn deliver_before_exit(self: &Arc<Self>, interrupts: bool) {
    let deadline = self.exit_deadline();
    self.exit_deliveries.fetch_add(1, SeqCst);
    let shared = self.clone();
    let reply = Reply::new(self.account.clone(), move |_| {
      shared.exit_deliveries.fetch_sub(1, SeqCst);
      shared.exit_signal.notify();
    });
    self.queue.command(Command::Deliver { deadline, interrupts, reply });
  }

  /// Has the thread drive the exporter from now on.
  pub fn start(self: &Arc<Self>) {
    (self.starter)(self.clone());
  }

  /// Whether no delivery before the exit is in progress.
  pub fn has_delivered(&self) -> bool {
    self.exit_deliveries.load(SeqCst) == 0
  }

  /// Shuts down as the process ends, within what is left of the exit timeout. [`Self::has_ended`] states when it is
  /// done.
  pub fn shut_down_at_exit(self: &Arc<Self>) {
    self.queue.refuse(LossReason::NotDeliveredAtExit);
    let deadline = self.exit_deadline();
    let shared = self.clone();
    let reply = Reply::new(self.account.clone(), move |_| shared.set_ended());
    self.queue.command(Command::Shutdown { deadline, reply });
  }

  /// The time left for the end of the process; none before it has begun.
  pub fn exit_time_left(&self) -> Duration {
    self.queue.deadline().unwrap_or_default().saturating_sub(self.clock.elapsed())
  }

  /// The exit timeout runs since `began`.
  pub fn begin_exit_timeout(&self, began: Instant) {
    let left = self.settings.exit_timeout.saturating_sub(began.elapsed());
    self.queue.bring_forward(self.clock.elapsed() + left);
  }

  /// The end of the exit timeout, which begins with the first call.
  fn exit_deadline(&self) -> Duration {
    self.queue.bring_forward(self.clock.elapsed() + self.settings.exit_timeout)
  }

  /// Refuses further events, and calls `reply` when the exporter has ended.
  pub fn shut_down(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.queue.refuse(LossReason::Closed);
    let deadline = self.queue.bring_forward(self.clock.elapsed() + timeout);
    let reply = Reply::new(self.account.clone(), reply);
    self.queue.command(Command::Shutdown { deadline, reply });
  }

  /// Handles the end of the exporter's future: refuses further events, counts pending rows and attachments as lost and reports
  /// them.
  pub fn on_thread_exit(&self, reason: LossReason) {
    let commands = self.queue.close(reason);
    let (unprocessed, pending) =
      (self.account.counters.unprocessed(), self.account.counters.pending());
    // The sizes of these events are not available any more.
    for _ in 0..unprocessed {
      self.account.counters.refuse(reason, 0);
      self.account.counters.event_processed();
    }
    self.account.counters.lose(reason, pending);
    let attachments = self.account.counters.stats().attachments.pending;
    self.account.counters.lose_attachments(reason, usize::try_from(attachments).unwrap_or(0));
    // The exporter itself has reported its end. Events that are refused since are reported with the end of the
    // process: the total is printed once, and must have all of them.
    if unprocessed > 0 || pending.rows > 0 || attachments > 0 || reason == LossReason::EngineFailed
    {
      self.account.warn_total_lost();
    }
    // Last: their replies may end the process.
    drop(commands);
  }
}
