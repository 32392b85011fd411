//! What the counters state at one moment.

use std::collections::BTreeMap;

use serde::Serialize;

/// The counters at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
  /// Flue events accepted.
  pub events: u64,
  /// Rows accepted for delivery. A span takes one or more, merged while they wait.
  pub accepted: u64,
  /// Rows that Braintrust acknowledged.
  pub sent: u64,
  /// Rows that wait in memory or are in flight.
  pub pending: u64,
  /// Rows that wait in the spool.
  pub spooled: u64,
  /// Rows lost, by reason. Reasons that did not occur are absent.
  pub lost: BTreeMap<&'static str, u64>,
  /// The same in bytes of the rows' JSON.
  pub bytes: Bytes,
  /// Rows with truncated or omitted content, replaced by a mark.
  pub cut: u64,
  /// Spans that sampling leaves out, and feedback about their traces. They are not accepted.
  pub sampled: u64,
  /// Uploads begun.
  pub requests: u64,
  /// Uploads that are repeated.
  pub retries: u64,
  /// Bytes of acknowledged request bodies.
  pub bytes_sent: u64,
  /// Spans that have started and not ended.
  pub open_spans: usize,
  /// The attachments.
  pub attachments: AttachmentStats,
  /// The last error.
  pub last_error: Option<String>,
}

/// The counters of attachments: each content counts once.
#[derive(Debug, Clone, Serialize)]
pub struct AttachmentStats {
  /// Attachments that rows refer to, and those for which there was no room.
  pub accepted: u64,
  /// Attachments whose upload Braintrust confirmed.
  pub uploaded: u64,
  /// Attachments that wait for their upload or are in flight.
  pub pending: u64,
  /// Attachments lost, by reason. Reasons that did not occur are absent.
  pub lost: BTreeMap<&'static str, u64>,
  /// Bytes of uploaded attachments.
  pub bytes: u64,
}

/// The counters of rows, in bytes.
#[derive(Debug, Clone, Serialize)]
pub struct Bytes {
  /// Bytes of accepted rows.
  pub accepted: u64,
  /// Bytes of acknowledged rows.
  pub sent: u64,
  /// Bytes of rows in memory or in flight.
  pub pending: u64,
  /// Bytes of rows in the spool only.
  pub spooled: u64,
  /// Bytes of lost rows, by reason.
  pub lost: BTreeMap<&'static str, u64>,
}
