//! What a caller waits for: flushes, deliveries before the exit, shutdowns.

use std::{mem, time::Duration};

use super::{
  Exporter, Output,
  waiting::{Boundary, TicketId, Waiting},
};
use crate::{loss::LossReason, time::Now};

impl Exporter {
  /// Waits until every row accepted before is settled, and a snapshot of everything open before is written or has
  /// failed, at most until `deadline`. Completed by [`Output::Completed`].
  pub fn flush(&mut self, deadline: Duration, now: Now) -> TicketId {
    self.has_input = true;
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    if self.has_ended {
      self.outputs.push_back(Output::Completed { ticket, complete: self.is_settled() });
    } else {
      self.flushes.push(waiting);
    }
    ticket
  }

  /// Delivers everything at once, as the process ends: delays are short from now on. Completed by
  /// [`Output::Completed`]. Events are still accepted, because the application may end spans on its way out; a
  /// [`Self::shutdown`] follows. `interrupts` closes the open spans; an end that comes later corrects them. The
  /// exporter ends at once only if nothing can be delivered any more, because the deadline has passed or the key is
  /// refused.
  pub fn deliver_before_exit(
    &mut self,
    deadline: Duration,
    interrupts: bool,
    now: Now,
  ) -> TicketId {
    self.has_input = true;
    if self.has_ended {
      return self.flush(deadline, now);
    }
    self.exit_began.get_or_insert(now.unix_ms);
    if interrupts {
      self.close_open_spans(now);
    }
    self.delivery.begin_shutdown(deadline, now);
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    self.exit_deliveries.push(waiting);
    ticket
  }

  /// Accepts no more events, closes the open spans, delivers what it can until `deadline`, counts the rest as lost,
  /// waits for writes to the spool that are in progress, and ends. Completed by [`Output::Completed`]. A later shutdown
  /// may bring the deadline forward.
  pub fn shutdown(&mut self, deadline: Duration, now: Now) -> TicketId {
    self.has_input = true;
    if self.has_ended {
      return self.flush(deadline, now);
    }
    self.delivery.begin_shutdown(deadline, now);
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    self.close(waiting, now);
    ticket
  }

  /// Sets when the exporter ends, with the process or before. Accepted events that are translated later count as lost.
  pub fn set_exit_deadline(&mut self, deadline: Duration) {
    self.exit_deadline = Some(deadline);
  }

  pub(super) fn waiting(&mut self, deadline: Duration, now: Now) -> Waiting {
    // The caller waits: write the snapshot at once.
    self.snapshot.hasten(now.elapsed);
    let ticket = self.next_ticket;
    self.next_ticket += 1;
    let snapshot = self.snapshot.next();
    let boundary = Boundary::Rows(self.delivery.mark());
    Waiting { ticket, boundary, snapshot, late_rows: self.late_rows(), deadline }
  }

  /// How many rows are lost because the time of a shutdown was over. They are settled, too.
  fn late_rows(&self) -> u64 {
    self.account.counters.lost_rows(LossReason::NotDeliveredAtExit)
  }

  /// Whether a flush or a shutdown waits for rows that still linger.
  pub(super) fn is_awaited(&self) -> bool {
    let lingers = |flush: &Waiting| match &flush.boundary {
      Boundary::Rows(mark) => mark.key().is_none(),
      Boundary::Batches(_) | Boundary::Attachments(_) => false,
    };
    let ends = !self.shutdowns.is_empty() || !self.exit_deliveries.is_empty();
    ends || self.flushes.iter().any(lingers)
  }

  /// Completes the flushes that are settled, late, or blocked by a refused key.
  pub(super) fn complete_flushes(&mut self, now: Now) {
    let late_rows = self.late_rows();
    for mut flush in mem::take(&mut self.flushes) {
      if let Boundary::Rows(mark) = &flush.boundary
        && let Some(key) = mark.key()
      {
        flush.boundary = Boundary::Batches(key);
      }
      if let Boundary::Batches(key) = flush.boundary
        && self.delivery.is_settled_before(key)
      {
        flush.boundary = Boundary::Attachments(self.delivery.next_attachment());
      }
      let is_settled = match flush.boundary {
        Boundary::Rows(_) | Boundary::Batches(_) => false,
        Boundary::Attachments(number) => self.delivery.has_uploaded_before(number),
      };
      let is_kept = is_settled && self.snapshot.has_tried(flush.snapshot);
      if is_kept || self.delivery.is_unauthorized() || flush.deadline <= now.elapsed {
        let complete = is_settled && late_rows == flush.late_rows;
        self.outputs.push_back(Output::Completed { ticket: flush.ticket, complete });
      } else {
        self.flushes.push(flush);
      }
    }
  }

  /// Completes the deliveries before the exit that are done, or whose rows are left to the next process, so that only
  /// attachments are awaited: the application may end spans until the shutdown, which awaits them as well. A delivery
  /// that fails ends the exporter.
  pub(super) fn complete_exit_deliveries(&mut self, now: Now) {
    let is_done = self.delivery.is_done() || self.delivery.is_left_to_next();
    for waiting in mem::take(&mut self.exit_deliveries) {
      let has_failed = waiting.deadline <= now.elapsed
        || (self.delivery.is_refused() && !self.delivery.spool.is_open());
      if has_failed {
        self.close(waiting, now);
      } else if is_done && !self.delivery.is_writing() {
        self.delivery.begin_leaving();
        let complete = self.is_settled() && self.late_rows() == waiting.late_rows;
        self.outputs.push_back(Output::Completed { ticket: waiting.ticket, complete });
      } else {
        self.exit_deliveries.push(waiting);
      }
    }
  }

  /// Closes the open spans, and ends when their rows are settled.
  fn close(&mut self, waiting: Waiting, now: Now) {
    self.close_open_spans(now);
    self.shutdowns.push(waiting);
  }

  fn close_open_spans(&mut self, now: Now) {
    let rows = self.translator.close_all(self.exit_began.unwrap_or(now.unix_ms));
    // The last snapshot must not contain them any more.
    self.snapshot.note_change(now.elapsed);
    self.enqueue_sorted(rows, now);
  }

  /// Whether shutdown can end: delivery is done, or the deadline has passed.
  pub(super) fn is_shut_down(&self, now: Now) -> bool {
    let deadline = self.shutdowns.iter().map(|shutdown| shutdown.deadline).min();
    // Batches that are being written are neither lost nor spooled yet: wait for the writes.
    let is_over = |deadline| self.delivery.is_done() || deadline <= now.elapsed;
    deadline.is_some_and(|deadline| is_over(deadline) && !self.delivery.is_writing())
  }

  /// Ends: counts the remaining rows, and completes every flush and shutdown.
  pub(super) fn end(&mut self, now: Now) {
    let is_held = self.held_snapshot.take().is_some();
    if self.snapshot.begin_last() || is_held {
      self.write_snapshot(now);
    }
    let complete = self.delivery.finish(now);
    self.account.counters.leave_out(self.sampling.leave_out_all());
    self.account.counters.set_open_spans(0);
    self.account.warn_total_lost();
    let ended = self.flushes.drain(..).chain(self.exit_deliveries.drain(..));
    for waiting in ended.chain(self.shutdowns.drain(..)) {
      self.outputs.push_back(Output::Completed { ticket: waiting.ticket, complete });
    }
    self.has_ended = true;
  }

  pub(super) fn is_settled(&self) -> bool {
    self.account.counters.is_settled()
  }
}
