//! The states of a batch that waits for delivery.

use std::{collections::HashSet, rc::Rc, time::Duration};

use braintrust_row::RowId;
use spool::Segment;

use crate::batch::EncodedBatch;

/// A batch in memory.
pub struct QueuedBatch {
  /// The encoded rows.
  pub batch: EncodedBatch,
  /// The keys of the earlier batches in memory that it waits for.
  pub(super) waits_for: Vec<u64>,
  /// The segments that contain it: several after a merge. The halves of a split batch share theirs.
  pub(super) segments: Vec<Rc<Segment>>,
  /// The attempts to deliver it although it is too large.
  pub oversize: OversizeState,
  /// The signs that one of its rows makes the server fail.
  pub suspicion: Suspicion,
  /// The rows of its segments, when it is a part of a batch that was split: it stays apart.
  pub(super) whole: Option<Rc<HashSet<RowId>>>,
  /// Whether it gave its segments up for others: it stays in memory.
  pub(super) is_detached: bool,
}

/// The successive server errors after which a batch is halved, and a single row takes its turn after others.
pub const FAILURES_BEFORE_SPLIT: u32 = 3;

/// The signs that one row of a batch makes the server fail. The halves of a split batch keep them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspicion {
  /// The successive server errors of requests with these rows.
  pub failures: u32,
  /// Those of requests with a single row.
  pub alone: u32,
  /// The acknowledged uploads at the time of the last one.
  pub acknowledged_before: u64,
  /// The failures between which and the one before another upload was acknowledged: the server works.
  pub witnessed: u32,
  /// The acknowledged uploads at the time of its first 403.
  pub forbidden_before: Option<u64>,
  /// When the batch is sent again; `None`: at once.
  pub retry_at: Option<Duration>,
}

impl Suspicion {
  /// How many failures put it behind others: a row that keeps failing must not be the only one that is tried.
  pub(super) fn excess(&self) -> u32 {
    if self.failures < FAILURES_BEFORE_SPLIT { 0 } else { self.alone }
  }
}

/// The attempts to deliver a batch of a single row that is larger than the server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OversizeState {
  /// Whether the server has refused it as an ordinary request.
  pub refused: bool,
  /// The overflow uploads that failed although Braintrust accepts other rows.
  pub overflow_attempts: u32,
  /// All overflow uploads that failed.
  pub overflow_failures: u32,
  /// When the first of them began.
  pub failing_since: Option<Duration>,
  /// The bytes to which it was cut.
  pub cut_to: Option<usize>,
}

/// A batch that is in the spool only.
#[derive(Clone, Debug)]
pub struct SpooledBatch {
  /// The key of the batch.
  pub key: u64,
  /// The segment that contains it.
  pub entry: Segment,
  /// The bytes of its rows.
  pub bytes: usize,
  /// The reads that failed.
  pub failures: u32,
  /// Whether another process has written it, so that the rules of this one have not been applied.
  pub is_adopted: bool,
}

/// Where a batch is once its write to the spool has ended.
pub enum Written {
  /// The write failed.
  MemoryOnly,
  /// Both in memory and in a segment.
  Backed(Segment),
  /// In a segment only: memory has no room for it.
  SpoolOnly(Segment),
}
