//! One request body, and the rows in it.

use std::{borrow::Cow, mem, ops::Range};

use bytes::Bytes;
use indexmap::{IndexMap, map::Entry};

use braintrust_row::{
  Destination, Masked, Row, RowId, address, close_body, cut_fields, merge_encoded, open_body,
  write_masked_row, write_row,
};

use crate::{counters::RowTotals, secrets::Secrets};

/// Encoded rows: the body of one request. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct EncodedBatch {
  body: Bytes,
  rows: Vec<EncodedRow>,
  /// The bytes of the address in each row; 0: the rows have no address yet.
  address: usize,
}

/// An encoded row.
#[derive(Debug, Clone)]
struct EncodedRow {
  id: RowId,
  /// Its number among the rows that left the queue.
  key: u64,
  /// The accepted rows that are merged in it.
  merged: usize,
  /// Its range in the body.
  bytes: Range<usize>,
}

/// The bytes before each row in a segment: its id and its length.
const HEAD: usize = RowId::BYTES + size_of::<u32>();

impl EncodedBatch {
  /// The key of the batch: the number of its first row among those that left the queue. No other batch has it.
  pub fn key(&self) -> u64 {
    self.rows.first().map_or(u64::MAX, |row| row.key)
  }

  /// The number of accepted rows: one for each span, and those that were merged into it after they were encoded.
  pub fn rows(&self) -> usize {
    self.rows.iter().map(|row| row.merged).sum()
  }

  /// The number of spans in it.
  pub fn spans(&self) -> usize {
    self.rows.len()
  }

  /// The counted bytes of its rows: without addresses and separators.
  pub fn bytes(&self) -> usize {
    self.rows.iter().map(|row| row.bytes.len() - self.address).sum()
  }

  /// The number of accepted rows, and their counted bytes.
  pub fn totals(&self) -> RowTotals {
    RowTotals { rows: self.rows(), bytes: self.bytes() }
  }

  /// The bytes of memory that it takes.
  pub fn memory_bytes(&self) -> usize {
    self.body.len() + self.rows.capacity() * size_of::<EncodedRow>()
  }

  /// The ids of its rows.
  pub fn ids(&self) -> impl Iterator<Item = RowId> {
    self.rows.iter().map(|row| row.id)
  }

  /// The body of `POST /logs3`.
  pub fn body(&self) -> Bytes {
    self.body.clone()
  }

  /// Replaces API keys in the rows by asterisks, as many as they have bytes.
  pub fn hide(&mut self, secrets: &Secrets) {
    let mut body = Vec::from(mem::take(&mut self.body));
    secrets.hide_in(&mut body);
    self.body = body.into();
  }

  /// The bytes of each row in the body.
  pub fn row_sizes(&self) -> Vec<usize> {
    self.rows.iter().map(|row| row.bytes.len()).collect()
  }

  /// The same rows with the address of `to`. Copies them unless they have this address already.
  pub fn addressed(self, to: &Destination) -> Self {
    let wanted = address(to);
    let is_there = self.address == wanted.len()
      && self
        .rows
        .first()
        .is_some_and(|row| self.text(row).get(1..=wanted.len()) == Some(wanted.as_slice()));
    if is_there {
      return self;
    }
    self.rebuilt(Builder::of(wanted), &self.rows)
  }

  /// The same rows in two batches. `None` for a single row.
  pub fn split(&self) -> Option<[Self; 2]> {
    let (first, second) = self.rows.split_at(self.rows.len() / 2);
    let half = |rows| self.rebuilt(Builder::of(self.address().to_vec()), rows);
    (!first.is_empty()).then(|| [half(first), half(second)])
  }

