//! The order in which the batches are sent: the oldest first, but those that keep failing after others.

use std::time::Duration;

use super::{Outbox, QueuedBatch};

/// The most batches that are examined to find one that may be sent, and of those the most that may be sent.
const MAX_EXAMINED: usize = 1024;
const MAX_SENDABLE: usize = 64;

impl Outbox {
  /// Whether a batch that has not failed repeatedly may be sent now.
  pub fn has_fresh(&self, now: Duration) -> bool {
    self.next(now).is_some_and(|(excess, _)| excess == 0)
  }

  /// Whether every batch in memory that waits neither for another one nor for the spool has failed repeatedly.
  pub fn fails_throughout(&self) -> bool {
    let before = self.ready.range(..self.barrier()).map(|(_, queued)| queued);
    let free = before.filter(|queued| self.waits_for_none(queued));
    let mut tried = free.chain(self.in_flight.values());
    tried.all(|queued| queued.suspicion.excess() > 0)
  }

  /// The next batch that may be sent, and how many failures put it behind others.
  pub(super) fn next(&self, now: Duration) -> Option<(u32, u64)> {
    let examined = self.ready.range(..self.barrier()).take(MAX_EXAMINED);
    let free = examined.filter(|(key, _)| !self.is_rewriting(**key));
    let sendable = free.filter(|(_, queued)| {
      queued.suspicion.retry_at.is_none_or(|at| at <= now) && self.waits_for_none(queued)
    });
    let first = sendable.take(MAX_SENDABLE);
    first.map(|(key, queued)| (queued.suspicion.excess(), *key)).min()
  }

  /// Sets when a ready batch is sent again.
  pub fn set_retry_at(&mut self, key: u64, at: Duration) {
    if let Some(queued) = self.ready.get_mut(&key) {
      queued.suspicion.retry_at = Some(at);
    }
  }

  /// Ends the delays of all batches.
  pub fn end_delays(&mut self) {
    self.ready.values_mut().for_each(|queued| queued.suspicion.retry_at = None);
  }

  /// Whether no older batch can be halved: all that wait for no other one are single rows.
  pub fn is_oldest_to_split(&self, key: u64) -> bool {
    let ready = self.ready.range(..key).filter(|(_, queued)| self.waits_for_none(queued));
    let mut older = ready.chain(self.in_flight.range(..key));
    older.all(|(_, queued)| queued.batch.spans() == 1)
  }

  /// Whether every batch that this one waits for is settled.
  pub(super) fn waits_for_none(&self, queued: &QueuedBatch) -> bool {
    let is_settled = |key| !self.ready.contains_key(key) && !self.in_flight.contains_key(key);
    queued.waits_for.iter().all(is_settled)
  }

  /// When the next batch that is delayed may be sent.
  pub fn next_retry(&self, now: Duration) -> Option<Duration> {
    let delayed = self.ready.values().filter_map(|queued| queued.suspicion.retry_at);
    delayed.filter(|at| *at > now).min()
  }

  /// Batches from this key on wait for earlier ones that are in the spool only or being written.
  pub(super) fn barrier(&self) -> u64 {
    let writing = self.writing.keys().next().copied();
    let spooled = self.spooled.keys().next().copied();
    writing.into_iter().chain(spooled).min().unwrap_or(u64::MAX)
  }
}
