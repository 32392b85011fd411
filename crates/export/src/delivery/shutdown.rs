//! The end of the process, as delivery sees it.

use std::time::Duration;

use super::state::Delivery;
use crate::{attachments::Attachments, loss::LossReason, time::Now};

impl Delivery {
  /// The process ends at `deadline`, or may end: shortens delays, and allows one more attempt at once.
  pub fn begin_shutdown(&mut self, deadline: Duration, now: Now) {
    self.repeat_sooner(deadline.saturating_sub(now.elapsed), now);
    self.retry_at = None;
    self.outbox.end_delays();
    if self.unauthorized {
      self.unauthorized = false;
      self.refused_at.get_or_insert(now.elapsed);
    }
    self.shutdown_since.get_or_insert(now.elapsed);
    self.ends_at = Some(self.ends_at.map_or(deadline, |end| end.min(deadline)));
    self.write_again();
    if let Some(attachments) = &mut self.attachments {
      attachments.end_delays();
    }
  }

  /// Whether the server refuses the key, and no request in flight may still be accepted.
  pub fn is_refused(&self) -> bool {
    self.unauthorized && self.in_flight.is_empty()
  }

  /// Whether shutdown can end: every row and every attachment is settled and no files of earlier processes are being
  /// adopted, or the server refuses the key, or it fails and all rows are in the spool, which holds no attachments.
  pub fn is_done(&self) -> bool {
    let is_delivered = self.outbox.is_empty() && !self.spool.has_to_adopt();
    let can_end = self.failed_since_shutdown || is_delivered;
    self.is_refused() || (can_end && self.is_safe() && self.unsettled_attachments() == 0)
  }

  /// Whether the server fails and the spool has every row: the next process delivers them.
  pub fn is_left_to_next(&self) -> bool {
    self.failed_since_shutdown && self.is_safe() && !self.outbox.is_empty()
  }

  /// Whether every row is delivered or in the spool.
  pub fn is_safe(&self) -> bool {
    let is_encoded = self.queue.is_empty() && self.masked.is_empty();
    is_encoded && self.outbox.backed().rows == self.outbox.rows()
  }

  /// Counts every row in the spool as spooled from now on: the process ends, and the next one delivers them.
  pub fn begin_leaving(&mut self) {
    self.leaves_spool = true;
    self.leave_spooled();
  }

  /// Ends delivery: segments stay for the next process, other rows and attachments are lost. True when all were
  /// settled in time.
  pub fn finish(&mut self, now: Now) -> bool {
    let spooled = self.leave_spooled();
    let left = self.account.counters.pending();
    // Events and rows that came too late are counted already.
    let is_late = self.account.counters.lost_rows(LossReason::NotDeliveredAtExit) > 0;
    let is_complete = !is_late && left.rows + spooled.rows + self.unsettled_attachments() == 0;
    // No other message states the cause.
    if let Some(call) = self.in_flight.iter().min_by_key(|call| call.began)
      && !is_complete
      && self.account.counters.has_no_error()
    {
      self.account.failed(call.no_response(now));
    }
    let reason =
      if self.unauthorized { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.account.counters.lose(reason, left);
    let attachments = self.attachments.as_mut().map_or(0, Attachments::clear);
    self.account.counters.lose_attachments(reason, attachments);
    // Their rows are counted: a request sent from now on would deliver lost rows.
    self.requests.clear();
    self.in_flight.clear();
    self.spool.close();
    is_complete
  }
}
