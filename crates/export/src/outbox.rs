//! The encoded batches that wait for delivery, and the order in which they may be sent.
//!
//! Batches are sent in the order in which they were encoded, as many at once as the caller likes, but two with rows
//! of the same span are never in flight together: the later one waits until the earlier one is settled. Batches
//! that are in the spool only are loaded one by one.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use braintrust_row::{Destination, RowId, RowMap};
use spool::Segment;

pub use self::queued_batch::{
  FAILURES_BEFORE_SPLIT, OversizeState, QueuedBatch, SpooledBatch, Suspicion, Written,
};
use crate::{batch::EncodedBatch, counters::RowTotals};

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

mod absorb;
mod order;
mod queued_batch;
mod rewrite;
mod sizes;
mod split;

#[cfg(test)]
mod tests;
