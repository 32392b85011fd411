//! The rows that wait to become payloads.

use std::collections::VecDeque;

#[cfg(test)]
use super::payload::Payload;
use super::picked::Picked;
#[cfg(test)]
use braintrust_row::Destination;
use braintrust_row::{Row, RowId, RowMap};

/// The most that goes into one payload.
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
  next_ticket: u64,
  weight: usize,
}

struct Waiting {
  row: Row,
  ticket: u64,
  /// What was counted for the row: its bytes on the wire, about, and in memory.
  bytes: usize,
  weight: usize,
}

/// What a waiting row takes in memory besides itself: its places in the order and in the table, which is
/// half empty at times.
const PLACE: usize = 128;

impl RowQueue {
  /// Takes a row in. Tells whether it waits as a new row, or was merged into one that waits; and how many
  /// bytes on the wire came with it, about.
  pub fn push(&mut self, row: Row) -> (bool, i64) {
    let id = row.span.row;
    if let Some(waiting) = self.waiting.get_mut(&id) {
      waiting.row.merge(row);
      self.weight -= waiting.weight;
      waiting.weight = waiting.row.weight() + PLACE;
      self.weight += waiting.weight;
      let before = std::mem::replace(&mut waiting.bytes, waiting.row.bytes());
      return (false, difference(waiting.bytes, before));
    }
    let (ticket, bytes, weight) = (self.next_ticket, row.bytes(), row.weight() + PLACE);
    self.next_ticket += 1;
    self.weight += weight;
    self.order.push_back(id);
    self.waiting.insert(id, Waiting { row, ticket, bytes, weight });
    (true, difference(bytes, 0))
  }

  /// How many rows wait.
  pub fn len(&self) -> usize {
    self.waiting.len()
  }

  /// Whether none waits.
  pub fn is_empty(&self) -> bool {
    self.waiting.is_empty()
  }

  /// The bytes of memory that the rows take.
  pub fn weight(&self) -> usize {
    self.weight
  }

  /// All rows that are taken in from now on have tickets from this on.
  pub fn next_ticket(&self) -> u64 {
    self.next_ticket
  }

  /// Takes tickets for rows that come as payloads, and gives the first of them.
  pub fn take_tickets(&mut self, rows: usize) -> u64 {
    let first = self.next_ticket;
    self.next_ticket += rows as u64;
    first
  }

  /// The ticket of the row that waits longest.
  pub fn first_ticket(&self) -> Option<u64> {
    self.waiting.get(self.order.front()?).map(|waiting| waiting.ticket)
  }

  /// Takes out those rows that are `wanted` and have waited longest. `None` when there is none.
  pub fn pick(&mut self, limits: Limits, wanted: impl Fn(&Row) -> bool) -> Option<Picked> {
    let mut picked = Picked::default();
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
      let Some(Waiting { row, ticket, bytes, weight }) = self.waiting.remove(&id) else { continue };
      self.weight -= weight;
      picked.push(row, ticket, bytes, weight);
    }
    for id in kept.into_iter().rev() {
      self.order.push_front(id);
    }
    (picked.rows() > 0).then_some(picked)
  }

  /// [`Self::pick`] and [`Picked::seal`].
  #[cfg(test)]
  pub fn seal(
    &mut self,
    limits: Limits,
    to: Option<&Destination>,
    wanted: impl Fn(&Row) -> bool,
  ) -> Option<(Payload, i64)> {
    let sealed = self.pick(limits, wanted)?.seal(to, None)?;
    Some((sealed.payload, sealed.wrong))
  }
}

pub(super) fn difference(after: usize, before: usize) -> i64 {
  let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
  signed(after) - signed(before)
}
