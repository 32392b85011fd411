//! The engine: one thread that owns everything that changes.
//!
//! The JavaScript thread hands over event texts and commands through the [`inbox`] and never waits for
//! it, except in [`Engine::finish`], which has a deadline. The thread is started by the first event; it
//! never keeps the process alive. Should it die, what it held is counted as lost and everybody who
//! waits for it is answered.

mod inbox;
mod keeper;
mod run;

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  sync::{Arc, mpsc},
  time::Duration,
};

use tokio::time::Instant;

use crate::{
  config::Settings,
  report::{Counters, LossReason, Stats, Warning, Warnings},
  spool::{DiskFiles, Spool},
};
use inbox::{Command, Inbox, Reply};

/// How much longer than its deadline the JavaScript thread waits for the engine's last word.
const GRACE: Duration = Duration::from_millis(250);

/// What the two threads share.
struct Shared {
  inbox: Inbox,
  counters: Arc<Counters>,
  warnings: Warnings,
}

/// The JavaScript thread's end of the engine.
pub struct Engine {
  settings: Settings,
  shared: Arc<Shared>,
}

/// How a flush ended.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
  /// Whether all that was accepted before the flush is settled: delivered, or counted as lost.
  pub complete: bool,
  /// The numbers at its end.
  #[serde(flatten)]
  pub stats: Stats,
}

impl Engine {
  /// An engine at rest: no thread, no connection. Unless a spool holds what dead processes left: then
  /// there is work at once.
  pub fn new(settings: Settings) -> Self {
    let shared =
      Shared { inbox: Inbox::default(), counters: Arc::default(), warnings: Warnings::default() };
    let engine = Self { settings, shared: Arc::new(shared) };
    let is_heir = engine
      .settings
      .spool_dir
      .as_deref()
      .is_some_and(|dir| Spool::any(&DiskFiles, dir, keeper::DESTINATION));
    if is_heir && engine.shared.inbox.begin() {
      engine.start();
    }
    engine
  }

  /// Hands one event over. Never blocks; what cannot be taken is counted, and false.
  pub fn record(&self, event: Vec<u16>) -> bool {
    match self.shared.inbox.post(event, self.shared.counters.held()) {
      Ok(first) => {
        self.shared.counters.event();
        if first {
          self.start();
        }
        true
      }
      Err(reason) => {
        self.refuse(reason);
        false
      }
    }
  }

  /// Counts an event that comes after the end.
  pub fn refuse_late(&self) {
    self.refuse(LossReason::Closed);
  }

  fn refuse(&self, reason: LossReason) {
    let why = match reason {
      LossReason::InboxFull => "too much waits for delivery",
      LossReason::Closed => "the recorder is closed",
      _ => "the engine has stopped",
    };
    self.shared.lose(reason, why);
  }

  /// Calls `reply` once what was accepted until now is settled, or `timeout` has passed.
  pub fn flush(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.command(Command::Flush {
      deadline: Instant::now() + timeout,
      reply: Reply::new(self.shared.counters.clone(), reply),
    });
  }

  /// Takes nothing more, closes the open spans, delivers what it can until `timeout` has passed, counts
  /// the rest as lost and ends the thread. Then calls `reply`.
  pub fn close(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.command(Command::Close {
      deadline: Instant::now() + timeout,
      reply: Reply::new(self.shared.counters.clone(), reply),
    });
  }

  /// [`Self::close`], waiting for the answer: the end of the process. The wait is the exit timeout of
  /// the settings.
  pub fn finish(&self) -> Report {
    let timeout = self.settings.exit_timeout;
    let (answer, answered) = mpsc::channel();
    self.close(timeout, move |report| {
      // Nobody waits any more when the deadline has passed.
      let _late = answer.send(report);
    });
    answered.recv_timeout(timeout + GRACE).unwrap_or_else(|_| {
      // The engine is too busy even to say so.
      let stats = self.stats();
      let lost = stats.pending + stats.lost.values().sum::<u64>() + self.shared.counters.unread();
      let message = format!("{lost} rows are lost: the process ends before they are read.");
      self.shared.warn(Warning::Exit, &message);
      Report { complete: false, stats }
    })
  }

  /// Begins what [`Self::finish`] waits for.
  pub fn begin_finish(&self) {
    self.close(self.settings.exit_timeout, |_| {});
  }

  /// Whether no thread is at work, not yet or not any more.
  pub fn is_at_rest(&self) -> bool {
    self.shared.inbox.is_at_rest()
  }

  /// The numbers now.
  pub fn stats(&self) -> Stats {
    self.shared.counters.stats()
  }

  fn command(&self, command: Command) {
    // Without a thread nothing is pending: the command is answered as it is dropped.
    self.shared.inbox.command(command);
  }

  fn start(&self) {
    let (shared, settings) = (self.shared.clone(), self.settings.clone());
    let thread = std::thread::Builder::new().name("flue-braintrust".into());
    let started = thread.spawn(move || {
      let survived = catch_unwind(AssertUnwindSafe(|| run::run(&shared, &settings)));
      shared.abandon(if survived.is_ok() { LossReason::Closed } else { LossReason::EngineFailed });
    });
    if started.is_err() {
      self.shared.abandon(LossReason::EngineFailed);
    }
  }
}

impl Drop for Engine {
  /// A recorder that nobody holds any more: its thread delivers what it has, and ends.
  fn drop(&mut self) {
    self.begin_finish();
  }
}

impl Shared {
  fn warn(&self, warning: Warning, message: &str) {
    self.warnings.once(warning, message);
  }

  /// Counts an event that will never be rows, and says so the first time.
  fn lose(&self, reason: LossReason, why: &str) {
    self.counters.refuse(reason);
    // Whoever closes the recorder knows that it is closed.
    if reason != LossReason::Closed {
      self.warn(Warning::Lost, &format!("An event is lost ({}): {why}.", reason.name()));
    }
  }

  /// Tells at the end what was lost in all.
  fn sum_up(&self) {
    let stats = self.counters.stats();
    let told = [LossReason::Unauthorized.name(), LossReason::Closed.name()];
    // Whoever was told that the key is wrong knows that nothing arrives.
    if stats.lost.keys().all(|reason| told.contains(reason)) {
      return;
    }
    let reasons: Vec<String> =
      stats.lost.iter().map(|(why, rows)| format!("{rows} {why}")).collect();
    let all: u64 = stats.lost.values().sum();
    let last = stats.last_error.map(|error| format!("; last error: {error}")).unwrap_or_default();
    self.warn(Warning::Exit, &format!("{all} rows are lost ({}){last}.", reasons.join(", ")));
  }

  /// The thread is gone: nothing more is taken, and what nobody will deliver is counted.
  fn abandon(&self, reason: LossReason) {
    for _event in self.inbox.shut(reason) {
      self.counters.refuse(reason);
      self.counters.read();
    }
    let orphans = self.counters.stats().pending;
    self.counters.lose(reason, usize::try_from(orphans).unwrap_or(usize::MAX));
  }
}
