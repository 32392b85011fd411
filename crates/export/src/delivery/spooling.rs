//! Batches to and from the spool.

use std::io;

use spool::{ReadError, Segment};

use super::state::Delivery;
use crate::{
  batch::EncodedBatch,
  counters::RowTotals,
  loss::LossReason,
  outbox::{SpooledBatch, Written},
  spool_writer::PAUSE,
  stored_rows,
  time::Now,
};

/// Batches in memory may take `1 / SPILL` of the queue's bound; further ones are kept in the spool only.
pub(super) const SPILL: usize = 4;
/// The failed reads after which a segment counts as lost.
const MAX_READS: u32 = 10;

impl Delivery {
  /// Makes room in the spool for `content` bytes: evicts the oldest batches if necessary. False if there is no room.
  /// Adopted segments may exceed the bound, as they are on the disk already: none is evicted for what memory has room
  /// for, and then no more than is written.
  pub(super) fn make_room(&mut self, content: usize, now: Now) -> bool {
    let waits = self.spool.exceeds_bound() && !self.is_crowded();
    if waits || !self.spool.could_have_room(content, self.outbox.spooled_disk(), now) {
      return false;
    }
    let most = self.spool.most_bytes();
    while !self.spool.has_room(content, most) {
      let Some(oldest) = self.outbox.evict_oldest() else { return false };
      let SpooledBatch { entry, bytes, .. } = oldest;
      self.spool.remove(entry);
      let totals = RowTotals { rows: entry.rows as usize, bytes };
      let why = "the spool is full";
      self.account.lose(LossReason::SpoolFull, totals, why, now.elapsed);
    }
    true
  }

  /// Writes the oldest batch that the disk refused, or had no room for, to the spool. The next one follows when that
  /// has succeeded.
  pub fn write_again(&mut self) {
    let (spool, is_end) = (&self.spool, self.shutdown_since.is_some());
    let fits = |bytes| spool.has_room(bytes, spool.most_bytes());
    if spool.is_open()
      && let Some((key, content, rows)) = self.outbox.begin_rewrite(is_end, fits)
    {
      self.spool.write(key, content, rows);
    }
  }

  /// The write of a batch has ended. It stays in memory, unless that holds much already and the spool has it.
  pub fn handle_written(
    &mut self,
    key: u64,
    disk_bytes: u64,
    result: io::Result<Segment>,
    now: Now,
  ) {
    let is_behind = self.outbox.spooled().rows > 0
      || self.outbox.memory_bytes_with(key) + self.others_bytes
        > self.settings.queue_room() / SPILL;
    let segment = match result {
      Ok(segment) => Some(segment),
      Err(error) => {
        self.spool.write_failed(disk_bytes, &error, now);
        None
      }
    };
    if self.outbox.is_rewriting(key) {
      if let Some(unneeded) = self.outbox.finish_rewrite(segment) {
        self.spool.remove(unneeded);
      }
    } else {
      let written = match segment {
        Some(segment) if is_behind => Written::SpoolOnly(segment),
        Some(segment) => Written::Backed(segment),
        None => Written::MemoryOnly,
      };
      self.outbox.finish_write(key, written);
    }
    // The disk works.
    if segment.is_some() && self.ends_at.is_none_or(|end| now.elapsed < end) {
      self.write_again();
    }
  }

  /// Whether batches in memory take as much as they may while others are in the spool only.
  pub(super) fn is_crowded(&self) -> bool {
    self.outbox.memory_bytes() + self.others_bytes > self.settings.queue_room() / SPILL
  }

  /// Whether memory has room for a batch from the spool. While the server fails on all rows that can be sent, there is
  /// more room: memory's whole bound once more, not counting what waits behind the spool. Otherwise nothing but those
  /// rows would ever be tried.
  pub(super) fn has_room_to_load(&self) -> bool {
    if !self.outbox.fails_throughout() {
      return !self.is_crowded();
    }
    let (batches, bytes) = self.outbox.before_spool();
    bytes <= self.settings.queue_room() || batches <= 1
  }

  /// Reads the oldest batch that is in the spool only, if memory has room for it.
  pub(super) fn load(&mut self, now: Now) {
    if self.load_due.is_some_and(|due| due > now.elapsed) {
      return;
    }
    // Batches that wait for rows that the server fails on do not count as supply.
    let is_supplied =
      self.outbox.ready() > self.settings.max_requests && !self.outbox.fails_throughout();
    // Batches behind the spooled ones take memory, too: one load at a time must always be possible.
    let has_enough = !self.has_room_to_load() || is_supplied;
    if self.outbox.in_flight() > 0 && has_enough {
      return;
    }
    if let Some(spooled) = self.outbox.begin_load() {
      let entry = spooled.entry;
      self.spool.load(entry);
    }
  }

  /// The read of a batch has ended.
  pub fn handle_loaded(&mut self, result: Result<Vec<u8>, ReadError>, now: Now) {
    let Some(mut spooled) = self.outbox.finish_load() else { return };
    let error = match result {
      Ok(content) => match self.decode(&content, &spooled) {
        Some(batch) => {
          self.account.counters.correct(batch.bytes() as i64 - spooled.bytes as i64);
          // The header may state another number.
          let stated = i64::from(spooled.entry.rows);
          self.account.counters.correct_rows(batch.rows() as i64 - stated);
          return self.outbox.push(batch, Some(spooled.entry));
        }
        None => {
          self.spool.remove(spooled.entry);
          return self.lose_spooled(&spooled, "a spool file contains no rows", now);
        }
      },
      Err(error) => error,
    };
    let why = error.to_string();
    match error {
      ReadError::Io(_) => self.spool.failed(&why),
      _ => self.spool.damaged(&why),
    }
    match error {
      // A disk that does not respond does not mean that the segment is damaged.
      ReadError::Io(error)
        if error.kind() == io::ErrorKind::TimedOut || spooled.failures < MAX_READS =>
      {
        spooled.failures += u32::from(error.kind() != io::ErrorKind::TimedOut);
        self.outbox.push_spooled(spooled);
        self.load_due = Some(now.elapsed + PAUSE);
      }
      ReadError::Io(_) => self.lose_spooled(&spooled, "a spool file cannot be read", now),
      ReadError::Damaged(_) => {
        self.spool.quarantine(spooled.entry);
        self.lose_spooled(&spooled, "a spool file is damaged", now);
      }
      ReadError::Gone => {
        self.spool.remove(spooled.entry);
        self.lose_spooled(&spooled, "a spool file is missing", now);
      }
    }
  }

  /// The batch in a segment's content. What applies to the rows of this process applies to adopted ones.
  fn decode(&self, content: &[u8], spooled: &SpooledBatch) -> Option<EncodedBatch> {
    let (policy, redactor) = (self.settings.content, self.settings.redactor.as_deref());
    let mut batch = EncodedBatch::from_segment(content, spooled.key, |row| {
      if spooled.is_adopted { stored_rows::rewritten(row, policy, redactor) } else { None }
    })?;
    if spooled.is_adopted {
      batch.hide(&self.account.secrets);
    }
    Some(batch)
  }

  fn lose_spooled(&self, spooled: &SpooledBatch, why: &str, now: Now) {
    let totals = RowTotals { rows: spooled.entry.rows as usize, bytes: spooled.bytes };
    self.account.lose(LossReason::SpoolDamaged, totals, why, now.elapsed);
  }
}