  /// The rows of several batches, given in their order, in one: without addresses, and those of the same span merged.
  /// `None` when a row cannot be merged.
  pub fn merged<'a>(batches: impl Iterator<Item = &'a Self>) -> Option<Self> {
    let mut rows: IndexMap<RowId, (u64, usize, Cow<'a, [u8]>)> = IndexMap::new();
    for batch in batches {
      for row in &batch.rows {
        let bare = batch.bare(row);
        match rows.entry(row.id) {
          Entry::Vacant(entry) => {
            entry.insert((row.key, row.merged, Cow::Borrowed(bare)));
          }
          Entry::Occupied(mut entry) => {
            let (_, merged, earlier) = entry.get_mut();
            let both = [&b"{"[..], &*earlier].concat();
            let both = merge_encoded(&both, &[b"{", bare].concat())?;
            *earlier = Cow::Owned(both.strip_prefix(b"{")?.to_vec());
            *merged += row.merged;
          }
        }
      }
    }
    let mut builder = Builder::of(Vec::new());
    for (id, (key, merged, bare)) in rows {
      builder.push_text(id, key, merged, &bare);
    }
    builder.encode()
  }

  /// The rows without addresses, as the content of a segment that [`Self::from_segment`] reads.
  pub fn segment_content(&self) -> Vec<u8> {
    let mut content = Vec::with_capacity(self.body.len() + self.rows.len() * HEAD);
    for row in &self.rows {
      content.extend_from_slice(row.id.as_bytes());
      // No row comes near 4 GiB.
      let length = u32::try_from(row.bytes.len() - self.address).unwrap_or(u32::MAX);
      content.extend_from_slice(&length.to_le_bytes());
      content.push(b'{');
      content.extend_from_slice(self.bare(row));
    }
    content
  }

  /// The bytes of the rows in the content of a segment.
  pub fn row_bytes_of(content: usize, rows: usize) -> usize {
    content.saturating_sub(rows.saturating_mul(HEAD))
  }

  /// The most rows that the content of a segment has.
  pub fn most_rows(content: usize) -> usize {
    content / HEAD
  }

  /// The batch in the content of a segment, with keys from `key` on. `rewritten` returns what replaces a row, or `None`
  /// to keep it. Returns `None` when the content is malformed or empty.
  pub fn from_segment(
    mut content: &[u8],
    key: u64,
    rewritten: impl Fn(&[u8]) -> Option<Vec<u8>>,
  ) -> Option<Self> {
    let mut builder = Builder::of(Vec::new());
    while !content.is_empty() {
      let (id, rest) = content.split_first_chunk::<{ RowId::BYTES }>()?;
      let (length, rest) = rest.split_first_chunk()?;
      let (row, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
      let key = key + builder.rows.len() as u64;
      let rewritten = rewritten(row);
      let row = rewritten.as_deref().unwrap_or(row);
      builder.push_text(RowId::from_bytes(*id), key, 1, row.strip_prefix(b"{")?);
      content = rest;
    }
    builder.encode()
  }

  /// The same single row with other bytes, without an address. `None` when there are more rows.
  pub fn replaced(&self, row: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Self> {
    let [only] = self.rows.as_slice() else { return None };
    let bare = [b"{", self.bare(only)].concat();
    let row = row(&bare)?;
    let mut builder = Builder::of(Vec::new());
    builder.push_text(only.id, only.key, only.merged, row.strip_prefix(b"{")?);
    builder.encode()
  }

  fn rebuilt(&self, mut builder: Builder, rows: &[EncodedRow]) -> Self {
    for row in rows {
      builder.push_text(row.id, row.key, row.merged, self.bare(row));
    }
    builder.finish()
  }

  fn text(&self, row: &EncodedRow) -> &[u8] {
    self.body.get(row.bytes.clone()).unwrap_or_default()
  }

  /// A row after its brace and its address.
  fn bare(&self, row: &EncodedRow) -> &[u8] {
    self.text(row).get(1 + self.address..).unwrap_or_default()
  }

  fn address(&self) -> &[u8] {
    let row = self.rows.first().map(|row| self.text(row)).unwrap_or_default();
    row.get(1..1 + self.address).unwrap_or_default()
  }
}

/// Builds a body row by row.
pub(super) struct Builder {
  body: Vec<u8>,
  rows: Vec<EncodedRow>,
  address: Vec<u8>,
  /// The most bytes of a field.
  max_field: Option<usize>,
  /// The rows with a field that was cut.
  cut: usize,
}

impl Builder {
  /// An empty body whose rows get the address of `to`. Fields with more than `max_field` bytes are cut.
  pub fn new(to: Option<&Destination>, max_field: Option<usize>) -> Self {
    Self { max_field, ..Self::of(to.map(address).unwrap_or_default()) }
  }

  fn of(address: Vec<u8>) -> Self {
    let mut body = Vec::new();
    open_body(&mut body);
    Self { body, rows: Vec::new(), address, max_field: None, cut: 0 }
  }

  /// The rows with a field that was cut.
  pub fn cut(&self) -> usize {
    self.cut
  }

  /// Encodes a row, with its masked content if there is one, and without API keys.
  pub fn push(&mut self, row: &Row, masked: Option<&Masked>, key: u64, secrets: &Secrets) {
    let start = self.open();
    match masked {
      Some(masked) => write_masked_row(&mut self.body, row, masked, &self.address),
      None => write_row(&mut self.body, row, &self.address),
    }
    let written = self.body.get_mut(start..).unwrap_or_default();
    // Before a field is cut: of a key that is cut, the rest would not be found.
    secrets.hide_in(written);
    if let Some(shorter) = self.max_field.and_then(|most| cut_fields(written, most)) {
      self.body.truncate(start);
      self.body.extend_from_slice(&shorter);
      self.cut += 1;
    }
    let bytes = start..self.body.len();
    self.rows.push(EncodedRow { id: row.span.row, key, merged: 1, bytes });
  }

  /// Adds a row, in which `merged` accepted rows are merged, by its text without its brace and without an address.
  fn push_text(&mut self, id: RowId, key: u64, merged: usize, bare: &[u8]) {
    let start = self.open();
    self.body.push(b'{');
    self.body.extend_from_slice(&self.address);
    self.body.extend_from_slice(bare);
    self.rows.push(EncodedRow { id, key, merged, bytes: start..self.body.len() });
  }

  /// Begins the next row and returns its start.
  fn open(&mut self) -> usize {
    if !self.rows.is_empty() {
      self.body.push(b',');
    }
    self.body.len()
  }

  /// The batch; `None` when there are no rows.
  pub fn encode(self) -> Option<EncodedBatch> {
    (!self.rows.is_empty()).then(|| self.finish())
  }

  fn finish(mut self) -> EncodedBatch {
    close_body(&mut self.body);
    self.body.shrink_to_fit();
    EncodedBatch { body: self.body.into(), rows: self.rows, address: self.address.len() }
  }
}
