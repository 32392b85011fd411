//! The payloads that are to be delivered, and in which order they may go.
//!
//! Payloads go in the order in which they were made, as many at once as the caller likes, but two that
//! carry rows of the same span never go together: the later one waits until the earlier one is settled.
//! Payloads that stand in the spool alone are behind all others; they are loaded one by one.

use std::{collections::BTreeMap, rc::Rc};

use braintrust_row::{Destination, RowId, RowMap};
use export::batch::Payload;
use export::report::Amount;
use spool::Entry;

/// How many payloads are looked at for one that may go.
const LOOKED_AT: usize = 64;

/// A payload in memory.
pub struct Held {
  pub payload: Payload,
  /// The earlier payloads that it waits for, by their keys.
  waits_for: Vec<u64>,
  /// Where the spool keeps it, perhaps together with the other half of what it was.
  file: Option<Rc<Entry>>,
  /// What was tried to get it through although it is too large.
  pub squeezed: Squeezed,
}

/// What was tried with a payload of a single row that is larger than the server takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Squeezed {
  /// Whether the server has refused it the usual way.
  pub refused: bool,
  /// How often uploading it apart was tried in vain.
  pub apart: u32,
  /// To how many bytes it was cut.
  pub cut_to: Option<usize>,
}

/// A payload that stands in the spool alone.
pub struct Stored {
  /// The ticket of its first row.
  pub key: u64,
  pub entry: Entry,
  /// The bytes of its rows.
  pub bytes: usize,
  /// How often it could not be read.
  pub failures: u32,
}

/// The payloads, by their keys, the oldest first.
#[derive(Default)]
pub struct Outbox {
  ready: BTreeMap<u64, Held>,
  under_way: BTreeMap<u64, Held>,
  stored: BTreeMap<u64, Stored>,
  stored_amount: Amount,
  /// What the files of those take of the disk.
  stored_disk: u64,
  /// For each row in memory the latest payload that carries it.
  owners: RowMap<u64>,
  /// Bytes of memory.
  weight: usize,
  /// Rows in memory.
  rows: usize,
}

impl Outbox {
  /// Takes in a payload, and where the spool keeps it.
  pub fn push(&mut self, payload: Payload, file: Option<Entry>) {
    let key = payload.key();
    let mut waits_for = Vec::new();
    for id in payload.ids() {
      let owner = self.owners.entry(id).or_insert(key);
      if *owner < key {
        waits_for.push(std::mem::replace(owner, key));
      } else if *owner > key {
        // The owner before is not known any more: it is one of these, if any.
        waits_for.extend(self.ready.range(..key).map(|(earlier, _)| *earlier));
        waits_for.extend(self.under_way.range(..key).map(|(earlier, _)| *earlier));
      }
    }
    waits_for.sort_unstable();
    waits_for.dedup();
    // Those that could not be stored behind one that was are in memory before it.
    self.ready.range_mut(key..).for_each(|(_, later)| later.waits_for.push(key));
    let file = file.map(Rc::new);
    self.hold(Held { payload, waits_for, file, squeezed: Squeezed::default() });
  }

  /// Takes in a payload that the spool keeps.
  pub fn store(&mut self, stored: Stored) {
    self.stored_amount.rows += stored.entry.rows as usize;
    self.stored_amount.bytes += stored.bytes;
    self.stored_disk += stored.entry.bytes;
    self.stored.insert(stored.key, stored);
  }

  /// The payload that stands in the spool alone for longest. Whoever takes it loads it, or counts it.
  pub fn take_stored(&mut self) -> Option<Stored> {
    let (_, stored) = self.stored.pop_first()?;
    self.stored_amount.rows -= stored.entry.rows as usize;
    self.stored_amount.bytes -= stored.bytes;
    self.stored_disk -= stored.entry.bytes;
    Some(stored)
  }

  /// Whether an unsettled payload in memory carries the row.
  pub fn carries(&self, row: &RowId) -> bool {
    self.owners.contains_key(row)
  }

  /// Lets the next payload go that may, and gives its key.
  pub fn start(&mut self) -> Option<u64> {
    // What could not be stored waits for what was stored before it.
    let barrier = self.barrier();
    let (ready, under_way) = (&self.ready, &self.under_way);
    let key = ready.range(..barrier).take(LOOKED_AT).find_map(|(key, held)| {
      let is_settled = |key: &u64| !ready.contains_key(key) && !under_way.contains_key(key);
      held.waits_for.iter().all(is_settled).then_some(*key)
    })?;
    let held = self.ready.remove(&key)?;
    self.under_way.insert(key, held);
    Some(key)
  }

