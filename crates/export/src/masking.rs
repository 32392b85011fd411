//! Batches on their way through the user's masking function, which only the host can call.

use std::collections::VecDeque;

use braintrust_row::RowId;

use crate::{batch::RowBatch, counters::RowTotals};

/// The most batches on the way at once: rows that wait for their turn still merge what comes for their spans.
const MAX_BATCHES: usize = 4;

/// Whether rows pass through the user's masking function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Masking {
  /// There is none.
  #[default]
  Off,
  /// Every row passes through it.
  On,
  /// Every row must pass through it, but nothing is left that could call it: rows that wait for it are lost.
  Unavailable,
}

/// Content that the host gives to the masking function.
#[derive(Debug)]
pub struct MaskRequest {
  /// Identifies the batch.
  pub batch: u64,
  /// One object for each row, as the JSON of a list.
  pub content: String,
}

/// The batches on the way, the oldest first.
#[derive(Default)]
pub struct MaskingQueue {
  batches: VecDeque<(u64, RowBatch)>,
  requests: VecDeque<MaskRequest>,
  next: u64,
}

impl MaskingQueue {
  /// Whether no more batches can be sent on the way now.
  pub fn is_full(&self) -> bool {
    self.batches.len() >= MAX_BATCHES
  }

  pub fn is_empty(&self) -> bool {
    self.batches.is_empty()
  }

  /// Sends a batch on the way.
  pub fn begin(&mut self, rows: RowBatch) {
    let batch = self.next;
    self.next += 1;
    self.requests.push_back(MaskRequest { batch, content: rows.content() });
    self.batches.push_back((batch, rows));
  }

  /// The next content for the host.
  pub fn poll(&mut self) -> Option<MaskRequest> {
    self.requests.pop_front()
  }

  /// A batch has returned. `None` if it was given up, or has returned before.
  pub fn finish(&mut self, batch: u64) -> Option<RowBatch> {
    let at = self.batches.iter().position(|(number, _)| *number == batch)?;
    self.batches.remove(at).map(|(_, rows)| rows)
  }

  /// Removes all batches: none of them returns.
  pub fn clear(&mut self) -> impl Iterator<Item = RowBatch> + use<> {
    self.requests.clear();
    std::mem::take(&mut self.batches).into_iter().map(|(_, rows)| rows)
  }

  /// Whether a row is on the way.
  pub fn carries(&self, row: &RowId) -> bool {
    self.batches.iter().any(|(_, rows)| rows.ids().any(|id| id == *row))
  }

  /// The key of the oldest batch.
  pub fn first_key(&self) -> Option<u64> {
    self.batches.iter().filter_map(|(_, rows)| rows.key()).min()
  }

  /// The rows on the way.
  pub fn totals(&self) -> RowTotals {
    self.batches.iter().fold(RowTotals::default(), |sum, (_, batch)| RowTotals {
      rows: sum.rows + batch.rows(),
      bytes: sum.bytes + batch.counted(),
    })
  }

  /// The bytes of memory that the rows take, here and as text.
  pub fn memory_bytes(&self) -> usize {
    self.batches.iter().map(|(_, rows)| rows.memory_bytes() + rows.counted()).sum()
  }
}
