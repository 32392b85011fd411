//! The engine: one thread that owns everything that changes.
//!
//! The JavaScript thread hands over event texts and commands through the [`inbox`] and never waits for
//! it, except in [`Engine::finish`], which has a deadline. The thread is started by the first event; it
//! never keeps the process alive. Should it die, what it held is counted as lost and everybody who
//! waits for it is answered.

mod inbox;
mod run;

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  sync::{Arc, mpsc},
  time::Duration,
};

use tokio::time::Instant;

use crate::{
  config::Settings,
  report::{Counters, LossReason, Stats},
};
use inbox::{Command, Inbox, Reply};

/// How much longer than its deadline the JavaScript thread waits for the engine's last word.
const GRACE: Duration = Duration::from_millis(100);

/// What the two threads share.
struct Shared {
  inbox: Inbox,
  counters: Arc<Counters>,
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
  /// An engine at rest: no thread, no connection.
  pub fn new(settings: Settings) -> Self {
    let shared = Shared {
      inbox: Inbox::default(),
      counters: Arc::default(),
    };
    Self {
      settings,
      shared: Arc::new(shared),
    }
  }

  /// Hands one event over. Never blocks; what cannot be taken is counted.
  pub fn record(&self, event: Vec<u16>) {
    match self.shared.inbox.post(event, self.shared.counters.held()) {
      Ok(first) => {
        self.shared.counters.event();
        if first {
          self.start();
        }
      }
      Err(reason) => self.shared.counters.refuse(reason),
    }
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
    let report = answered.recv_timeout(timeout + GRACE);
    report.unwrap_or_else(|_| Report {
      complete: false,
      stats: self.stats(),
    })
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
      shared.abandon(if survived.is_ok() {
        LossReason::Closed
      } else {
        LossReason::EngineFailed
      });
    });
    if started.is_err() {
      self.shared.abandon(LossReason::EngineFailed);
    }
  }
}

impl Drop for Engine {
  /// A recorder that nobody holds any more: its thread delivers what it has, and ends.
  fn drop(&mut self) {
    self.close(self.settings.exit_timeout, |_| {});
  }
}

impl Shared {
  /// The thread is gone: nothing more is taken, and what nobody will deliver is counted.
  fn abandon(&self, reason: LossReason) {
    for _event in self.inbox.shut(reason) {
      self.counters.refuse(reason);
    }
    let orphans = self.counters.stats().pending;
    self
      .counters
      .lose(reason, usize::try_from(orphans).unwrap_or(usize::MAX));
  }
}
