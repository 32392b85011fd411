//! The queued rows, merged by span.

use std::collections::{VecDeque, hash_map::Entry};

use super::rows::{RowBatch, difference};
use crate::counters::RowTotals;
use braintrust_row::{Row, RowId, RowMap};

/// The most that goes into one batch.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
  /// The most rows.
  pub rows: usize,
  /// The most bytes of the rows' JSON. A larger row becomes a batch of its own.
  pub bytes: usize,
}

/// The queued rows in the order of their arrival, merged by span.
#[derive(Default)]
pub struct RowQueue {
  /// The ids of the rows in the order of their arrival: a span has one entry for each of its rows.
  order: VecDeque<RowId>,
  waiting: RowMap<Waiting>,
  /// Rows that one in `waiting` cannot be merged with, the oldest first: each goes into a later batch than the one
  /// before it. No list is empty.
  followers: RowMap<VecDeque<Waiting>>,
  /// The number of `followers`.
  following: usize,
  next_sequence: u64,
  /// The key of the next batch.
  next_key: u64,
  /// The bytes of the rows on the wire, as counted.
  bytes: usize,
  memory_bytes: usize,
  /// How many rows must be masked.
  masked: usize,
}

/// The effect of enqueuing a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
  /// Whether it is a new row; false: it is merged into a queued one.
  pub is_new: bool,
  /// The estimated bytes on the wire that it adds; negative when the merged row is smaller.
  pub bytes: i64,
}

struct Waiting {
  row: Row,
  sequence: u64,
  /// What is counted for the row: its estimated bytes on the wire, and its bytes in memory.
  bytes: usize,
  memory_bytes: usize,
}

/// The overhead of a queued row in bytes of memory: its entries in the order and in the table, which may be half
/// empty.
const ENTRY_BYTES: usize = 128;

impl RowQueue {
  /// Enqueues a row.
  pub fn push(&mut self, mut row: Row) -> Pushed {
    let id = row.span.row;
    let last = self.followers.get_mut(&id).and_then(VecDeque::back_mut);
    if let Some(waiting) = last.or_else(|| self.waiting.get_mut(&id)) {
      let was_masked = waiting.row.is_masked;
      let Some(apart) = waiting.row.merge(row) else {
        self.masked += usize::from(waiting.row.is_masked && !was_masked);
        self.memory_bytes -= waiting.memory_bytes;
        waiting.memory_bytes = waiting.row.memory_bytes() + ENTRY_BYTES;
        self.memory_bytes += waiting.memory_bytes;
        let before = std::mem::replace(&mut waiting.bytes, waiting.row.bytes());
        let bytes = difference(waiting.bytes, before);
        self.bytes = self.bytes.saturating_add_signed(bytes as isize);
        return Pushed { is_new: false, bytes };
      };
      row = apart;
    }
    let (sequence, bytes, memory_bytes) =
      (self.next_sequence, row.bytes(), row.memory_bytes() + ENTRY_BYTES);
    self.next_sequence += 1;
    self.masked += usize::from(row.is_masked);
    self.memory_bytes += memory_bytes;
    self.order.push_back(id);
    let waiting = Waiting { row, sequence, bytes, memory_bytes };
    if let Entry::Vacant(entry) = self.waiting.entry(id) {
      entry.insert(waiting);
    } else {
      self.followers.entry(id).or_default().push_back(waiting);
      self.following += 1;
    }
    self.bytes += bytes;
    Pushed { is_new: true, bytes: difference(bytes, 0) }
  }

  /// Moves a queued row to another trace and below another span: its ids have not left the process. True if it must be
  /// masked.
  pub fn relocate(&mut self, row: &Row) -> bool {
    let id = row.span.row;
    let followers = self.followers.get_mut(&id).into_iter().flatten();
    let mut is_masked = false;
    for Waiting { row: queued, .. } in self.waiting.get_mut(&id).into_iter().chain(followers) {
      queued.span = row.span;
      if queued.is_span {
        queued.parent = row.parent;
      }
      is_masked |= queued.is_masked;
    }
    is_masked
  }

