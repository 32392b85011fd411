//! Rows on their way through the application's masking function.

use std::collections::VecDeque;

use crate::engine::masks::{Masks, Unmasked};
use braintrust_row::RowId;
use export::batch::Picked;

/// The most batches on the way at once: rows that wait for their turn take in what is said of their spans.
const BATCHES: usize = 4;

/// The batches on the way, the oldest first.
#[derive(Default)]
pub struct Masking {
  batches: VecDeque<(u64, Picked)>,
  next: u64,
}

impl Masking {
  /// Whether no more rows can be sent on the way now.
  pub fn is_full(&self) -> bool {
    self.batches.len() >= BATCHES
  }

  pub fn is_empty(&self) -> bool {
    self.batches.is_empty()
  }

  /// Sends rows on the way.
  pub fn begin(&mut self, picked: Picked, masks: &Masks) {
    let batch = self.next;
    self.next += 1;
    masks.post(Unmasked { batch, content: picked.content() });
    self.batches.push_back((batch, picked));
  }

  /// The rows have come back.
  pub fn finish(&mut self, batch: u64) -> Option<Picked> {
    let at = self.batches.iter().position(|(number, _)| *number == batch)?;
    self.batches.remove(at).map(|(_, picked)| picked)
  }

  /// None of them will come back.
  pub fn give_up(&mut self) -> impl Iterator<Item = Picked> + use<> {
    std::mem::take(&mut self.batches).into_iter().map(|(_, picked)| picked)
  }

  /// Whether a row is on the way.
  pub fn carries(&self, row: &RowId) -> bool {
    self.batches.iter().any(|(_, picked)| picked.ids().any(|id| id == *row))
  }

  /// The ticket of the oldest row.
  pub fn first_ticket(&self) -> Option<u64> {
    self.batches.iter().filter_map(|(_, picked)| picked.first_ticket()).min()
  }

  pub fn rows(&self) -> usize {
    self.batches.iter().map(|(_, picked)| picked.rows()).sum()
  }

  /// The bytes of memory that the rows take, here and as text.
  pub fn weight(&self) -> usize {
    self.batches.iter().map(|(_, picked)| picked.weight() + picked.counted()).sum()
  }
}
