//! Batches that are being masked. Only the host can call the user's masking function.

use std::collections::VecDeque;

use braintrust_row::RowId;

use crate::{batch::RowBatch, counters::RowTotals};

/// The most batches that are masked at once. Other rows stay queued, where updates of their spans are merged.
const MAX_BATCHES: usize = 4;

/// Whether rows pass through the user's masking function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Masking {
  /// No masking function is set. Rows of traces that were open when one was removed pass through it.
  #[default]
  Off,
  /// Every row passes through it.
  On,
  /// The masking function can no longer be called: rows that must be masked are sent without content.
  Unavailable,
}

/// Content to mask.
#[derive(Debug)]
pub struct MaskRequest {
  /// The number of the batch, which its masked content refers to.
  pub batch: u64,
  /// One object for each row, as the JSON of a list.
  pub content: String,
}

/// The batches that are being masked, the oldest first.
#[derive(Default)]
pub struct MaskingQueue {
  batches: VecDeque<(u64, RowBatch)>,
  requests: VecDeque<MaskRequest>,
  next: u64,
}

impl MaskingQueue {
  /// Whether no further batch can be masked now.
  pub fn is_full(&self) -> bool {
    self.batches.len() >= MAX_BATCHES
  }

  /// Whether no batch is being masked.
  pub fn is_empty(&self) -> bool {
    self.batches.is_empty()
  }

  /// Queues a batch for masking.
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

  /// Removes a masked batch. `None` if it is not being masked (any more).
  pub fn finish(&mut self, batch: u64) -> Option<RowBatch> {
    let at = self.batches.iter().position(|(number, _)| *number == batch)?;
    self.batches.remove(at).map(|(_, rows)| rows)
  }

  /// Removes all batches.
  pub fn clear(&mut self) -> impl Iterator<Item = RowBatch> + use<> {
    self.requests.clear();
    std::mem::take(&mut self.batches).into_iter().map(|(_, rows)| rows)
  }

  /// Whether a row is being masked.
  pub fn carries(&self, row: &RowId) -> bool {
    self.batches.iter().any(|(_, rows)| rows.ids().any(|id| id == *row))
  }

  /// The key of the oldest batch.
  pub fn first_key(&self) -> Option<u64> {
    self.batches.iter().filter_map(|(_, rows)| rows.key()).min()
  }

  /// The rows that are being masked.
  pub fn totals(&self) -> RowTotals {
    self.batches.iter().map(|(_, rows)| rows.totals()).sum()
  }

  /// The bytes of memory that the rows take, here and as text.
  pub fn memory_bytes(&self) -> usize {
    self.batches.iter().map(|(_, rows)| rows.memory_bytes() + rows.counted()).sum()
  }
}
