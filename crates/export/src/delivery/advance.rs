//! What is due: the one entry for the passing of time.

use std::time::Duration;

use super::{
  batches::{CHECKPOINT, LINGER},
  state::{Connection, Delivery},
};
use crate::{counters::RowTotals, loss::LossReason, masking::Masking, time::Now};

impl Delivery {
  /// Encodes rows, and asks for the requests and operations that are due. `urgent` if somebody waits for rows that
  /// wait for others. True when rows go to the spool: the snapshot of open spans should follow them.
  pub fn advance(&mut self, urgent: bool, now: Now) -> bool {
    if self.retry_at.is_some_and(|at| at <= now.elapsed) {
      self.retry_at = None;
      self.unauthorized = false;
    }
    if self.masking == Masking::Unavailable {
      self.lose_unmasked(now);
    }
    let has_written = self.spool.is_open() && self.checkpoint(urgent, now);
    if self.retry_at.is_none() && !self.is_idle() {
      match &self.connection {
        Connection::Connecting(_) => {}
        Connection::Down => self.connect(now),
        Connection::Up(session) => {
          let session = session.clone();
          self.send(&session, urgent, now);
        }
      }
    }
    if !self.spool.is_open() {
      self.compact(now);
    }
    self.account.counters.set_spooled(self.outbox.spooled());
    has_written
  }

  /// Whether nothing waits to be sent.
  fn is_idle(&self) -> bool {
    self.queue.is_empty() && self.outbox.ready() == 0 && self.outbox.spooled().rows == 0
  }

  /// The last act: what is in the spool is left to the next process, the rest is lost. Whether all is delivered.
  pub fn finish(&mut self) -> bool {
    let spooled = self.leave_spooled();
    let left = self.account.counters.pending();
    let reason =
      if self.unauthorized { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.account.counters.lose(reason, left);
    self.spool.close();
    left.rows + spooled.rows == 0
  }

  /// Counts as spooled what is in the spool, be it in memory, too.
  pub fn leave_spooled(&self) -> RowTotals {
    let (spooled, backed) = (self.outbox.spooled(), self.outbox.backed());
    let spooled =
      RowTotals { rows: spooled.rows + backed.rows, bytes: spooled.bytes + backed.bytes };
    self.account.counters.set_spooled(spooled);
    spooled
  }

  /// When to advance again although nothing comes.
  pub fn timeout(&self, now: Now) -> Option<Duration> {
    let linger = if self.spool.is_open() { CHECKPOINT } else { LINGER };
    // Rows that must be masked wait until there is room for them on the way.
    let waiting_since = self.waiting_since.filter(|_| !self.is_masking_full());
    let due = waiting_since.map(|since| since + linger);
    let sending = match self.connection {
      _ if self.is_idle() => None,
      _ if self.retry_at.is_some() => self.retry_at,
      // A batch that is ready and not sent waits for one in flight.
      Connection::Up(_) if self.outbox.ready() > 0 => None,
      Connection::Up(_) if self.outbox.in_flight() < self.settings.max_requests => due,
      _ => None,
    };
    let checkpoint = due.filter(|_| self.spool.is_open() && !self.queue.is_empty());
    let load = self.load_due.filter(|due| *due > now.elapsed && self.outbox.spooled().rows > 0);
    [sending, checkpoint, load].into_iter().flatten().min()
  }
}
