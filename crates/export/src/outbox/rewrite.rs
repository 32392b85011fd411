//! Writing batches to the spool that are in memory only: the disk refused them, or had no room.
//!
//! One at a time. A batch stays where it is meanwhile, but is not sent or split, unless it is in flight.

use std::{collections::HashSet, rc::Rc};

use braintrust_row::{RowId, sort_by_key};
use spool::Segment;

use super::{Outbox, QueuedBatch, Rewrite};

impl Outbox {
  /// Begins to write the oldest batch that is in memory only, if it `fits`. Returns its key, its content and its rows.
  /// One whose rows a later batch has in the spool is left out: after a crash they would follow later ones.
  pub fn begin_rewrite(
    &mut self,
    in_flight_too: bool,
    fits: impl FnOnce(usize) -> bool,
  ) -> Option<(u64, Vec<u8>, u32)> {
    if self.rewriting.is_some() {
      return None;
    }
    let key = self.rewritable(in_flight_too)?;
    let batch = &self.ready.get(&key).or_else(|| self.in_flight.get(&key))?.batch;
    let rows = batch.rows();
    let stated = u32::try_from(rows).ok()?;
    let content = Some(batch.segment_content()).filter(|content| fits(content.len()))?;
    self.rewriting = Some(Rewrite { key, rows });
    Some((key, content, stated))
  }

  /// The oldest batch that may be written again.
  fn rewritable(&self, in_flight_too: bool) -> Option<u64> {
    let queued = self.ready.iter().chain(&self.in_flight);
    if queued.clone().all(|(_, queued)| !queued.segments.is_empty()) {
      return None;
    }
    let mut queued: Vec<(u64, &QueuedBatch)> = queued.map(|(key, queued)| (*key, queued)).collect();
    sort_by_key(&mut queued, |(key, _)| (*key, 0));
    // The rows of batches that are in the spool only are not known.
    let spooled = self.spooled.keys().next_back().copied();
    let mut in_spool: HashSet<RowId> = self.writing_rows.keys().copied().collect();
    let mut oldest = None;
    for (key, queued) in queued.into_iter().rev().take_while(|(key, _)| spooled < Some(*key)) {
      if !queued.segments.is_empty() {
        in_spool.extend(queued.batch.ids());
        in_spool.extend(queued.whole.iter().flat_map(|whole| whole.iter()));
      } else if !queued.is_detached
        && (in_flight_too || self.ready.contains_key(&key))
        && queued.batch.ids().all(|id| !in_spool.contains(&id))
      {
        oldest = Some(key);
      }
    }
    oldest
  }

  /// Whether this batch is being written again.
  pub fn is_rewriting(&self, key: u64) -> bool {
    self.rewriting.is_some_and(|rewrite| rewrite.key == key)
  }

  /// Ends the write of a batch again. Returns its segment if that is not needed: the batch was settled or split
  /// meanwhile.
  pub fn finish_rewrite(&mut self, segment: Option<Segment>) -> Option<Segment> {
    let Rewrite { key, rows } = self.rewriting.take()?;
    let segment = segment?;
    let queued = self.ready.get_mut(&key).or_else(|| self.in_flight.get_mut(&key));
    match queued.filter(|queued| queued.batch.rows() == rows && queued.segments.is_empty()) {
      Some(queued) => {
        queued.segments.push(Rc::new(segment));
        None
      }
      None => Some(segment),
    }
  }
}
