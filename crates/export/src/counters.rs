//! The counters of an exporter: written by the host's threads and the exporter, read by any thread at any time.
//!
//! `accepted = sent + pending + spooled + lost` holds whenever no row is in transition, in rows and in bytes; and
//! `accepted = uploaded + pending + lost` for attachments.

mod stats;

use std::{
  collections::BTreeMap,
  iter::Sum,
  ops::Add,
  sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed},
  },
};

pub use self::stats::{AttachmentStats, Bytes, Stats};
use crate::loss::LossReason;

/// The counters of one exporter.
#[derive(Default)]
pub struct Counters {
  events: AtomicU64,
  /// Events that are counted in rows by now.
  processed: AtomicU64,
  accepted: RowCounter,
  sent: RowCounter,
  lost: [RowCounter; LossReason::ALL.len()],
  /// Rows in the spool only. A gauge.
  spooled: RowCounter,
  cut: AtomicU64,
  left_out: AtomicU64,
  requests: AtomicU64,
  retries: AtomicU64,
  bytes_sent: AtomicU64,
  open_spans: AtomicUsize,
  attachments: AttachmentCounters,
  last_error: Mutex<Option<String>>,
}

/// The counters of attachments.
#[derive(Default)]
struct AttachmentCounters {
  accepted: AtomicU64,
  uploaded: AtomicU64,
  bytes: AtomicU64,
  lost: [AtomicU64; LossReason::ALL.len()],
}

/// Rows, and their bytes. Signed: bytes that were estimated are corrected.
#[derive(Default)]
struct RowCounter {
  rows: AtomicI64,
  bytes: AtomicI64,
}

/// A number of rows, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTotals {
  /// The number of rows.
  pub rows: usize,
  /// The bytes of their JSON.
  pub bytes: usize,
}

impl Add for RowTotals {
  type Output = Self;

  fn add(self, other: Self) -> Self {
    Self { rows: self.rows + other.rows, bytes: self.bytes + other.bytes }
  }
}

impl Sum for RowTotals {
  fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
    all.fold(Self::default(), Add::add)
  }
}

impl RowCounter {
  fn add(&self, RowTotals { rows, bytes }: RowTotals) {
    self.rows.fetch_add(signed(rows), Relaxed);
    self.bytes.fetch_add(signed(bytes), Relaxed);
  }

  fn set(&self, RowTotals { rows, bytes }: RowTotals) {
    self.rows.store(signed(rows), Relaxed);
    self.bytes.store(signed(bytes), Relaxed);
  }

  fn rows(&self) -> u64 {
    self.rows.load(Relaxed).try_into().unwrap_or(0)
  }

  fn bytes(&self) -> u64 {
    self.bytes.load(Relaxed).try_into().unwrap_or(0)
  }
}

fn signed(number: usize) -> i64 {
  number.try_into().unwrap_or(i64::MAX)
}

impl Counters {
  /// Counts an accepted event.
  pub fn event_accepted(&self) {
    self.events.fetch_add(1, Relaxed);
  }

  /// Counts an event whose rows are accepted or lost.
  pub fn event_processed(&self) {
    self.processed.fetch_add(1, Relaxed);
  }

  /// The accepted events that are not processed yet.
  pub fn unprocessed(&self) -> u64 {
    let processed = self.processed.load(Relaxed);
    self.events.load(Relaxed).saturating_sub(processed)
  }

  /// Whether every accepted event is processed, and all is settled.
  pub fn is_idle(&self) -> bool {
    self.is_settled() && self.unprocessed() == 0
  }

  /// Whether no row is pending or spooled, and no attachment pending.
  pub fn is_settled(&self) -> bool {
    let stats = self.stats();
    stats.pending + stats.spooled + stats.attachments.pending == 0
  }

  /// Counts attachments that wait for their upload.
  pub fn accept_attachments(&self, count: usize) {
    self.attachments.accepted.fetch_add(count as u64, Relaxed);
  }

  /// Counts an uploaded attachment.
  pub fn attachment_uploaded(&self, bytes: usize) {
    self.attachments.uploaded.fetch_add(1, Relaxed);
    self.attachments.bytes.fetch_add(bytes as u64, Relaxed);
  }

  /// Counts accepted attachments that are lost.
  pub fn lose_attachments(&self, reason: LossReason, count: usize) {
    if let Some(counter) = self.attachments.lost.get(reason as usize) {
      counter.fetch_add(count as u64, Relaxed);
    }
  }

  /// Counts accepted rows.
  pub fn accept(&self, totals: RowTotals) {
    self.accepted.add(totals);
  }

  /// Corrects the bytes of accepted rows, which were an estimate.
  pub fn correct(&self, bytes: i64) {
    self.accepted.bytes.fetch_add(bytes, Relaxed);
  }

  /// Corrects the number of accepted rows, which the header of a spool file stated.
  pub fn correct_rows(&self, rows: i64) {
    self.accepted.rows.fetch_add(rows, Relaxed);
  }

