//! How much waits in the outbox, and where.

use super::Outbox;
use crate::{batch::EncodedBatch, counters::RowTotals};

impl Outbox {
  /// The number of batches in flight.
  pub fn in_flight(&self) -> usize {
    self.in_flight.len()
  }

  /// The number of batches in memory that may be sent now or when earlier ones are settled.
  pub fn ready(&self) -> usize {
    self.ready.range(..self.barrier()).count()
  }

  /// Whether batches are being written to the spool.
  pub fn is_writing(&self) -> bool {
    !self.writing.is_empty() || self.rewriting.is_some()
  }

  /// The rows in memory.
  pub fn rows(&self) -> usize {
    self.rows
  }

  /// The bytes of memory that the batches take.
  pub fn memory_bytes(&self) -> usize {
    self.memory_bytes
  }

  /// The bytes of memory of the batches that may be sent from there, and of the batch of this key, which is being
  /// written.
  pub fn memory_bytes_with(&self, key: u64) -> usize {
    let own = self.writing.get(&key).map_or(0, EncodedBatch::memory_bytes);
    self.memory_bytes - self.writing_bytes + own
  }

  /// The batches that do not wait for the spool, and the bytes of memory that they take.
  pub fn before_spool(&self) -> (usize, usize) {
    let queued = self.ready.range(..self.barrier()).map(|(_, queued)| queued);
    queued
      .chain(self.in_flight.values())
      .fold((0, 0), |(batches, bytes), queued| (batches + 1, bytes + queued.batch.memory_bytes()))
  }

  /// The rows that are in the spool only.
  pub fn spooled(&self) -> RowTotals {
    self.spooled_totals
  }

  /// The disk space of the spooled batches in bytes.
  pub fn spooled_disk(&self) -> u64 {
    self.spooled_disk
  }

  /// The rows that are both in memory and in the spool.
  pub fn backed(&self) -> RowTotals {
    let queued = self.ready.values().chain(self.in_flight.values());
    queued.filter(|queued| !queued.segments.is_empty()).map(|queued| queued.batch.totals()).sum()
  }

  /// The rows that are in memory.
  pub fn in_memory(&self) -> RowTotals {
    let queued = self.ready.values().chain(self.in_flight.values()).map(|queued| &queued.batch);
    self.writing.values().chain(queued).map(EncodedBatch::totals).sum()
  }

  /// The key of the oldest batch that is not settled.
  pub fn first_key(&self) -> Option<u64> {
    let ready = self.ready.keys().next().copied();
    let in_flight = self.in_flight.keys().next().copied();
    ready.into_iter().chain(in_flight).chain([self.barrier()]).min().filter(|key| *key < u64::MAX)
  }

  /// Whether every batch with an earlier key is settled or in the spool.
  pub fn is_safe_before(&self, key: u64) -> bool {
    let mut queued = self.ready.range(..key).chain(self.in_flight.range(..key));
    self.writing.range(..key).next().is_none()
      && queued.all(|(_, queued)| !queued.segments.is_empty())
  }

  /// Whether every batch is settled.
  pub fn is_empty(&self) -> bool {
    self.writing.is_empty()
      && self.ready.is_empty()
      && self.in_flight.is_empty()
      && self.spooled.is_empty()
  }
}
