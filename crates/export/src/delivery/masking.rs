//! Rows that pass through the masking function: to it, and back with their masked content.

use std::{iter, mem};

use braintrust_row::{Masked, Row, TraceId};

use super::{batches::Pick, state::Delivery};
use crate::{
  account::CONTENT_IS_UNMASKED,
  batch::{Limits, RowBatch},
  diagnostics::Code,
  loss::LossReason,
  masking::{MaskRequest, Masking},
  time::Now,
};

/// The most rows and bytes that are masked at once.
const MAX_MASKED_ROWS: usize = 100;
const MAX_MASKED_BYTES: usize = 256 * 1024;
/// The most rows that are masked at once for the spool. None of them is there before the last is masked, and a masking
/// function may take milliseconds for each.
const MAX_MASKED_ROWS_FOR_SPOOL: usize = 20;
/// The most rows that are sent at once without content: they are small, and little time is left.
const MAX_LEFT_OUT_ROWS: usize = 1000;

impl Delivery {
  /// Whether rows pass through the masking function. When it is removed, those that wait still do, and those of the
  /// traces that are `open`: what these keep was recorded under it. False if nothing changes.
  pub fn set_masking(&mut self, masking: Masking, open: impl Iterator<Item = TraceId>) -> bool {
    if masking == Masking::Unavailable {
      return !mem::replace(&mut self.cannot_mask, true);
    }
    let was_masking = mem::replace(&mut self.is_masking, masking == Masking::On);
    if was_masking && !self.is_masking {
      self.masked_traces = open.map(|trace| (trace.key(), 0)).collect();
      self.mask_waiting();
    }
    was_masking != self.is_masking
  }

  /// Whether rows wait for a masking function, or will.
  pub fn needs_masking(&self) -> bool {
    self.masks() || self.queue.has_masked() || !self.masked.is_empty()
  }

  /// Whether rows pass through a masking function.
  pub fn masks(&self) -> bool {
    self.is_masking
  }

  /// Whether rows of a trace pass through a masking function.
  pub fn masks_trace(&self, trace: TraceId) -> bool {
    self.is_masking || self.masked_traces.contains_key(&trace.key())
  }

  /// Whether rows of any trace do.
  pub fn masks_any(&self) -> bool {
    self.is_masking || !self.masked_traces.is_empty()
  }

  /// The next content to mask.
  pub fn poll_mask(&mut self) -> Option<MaskRequest> {
    self.masked.poll()
  }

  /// Gives the rows that must be masked to the masking function that was removed, as many as it takes at once.
  pub(super) fn mask_waiting(&mut self) {
    if self.masks() || !self.queue.has_masked() {
      return;
    }
    let limits = self.masked_limits();
    while !self.masked.is_full()
      && let Some(picked) = self.pick(limits, Pick::Masked)
    {
      self.masked.begin(picked);
    }
    self.waiting_since = self.waiting_since.filter(|_| !self.queue.is_empty());
  }

  /// Whether no further batch can be masked now.
  pub(super) fn is_masking_full(&self) -> bool {
    self.masks() && self.masked.is_full()
  }

  /// Encodes a batch with its masked content.
  pub fn handle_masked(&mut self, batch: u64, content: &str, now: Now) {
    if let Some(rows) = self.masked.finish(batch) {
      let encoded =
        rows.encode_masked(content, self.settings.max_field_bytes, &self.account.secrets);
      self.push_encoded(encoded, now);
    }
  }

  /// Encodes the first rows of a batch with their masked content, and the others without content.
  pub fn handle_partly_masked(&mut self, batch: u64, content: &str, now: Now) {
    let Some(mut rows) = self.masked.finish(batch) else { return };
    let masked = Masked::read_all(content).map_or(0, |masked| masked.len());
    let rest = rows.split_off(masked);
    let encoded = rows.encode_masked(content, self.settings.max_field_bytes, &self.account.secrets);
    self.push_encoded(encoded, now);
    self.leave_out(rest, now);
  }

  /// Encodes the rows that must be masked without their content: the masking function can no longer be called.
  pub(super) fn leave_out_unmasked(&mut self, now: Now) {
    let limits = Limits { rows: MAX_LEFT_OUT_ROWS, bytes: MAX_MASKED_BYTES };
    let masks = self.masks();
    let begun: Vec<_> = self.masked.clear().collect();
    // Several for a span with several rows.
    let picked = |row: &Row| masks || row.is_masked;
    let waiting: Vec<_> = iter::from_fn(|| self.queue.pick(limits, picked)).collect();
    self.resolve_marks();
    self.waiting_since = self.waiting_since.filter(|_| !self.queue.is_empty());
    for rows in begun.into_iter().chain(waiting) {
      self.leave_out(rows, now);
    }
  }

  /// Encodes rows without their content, so that spans are closed. What is nothing but content is lost.
  fn leave_out(&mut self, mut rows: RowBatch, now: Now) {
    let content = rows.split_off_content();
    if content.rows() > 0 {
      let why = "the masking function can no longer be called";
      self.account.lose(LossReason::NotDeliveredAtExit, content.totals(), why, now.elapsed);
    }
    let encoded = rows.encode_left_out(self.settings.max_field_bytes, &self.account.secrets);
    if encoded.is_some() {
      self.account.diagnostics.once(Code::Unmasked, CONTENT_IS_UNMASKED);
    }
    self.push_encoded(encoded, now);
  }

  /// Masked batches are small, because masking blocks the JavaScript thread.
  pub(super) fn masked_limits(&self) -> Limits {
    let rows = if self.spool.is_open() { MAX_MASKED_ROWS_FOR_SPOOL } else { MAX_MASKED_ROWS };
    Limits { rows, bytes: MAX_MASKED_BYTES }
  }
}
