//! The engine: one thread that owns everything that changes.
//!
//! The JavaScript thread hands over event texts and commands through the [`inbox`] and never waits for
//! it, except in [`Engine::finish`], which has a deadline. The thread is started by the first event; it
//! never keeps the process alive. Should it die, what it held is counted as lost and everybody who
//! waits for it is answered.

mod delivery;
mod inbox;
mod keeper;
mod masks;
mod outbox;
mod probe;
mod run;
mod store;

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  sync::{Arc, Mutex, PoisonError},
  time::Duration,
};

use tokio::time::Instant;

use crate::spool_io::DiskFiles;
use crate::upload::Session;
use export::config::Settings;
use export::report::{Counters, LossReason, Stats, Trouble, Warning, Warnings, rows_are};
use inbox::{Command, Inbox, Reply};
pub use inbox::{Incoming, Stage};
pub use masks::Unmasked;
use masks::{Masks, Waited};
pub use probe::{Plan, probe};
use spool::Spool;

/// How much longer than its deadline the JavaScript thread waits for the engine's last word.
const GRACE: Duration = Duration::from_millis(250);

/// What the two threads share.
struct Shared {
  inbox: Inbox,
  counters: Arc<Counters>,
  warnings: Warnings,
  masks: Masks,
  place: Mutex<Place>,
}

/// The JavaScript thread's end of the engine.
pub struct Engine {
  settings: Settings,
  shared: Arc<Shared>,
}

/// Where spans are shown, as far as known: what links and slugs are made of.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
  pub app_url: String,
  pub org_name: Option<String>,
  pub project_name: String,
  pub project_id: Option<String>,
  /// Whether traces join those of callers.
  pub distributed: bool,
}

/// How a flush ended.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
  /// Whether all that was accepted before the flush was delivered, or lost for a reason of its own, before the
  /// time was up.
  pub complete: bool,
  /// The numbers at its end.
  #[serde(flatten)]
  pub stats: Stats,
}

impl Engine {
  /// An engine at rest: no thread, no connection. Unless a spool holds what dead processes left: then
  /// there is work at once.
  pub fn new(settings: Settings) -> Self {
    let shared = Shared {
      inbox: Inbox::new(settings.queue_room()),
      counters: Arc::default(),
      warnings: Warnings::new(settings.warn_period),
      masks: Masks::default(),
      place: Mutex::new(Place {
        app_url: settings.app_url.clone(),
        org_name: settings.org_name.clone(),
        project_name: settings.project_name.clone(),
        project_id: settings.project_id.clone(),
        distributed: settings.translation.distributed,
      }),
    };
    let is_heir = settings
      .spool
      .as_ref()
      .is_some_and(|spool| Spool::any(&DiskFiles, &spool.dir, settings.destination));
    let engine = Self { settings, shared: Arc::new(shared) };
    if is_heir && engine.shared.inbox.begin() {
      engine.start();
    }
    engine
  }

  /// Hands one event over. Never blocks; false when it cannot be taken. That is counted, unless it only goes
  /// on with a span: then its essentials are expected next.
  pub fn record(&self, event: &impl Incoming, stage: Stage) -> bool {
    match self.shared.inbox.post(event, stage, self.shared.counters.held()) {
      Ok(first) => {
        self.shared.counters.event();
        if stage == Stage::Essentials {
          self.shared.counters.cut(1);
        }
        if first {
          self.start();
        }
        true
      }
      Err(_) if [Stage::GoesOn, Stage::Note].contains(&stage) => false,
      Err(reason) => {
        self.refuse(reason, event.len());
        false
      }
    }
  }

  /// Counts an event that comes after the end.
  pub fn refuse_late(&self) {
    self.refuse(LossReason::Closed, 0);
  }

  fn refuse(&self, reason: LossReason, bytes: usize) {
    let why = match reason {
      LossReason::QueueFull => "too much waits for delivery",
      LossReason::Closed => "the recorder is closed",
      LossReason::UnreadableEvent => "its text could not be copied",
      _ => "the engine has stopped",
    };
    self.shared.lose(reason, bytes, why);
  }

  /// Calls `reply` once what was accepted until now is settled, or `timeout` has passed.
  pub fn flush(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    // Without a thread nothing is pending: the command is answered as it is dropped.
    self.shared.inbox.command(Command::Flush {
      deadline: Instant::now() + timeout,
      reply: Reply::new(self.shared.counters.clone(), reply),
    });
  }

