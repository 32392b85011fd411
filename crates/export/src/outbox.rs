//! The encoded batches that wait for delivery, and the order in which they may be sent.
//!
//! Batches are sent in the order in which they were encoded, as many at once as the caller likes, but two with rows
//! of the same span are never in flight together: the later one waits until the earlier one is settled. Batches
//! that are in the spool only are loaded one by one.

use std::{collections::BTreeMap, rc::Rc};

use braintrust_row::{Destination, RowId, RowMap};
use spool::Segment;

use crate::{batch::EncodedBatch, counters::RowTotals};

/// The most batches that are examined to find one that may be sent.
const MAX_EXAMINED: usize = 64;

/// A batch in memory.
pub struct QueuedBatch {
  /// The encoded rows.
  pub batch: EncodedBatch,
  /// The keys of the earlier batches that it waits for.
  waits_for: Vec<u64>,
  /// The segment that contains it. The halves of a split batch share one.
  segment: Option<Rc<Segment>>,
  /// The attempts to deliver it although it is too large.
  pub oversize: OversizeState,
}

/// The attempts to deliver a batch of a single row that is larger than the server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OversizeState {
  /// Whether the server has refused it as an ordinary request.
  pub refused: bool,
  /// The overflow uploads that failed.
  pub overflow_attempts: u32,
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

/// The batches by their keys, the oldest first.
#[derive(Default)]
pub struct Outbox {
  /// Being written to the spool. Neither these nor later batches are sent before that has ended.
  writing: BTreeMap<u64, EncodedBatch>,
  /// For each row of those how many of them carry it.
  writing_rows: RowMap<u32>,
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
        self.push_spooled(SpooledBatch { key, entry, bytes: batch.bytes(), failures: 0 });
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

  /// Moves the next batch that may be sent into flight, and returns its key.
  pub fn start(&mut self) -> Option<u64> {
    let barrier = self.barrier();
    let (ready, in_flight) = (&self.ready, &self.in_flight);
    let key = ready.range(..barrier).take(MAX_EXAMINED).find_map(|(key, queued)| {
      let is_settled = |key: &u64| !ready.contains_key(key) && !in_flight.contains_key(key);
      queued.waits_for.iter().all(is_settled).then_some(*key)
    })?;
    let queued = self.ready.remove(&key)?;
    self.in_flight.insert(key, queued);
    Some(key)
  }

  /// A batch in flight.
  pub fn get(&self, key: u64) -> Option<&QueuedBatch> {
    self.in_flight.get(&key)
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

  /// Removes a batch in flight that is delivered or lost. Returns it, and its segment if no other batch needs it.
  pub fn settle(&mut self, key: u64) -> Option<(EncodedBatch, Option<Segment>)> {
    let queued = self.in_flight.remove(&key)?;
    self.release(&queued.batch);
    for id in queued.batch.ids() {
      if self.owners.get(&id) == Some(&key) {
        self.owners.remove(&id);
      }
    }
    let segment = queued.segment.and_then(Rc::into_inner);
    Some((queued.batch, segment))
  }

  /// Replaces a batch in flight by its halves, which wait in its place. False for a single row: it is still in
  /// flight.
  pub fn split(&mut self, key: u64) -> bool {
    let halves = self.in_flight.get(&key).and_then(|queued| queued.batch.split());
    let Some(halves) = halves else { return false };
    let Some(whole) = self.in_flight.remove(&key) else { return false };
    self.release(&whole.batch);
    for batch in halves {
      let half = batch.key();
      for id in batch.ids() {
        if let Some(owner) = self.owners.get_mut(&id).filter(|owner| **owner == key) {
          *owner = half;
        }
      }
      // Batches that waited for the whole wait for both halves; the first has its key.
      if half != key {
        let later = self.ready.values_mut().chain(self.in_flight.values_mut());
        let waits = later.map(|queued| &mut queued.waits_for).filter(|keys| keys.contains(&key));
        waits.for_each(|keys| keys.push(half));
      }
      self.hold(&batch);
      let queued = QueuedBatch {
        batch,
        waits_for: whole.waits_for.clone(),
        segment: whole.segment.clone(),
        oversize: whole.oversize,
      };
      self.ready.insert(half, queued);
    }
    true
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
    !self.writing.is_empty()
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
    totals(queued.filter(|queued| queued.segment.is_some()).map(|queued| &queued.batch))
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
    waits_for.sort_unstable();
    waits_for.dedup();
    // Batches that could not be spooled behind one that was are in memory before it.
    self.ready.range_mut(key..).for_each(|(_, later)| later.waits_for.push(key));
    let segment = segment.map(Rc::new);
    let queued = QueuedBatch { batch, waits_for, segment, oversize: OversizeState::default() };
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

fn totals<'a>(batches: impl Iterator<Item = &'a EncodedBatch>) -> RowTotals {
  batches.fold(RowTotals::default(), |sum, batch| RowTotals {
    rows: sum.rows + batch.rows(),
    bytes: sum.bytes + batch.bytes(),
  })
}

#[cfg(test)]
mod tests;
