//! Rows to payloads, and payloads to and from the spool.

use std::time::Duration;

use tokio::time::Instant;

use super::{CHECKPOINT, Delivery, LINGER, Link};
use crate::{
  batch::{Limits, Payload},
  config::Settings,
  engine::outbox::Stored,
  report::{Amount, LossReason},
  span::{Destination, Row},
  spool::Entry,
  upload::USUAL_LIMIT,
};

/// How many times as many rows a payload may have while more wait than requests can carry otherwise.
const GROWTH: usize = 10;
/// The most bytes of payloads in memory before the spool alone keeps those that come, as a part of the
/// bound of all that waits: 1 / this.
const SPILL: usize = 4;
/// Rows whose span has ended become payloads, which take less memory, when so many bytes more wait.
const COMPACT_EVERY: usize = 1024 * 1024;
/// How often a file of the spool is read in vain before it is given up, and how long to wait between.
const READS: u32 = 10;
const READ_AGAIN: Duration = Duration::from_secs(1);

impl Delivery<'_> {
  /// Makes a payload of the rows that have waited longest, if there are enough or they have waited for
  /// long enough. Rows of spans that are under way stay, and take in what is said of them meanwhile.
  pub(super) fn seal_next(&mut self, to: &Destination, urgent: bool) {
    let limits = self.limits();
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= LINGER);
    if !urgent && !waited && self.queue.len() < self.kept_back + limits.rows {
      return;
    }
    let outbox = &self.outbox;
    let sealed = self.queue.seal(limits, Some(to), |row| !outbox.carries(&row.span.row));
    let is_full = sealed.as_ref().is_some_and(|(payload, _)| payload.rows() == limits.rows);
    self.take_sealed(sealed, None);
    self.kept_back = if is_full { 0 } else { self.queue.len() };
    // What is left has waited less; the next payload may linger again.
    self.waiting_since = (self.queue.len() > 0).then(Instant::now);
  }

  /// While rows cannot go, those whose span has ended become payloads, if that takes less memory: not those
  /// that share what they show with others.
  pub(super) fn compact(&mut self) {
    if self.queue.weight() < self.compacted + COMPACT_EVERY {
      self.compacted = self.compacted.min(self.queue.weight());
      return;
    }
    let limits = self.limits();
    loop {
      let outbox = &self.outbox;
      let sealed = self.queue.seal(limits, None, |row| {
        row.ends() && row.bytes() <= row.weight() && !outbox.carries(&row.span.row)
      });
      if sealed.is_none() {
        break;
      }
      self.take_sealed(sealed, None);
    }
    self.compacted = self.queue.weight();
  }

  /// Makes payloads of all rows and keeps them in the spool, if that is due. Rows of spans that are under
  /// way go into payloads of their own, so that the others need not wait for those.
  pub(super) fn checkpoint(&mut self, urgent: bool) -> bool {
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= CHECKPOINT);
    let much = self.queue.weight() > self.settings.queue_room() / SPILL;
    if self.queue.len() == 0 || !(waited || urgent || much) {
      return false;
    }
    for and_carried in [false, true] {
      loop {
        let (outbox, limits) = (&self.outbox, self.limits());
        let wanted = |row: &Row| and_carried || !outbox.carries(&row.span.row);
        let Some(sealed) = self.queue.seal(limits, None, wanted) else { break };
        let kept = self.keep(&sealed.0);
        self.take_sealed(Some(sealed), kept);
      }
    }
    self.waiting_since = None;
    true
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
  pub(super) fn take_sealed(&mut self, sealed: Option<(Payload, i64)>, kept: Option<Entry>) {
    let Some((payload, wrong)) = sealed else { return };
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

  /// What one payload may have.
  pub(super) fn limits(&self) -> Limits {
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