  /// The payload that is under way.
  pub fn get(&mut self, key: u64) -> Option<&mut Held> {
    self.under_way.get_mut(&key)
  }

  /// Addresses the payload that is under way.
  pub fn address(&mut self, key: u64, to: &Destination) -> Option<&Payload> {
    let held = self.under_way.get_mut(&key)?;
    self.weight -= held.payload.weight();
    held.payload = held.payload.clone().addressed(to);
    self.weight += held.payload.weight();
    Some(&held.payload)
  }

  /// The payload has not arrived and waits for its next turn.
  pub fn put_back(&mut self, key: u64) {
    if let Some(held) = self.under_way.remove(&key) {
      self.ready.insert(key, held);
    }
  }

  /// The payload is delivered or lost. Gives it, and what is to be removed from the spool.
  pub fn settle(&mut self, key: u64) -> Option<(Payload, Option<Entry>)> {
    let held = self.release(key)?;
    for id in held.payload.ids() {
      if self.owners.get(&id) == Some(&key) {
        self.owners.remove(&id);
      }
    }
    let file = held.file.and_then(Rc::into_inner);
    Some((held.payload, file))
  }

  /// The halves of the payload that was under way wait in its place. False when it is a single row: it
  /// is still under way.
  pub fn split(&mut self, key: u64) -> bool {
    let halves = self.under_way.get(&key).and_then(|held| held.payload.split());
    let Some(halves) = halves else { return false };
    let Some(Held { waits_for, file, squeezed, .. }) = self.release(key) else { return false };
    for payload in halves {
      let half = payload.key();
      for id in payload.ids() {
        if let Some(owner) = self.owners.get_mut(&id).filter(|owner| **owner == key) {
          *owner = half;
        }
      }
      // Who waited for the whole waits for both halves; the first has its key.
      if half != key {
        let later = self.ready.values_mut().chain(self.under_way.values_mut());
        let waits = later.map(|held| &mut held.waits_for).filter(|keys| keys.contains(&key));
        waits.for_each(|keys| keys.push(half));
      }
      let (waits_for, file) = (waits_for.clone(), file.clone());
      self.hold(Held { payload, waits_for, file, squeezed });
    }
    true
  }

  /// The payload that is under way goes on as another one with the same rows.
  pub fn replace(&mut self, key: u64, payload: Payload) {
    if let Some(held) = self.under_way.get_mut(&key) {
      self.weight -= held.payload.weight();
      self.weight += payload.weight();
      held.payload = payload;
    }
  }

  /// How many payloads are under way.
  pub fn under_way(&self) -> usize {
    self.under_way.len()
  }

  /// How many payloads wait in memory that may go before those in the spool.
  pub fn ready(&self) -> usize {
    self.ready.range(..self.barrier()).count()
  }

  /// How many rows are in memory.
  pub fn rows(&self) -> usize {
    self.rows
  }

  /// The bytes of memory that the payloads take.
  pub fn weight(&self) -> usize {
    self.weight
  }

  /// What stands in the spool alone.
  pub fn stored(&self) -> Amount {
    self.stored_amount
  }

  /// How much of the disk that takes.
  pub fn stored_disk(&self) -> u64 {
    self.stored_disk
  }

  /// What is in memory and in the spool as well.
  pub fn backed(&self) -> Amount {
    let held = self.ready.values().chain(self.under_way.values());
    held.filter(|held| held.file.is_some()).fold(Amount::default(), |sum, held| Amount {
      rows: sum.rows + held.payload.rows(),
      bytes: sum.bytes + held.payload.bytes(),
    })
  }

  /// The ticket of the oldest row that is not settled.
  pub fn first_ticket(&self) -> Option<u64> {
    let first = |held: &BTreeMap<u64, Held>| held.first_key_value().map(|(key, _)| *key);
    let stored = self.stored.first_key_value().map(|(key, _)| *key);
    [first(&self.ready), first(&self.under_way), stored].into_iter().flatten().min()
  }

  /// The key from which on payloads wait for those in the spool.
  fn barrier(&self) -> u64 {
    self.stored.first_key_value().map_or(u64::MAX, |(key, _)| *key)
  }

  /// Whether every payload is settled.
  pub fn is_empty(&self) -> bool {
    self.ready.is_empty() && self.under_way.is_empty() && self.stored.is_empty()
  }

  fn hold(&mut self, held: Held) {
    self.weight += held.payload.weight();
    self.rows += held.payload.rows();
    self.ready.insert(held.payload.key(), held);
  }

  fn release(&mut self, key: u64) -> Option<Held> {
    let held = self.under_way.remove(&key)?;
    self.weight -= held.payload.weight();
    self.rows -= held.payload.rows();
    Some(held)
  }
}

#[cfg(test)]
mod tests;
