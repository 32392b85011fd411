//! The rows that wait to be encoded, merged by span.

use std::collections::VecDeque;

use super::rows::{RowBatch, difference};
use crate::counters::RowTotals;
use braintrust_row::{Row, RowId, RowMap};

/// The most that goes into one batch.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
  pub rows: usize,
  /// Of the rows' JSON. A row that is larger goes alone.
  pub bytes: usize,
}

/// The rows that wait, in the order in which they came.
#[derive(Default)]
pub struct RowQueue {
  order: VecDeque<RowId>,
  waiting: RowMap<Waiting>,
  next_sequence: u64,
  /// The key of the next batch.
  next_key: u64,
  /// The bytes of the rows on the wire, as counted.
  bytes: usize,
  weight: usize,
}

/// What became of an enqueued row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
  /// Whether it waits as a new row; false: it is merged into one that waits.
  pub is_new: bool,
  /// The estimated bytes on the wire that it adds.
  pub bytes: i64,
}

struct Waiting {
  row: Row,
  sequence: u64,
  /// What is counted for the row: its estimated bytes on the wire, and its bytes in memory.
  bytes: usize,
  weight: usize,
}

/// The memory of a waiting row besides itself: its entries in the order and in the table, which may be half
/// empty.
const ENTRY_BYTES: usize = 128;

impl RowQueue {
  /// Enqueues a row.
  pub fn push(&mut self, row: Row) -> Pushed {
    let id = row.span.row;
    if let Some(waiting) = self.waiting.get_mut(&id) {
      waiting.row.merge(row);
      self.weight -= waiting.weight;
      waiting.weight = waiting.row.memory_bytes() + ENTRY_BYTES;
      self.weight += waiting.weight;
      let before = std::mem::replace(&mut waiting.bytes, waiting.row.bytes());
      let bytes = difference(waiting.bytes, before);
      self.bytes = self.bytes.saturating_add_signed(bytes as isize);
      return Pushed { is_new: false, bytes };
    }
    let (sequence, bytes, weight) =
      (self.next_sequence, row.bytes(), row.memory_bytes() + ENTRY_BYTES);
    self.next_sequence += 1;
    self.weight += weight;
    self.order.push_back(id);
    self.waiting.insert(id, Waiting { row, sequence, bytes, weight });
    self.bytes += bytes;
    Pushed { is_new: true, bytes: difference(bytes, 0) }
  }

  /// The number of rows that wait.
  pub fn len(&self) -> usize {
    self.waiting.len()
  }

  /// Whether none waits.
  pub fn is_empty(&self) -> bool {
    self.waiting.is_empty()
  }

  /// The bytes of memory that the rows take.
  pub fn memory_bytes(&self) -> usize {
    self.weight
  }

  /// The rows that wait, with their estimated bytes on the wire.
  pub fn totals(&self) -> RowTotals {
    RowTotals { rows: self.len(), bytes: self.bytes }
  }

  /// Rows that are enqueued from now on have sequence numbers from this on.
  pub fn next_sequence(&self) -> u64 {
    self.next_sequence
  }

  /// Batches that are taken out from now on have keys from this on.
  pub fn next_key(&self) -> u64 {
    self.next_key
  }

  /// Reserves the key of a batch of so many rows, and those that its halves get.
  pub fn reserve_key(&mut self, rows: usize) -> u64 {
    let key = self.next_key;
    self.next_key += rows as u64;
    key
  }

  /// The sequence number of the row that has waited longest.
  pub fn first_sequence(&self) -> Option<u64> {
    self.waiting.get(self.order.front()?).map(|waiting| waiting.sequence)
  }

  /// Takes out the rows that are `wanted` and have waited longest. `None` when there is none. Keys follow the order
  /// in which batches are taken out, whatever order their rows came in: of one row, the later state has the later
  /// key.
  pub fn pick(&mut self, limits: Limits, wanted: impl Fn(&Row) -> bool) -> Option<RowBatch> {
    let mut picked = RowBatch::default();
    let mut kept = Vec::new();
    while picked.rows() < limits.rows
      && (picked.rows() == 0 || picked.counted() < limits.bytes)
      && let Some(id) = self.order.pop_front()
    {
      let Some(waiting) = self.waiting.get(&id) else { continue };
      let too_large = picked.rows() > 0 && picked.counted() + waiting.bytes > limits.bytes;
      if too_large || !wanted(&waiting.row) {
        kept.push(id);
        if too_large {
          break;
        }
        continue;
      }
      let Some(Waiting { row, bytes, weight, .. }) = self.waiting.remove(&id) else { continue };
      self.weight -= weight;
      self.bytes -= bytes;
      picked.push(row, self.next_key, bytes, weight);
      self.next_key += 1;
    }
    for id in kept.into_iter().rev() {
      self.order.push_front(id);
    }
    (picked.rows() > 0).then_some(picked)
  }
}
