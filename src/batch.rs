//! Rows to payloads.
//!
//! Owns the rows that wait. Rows of one span are merged while they wait, and a span that is under way
//! in one payload waits until that one is settled: two requests never carry the same row.

use std::{
  collections::{BTreeSet, HashMap, HashSet, VecDeque},
  ops::Range,
};

use bytes::Bytes;

use crate::span::{Destination, Row, RowId, close_body, open_body, write_row};

/// The most rows in one payload.
pub const BATCH_ROWS: usize = 100;

/// One request body, and the rows in it.
#[derive(Debug, Clone)]
pub struct Batch {
  /// The body of `POST /logs3`.
  pub body: Bytes,
  rows: Vec<Sealed>,
}

/// A row that has become bytes.
#[derive(Debug, Clone)]
struct Sealed {
  id: RowId,
  ticket: u64,
  /// Where in the body it stands.
  bytes: Range<usize>,
}

impl Batch {
  /// How many rows it carries.
  pub fn len(&self) -> usize {
    self.rows.len()
  }

  /// The same rows in two bodies; a single row cannot be split and comes back.
  pub fn split(self) -> Result<[Self; 2], Self> {
    let (first, second) = self.rows.split_at(self.rows.len() / 2);
    if first.is_empty() {
      return Err(self);
    }
    Ok([self.part(first), self.part(second)])
  }

  fn part(&self, rows: &[Sealed]) -> Self {
    let mut builder = Builder::new();
    for row in rows {
      let bytes = self.body.get(row.bytes.clone()).unwrap_or_default();
      builder.push(row.id, row.ticket, |body| body.extend_from_slice(bytes));
    }
    builder.seal()
  }
}

/// The rows that wait.
#[derive(Default)]
pub struct RowQueue {
  order: VecDeque<RowId>,
  waiting: HashMap<RowId, Waiting>,
  under_way: HashSet<RowId>,
  /// The tickets of all rows that are not settled, waiting or under way.
  tickets: BTreeSet<u64>,
  next_ticket: u64,
  bytes: usize,
}

struct Waiting {
  row: Row,
  ticket: u64,
}

impl RowQueue {
  /// Takes a row in. True when it waits as a new row, false when it was merged into one that waits.
  pub fn push(&mut self, row: Row) -> bool {
    let id = row.span.row;
    if let Some(waiting) = self.waiting.get_mut(&id) {
      self.bytes -= waiting.row.weight();
      waiting.row.merge(row);
      self.bytes += waiting.row.weight();
      return false;
    }
    let ticket = self.next_ticket;
    self.next_ticket += 1;
    self.bytes += row.weight();
    self.tickets.insert(ticket);
    self.order.push_back(id);
    self.waiting.insert(id, Waiting { row, ticket });
    true
  }

  /// How many rows wait.
  pub fn len(&self) -> usize {
    self.waiting.len()
  }

  /// About how many bytes wait.
  pub fn bytes(&self) -> usize {
    self.bytes
  }

  /// All rows that are taken in from now on have tickets from this on.
  pub fn next_ticket(&self) -> u64 {
    self.next_ticket
  }

  /// Whether every row with an earlier ticket is settled.
  pub fn settled_before(&self, ticket: u64) -> bool {
    self.tickets.first().is_none_or(|first| *first >= ticket)
  }

  /// How many rows are neither delivered nor lost.
  pub fn unsettled(&self) -> usize {
    self.tickets.len()
  }

  /// Makes a payload of the rows that have waited longest, of at most [`BATCH_ROWS`] rows and
  /// `max_bytes` bytes. A row larger than that goes alone. `None` when no row may go.
  pub fn next_batch(&mut self, max_bytes: usize, to: &Destination) -> Option<Batch> {
    let mut builder = Builder::new();
    let mut kept = VecDeque::new();
    while builder.rows.len() < BATCH_ROWS
      && (builder.rows.is_empty() || builder.body.len() < max_bytes)
      && let Some(id) = self.order.pop_front()
    {
      if self.under_way.contains(&id) {
        kept.push_back(id);
        continue;
      }
      let Some(Waiting { row, ticket }) = self.waiting.remove(&id) else {
        continue;
      };
      // The row is a little larger on the wire than its estimate at most when it is small.
      if !builder.rows.is_empty() && builder.body.len() + row.bytes() > max_bytes {
        self.waiting.insert(id, Waiting { row, ticket });
        kept.push_back(id);
        break;
      }
      self.bytes -= row.weight();
      self.under_way.insert(id);
      builder.push(id, ticket, |body| write_row(body, &row, to));
    }
    for id in kept.into_iter().rev() {
      self.order.push_front(id);
    }
    (!builder.rows.is_empty()).then(|| builder.seal())
  }

  /// The rows of the payload are delivered or lost.
  pub fn settle(&mut self, batch: &Batch) {
    for row in &batch.rows {
      self.under_way.remove(&row.id);
      self.tickets.remove(&row.ticket);
    }
  }
}

/// Builds a body row by row.
struct Builder {
  body: Vec<u8>,
  rows: Vec<Sealed>,
}

impl Builder {
  fn new() -> Self {
    let mut body = Vec::new();
    open_body(&mut body);
    Self { body, rows: Vec::new() }
  }

  fn push(&mut self, id: RowId, ticket: u64, write: impl FnOnce(&mut Vec<u8>)) {
    if !self.rows.is_empty() {
      self.body.push(b',');
    }
    let start = self.body.len();
    write(&mut self.body);
    self.rows.push(Sealed { id, ticket, bytes: start..self.body.len() });
  }

  fn seal(mut self) -> Batch {
    close_body(&mut self.body);
    Batch { body: self.body.into(), rows: self.rows }
  }
}

#[cfg(test)]
mod tests;
