//! Rows to batches.

use std::time::Duration;

use braintrust_row::{Destination, Row};

use super::{
  spooling::SPILL,
  state::{Connection, Delivery},
};
use crate::{
  batch::{Encoded, Limits, RowBatch},
  config::Settings,
  connection::DEFAULT_MAX_BYTES,
  time::Now,
};

/// How long rows linger before a batch that is not full is sent.
pub(super) const LINGER: Duration = Duration::from_millis(200);
/// The most time before a row is written to the spool.
pub(super) const CHECKPOINT: Duration = Duration::from_millis(100);
/// The factor by which batches grow while more rows are queued than requests of the usual size can carry.
const GROWTH: usize = 10;
/// The bytes of waiting rows after which those whose span has ended are encoded, which takes less memory.
const COMPACT_EVERY: usize = 1024 * 1024;

/// Whether a row goes into a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
  /// Rows of spans that no unsettled batch carries.
  Free,
  /// All rows, but for those of spans that are with the masking function: it may return batches in any order.
  All,
  /// Free rows whose span has ended and that take less memory when encoded.
  Compactable,
  /// Rows that must be masked although no masking function is set.
  Masked,
}

impl Delivery {
  /// Encodes the rows that have waited longest, if there are enough or they have waited for long enough. Rows of
  /// spans that are in flight stay queued, and merge later updates.
  pub(super) fn encode_next(&mut self, to: &Destination, urgent: bool, now: Now) {
    if self.is_masking_full() {
      return;
    }
    let limits = self.limits();
    if !urgent && !self.has_waited(LINGER, now) && self.queue.len() < self.kept_back + limits.rows {
      return;
    }
    let picked = self.pick(limits, Pick::Free);
    let is_full = picked.as_ref().is_some_and(|picked| picked.rows() == limits.rows);
    if let Some(picked) = picked {
      self.encode(picked, Some(to), now);
    }
    self.kept_back = if is_full { 0 } else { self.queue.len() };
    // The next batch may linger again: what remains is newer, or waits for a request.
    self.waiting_since = (!self.queue.is_empty()).then_some(now.elapsed);
  }

  /// While rows cannot be sent, encodes those whose span has ended, if that takes less memory: not those that share
  /// content with others.
  pub(super) fn compact(&mut self, now: Now) {
    if self.queue.memory_bytes() < self.compacted + COMPACT_EVERY {
      self.compacted = self.compacted.min(self.queue.memory_bytes());
      return;
    }
    let limits = self.limits();
    // Masked rows are not compacted: shared content would be written out and take more memory.
    while !self.masks()
      && let Some(picked) = self.pick(limits, Pick::Compactable)
    {
      self.encode(picked, None, now);
    }
    self.compacted = self.queue.memory_bytes();
  }

  /// Encodes all rows and writes them to the spool, if that is due. Rows of spans that are in flight go into batches
  /// of their own, so that the others need not wait for those.
  pub(super) fn checkpoint(&mut self, urgent: bool, now: Now) -> bool {
    let is_much =
      self.queue.memory_bytes() + self.others_bytes > self.settings.queue_room() / SPILL;
    if self.queue.is_empty() || !(self.has_waited(CHECKPOINT, now) || urgent || is_much) {
      return false;
    }
    for pick in [Pick::Free, Pick::All] {
      let limits = self.limits();
      while !self.is_masking_full()
        && let Some(picked) = self.pick(limits, pick)
      {
        self.encode(picked, None, now);
      }
    }
    self.waiting_since = (!self.queue.is_empty()).then_some(now.elapsed);
    true
  }

  fn has_waited(&self, delay: Duration, now: Now) -> bool {
    self.waiting_since.is_some_and(|since| now.elapsed.saturating_sub(since) >= delay)
  }

  /// Takes rows out of the queue.
  pub(super) fn pick(&mut self, limits: Limits, pick: Pick) -> Option<RowBatch> {
    let (outbox, masked, masks) = (&self.outbox, &self.masked, self.masks());
    let is_masked = |row: &Row| masked.carries(&row.span.row);
    let is_free = |row: &Row| !outbox.carries(&row.span.row) && !is_masked(row);
    let picked = self.queue.pick(limits, |row| match pick {
      Pick::Masked => row.is_masked && !is_masked(row),
      _ if row.is_masked && !masks => false,
      Pick::All => !is_masked(row),
      Pick::Free => is_free(row),
      Pick::Compactable => row.ends() && row.bytes() <= row.memory_bytes() && is_free(row),
    });
    self.resolve_marks();
    picked
  }

  /// Encodes rows, after masking if there is a masking function.
  fn encode(&mut self, rows: RowBatch, to: Option<&Destination>, now: Now) {
    if self.masks() {
      self.masked.begin(rows);
    } else {
      let encoded = rows.encode(to, self.settings.max_field_bytes, &self.account.secrets);
      self.push_encoded(encoded, now);
    }
  }

  /// Adds a batch to the outbox, through the spool if it has room.
  pub(super) fn push_encoded(&mut self, encoded: Option<Encoded>, now: Now) {
    let Some(Encoded { batch, size_correction, cut }) = encoded else { return };
    let (key, rows, bytes) = (batch.key(), batch.rows(), batch.bytes());
    self.account.log.line(format_args!("batch {key}: {rows} rows, {bytes} bytes"));
    self.account.counters.cut(cut);
    self.account.counters.correct(size_correction);
    self.find_attachments(&batch.body(), now);
    let rows = u32::try_from(batch.rows()).ok().filter(|_| self.spool.is_open());
    let content = rows.map(|rows| (batch.segment_content(), rows));
    match content.filter(|(content, _)| self.make_room(content.len(), now)) {
      Some((content, rows)) => {
        let key = batch.key();
        self.outbox.begin_write(batch);
        self.spool.write(key, content, rows);
      }
      None => self.outbox.push(batch, None),
    }
  }

  /// The limits of one batch.
  pub(super) fn limits(&self) -> Limits {
    if self.masks() {
      return self.masked_limits();
    }
    let most = self.settings.batch_rows.unwrap_or(Settings::BATCH_ROWS);
    let is_much = self.queue.len() + self.outbox.rows() > most * self.settings.max_requests;
    // Respect an explicit batch size.
    let grows = is_much && self.settings.batch_rows.is_none();
    let bytes = match &self.connection {
      Connection::Up(session) => session.max_bytes(),
      _ => self.settings.max_request_bytes.unwrap_or(DEFAULT_MAX_BYTES),
    };
    // Half the limit: gateways wrap the body, and then count it.
    Limits { rows: if grows { most * GROWTH } else { most }, bytes: bytes / 2 }
  }
}
