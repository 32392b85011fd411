//! The account of an exporter: what it counts, reports and logs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
  admission::Priority,
  counters::{Counters, RowTotals, Stats},
  debug_log::{DebugLog, LineSink},
  diagnostics::{Code, Diagnostics, Sink, attachments_are, rows_are},
  loss::LossReason,
  secrets::Secrets,
};

/// The message of [`Code::Cut`].
const CONTENT_IS_CUT: &str = "The queue is full: spans end without their content, which `stats().cut` \
  counts; increase `maxQueueBytes`, or configure a `spool` directory (in a Worker: `storage`).";

/// The message of [`Code::Unmasked`].
pub(crate) const CONTENT_IS_UNMASKED: &str = "The process ends before the masking function has masked all spans: \
  the others end without their content, which `stats().cut` counts; mask faster, or increase `exitTimeoutMs`.";

/// The message of [`Code::Large`].
pub(crate) const CONTENT_IS_LARGE: &str =
  "An event exceeds a limit and is cut; `stats().cut` counts.";

/// The counters and the diagnostics of one exporter, shared with the host's threads.
pub struct Account {
  /// The counters.
  pub counters: Counters,
  /// The diagnostics.
  pub diagnostics: Diagnostics,
  /// The debug log. Default: off.
  pub log: DebugLog,
  /// The keys that nothing contains.
  pub secrets: Arc<Secrets>,
}

impl Account {
  /// An account at zero. `period` is the shortest time between two diagnostics of one loss reason.
  pub fn new(period: Duration, secrets: &Arc<Secrets>, sink: Sink) -> Self {
    Self {
      counters: Counters::default(),
      diagnostics: Diagnostics::new(period, secrets, sink),
      log: DebugLog::default(),
      secrets: secrets.clone(),
    }
  }

  /// Switches the debug log on.
  pub fn show_log(&mut self, sink: LineSink) {
    let secrets = self.secrets.clone();
    self.log = DebugLog::new(Box::new(move |line| sink(&secrets.hide(line.to_owned()))));
  }

  /// Records the last error.
  pub fn failed(&self, error: String) {
    self.counters.failed(self.secrets.hide(error));
  }

  /// Counts an accepted event. A minimal end counts as cut, as does an event from which the host has `cut` content;
  /// the first is reported.
  pub fn accept_event(&self, priority: Priority, cut: bool) {
    self.counters.event_accepted();
    self.note_cut(priority, cut);
  }

  /// The part of [`Self::accept_event`] that may report, for a host that has counted the event.
  pub fn note_cut(&self, priority: Priority, cut: bool) {
    let is_minimal = priority == Priority::MinimalEnd;
    if cut || is_minimal {
      self.counters.cut(1);
      let (code, message) =
        if is_minimal { (Code::Cut, CONTENT_IS_CUT) } else { (Code::Large, CONTENT_IS_LARGE) };
      self.diagnostics.once(code, message);
    }
  }

  /// Counts an event of `bytes` that never becomes rows, and reports it. [`LossReason::Closed`] is only counted:
  /// the application itself closed the recorder.
  pub fn refuse(&self, reason: LossReason, bytes: usize, why: &str, now: Duration) {
    self.counters.refuse(reason, bytes);
    self.log.line(format_args!("event of {bytes} bytes refused: {}", reason.name()));
    if reason != LossReason::Closed {
      self.diagnostics.lost(reason, 1, why, now);
    }
  }

  /// Counts accepted rows that are lost, and reports them.
  pub fn lose(&self, reason: LossReason, totals: RowTotals, why: &str, now: Duration) {
    self.counters.lose(reason, totals);
    self.log.line(format_args!("{} rows dropped: {} ({why})", totals.rows, reason.name()));
    self.diagnostics.lost(reason, totals.rows, why, now);
  }

  /// Counts accepted attachments that are lost, and reports them.
  pub fn lose_attachments(&self, reason: LossReason, count: usize, why: &str, now: Duration) {
    self.counters.lose_attachments(reason, count);
    self.log.line(format_args!("{count} attachments dropped: {} ({why})", reason.name()));
    self.diagnostics.lost_attachments(reason, count, why, now);
  }

  /// Reports the total of lost rows and attachments at the end.
  pub fn warn_total_lost(&self) {
    let stats: Stats = self.counters.stats();
    let mut totals = Vec::new();
    // The application itself closed the recorder before these events.
    if stats.lost.keys().any(|reason| *reason != LossReason::Closed.name()) {
      totals.push(total_lost(rows_are, &stats.lost));
    }
    if !stats.attachments.lost.is_empty() {
      totals.push(total_lost(attachments_are, &stats.attachments.lost));
    }
    if !totals.is_empty() {
      let last = stats.last_error.map(|error| format!("; last error: {error}")).unwrap_or_default();
      self.diagnostics.once(Code::Exit, &format!("{}{last}.", totals.join(", ")));
    }
  }
}

/// How many are lost, and why.
fn total_lost(are: fn(u64) -> String, lost: &BTreeMap<&'static str, u64>) -> String {
  let reasons: Vec<String> = lost.iter().map(|(why, count)| format!("{count} {why}")).collect();
  format!("{} lost ({})", are(lost.values().sum()), reasons.join(", "))
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn a_full_queue_and_an_event_that_is_too_large_are_each_reported_once() {
    let account = Account::new(Duration::ZERO, &Arc::default(), Box::new(|_| {}));
    for _ in 0..2 {
      account.accept_event(Priority::MinimalEnd, false);
      account.accept_event(Priority::Start, true);
    }
    let reported = account.diagnostics.take();
    let codes: Vec<_> = reported.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["FLUE_BRAINTRUST_CUT", "FLUE_BRAINTRUST_LARGE"]);
    assert_eq!(account.counters.stats().cut, 4);
  }
}
