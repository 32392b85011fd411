//! Rows that leave the queue together, on their way to become a batch.

use super::{
  encoded::{Builder, EncodedBatch},
  queue::difference,
};
use braintrust_row::{Destination, Masked, Row, RowId, write_content};

/// Rows that wait no longer for what else is said of their spans. At least one, unless just made.
#[derive(Default)]
pub struct RowBatch {
  rows: Vec<(Row, u64)>,
  /// The bytes of the rows on the wire, as they were counted while they waited.
  counted: usize,
  weight: usize,
}

/// Rows that have become a batch.
pub struct Encoded {
  pub batch: EncodedBatch,
  /// By how many bytes the rows were counted wrongly while they waited.
  pub size_correction: i64,
  /// How many of them have a field that was cut.
  pub cut: usize,
}

impl RowBatch {
  pub(super) fn push(&mut self, row: Row, sequence: u64, counted: usize, weight: usize) {
    self.counted += counted;
    self.weight += weight;
    self.rows.push((row, sequence));
  }

  /// How many rows there are.
  pub fn rows(&self) -> usize {
    self.rows.len()
  }

  /// The bytes of the rows on the wire, about.
  pub fn counted(&self) -> usize {
    self.counted
  }

  /// The bytes of memory that they take.
  pub fn memory_bytes(&self) -> usize {
    self.weight
  }

  /// The sequence of the first row.
  pub fn first_sequence(&self) -> Option<u64> {
    self.rows.first().map(|(_, sequence)| *sequence)
  }

  /// Whose rows they are.
  pub fn ids(&self) -> impl Iterator<Item = RowId> {
    self.rows.iter().map(|(row, _)| row.span.row)
  }

  /// The batch of these rows, of which no field has more than `max_field` bytes.
  pub fn encode(self, to: Option<&Destination>, max_field: Option<usize>) -> Option<Encoded> {
    let mut builder = Builder::new(to, max_field);
    for (row, sequence) in &self.rows {
      builder.push(row, None, *sequence);
    }
    self.finish(builder)
  }

  /// What the rows say, one object each, as the JSON of a list.
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

  /// The same as [`Self::encode`] of rows that say this instead: the [`Self::content`] as it was masked. Where
  /// that is no such list, nothing of what the rows said remains.
  pub fn encode_masked(self, content: &str, max_field: Option<usize>) -> Option<Encoded> {
    let masked = Masked::read_all(content).filter(|masked| masked.len() == self.rows.len());
    let masked = masked.unwrap_or_else(|| self.rows.iter().map(|_| Masked::failed()).collect());
    let mut builder = Builder::new(None, max_field);
    for ((row, sequence), masked) in self.rows.iter().zip(&masked) {
      builder.push(row, Some(masked), *sequence);
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
