//! Splitting batches: those that the server does not accept, and those that wait for a row that it does not accept.

use std::{collections::HashSet, mem, rc::Rc};

use braintrust_row::RowId;
use spool::Segment;

use super::{Outbox, QueuedBatch, unshared};
use crate::batch::EncodedBatch;

impl Outbox {
  /// Replaces a batch in flight by its halves, which wait in its place. False for a single row: it is still in
  /// flight.
  pub fn split(&mut self, key: u64) -> bool {
    let halves = self.in_flight.get(&key).and_then(|queued| queued.batch.split());
    let Some(halves) = halves else { return false };
    let Some(whole) = self.in_flight.remove(&key) else { return false };
    self.replace_by_halves(key, &whole, halves);
    true
  }

  /// Splits the batches that wait for this one in flight, down to the rows of the same spans: the server fails on it,
  /// and the other rows need not wait.
  pub fn isolate(&mut self, key: u64) {
    let mut blocked = HashSet::from([key]);
    let mut from = key;
    while let Some((&waiting, queued)) = self.ready.range(from..).next() {
      from = waiting + 1;
      let waits_for = self.shared(&queued.waits_for, &queued.batch, queued.segments.is_empty());
      let is_blocked = waits_for.iter().any(|waited| blocked.contains(waited));
      let halves =
        if is_blocked && !self.is_rewriting(waiting) { queued.batch.split() } else { None };
      let Some(mut whole) = self.ready.remove(&waiting) else { return };
      if let Some(halves) = halves {
        self.replace_by_halves(waiting, &whole, halves);
        from = waiting;
      } else {
        if is_blocked {
          blocked.insert(waiting);
        }
        whole.waits_for = waits_for;
        self.ready.insert(waiting, whole);
      }
    }
  }

  /// Takes the segments of a row in flight if others are in memory only and wait for them, not for the row: the server
  /// fails on it, so they might wait forever. Returns those that no other batch needs.
  pub fn detach(&mut self, key: u64) -> Vec<Segment> {
    let Some(bad) = self.in_flight.get_mut(&key) else { return Vec::new() };
    let own = bad.batch.ids().next();
    let detains = self.ready.values().any(|queued| {
      queued.segments.is_empty()
        && queued.waits_for.contains(&key)
        && bad.keeps_any_of(&queued.batch, own)
    });
    bad.is_detached |= detains;
    if detains { unshared(mem::take(&mut bad.segments)) } else { Vec::new() }
  }

  fn replace_by_halves(&mut self, key: u64, whole: &QueuedBatch, halves: [EncodedBatch; 2]) {
    self.release(&whole.batch);
    let rows = whole.whole.clone().unwrap_or_else(|| Rc::new(whole.batch.ids().collect()));
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
        waits_for: self.shared(&whole.waits_for, &batch, whole.segments.is_empty()),
        batch,
        segments: whole.segments.clone(),
        oversize: whole.oversize,
        suspicion: whole.suspicion,
        whole: Some(Rc::clone(&rows)),
        is_detached: whole.is_detached,
      };
      self.ready.insert(half, queued);
    }
  }

  /// Keeps the segments of a settled batch as long as an earlier one that has rows of the same spans: after a crash its
  /// rows must not follow later ones. Returns the keys of those that keep them.
  pub(super) fn hold_back(&mut self, key: u64, settled: &QueuedBatch) -> Vec<u64> {
    let mut keepers = Vec::new();
    let earlier = self.ready.range_mut(..key).chain(self.in_flight.range_mut(..key));
    for (keeper, half) in earlier.filter(|(_, queued)| queued.keeps_any_of(&settled.batch, None)) {
      if let Some(rows) = &mut half.whole {
        Rc::make_mut(rows).extend(settled.batch.ids());
        half.segments.extend(settled.segments.iter().cloned());
        keepers.push(*keeper);
      }
    }
    keepers
  }

  /// Of the batches that a batch waits for, those that it must wait for by what it carries now.
  fn shared(&self, waits_for: &[u64], batch: &EncodedBatch, is_memory_only: bool) -> Vec<u64> {
    if waits_for.is_empty() {
      return Vec::new();
    }
    let rows: HashSet<RowId> = batch.ids().collect();
    let carries = |key: &u64| {
      let queued = self.ready.get(key).or_else(|| self.in_flight.get(key));
      queued.is_some_and(|queued| {
        queued.batch.ids().any(|id| rows.contains(&id))
          || (is_memory_only && queued.keeps_any_of(batch, None))
      })
    };
    waits_for.iter().copied().filter(carries).collect()
  }

  /// The earlier batches whose segments have rows of these spans that are delivered already. A batch that is in memory
  /// only waits for them: after a crash, the segments' rows would follow its later ones.
  pub(super) fn keepers(&self, batch: &EncodedBatch) -> Vec<u64> {
    let key = batch.key();
    let earlier = self.ready.range(..key).chain(self.in_flight.range(..key));
    let keeping = earlier.filter(|(_, queued)| queued.keeps_any_of(batch, None));
    keeping.map(|(key, _)| *key).collect()
  }
}

impl QueuedBatch {
  /// Whether its segments have rows of a batch, other than `except`.
  fn keeps_any_of(&self, batch: &EncodedBatch, except: Option<RowId>) -> bool {
    let whole = self.whole.as_ref().filter(|_| !self.segments.is_empty());
    whole.is_some_and(|whole| batch.ids().any(|id| Some(id) != except && whole.contains(&id)))
  }
}
