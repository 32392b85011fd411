//! The encoded batches that wait for delivery, and the order in which they may be sent.
//!
//! Batches are sent in the order in which they were encoded, as many at once as the caller likes, but two with rows
//! of the same span are never in flight together: the later one waits until the earlier one is settled. Batches
//! that are in the spool only are loaded one by one.

use std::{
  collections::{BTreeMap, HashSet},
  rc::Rc,
  time::Duration,
};

use braintrust_row::{Destination, RowId, RowMap};
use spool::Segment;

use crate::{batch::EncodedBatch, counters::RowTotals};

/// The most batches that are examined to find one that may be sent, and of those the most that may be sent.
const MAX_EXAMINED: usize = 1024;
const MAX_SENDABLE: usize = 64;

/// A batch in memory.
pub struct QueuedBatch {
  /// The encoded rows.
  pub batch: EncodedBatch,
  /// The keys of the earlier batches in memory that it waits for.
  waits_for: Vec<u64>,
  /// The segments that contain it: several after a merge. The halves of a split batch share theirs.
  segments: Vec<Rc<Segment>>,
  /// The attempts to deliver it although it is too large.
  pub oversize: OversizeState,
  /// What speaks for a row in it that the server fails on.
  pub suspicion: Suspicion,
  /// The rows of its segments, when it is a part of a batch that was split: it stays apart.
  whole: Option<Rc<HashSet<RowId>>>,
  /// Whether it gave its segments up for others: it stays in memory.
  is_detached: bool,
}

/// The successive server errors after which a batch is halved, and a single row takes its turn after others.
pub const FAILURES_BEFORE_SPLIT: u32 = 3;

/// What speaks for a row in a batch that the server fails on: the halves of a split batch take it over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspicion {
  /// The successive server errors of requests with these rows.
  pub failures: u32,
  /// Those of requests with a single row.
  pub alone: u32,
  /// The acknowledged uploads at the time of the last one.
  pub acknowledged_before: u64,
  /// The failures between which and the one before another upload was acknowledged: the server works.
  pub witnessed: u32,
  /// When the batch is sent again; `None`: at once.
  pub retry_at: Option<Duration>,
}

impl Suspicion {
  /// How many failures put it behind others: a row that keeps failing must not be the only one that is tried.
  fn excess(&self) -> u32 {
    if self.failures < FAILURES_BEFORE_SPLIT { 0 } else { self.alone }
  }
}

/// The attempts to deliver a batch of a single row that is larger than the server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OversizeState {
  /// Whether the server has refused it as an ordinary request.
  pub refused: bool,
  /// The overflow uploads that failed although Braintrust accepts other rows.
  pub overflow_attempts: u32,
  /// All that failed, and when the first of them began.
  pub overflow_failures: u32,
  /// See above.
  pub failing_since: Option<Duration>,
  /// The bytes to which it was cut.
  pub cut_to: Option<usize>,
}

/// A batch that is in the spool only.
#[derive(Clone, Debug)]
pub struct SpooledBatch {
  /// The key of the batch.
  pub key: u64,
  /// The segment that contains it.
  pub entry: Segment,
  /// The bytes of its rows.
  pub bytes: usize,
  /// The reads that failed.
  pub failures: u32,
  /// Whether another process has written it, so that the rules of this one have not been applied.
  pub is_adopted: bool,
}

/// Where a batch is once its write to the spool has ended.
pub enum Written {
  /// The write failed.
  MemoryOnly,
  /// Both in memory and in a segment.
  Backed(Segment),
  /// In a segment only: memory has no room for it.
  SpoolOnly(Segment),
}

/// A batch of those in memory only that is being written to the spool again.
#[derive(Clone, Copy)]
struct Rewrite {
  key: u64,
  /// Its rows: fewer when it has been split since.
  rows: usize,
}

/// The batches by their keys, the oldest first.
#[derive(Default)]
pub struct Outbox {
  /// Being written to the spool. Neither these nor later batches are sent before that has ended.
  writing: BTreeMap<u64, EncodedBatch>,
  /// For each row of those how many of them carry it.
  writing_rows: RowMap<u32>,
  /// The batch in memory that is being written to the spool again.
  rewriting: Option<Rewrite>,
  ready: BTreeMap<u64, QueuedBatch>,
  in_flight: BTreeMap<u64, QueuedBatch>,
  spooled: BTreeMap<u64, SpooledBatch>,
  /// The spooled batch that is being read.
  loading: Option<u64>,
  spooled_totals: RowTotals,
  /// The disk space of the spooled batches' segments.
  spooled_disk: u64,
  /// For each row in memory the latest batch that carries it.
  owners: RowMap<u64>,
  memory_bytes: usize,
  /// The part of it that is being written.
  writing_bytes: usize,
  /// Rows in memory.
  rows: usize,
}

impl Outbox {
  /// Adds a batch that may be sent, and its segment if it has one.
  pub fn push(&mut self, batch: EncodedBatch, segment: Option<Segment>) {
    self.hold(&batch);
    self.insert_ready(batch, segment);
  }