  /// Takes nothing more, closes the open spans, delivers what it can until `timeout` has passed, counts
  /// the rest as lost and ends the thread. Then calls `reply`.
  pub fn close(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.shared.close(timeout, reply);
  }

  /// [`Self::close`] within the exit timeout of the settings, or what is left of it if closing has begun
  /// before.
  pub fn begin_finish(&self) {
    begin_finish(&self.shared, self.settings.exit_timeout);
  }

  /// Waits for what [`Self::begin_finish`] began: the end of the process. False when content must be masked
  /// first; then this is to be called again.
  pub fn finish(&self) -> bool {
    finish(&self.shared, true)
  }

  /// From now on what rows say is masked by the caller, or not.
  pub fn want_masks(&self, wanted: bool) {
    self.shared.masks.want(wanted);
  }

  /// Takes what is to be masked.
  pub fn take_unmasked(&self) -> Option<Unmasked> {
    self.shared.masks.take()
  }

  /// Gives it back, masked.
  pub fn give_masked(&self, batch: u64, content: String) {
    self.shared.inbox.command(Command::Masked { batch, content });
  }

  /// Whether no thread is at work, not yet or not any more.
  pub fn is_at_rest(&self) -> bool {
    self.shared.inbox.is_at_rest()
  }

  /// What waits for the end of this engine's thread, should it still be at work by then.
  pub fn finisher(&self) -> impl FnOnce() + Send + 'static {
    let (shared, timeout) = (Arc::downgrade(&self.shared), self.settings.exit_timeout);
    move || {
      if let Some(shared) = shared.upgrade() {
        shared.masks.forsake();
        begin_finish(&shared, timeout);
        finish(&shared, false);
      }
    }
  }

  /// The warnings since this was asked last.
  pub fn take_troubles(&self) -> Vec<Trouble> {
    self.shared.warnings.take()
  }

  /// Where spans are shown.
  pub fn place(&self) -> Place {
    self.shared.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
  }

  /// The numbers now.
  pub fn stats(&self) -> Stats {
    self.shared.counters.stats()
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

/// Closes an engine, and lets [`finish`] know when it has ended.
fn begin_finish(shared: &Arc<Shared>, timeout: Duration) {
  let ended = shared.clone();
  shared.close(timeout, move |_| ended.masks.end());
}

/// Waits until an engine has ended. False when content must be masked first, if the caller `masks`.
fn finish(shared: &Shared, masks: bool) -> bool {
  let deadline = shared.inbox.deadline().unwrap_or_else(Instant::now);
  match shared.masks.wait(deadline + GRACE, masks) {
    Waited::Ended => true,
    Waited::Unmasked => false,
    Waited::Late => {
      // The engine is too busy even to say so.
      let stats = shared.counters.stats();
      let lost = stats.pending + stats.lost.values().sum::<u64>() + shared.counters.unread();
      let message = format!("{} lost: the process ends before they are read.", rows_are(lost));
      shared.warnings.once(Warning::Exit, &message);
      true
    }
  }
}

impl Shared {
  /// What the login told of where spans are shown.
  fn tell_place(&self, session: &Session) {
    let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
    place.org_name = session.org_name.clone().or(place.org_name.take());
    place.project_id = Some(session.project_id.clone());
  }

  fn close(&self, timeout: Duration, reply: impl FnOnce(Report) + Send + 'static) {
    self.inbox.command(Command::Close {
      deadline: Instant::now() + timeout,
      reply: Reply::new(self.counters.clone(), reply),
    });
  }

  /// Counts an event of so many bytes that will never be rows, and says so.
  fn lose(&self, reason: LossReason, bytes: usize, why: &str) {
    self.counters.refuse(reason, bytes);
    // Whoever closes the recorder knows that it is closed.
    if reason != LossReason::Closed {
      self.warnings.lost(reason, 1, why);
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
    let message = format!("{} lost ({}){last}.", rows_are(all), reasons.join(", "));
    self.warnings.once(Warning::Exit, &message);
  }

  /// The thread is gone: nothing more is taken, and what nobody will deliver is counted.
  fn abandon(&self, reason: LossReason) {
    self.inbox.shut(reason);
    // How long they were nobody knows any more.
    for _ in 0..self.counters.unread() {
      self.counters.refuse(reason, 0);
      self.counters.read();
    }
    self.counters.lose(reason, self.counters.pending());
  }
}
