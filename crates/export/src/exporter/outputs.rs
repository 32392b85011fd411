//! What a host polls: requests, operations on the spool, notifications, the next timeout, and the exporter's state.

use std::time::Duration;

use spool::Operation;

use super::{Exporter, Output};
use crate::{
  counters::RowTotals,
  masking::MaskRequest,
  spool_writer::OperationId,
  time::Now,
  transport::{Request, RequestId},
};

impl Exporter {
  /// The next request for the host to send.
  pub fn poll_request(&mut self) -> Option<Request> {
    self.delivery.poll_request()
  }

  /// The next request for the host to drop, which closes its connection: another one with the same content is answered
  /// or takes its place. Poll it before [`poll_request`](Self::poll_request). A response that comes all the same is
  /// ignored.
  pub fn poll_cancelled(&mut self) -> Option<RequestId> {
    self.delivery.poll_cancelled()
  }

  /// The next operation for the host to perform on the spool, in this order.
  pub fn poll_spool(&mut self) -> Option<(OperationId, Operation)> {
    self.delivery.spool.poll()
  }

  /// The next content for the host to mask.
  pub fn poll_mask(&mut self) -> Option<MaskRequest> {
    self.delivery.poll_mask()
  }

  /// The next notification for the host.
  pub fn poll_output(&mut self) -> Option<Output> {
    self.outputs.pop_front()
  }

  /// When to call [`handle_timeout`](Self::handle_timeout) although no input comes, on the clock of
  /// [`Now::elapsed`]. `None`: never.
  pub fn poll_timeout(&self, now: Now) -> Option<Duration> {
    if self.has_input {
      return Some(now.elapsed);
    }
    if self.has_ended {
      return None;
    }
    let waits_for_disk =
      |deadline: &Duration| *deadline <= now.elapsed && self.delivery.is_writing();
    let shutdowns = self.shutdowns.iter().map(|waiting| waiting.deadline);
    let shutdowns = shutdowns.filter(|deadline| !waits_for_disk(deadline));
    let others = self.flushes.iter().chain(&self.exit_deliveries);
    let deadlines = others.map(|waiting| waiting.deadline).chain(shutdowns);
    let adopt = self.adopt_due.filter(|_| !self.delivery.spool.is_adopting());
    let others = [self.delivery.timeout(now), self.snapshot.timeout(), adopt];
    deadlines.chain(others.into_iter().flatten()).min()
  }

  /// Whether nothing is left to do until the next input: every row and attachment is delivered or lost, and the
  /// snapshot of open spans is written.
  pub fn is_at_rest(&self) -> bool {
    let spool = &self.delivery.spool;
    let is_settled = self.is_settled()
      && !self.snapshot.is_pending()
      && !spool.has_removals()
      && !spool.has_to_adopt();
    (self.has_ended || is_settled) && !self.has_input && !spool.is_busy()
  }

  /// Whether nothing is lost when the exporter is dropped now: every row is delivered, lost or in the spool, so is the
  /// snapshot of open spans, and neither an attachment nor a trace that may fail waits. Rows that are in the spool as well
  /// as in memory count as spooled until the next input.
  pub fn is_kept(&self) -> bool {
    self.delivery.leave_spooled();
    let spool = &self.delivery.spool;
    let is_noted =
      !self.snapshot.is_pending() && (spool.is_open() || self.translator.open_spans() == 0);
    let is_pending =
      self.account.counters.pending().rows > 0 || self.delivery.unsettled_attachments() > 0;
    let awaits_errors = self.sampling.memory_bytes() > 0;
    let is_done =
      self.has_ended || (is_noted && !is_pending && !awaits_errors && !spool.has_removals());
    is_done && !self.has_input && !spool.is_busy()
  }

  /// Whether shutdown has ended. Operations on the spool may still be polled.
  pub fn has_ended(&self) -> bool {
    self.has_ended
  }

  /// The bytes of memory of undelivered rows and attachments, for [`Admission`](crate::admission::Admission).
  pub fn memory_bytes(&self) -> usize {
    self.delivery.memory_bytes() + self.sampling.memory_bytes()
  }

  /// The undelivered rows in memory, counted one by one. Equals [`Stats::pending`](crate::counters::Stats) when every
  /// accepted event is processed.
  pub fn in_memory(&self) -> RowTotals {
    self.delivery.in_memory()
  }

  /// The attachments that wait for their upload or are in flight, counted one by one. Equals
  /// [`AttachmentStats::pending`](crate::counters::AttachmentStats).
  pub fn unsettled_attachments(&self) -> usize {
    self.delivery.unsettled_attachments()
  }

  /// The disk space of this process's segments in bytes, including those that are being written.
  pub fn spool_bytes(&self) -> u64 {
    self.delivery.spool.disk_bytes()
  }
}