  /// Adds a batch that is being written to the spool.
  pub fn begin_write(&mut self, batch: EncodedBatch) {
    self.hold(&batch);
    self.writing_bytes += batch.memory_bytes();
    for id in batch.ids() {
      *self.writing_rows.entry(id).or_default() += 1;
    }
    self.writing.insert(batch.key(), batch);
  }

  /// Ends the write of a batch. Writes end in the order in which they began.
  pub fn finish_write(&mut self, key: u64, written: Written) {
    let Some(batch) = self.writing.remove(&key) else { return };
    self.writing_bytes -= batch.memory_bytes();
    for id in batch.ids() {
      if let Some(count) = self.writing_rows.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
          self.writing_rows.remove(&id);
        }
      }
    }
    match written {
      Written::MemoryOnly => self.insert_ready(batch, None),
      Written::Backed(entry) => self.insert_ready(batch, Some(entry)),
      Written::SpoolOnly(entry) => {
        self.release(&batch);
        self.push_spooled(SpooledBatch {
          key,
          entry,
          bytes: batch.bytes(),
          failures: 0,
          is_adopted: false,
        });
      }
    }
  }

  /// Adds a batch that is in the spool only.
  pub fn push_spooled(&mut self, spooled: SpooledBatch) {
    self.spooled_totals.rows += spooled.entry.rows as usize;
    self.spooled_totals.bytes += spooled.bytes;
    self.spooled_disk += spooled.entry.bytes;
    self.spooled.insert(spooled.key, spooled);
  }

  /// Removes the oldest spooled batch that is not being read. The caller counts it as lost.
  pub fn evict_oldest(&mut self) -> Option<SpooledBatch> {
    let loading = self.loading;
    let key = self.spooled.keys().find(|key| Some(**key) != loading).copied()?;
    self.remove_spooled(key)
  }

  /// The oldest spooled batch, which is being read from now on. `None` if one is being read already.
  pub fn begin_load(&mut self) -> Option<&SpooledBatch> {
    if self.loading.is_some() {
      return None;
    }
    let (key, spooled) = self.spooled.first_key_value()?;
    self.loading = Some(*key);
    Some(spooled)
  }

  /// Whether a spooled batch is being read.
  pub fn is_loading(&self) -> bool {
    self.loading.is_some()
  }

  /// Ends the read and removes the spooled batch.
  pub fn finish_load(&mut self) -> Option<SpooledBatch> {
    let key = self.loading.take()?;
    self.remove_spooled(key)
  }

  fn remove_spooled(&mut self, key: u64) -> Option<SpooledBatch> {
    let spooled = self.spooled.remove(&key)?;
    self.spooled_totals.rows -= spooled.entry.rows as usize;
    self.spooled_totals.bytes -= spooled.bytes;
    self.spooled_disk -= spooled.entry.bytes;
    Some(spooled)
  }

  /// Whether an unsettled batch in memory carries the row.
  pub fn carries(&self, row: &RowId) -> bool {
    self.owners.contains_key(row) || self.writing_rows.contains_key(row)
  }

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
  fn next(&self, now: Duration) -> Option<(u32, u64)> {
    let examined = self.ready.range(..self.barrier()).take(MAX_EXAMINED);
    let free = examined.filter(|(key, _)| !self.is_rewriting(**key));
    let sendable = free.filter(|(_, queued)| {
      queued.suspicion.retry_at.is_none_or(|at| at <= now) && self.waits_for_none(queued)
    });
    let first = sendable.take(MAX_SENDABLE);
    first.map(|(key, queued)| (queued.suspicion.excess(), *key)).min()
  }

  /// Moves the next batch that may be sent now into flight, and returns its key.
  pub fn start(&mut self, now: Duration) -> Option<u64> {
    let (_, key) = self.next(now)?;
    let mut queued = self.ready.remove(&key)?;
    queued.suspicion.retry_at = None;
    self.in_flight.insert(key, queued);
    Some(key)
  }

  /// A batch in flight.
  pub fn get(&self, key: u64) -> Option<&QueuedBatch> {
    self.in_flight.get(&key)
  }

  /// A batch in flight, to record server errors.
  pub fn suspicion_mut(&mut self, key: u64) -> Option<&mut Suspicion> {
    self.in_flight.get_mut(&key).map(|queued| &mut queued.suspicion)
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
  fn waits_for_none(&self, queued: &QueuedBatch) -> bool {
    let is_settled = |key| !self.ready.contains_key(key) && !self.in_flight.contains_key(key);
    queued.waits_for.iter().all(is_settled)
  }

  /// When the next batch that is delayed may be sent.
  pub fn next_retry(&self, now: Duration) -> Option<Duration> {
    let delayed = self.ready.values().filter_map(|queued| queued.suspicion.retry_at);
    delayed.filter(|at| *at > now).min()
  }

  /// A batch in flight, to record attempts.
  pub fn oversize_mut(&mut self, key: u64) -> Option<&mut OversizeState> {
    self.in_flight.get_mut(&key).map(|queued| &mut queued.oversize)
  }

  /// Addresses a batch in flight.
  pub fn address(&mut self, key: u64, to: &Destination) -> Option<&QueuedBatch> {
    let queued = self.in_flight.get_mut(&key)?;
    self.memory_bytes -= queued.batch.memory_bytes();
    queued.batch = queued.batch.clone().addressed(to);
    self.memory_bytes += queued.batch.memory_bytes();
    Some(queued)
  }

  /// Returns a batch in flight to the ready ones, for its next attempt.
  pub fn put_back(&mut self, key: u64) {
    if let Some(queued) = self.in_flight.remove(&key) {
      self.ready.insert(key, queued);
    }
  }

  /// Removes a batch in flight that is delivered or lost. Returns it, and its segments that no other batch needs.
  pub fn settle(&mut self, key: u64) -> Option<(EncodedBatch, Vec<Segment>)> {
    let queued = self.in_flight.remove(&key)?;
    self.release(&queued.batch);
    for id in queued.batch.ids() {
      if self.owners.get(&id) == Some(&key) {
        self.owners.remove(&id);
      }
    }
    let keepers = self.hold_back(key, &queued);
    for waiting in self.ready.values_mut().filter(|waiting| waiting.waits_for.contains(&key)) {
      // Batches behind the spool wait for each batch that is loaded before them: settled ones would add up.
      waiting.waits_for.retain(|waited| *waited != key);
      if waiting.segments.is_empty() {
        waiting.waits_for.extend(&keepers);
      }
    }
    Some((queued.batch, unshared(queued.segments)))
  }

  /// Replaces a batch in flight by another one with the same rows.
  pub fn replace(&mut self, key: u64, batch: EncodedBatch) {
    if let Some(queued) = self.in_flight.get_mut(&key) {
      self.memory_bytes -= queued.batch.memory_bytes();
      self.memory_bytes += batch.memory_bytes();
      queued.batch = batch;
    }
  }

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

  /// The bytes of memory that the batches take which wait there to be sent, with the batch of this key that is
  /// being written.
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
    totals(queued.filter(|queued| !queued.segments.is_empty()).map(|queued| &queued.batch))
  }

  /// The rows that are in memory.
  pub fn in_memory(&self) -> RowTotals {
    let queued = self.ready.values().chain(self.in_flight.values()).map(|queued| &queued.batch);
    totals(self.writing.values().chain(queued))
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

  /// Batches from this key on wait for earlier ones that are in the spool only or being written.
  fn barrier(&self) -> u64 {
    let writing = self.writing.keys().next().copied();
    let spooled = self.spooled.keys().next().copied();
    writing.into_iter().chain(spooled).min().unwrap_or(u64::MAX)
  }

  /// Makes a batch the owner of its rows, and records which batches it waits for.
  fn insert_ready(&mut self, batch: EncodedBatch, segment: Option<Segment>) {
    let key = batch.key();
    let mut waits_for = Vec::new();
    for id in batch.ids() {
      let owner = self.owners.entry(id).or_insert(key);
      if *owner < key {
        waits_for.push(std::mem::replace(owner, key));
      } else if *owner > key {
        // The previous owner is not recorded: wait for all earlier batches.
        waits_for.extend(self.ready.range(..key).map(|(earlier, _)| *earlier));
        waits_for.extend(self.in_flight.range(..key).map(|(earlier, _)| *earlier));
      }
    }
    if segment.is_none() {
      waits_for.extend(self.keepers(&batch));
    }
    waits_for.sort_unstable();
    waits_for.dedup();
    // Batches that came later, and stayed in memory because they could not be spooled, are sent after this one.
    self.ready.range_mut(key..).for_each(|(_, later)| later.waits_for.push(key));
    let segments = segment.map(Rc::new).into_iter().collect();
    let (oversize, suspicion) = (OversizeState::default(), Suspicion::default());
    let (whole, is_detached) = (None, false);
    let queued =
      QueuedBatch { batch, waits_for, segments, oversize, suspicion, whole, is_detached };
    self.ready.insert(key, queued);
  }

  fn hold(&mut self, batch: &EncodedBatch) {
    self.memory_bytes += batch.memory_bytes();
    self.rows += batch.rows();
  }

  fn release(&mut self, batch: &EncodedBatch) {
    self.memory_bytes -= batch.memory_bytes();
    self.rows -= batch.rows();
  }
}

/// Of the segments that a batch gives up, those that no other batch needs.
fn unshared(segments: Vec<Rc<Segment>>) -> Vec<Segment> {
  segments.into_iter().filter_map(Rc::into_inner).collect()
}

fn totals<'a>(batches: impl Iterator<Item = &'a EncodedBatch>) -> RowTotals {
  batches.fold(RowTotals::default(), |sum, batch| RowTotals {
    rows: sum.rows + batch.rows(),
    bytes: sum.bytes + batch.bytes(),
  })
}

mod absorb;
mod rewrite;
mod split;

#[cfg(test)]
mod tests;