  /// Counts acknowledged rows, and the `body` bytes of their request.
  pub fn sent(&self, totals: RowTotals, body: usize) {
    self.sent.add(totals);
    self.bytes_sent.fetch_add(body as u64, Relaxed);
  }

  /// Counts accepted rows that are lost.
  pub fn lose(&self, reason: LossReason, totals: RowTotals) {
    if let Some(counter) = self.lost.get(reason as usize) {
      counter.add(totals);
    }
  }

  /// How many rows are lost for this reason.
  pub fn lost_rows(&self, reason: LossReason) -> u64 {
    self.lost.get(reason as usize).map_or(0, |counter| counter.rows())
  }

  /// Counts an event that never becomes rows as one row of `bytes`, accepted and lost.
  pub fn refuse(&self, reason: LossReason, bytes: usize) {
    let totals = RowTotals { rows: 1, bytes };
    self.accept(totals);
    self.lose(reason, totals);
  }

  /// Sets the rows that are in the spool only.
  pub fn set_spooled(&self, totals: RowTotals) {
    self.spooled.set(totals);
  }

  /// Counts rows that lose a part of their content.
  pub fn cut(&self, rows: usize) {
    self.cut.fetch_add(rows as u64, Relaxed);
  }

  /// Counts spans, and feedback about traces, that sampling leaves out.
  pub fn leave_out(&self, count: usize) {
    self.left_out.fetch_add(count as u64, Relaxed);
  }

  /// Counts an upload.
  pub fn request(&self) {
    self.requests.fetch_add(1, Relaxed);
  }

  /// Counts an upload that will be repeated.
  pub fn retry(&self) {
    self.retries.fetch_add(1, Relaxed);
  }

  /// Sets the number of open spans.
  pub fn set_open_spans(&self, spans: usize) {
    self.open_spans.store(spans, Relaxed);
  }

  /// Records the last error.
  pub fn failed(&self, error: String) {
    *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
  }

  /// Whether no error is known.
  pub fn has_no_error(&self) -> bool {
    self.last_error.lock().unwrap_or_else(PoisonError::into_inner).is_none()
  }

  /// The counters now.
  pub fn stats(&self) -> Stats {
    // Read before `accepted`: counters that change meanwhile never make `pending` too small.
    let lost = by_reason(self.lost.iter().map(RowCounter::rows));
    let lost_bytes = by_reason(self.lost.iter().map(RowCounter::bytes));
    let (sent, sent_bytes) = (self.sent.rows(), self.sent.bytes());
    let (spooled, spooled_bytes) = (self.spooled.rows(), self.spooled.bytes());
    let (accepted, accepted_bytes) = (self.accepted.rows(), self.accepted.bytes());
    let settled = sent + spooled + lost.values().sum::<u64>();
    let settled_bytes = sent_bytes + spooled_bytes + lost_bytes.values().sum::<u64>();
    Stats {
      events: self.events.load(Relaxed),
      accepted,
      sent,
      pending: accepted.saturating_sub(settled),
      spooled,
      lost,
      bytes: Bytes {
        accepted: accepted_bytes,
        sent: sent_bytes,
        pending: accepted_bytes.saturating_sub(settled_bytes),
        spooled: spooled_bytes,
        lost: lost_bytes,
      },
      cut: self.cut.load(Relaxed),
      sampled: self.left_out.load(Relaxed),
      requests: self.requests.load(Relaxed),
      retries: self.retries.load(Relaxed),
      bytes_sent: self.bytes_sent.load(Relaxed),
      open_spans: self.open_spans.load(Relaxed),
      attachments: self.attachments.stats(),
      last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    }
  }

  /// The rows that are neither delivered, lost nor kept by the spool.
  pub fn pending(&self) -> RowTotals {
    let stats = self.stats();
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    RowTotals { rows: number(stats.pending), bytes: number(stats.bytes.pending) }
  }
}

impl AttachmentCounters {
  fn stats(&self) -> AttachmentStats {
    // Read before `accepted`, as those of rows are.
    let lost = by_reason(self.lost.iter().map(|counter| counter.load(Relaxed)));
    let uploaded = self.uploaded.load(Relaxed);
    let accepted = self.accepted.load(Relaxed);
    AttachmentStats {
      accepted,
      uploaded,
      pending: accepted.saturating_sub(uploaded + lost.values().sum::<u64>()),
      lost,
      bytes: self.bytes.load(Relaxed),
    }
  }
}

/// The counts of all reasons, in their order, by name, without those that are 0.
fn by_reason(counts: impl Iterator<Item = u64>) -> BTreeMap<&'static str, u64> {
  let mut lost = BTreeMap::new();
  for (reason, count) in LossReason::ALL.iter().zip(counts).filter(|(_, count)| *count > 0) {
    lost.insert(reason.name(), count);
  }
  lost
}

#[cfg(test)]
mod tests;
