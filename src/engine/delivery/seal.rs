//! Rows to payloads, and payloads to and from the spool.

use std::time::Duration;

use tokio::time::Instant;

use super::{CHECKPOINT, Delivery, LINGER, Link};
use crate::{engine::outbox::Stored, upload::USUAL_LIMIT};
use braintrust_row::{Destination, Row};
use export::batch::{Limits, Payload, Picked, Sealed};
use export::config::Settings;
use export::report::{Amount, LossReason};
use spool::Entry;

/// How many times as many rows a payload may have while more wait than requests can carry otherwise.
const GROWTH: usize = 10;
/// The most bytes of payloads in memory before the spool alone keeps those that come, as a part of the
/// bound of all that waits: 1 / this.
const SPILL: usize = 4;
/// Rows whose span has ended become payloads, which take less memory, when so many bytes more wait.
const COMPACT_EVERY: usize = 1024 * 1024;
/// The most that is masked at once.
const MASKED_ROWS: usize = 100;
const MASKED_BYTES: usize = 256 * 1024;
/// How often a file of the spool is read in vain before it is given up, and how long to wait between.
const READS: u32 = 10;
const READ_AGAIN: Duration = Duration::from_secs(1);

impl Delivery<'_> {
  /// Makes a payload of the rows that have waited longest, if there are enough or they have waited for
  /// long enough. Rows of spans that are under way stay, and take in what is said of them meanwhile.
  pub(super) fn seal_next(&mut self, to: &Destination, urgent: bool) {
    if self.is_masking_full() {
      return;
    }
    let limits = self.limits();
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= LINGER);
    if !urgent && !waited && self.queue.len() < self.kept_back + limits.rows {
      return;
    }
    let picked = self.pick(limits, |row, is_carried| !is_carried(row));
    let is_full = picked.as_ref().is_some_and(|picked| picked.rows() == limits.rows);
    if let Some(picked) = picked {
      self.seal(picked, Some(to));
    }
    self.kept_back = if is_full { 0 } else { self.queue.len() };
    // What is left has waited less; the next payload may linger again.
    self.waiting_since = (!self.queue.is_empty()).then(Instant::now);
  }

  /// While rows cannot go, those whose span has ended become payloads, if that takes less memory: not those
  /// that share what they show with others.
  pub(super) fn compact(&mut self) {
    if self.queue.weight() < self.compacted + COMPACT_EVERY {
      self.compacted = self.compacted.min(self.queue.weight());
      return;
    }
    let limits = self.limits();
    // Masked, they would take more: what they share with others is written out then.
    while !self.shared.masks.are_wanted()
      && let Some(picked) = self.pick(limits, |row, is_carried| {
        row.ends() && row.bytes() <= row.weight() && !is_carried(row)
      })
    {
      self.seal(picked, None);
    }
    self.compacted = self.queue.weight();
  }

  /// Makes payloads of all rows and keeps them in the spool, if that is due. Rows of spans that are under
  /// way go into payloads of their own, so that the others need not wait for those.
  pub(super) fn checkpoint(&mut self, urgent: bool) -> bool {
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= CHECKPOINT);
    let much = self.queue.weight() > self.settings.queue_room() / SPILL;
    if self.queue.is_empty() || !(waited || urgent || much) {
      return false;
    }
    for and_carried in [false, true] {
      let limits = self.limits();
      while !self.is_masking_full()
        && let Some(picked) = self.pick(limits, |row, is_carried| and_carried || !is_carried(row))
      {
        self.seal(picked, None);
      }
    }
    self.waiting_since = (!self.queue.is_empty()).then(Instant::now);
    true
  }

  /// Takes those rows out of the queue that are `wanted`, by themselves and by whether something of their
  /// span is on its way already.
  fn pick(
    &mut self,
    limits: Limits,
    wanted: impl Fn(&Row, &dyn Fn(&Row) -> bool) -> bool,
  ) -> Option<Picked> {
    let (outbox, masking) = (&self.outbox, &self.masking);
    let is_carried = |row: &Row| {
      let id = &row.span.row;
      outbox.carries(id) || masking.carries(id)
    };
    self.queue.pick(limits, |row| wanted(row, &is_carried))
  }

  /// Whether rows that must be masked have to wait for those that are on the way.
  pub(super) fn is_masking_full(&self) -> bool {
    self.shared.masks.are_wanted() && self.masking.is_full()
  }

  /// Makes a payload of rows, by way of the masking function if there is one.
  fn seal(&mut self, picked: Picked, to: Option<&Destination>) {
    if self.shared.masks.are_wanted() {
      self.masking.begin(picked, &self.shared.masks);
    } else {
      let sealed = picked.seal(to, self.settings.max_field_bytes);
      self.take_sealed(sealed);
    }
  }

  /// Nobody is left to mask: rows that must be masked are lost.
  pub(super) fn lose_unmasked(&mut self) {
    let limits = Limits { rows: usize::MAX, bytes: usize::MAX };
    let waiting = self.queue.pick(limits, |_| true);
    for picked in self.masking.give_up().chain(waiting) {
      let amount = Amount { rows: picked.rows(), bytes: picked.counted() };
      self.lose(amount, LossReason::NotDeliveredAtExit, "nobody is left to mask them");
    }
  }

  /// Takes back what was masked.
  pub fn take_masked(&mut self, batch: u64, content: &str) {
    if let Some(picked) = self.masking.finish(batch) {
      let sealed = picked.seal_masked(content, self.settings.max_field_bytes);
      self.take_sealed(sealed);
    }
  }

  /// Puts a payload into the spool, where the oldest makes room for it if need be.
  pub(super) fn keep(&mut self, payload: &Payload) -> Option<Entry> {
    let content = payload.written();
    if !self.store.could_have_room(content.len(), self.outbox.stored_disk()) {
      return None;
    }
    while !self.store.has_room(content.len()) {
      let oldest = self.outbox.take_stored()?;
      self.store.remove(&oldest.entry, self.shared);
      let amount = Amount { rows: oldest.entry.rows as usize, bytes: oldest.bytes };
      self.lose(amount, LossReason::SpoolFull, "the spool has reached its size");
    }
    self.store.put(&content, payload.rows(), self.shared)
  }

  /// Puts a payload where it waits: in memory, unless much is there already and the spool has it.
  fn take_sealed(&mut self, sealed: Option<Sealed>) {
    let Some(Sealed { payload, wrong, cut }) = sealed else { return };
    self.shared.counters.cut(cut);
    let kept = if self.store.is_open() { self.keep(&payload) } else { None };
    self.shared.counters.correct(wrong);
    let is_behind = self.outbox.stored().rows > 0
      || self.outbox.weight() + payload.weight() > self.settings.queue_room() / SPILL;
    match kept {
      Some(entry) if is_behind => {
        let (key, bytes) = (payload.key(), payload.bytes());
        self.outbox.store(Stored { key, entry, bytes, failures: 0 });
      }
      kept => self.outbox.push(payload, kept),
    }
  }

  /// Loads the payload that stands in the spool alone for longest. False when there is none, or none can
  /// be had now.
  pub(super) fn load(&mut self) -> bool {
    if self.load_due.is_some_and(|due| due > Instant::now()) {
      return false;
    }
    // What is behind the spool fills the memory, too: something must always be able to go.
    let is_crowded = self.outbox.weight() > self.settings.queue_room() / SPILL;
    if self.outbox.under_way() > 0
      && (is_crowded || self.outbox.ready() > self.settings.max_requests)
    {
      return false;
    }
    let Some(mut stored) = self.outbox.take_stored() else { return false };
    let amount = Amount { rows: stored.entry.rows as usize, bytes: stored.bytes };
    match self.store.read(&stored.entry, self.shared) {
      Ok(content) => match Payload::read(&content, stored.key) {
        Some(payload) => self.outbox.push(payload, Some(stored.entry)),
        None => {
          self.store.remove(&stored.entry, self.shared);
          self.lose(amount, LossReason::SpoolDamaged, "a file in the spool has no rows");
        }
      },
      Err(true) => self.lose(amount, LossReason::SpoolDamaged, "a file in the spool is damaged"),
      Err(false) if stored.failures < READS => {
        stored.failures += 1;
        self.outbox.store(stored);
        self.load_due = Some(Instant::now() + READ_AGAIN);
        return false;
      }
      Err(false) => {
        self.lose(amount, LossReason::SpoolDamaged, "a file in the spool is not readable")
      }
    }
    true
  }

  /// What one payload may have. What is masked holds up the JavaScript thread while it is.
  pub(super) fn limits(&self) -> Limits {
    if self.shared.masks.are_wanted() {
      return Limits { rows: MASKED_ROWS, bytes: MASKED_BYTES };
    }
    let most = self.settings.batch_rows.unwrap_or(Settings::BATCH_ROWS);
    let much = self.queue.len() + self.outbox.rows() > most * self.settings.max_requests;
    // Who sets a number means it.
    let grows = much && self.settings.batch_rows.is_none();
    let bytes = match &self.link {
      Link::Up { session, .. } => session.max_bytes(),
      _ => self.settings.max_request_bytes.unwrap_or(USUAL_LIMIT),
    };
    // Half the limit: gateways wrap the body, and then count it.
    Limits { rows: if grows { most * GROWTH } else { most }, bytes: bytes / 2 }
  }
}
