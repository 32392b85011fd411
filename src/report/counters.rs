//! The counters. Written by the JavaScript thread and the engine, read by anyone at any time.

use std::{
  collections::BTreeMap,
  sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
  },
};

use serde::Serialize;

use super::LossReason;

/// All counters of one recorder.
#[derive(Default)]
pub struct Counters {
  events: AtomicU64,
  /// Events that have become rows, or were given up.
  read: AtomicU64,
  accepted: AtomicU64,
  sent: AtomicU64,
  lost: [AtomicU64; LossReason::ALL.len()],
  requests: AtomicU64,
  retries: AtomicU64,
  bytes_sent: AtomicU64,
  open_spans: AtomicUsize,
  /// Bytes that wait in the engine: queued rows and request bodies.
  held: AtomicUsize,
  last_error: Mutex<Option<String>>,
}

/// What the counters said at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
  /// Flue events taken in.
  pub events: u64,
  /// Rows that were to be delivered. A span is usually one or two.
  pub accepted: u64,
  /// Rows that Braintrust confirmed.
  pub sent: u64,
  /// Rows that wait or are under way.
  pub pending: u64,
  /// Rows that are lost, by reason. Reasons that did not occur are absent.
  pub lost: BTreeMap<&'static str, u64>,
  /// Requests made.
  pub requests: u64,
  /// Requests that had to be made again.
  pub retries: u64,
  /// Bytes of confirmed request bodies.
  pub bytes_sent: u64,
  /// Spans that have started and not ended.
  pub open_spans: usize,
  /// What went wrong last.
  pub last_error: Option<String>,
}

impl Counters {
  pub fn event(&self) {
    self.events.fetch_add(1, Relaxed);
  }

  /// An event that was taken in is counted in rows from now on.
  pub fn read(&self) {
    self.read.fetch_add(1, Relaxed);
  }

  /// Events that are taken in and not counted in rows yet.
  pub fn unread(&self) -> u64 {
    let read = self.read.load(Relaxed);
    self.events.load(Relaxed).saturating_sub(read)
  }

  pub fn accept(&self) {
    self.accepted.fetch_add(1, Relaxed);
  }

  pub fn sent(&self, rows: usize, bytes: usize) {
    self.sent.fetch_add(rows as u64, Relaxed);
    self.bytes_sent.fetch_add(bytes as u64, Relaxed);
  }

  /// Accepted rows that will never arrive.
  pub fn lose(&self, reason: LossReason, rows: usize) {
    if let Some(counter) = self.lost.get(reason as usize) {
      counter.fetch_add(rows as u64, Relaxed);
    }
  }

  /// An event that never became rows: it counts as one row, accepted and lost.
  pub fn refuse(&self, reason: LossReason) {
    self.accept();
    self.lose(reason, 1);
  }

  pub fn request(&self) {
    self.requests.fetch_add(1, Relaxed);
  }

  pub fn retry(&self) {
    self.retries.fetch_add(1, Relaxed);
  }

  pub fn set_open_spans(&self, spans: usize) {
    self.open_spans.store(spans, Relaxed);
  }

  pub fn set_held(&self, bytes: usize) {
    self.held.store(bytes, Relaxed);
  }

  /// Bytes that wait in the engine.
  pub fn held(&self) -> usize {
    self.held.load(Relaxed)
  }

  pub fn failed(&self, error: String) {
    *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
  }

  /// What the counters say now.
  pub fn stats(&self) -> Stats {
    let lost: BTreeMap<_, _> = LossReason::ALL
      .iter()
      .zip(&self.lost)
      .map(|(reason, counter)| (reason.name(), counter.load(Relaxed)))
      .filter(|(_, rows)| *rows > 0)
      .collect();
    let accepted = self.accepted.load(Relaxed);
    let sent = self.sent.load(Relaxed);
    Stats {
      events: self.events.load(Relaxed),
      accepted,
      sent,
      pending: accepted.saturating_sub(sent + lost.values().sum::<u64>()),
      lost,
      requests: self.requests.load(Relaxed),
      retries: self.retries.load(Relaxed),
      bytes_sent: self.bytes_sent.load(Relaxed),
      open_spans: self.open_spans.load(Relaxed),
      last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn what_is_accepted_is_sent_pending_or_lost() {
    let counters = Counters::default();
    (0..5).for_each(|_| counters.accept());
    counters.refuse(LossReason::InboxFull);
    counters.sent(2, 100);
    counters.lose(LossReason::EngineFailed, 1);
    let stats = counters.stats();
    assert_eq!((stats.accepted, stats.sent, stats.pending), (6, 2, 2));
    assert_eq!(stats.lost, BTreeMap::from([("inbox_full", 1), ("engine_failed", 1)]));
  }

  #[test]
  fn every_reason_has_a_counter_of_its_own() {
    for reason in LossReason::ALL {
      let counters = Counters::default();
      counters.refuse(reason);
      assert_eq!(counters.stats().lost, BTreeMap::from([(reason.name(), 1)]));
    }
  }
}
