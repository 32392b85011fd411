//! Merging batches that wait, so that a slow server gets few large requests instead of a chain of small ones.
//!
//! With a spool, rows are encoded every 100 ms. Batches of the same span wait for one another, and each would take the
//! server's whole response time. Their segments stay as they are until the merged batch is settled: after a crash they
//! are delivered one after the other.

use std::mem;

use super::{Outbox, OversizeState, QueuedBatch, Suspicion};
use crate::batch::{EncodedBatch, Limits, difference};

/// The most batches that are examined.
const MAX_EXAMINED: usize = 256;

impl Outbox {
  /// Merges later batches into one that has just been moved into flight: those that wait for nothing else, as far as
  /// `limits` allow. Returns the change of the rows' bytes.
  pub fn absorb(&mut self, key: u64, limits: Limits) -> i64 {
    let mut members = self.mergeable(key, limits);
    let (before, merged) = loop {
      if members.len() < 2 {
        return 0;
      }
      let batch_of = |key: &u64| self.ready.get(key).or(self.in_flight.get(key));
      let batches = members.iter().filter_map(batch_of).map(|queued| &queued.batch);
      let before: usize = batches.clone().map(EncodedBatch::bytes).sum();
      if let Some(merged) = EncodedBatch::merged(batches) {
        break (before, merged);
      }
      // Two rows of a span that cannot be one stay apart: the earlier half may have one of them.
      members.truncate(members.len() / 2);
    };
    let absorbed: Vec<QueuedBatch> =
      members.iter().filter_map(|member| self.ready.remove(member)).collect();
    for queued in &absorbed {
      self.release(&queued.batch);
    }
    for id in merged.ids() {
      if let Some(owner) =
        self.owners.get_mut(&id).filter(|owner| members.binary_search(owner).is_ok())
      {
        *owner = key;
      }
    }
    // Whoever waited for a member waits for the merged batch.
    for queued in self.ready.values_mut() {
      let before = queued.waits_for.len();
      queued.waits_for.retain(|waited| *waited == key || members.binary_search(waited).is_err());
      if queued.waits_for.len() < before && !queued.waits_for.contains(&key) {
        queued.waits_for.push(key);
      }
    }
    let change = difference(merged.bytes(), before);
    self.hold(&merged);
    if let Some(queued) = self.in_flight.get_mut(&key) {
      queued.segments.extend(absorbed.into_iter().flat_map(|queued| queued.segments));
      let first = mem::replace(&mut queued.batch, merged);
      self.release(&first);
    }
    change
  }

  /// The batch in flight, and those that can be merged into it, in their order.
  fn mergeable(&self, key: u64, limits: Limits) -> Vec<u64> {
    let mut members = Vec::new();
    let Some(first) = self.in_flight.get(&key).filter(|first| first.is_mergeable()) else {
      return members;
    };
    members.push(key);
    let (mut spans, mut bytes) = (first.batch.spans(), first.batch.bytes());
    let later = self.ready.range(key..self.barrier());
    for (later, queued) in later.take(MAX_EXAMINED) {
      let is_free = |waited: &u64| {
        members.binary_search(waited).is_ok()
          || !(self.ready.contains_key(waited) || self.in_flight.contains_key(waited))
      };
      let (more, larger) = (spans + queued.batch.spans(), bytes + queued.batch.bytes());
      let fits = more <= limits.rows && larger <= limits.bytes;
      if fits && queued.is_mergeable() && queued.waits_for.iter().all(is_free) {
        members.push(*later);
        (spans, bytes) = (more, larger);
      }
    }
    members
  }
}

impl QueuedBatch {
  /// Whether it may be merged with others: it is in the spool, and nothing is known against it.
  fn is_mergeable(&self) -> bool {
    !self.segments.is_empty()
      && self.oversize == OversizeState::default()
      && self.suspicion == Suspicion::default()
      && self.whole.is_none()
  }
}