  /// Whether the start of an open span is queued: its ids have not left the process.
  pub fn has_start(&self, row: RowId) -> bool {
    self.waiting.get(&row).is_some_and(|waiting| {
      // An update has no start, and the end is that of a span that is not open.
      waiting.row.created.is_some() && !waiting.row.ends()
    })
  }

  /// The number of queued rows.
  pub fn len(&self) -> usize {
    self.waiting.len() + self.following
  }

  /// Whether no row is queued.
  pub fn is_empty(&self) -> bool {
    self.waiting.is_empty()
  }

  /// Whether rows wait that must be masked.
  pub fn has_masked(&self) -> bool {
    self.masked > 0
  }

  /// The bytes of memory that the rows take.
  pub fn memory_bytes(&self) -> usize {
    self.memory_bytes
  }

  /// The queued rows, with their estimated bytes on the wire.
  pub fn totals(&self) -> RowTotals {
    RowTotals { rows: self.len(), bytes: self.bytes }
  }

  /// The sequence number of the next new row.
  pub fn next_sequence(&self) -> u64 {
    self.next_sequence
  }

  /// The key of the next batch.
  pub fn next_key(&self) -> u64 {
    self.next_key
  }

  /// Reserves keys for an encoded batch of `rows` and for the halves of later splits, and returns the first one.
  pub fn reserve_key(&mut self, rows: usize) -> u64 {
    let key = self.next_key;
    self.next_key += rows as u64;
    key
  }

  /// The sequence number of the oldest row.
  pub fn first_sequence(&self) -> Option<u64> {
    self.waiting.get(self.order.front()?).map(|waiting| waiting.sequence)
  }

  /// Removes the oldest rows that are `wanted`. `None` when there is none. Keys follow the order in which batches are
  /// removed, whatever the order of their rows: the later state of a row has the later key. No two rows of a span are
  /// removed together.
  pub fn pick(&mut self, limits: Limits, wanted: impl Fn(&Row) -> bool) -> Option<RowBatch> {
    let mut picked = RowBatch::default();
    let mut kept = Vec::new();
    // The spans with several rows of which one was examined: the next one is not examined in its place.
    let mut examined = Vec::new();
    while picked.rows() < limits.rows
      && (picked.rows() == 0 || picked.counted() < limits.bytes)
      && let Some(id) = self.order.pop_front()
    {
      let Some(waiting) = self.waiting.get(&id) else { continue };
      if examined.contains(&id) {
        kept.push(id);
        continue;
      }
      if self.following > 0 && self.followers.contains_key(&id) {
        examined.push(id);
      }
      let too_large = picked.rows() > 0 && picked.counted() + waiting.bytes > limits.bytes;
      if too_large || !wanted(&waiting.row) {
        kept.push(id);
        if too_large {
          break;
        }
        continue;
      }
      let Some(Waiting { row, bytes, memory_bytes, .. }) = self.take(id) else { continue };
      self.masked -= usize::from(row.is_masked);
      self.memory_bytes -= memory_bytes;
      self.bytes -= bytes;
      picked.push(row, self.next_key, bytes, memory_bytes);
      self.next_key += 1;
    }
    for id in kept.into_iter().rev() {
      self.order.push_front(id);
    }
    (picked.rows() > 0).then_some(picked)
  }

  /// Removes the oldest row of a span: its next one takes its place.
  fn take(&mut self, id: RowId) -> Option<Waiting> {
    let taken = self.waiting.remove(&id)?;
    if let Some(followers) = self.followers.get_mut(&id) {
      if let Some(next) = followers.pop_front() {
        self.waiting.insert(id, next);
        self.following -= 1;
      }
      if followers.is_empty() {
        self.followers.remove(&id);
      }
    }
    Some(taken)
  }
}
