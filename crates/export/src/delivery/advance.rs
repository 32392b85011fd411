//! Due work: the only entry for the passing of time.

use std::time::Duration;

use super::{
  batches::{CHECKPOINT, LINGER},
  state::{Connection, Delivery},
};
use crate::{counters::RowTotals, time::Now};

impl Delivery {
  /// Encodes rows, and asks for the requests and operations that are due. `urgent` sends rows that
  /// still linger. True when rows are written to the spool: the snapshot of open spans should follow them.
  pub fn advance(&mut self, urgent: bool, now: Now) -> bool {
    if self.retry_at.is_some_and(|at| at <= now.elapsed) {
      self.retry_at = None;
      self.unauthorized = false;
    }
    self.spool.retry_removal(now);
    self.mask_waiting();
    if self.cannot_mask {
      self.leave_out_unmasked(now);
    }
    let has_written = self.spool.is_open() && self.checkpoint(urgent, now);
    // A batch that is being written is followed by those that the disk refused before.
    if self.spool.ends_pause(now) && !self.is_writing() {
      self.write_again();
    }
    self.repeat_unanswered(now);
    if self.retry_at.is_none() && !self.is_idle() {
      match &self.connection {
        Connection::Connecting(_) => {}
        Connection::Down => self.connect(now),
        Connection::Up(session) => {
          let session = session.clone();
          self.send(&session, urgent, now);
          self.send_attachments(&session, now);
        }
      }
    }
    if !self.spool.is_open() {
      self.compact(now);
    }
    self.withhold_attachments();
    if self.leaves_spool {
      self.leave_spooled();
    } else {
      self.account.counters.set_spooled(self.outbox.spooled());
    }
    has_written
  }

  /// Whether there is nothing to send and no connection to make.
  fn is_idle(&self) -> bool {
    let has_rows =
      !self.queue.is_empty() || self.outbox.ready() > 0 || self.outbox.spooled().rows > 0;
    !has_rows && self.unsettled_attachments() == 0 && !self.wants_session
  }

  /// Counts every row in the spool as spooled, even if it is in memory as well. Returns the total.
  pub fn leave_spooled(&self) -> RowTotals {
    let spooled = self.outbox.spooled() + self.outbox.backed();
    self.account.counters.set_spooled(spooled);
    spooled
  }

  /// When to advance again without an input.
  pub fn timeout(&self, now: Now) -> Option<Duration> {
    let linger = if self.spool.is_open() { CHECKPOINT } else { LINGER };
    // No batch is encoded while the masking queue is full.
    let waiting_since = self.waiting_since.filter(|_| !self.is_masking_full());
    let due = waiting_since.map(|since| since + linger);
    let sending = match self.connection {
      _ if self.is_idle() => None,
      _ if self.retry_at.is_some() => self.retry_at,
      // A batch that is ready and not sent waits for one in flight, or for its delay.
      Connection::Up(_) if self.uploads() < self.settings.max_requests => {
        let retry = self.outbox.next_retry(now.elapsed);
        due.filter(|_| !self.queue.is_empty()).into_iter().chain(retry).min()
      }
      _ => None,
    };
    let checkpoint = due.filter(|_| self.spool.is_open() && !self.queue.is_empty());
    let load = self.load_due.filter(|due| *due > now.elapsed && self.outbox.spooled().rows > 0);
    let attachments = self.attachment_timeout();
    let due = [sending, checkpoint, load, self.spool.timeout(), attachments, self.repeat_timeout()];
    due.into_iter().flatten().min()
  }
}
