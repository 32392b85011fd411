//! Commands of the JavaScript thread to the exporter's thread.

use std::{sync::Arc, time::Duration};

use export::{account::Account, counters::Stats};
use serde::Serialize;

/// A command. Deadlines are on the host's clock.
pub enum Command {
  /// Connect before the first row comes.
  Connect,
  /// Settle every row accepted before.
  Flush { deadline: Duration, reply: Reply },
  /// The masking function is set or removed, by this change of
  /// [`MaskExchange`](super::mask_exchange::MaskExchange).
  ChangeMasking { changes: u32 },
  /// The masked content of a batch; `is_last`: of its first rows, and no others are masked any more.
  Masked { batch: u64, content: String, is_last: bool },
  /// Settle every row accepted before, as the process ends; `interrupts` closes the open spans.
  Deliver { deadline: Duration, interrupts: bool, reply: Reply },
  /// Settle everything and end.
  Shutdown { deadline: Duration, reply: Reply },
}

/// How a flush or a shutdown ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
  /// Whether every row accepted before was delivered, or lost for a reason of its own, in time.
  pub complete: bool,
  /// The counters at its end.
  #[serde(flatten)]
  pub stats: Stats,
}

/// Calls its callback exactly once: when it is sent, else when it is dropped.
pub struct Reply {
  send: Option<Box<dyn FnOnce(Report) + Send>>,
  account: Arc<Account>,
}

impl Reply {
  /// A reply that calls `send` with the counters of `account`.
  pub fn new(account: Arc<Account>, send: impl FnOnce(Report) + Send + 'static) -> Self {
    Self { send: Some(Box::new(send)), account }
  }

  /// Calls the callback now.
  pub fn send(mut self, complete: bool) {
    self.reply(complete);
  }

  fn reply(&mut self, complete: bool) {
    if let Some(send) = self.send.take() {
      send(Report { complete, stats: self.account.counters.stats() });
    }
  }
}

impl Drop for Reply {
  fn drop(&mut self) {
    self.reply(self.account.counters.is_idle());
  }
}
