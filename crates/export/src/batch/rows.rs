//! Rows that leave the queue together, before they are encoded.

use std::mem;

use super::encoded::{Builder, EncodedBatch};
use crate::{counters::RowTotals, secrets::Secrets};
use braintrust_row::{Destination, Masked, Row, RowId, write_content};

/// Rows that are masked and encoded together; later updates of their spans are not merged into them.
#[derive(Default)]
pub struct RowBatch {
  rows: Vec<(Row, u64)>,
  /// The estimated bytes of the rows on the wire, as counted while they waited.
  counted: usize,
  memory_bytes: usize,
}

/// The result of encoding rows.
pub struct Encoded {
  /// The encoded rows.
  pub batch: EncodedBatch,
  /// The difference between the bytes of the batch and the estimate while its rows waited.
  pub size_correction: i64,
  /// The rows with a field that was cut.
  pub cut: usize,
}

impl RowBatch {
  pub(super) fn push(&mut self, row: Row, key: u64, counted: usize, memory_bytes: usize) {
    self.counted += counted;
    self.memory_bytes += memory_bytes;
    self.rows.push((row, key));
  }

  /// The number of rows.
  pub fn rows(&self) -> usize {
    self.rows.len()
  }

  /// The number of rows, and their estimated bytes on the wire.
  pub fn totals(&self) -> RowTotals {
    RowTotals { rows: self.rows.len(), bytes: self.counted }
  }

  /// The estimated bytes of the rows on the wire.
  pub fn counted(&self) -> usize {
    self.counted
  }

  /// The bytes of memory that they take.
  pub fn memory_bytes(&self) -> usize {
    self.memory_bytes
  }

  fn of(rows: Vec<(Row, u64)>) -> Self {
    let counted = rows.iter().map(|(row, _)| row.bytes()).sum();
    let memory_bytes = rows.iter().map(|(row, _)| row.memory_bytes()).sum();
    Self { rows, counted, memory_bytes }
  }

  /// Removes the rows from `at` on, and returns them.
  pub fn split_off(&mut self, at: usize) -> Self {
    let rest = self.rows.split_off(at.min(self.rows.len()));
    *self = Self::of(mem::take(&mut self.rows));
    Self::of(rest)
  }

  /// Removes feedback and updates that know only the id of a row, and returns them: they are nothing but content.
  pub fn split_off_content(&mut self) -> Self {
    let rows = mem::take(&mut self.rows).into_iter();
    let (spans, others) = rows.partition(|(row, _)| row.is_span);
    *self = Self::of(spans);
    Self::of(others)
  }

  /// The key of the batch: the number of its first row among those that left the queue.
  pub fn key(&self) -> Option<u64> {
    self.rows.first().map(|(_, key)| *key)
  }

  /// The ids of the rows.
  pub fn ids(&self) -> impl Iterator<Item = RowId> {
    self.rows.iter().map(|(row, _)| row.span.row)
  }

  /// Encodes the rows. Fields with more than `max_field` bytes are cut. `None` when there are no rows.
  pub fn encode(
    self,
    to: Option<&Destination>,
    max_field: Option<usize>,
    secrets: &Secrets,
  ) -> Option<Encoded> {
    let mut builder = Builder::new(to, max_field);
    for (row, key) in &self.rows {
      builder.push(row, None, *key, secrets);
    }
    self.finish(builder)
  }

  /// The content of the rows, one object each, as the JSON of a list.
  pub fn content(&self) -> String {
    let mut text = vec![b'['];
    for (position, (row, _)) in self.rows.iter().enumerate() {
      if position > 0 {
        text.push(b',');
      }
      write_content(&mut text, row);
    }
    text.push(b']');
    String::from_utf8(text)
      .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
  }

  /// Encodes the rows with masked content: the JSON of a list with one object for each row. Marks replace the content
  /// if it is anything else. `None` when there are no rows.
  pub fn encode_masked(
    self,
    content: &str,
    max_field: Option<usize>,
    secrets: &Secrets,
  ) -> Option<Encoded> {
    let masked = Masked::read_all(content).filter(|masked| masked.len() == self.rows.len());
    let masked = masked.unwrap_or_else(|| self.rows.iter().map(|_| Masked::failed()).collect());
    self.encode_with(&masked, max_field, secrets)
  }

  /// Encodes the rows without their content, which was not masked: all of them are cut.
  pub fn encode_left_out(self, max_field: Option<usize>, secrets: &Secrets) -> Option<Encoded> {
    let masked: Vec<_> = self.rows.iter().map(|(row, _)| Masked::left_out(row)).collect();
    let encoded = self.encode_with(&masked, max_field, secrets)?;
    Some(Encoded { cut: masked.len(), ..encoded })
  }

  fn encode_with(
    self,
    masked: &[Masked],
    max_field: Option<usize>,
    secrets: &Secrets,
  ) -> Option<Encoded> {
    let mut builder = Builder::new(None, max_field);
    for ((row, key), masked) in self.rows.iter().zip(masked) {
      builder.push(row, Some(masked), *key, secrets);
    }
    self.finish(builder)
  }

  fn finish(self, builder: Builder) -> Option<Encoded> {
    let cut = builder.cut();
    let batch = builder.encode()?;
    let size_correction = difference(batch.bytes(), self.counted);
    Some(Encoded { batch, size_correction, cut })
  }
}

/// `after - before`, signed.
pub fn difference(after: usize, before: usize) -> i64 {
  let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
  signed(after) - signed(before)
}
