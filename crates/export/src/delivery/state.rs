//! The state of delivery: the rows and batches that wait, and the way they go.

use std::{
  collections::{BTreeMap, VecDeque},
  sync::Arc,
  time::Duration,
};

use braintrust_row::Row;
use spool::Adopted;

use super::in_flight::InFlight;
use crate::{
  backoff::Backoff,
  batch::{EncodedBatch, RowQueue},
  config::Settings,
  connection::{Connecting, Session},
  counters::RowTotals,
  diagnostics::Account,
  loss::LossReason,
  masking::{MaskRequest, Masking, MaskingQueue},
  outbox::{Outbox, SpooledBatch},
  spool_writer::{SpoolStatus, SpoolWriter},
  time::Now,
  transport::{Request, RequestId},
};

/// Whether rows can be sent.
pub(super) enum Connection {
  Down,
  Connecting(Connecting),
  Up(Session),
}

/// The rows and batches that wait, and the way they go.
pub struct Delivery {
  pub(super) settings: Arc<Settings>,
  pub(super) account: Arc<Account>,
  pub spool: SpoolWriter,
  pub(super) queue: RowQueue,
  pub(super) masking: Masking,
  /// The rows on their way through the masking function.
  pub(super) masked: MaskingQueue,
  pub(super) outbox: Outbox,
  /// When the oldest waiting row came.
  pub(super) waiting_since: Option<Duration>,
  /// The bytes of rows that waited after they were last compacted.
  pub(super) compacted: usize,
  pub(super) connection: Connection,
  pub(super) requests: VecDeque<Request>,
  pub(super) in_flight: BTreeMap<RequestId, InFlight>,
  pub(super) next_request: RequestId,
  pub(super) backoff: Backoff,
  /// Nothing is sent before this.
  pub(super) retry_at: Option<Duration>,
  /// The server has refused the key, and was not asked again yet.
  pub(super) unauthorized: bool,
  /// When the server is asked for its limit again.
  pub(super) limit_due: Option<Duration>,
  /// When a segment that could not be read is read again.
  pub(super) load_due: Option<Duration>,
  /// The rows that waited although others were sent last.
  pub(super) kept_back: usize,
  /// When shutdown began.
  pub(super) shutdown_since: Option<Duration>,
  /// Whether a request that began since has failed.
  pub(super) failed_since_shutdown: bool,
  /// A session is new: the host may want to know it.
  pub(super) new_session: Option<Session>,
}

impl Delivery {
  /// `seed` is random.
  pub fn new(
    settings: Arc<Settings>,
    account: Arc<Account>,
    spool: &SpoolStatus,
    seed: u64,
  ) -> Self {
    let max_spool = settings.spool.as_ref().map_or(0, |spool| spool.max_bytes);
    Self {
      spool: SpoolWriter::new(account.clone(), spool, max_spool),
      settings,
      account,
      queue: RowQueue::default(),
      masking: Masking::default(),
      masked: MaskingQueue::default(),
      outbox: Outbox::default(),
      waiting_since: None,
      compacted: 0,
      connection: Connection::Down,
      requests: VecDeque::new(),
      in_flight: BTreeMap::new(),
      next_request: 0,
      backoff: Backoff::new(seed),
      retry_at: None,
      unauthorized: false,
      limit_due: None,
      load_due: None,
      kept_back: 0,
      shutdown_since: None,
      failed_since_shutdown: false,
      new_session: None,
    }
  }

  /// Enqueues a row.
  pub fn enqueue(&mut self, row: Row, now: Now) {
    let pushed = self.queue.push(row);
    self.account.counters.accept(RowTotals { rows: usize::from(pushed.is_new), bytes: 0 });
    self.account.counters.correct(pushed.bytes);
    self.waiting_since.get_or_insert(now.elapsed);
  }

  /// Takes over the segments of dead processes.
  pub fn adopt(&mut self, adopted: &Adopted, now: Now) {
    for entry in &adopted.segments {
      let rows = entry.rows as usize;
      let content = usize::try_from(entry.content_bytes()).unwrap_or(usize::MAX);
      let bytes = EncodedBatch::row_bytes_of(content, rows);
      self.account.counters.accept(RowTotals { rows, bytes });
      self.spool.adopted(entry.bytes);
      let key = self.queue.reserve_key(rows);
      self.outbox.push_spooled(SpooledBatch { key, entry: *entry, bytes, failures: 0 });
    }
    let lost = [
      (LossReason::SpoolDamaged, adopted.damaged.rows, "files of an earlier process are damaged"),
      (LossReason::SpoolExpired, adopted.expired.rows, "an earlier process left them too long ago"),
    ];
    for (reason, rows, why) in lost {
      if rows > 0 {
        let totals = RowTotals { rows: usize::try_from(rows).unwrap_or(usize::MAX), bytes: 0 };
        self.account.counters.accept(totals);
        self.account.lose(reason, totals, why, now.elapsed);
      }
    }
  }

  /// Whether rows pass through the masking function from now on.
  pub fn set_masking(&mut self, masking: Masking) {
    self.masking = masking;
  }

  /// Whether rows pass through a masking function.
  pub fn masks(&self) -> bool {
    self.masking != Masking::Off
  }

  /// The next content to mask.
  pub fn poll_mask(&mut self) -> Option<MaskRequest> {
    self.masked.poll()
  }

  /// The next request to send.
  pub fn poll_request(&mut self) -> Option<Request> {
    self.requests.pop_front()
  }

  /// The session, once after it was made.
  pub fn take_session(&mut self) -> Option<Session> {
    self.new_session.take()
  }

  /// Rows that are enqueued from now on have sequence numbers from this on.
  pub fn next_sequence(&self) -> u64 {
    self.queue.next_sequence()
  }

  /// Batches that rows become from now on have keys from this on.
  pub fn next_key(&self) -> u64 {
    self.queue.next_key()
  }

  /// Whether every batch with an earlier key is settled.
  pub fn is_settled_before(&self, key: u64) -> bool {
    let first = [self.masked.first_key(), self.outbox.first_key()];
    first.into_iter().flatten().all(|first| first >= key)
  }

  /// Whether a row with an earlier sequence number waits for others.
  pub fn lingers_before(&self, sequence: u64) -> bool {
    self.queue.first_sequence().is_some_and(|first| first < sequence)
  }

  /// Whether rows are on their way through the masking function.
  pub fn is_masking(&self) -> bool {
    !self.masked.is_empty()
  }

  /// Whether batches are being written to the spool.
  pub fn is_writing(&self) -> bool {
    self.outbox.is_writing()
  }

  /// Whether the server refuses the key.
  pub fn is_unauthorized(&self) -> bool {
    self.unauthorized
  }

  /// Whether so much waits that no new span has room.
  pub fn is_full(&self) -> bool {
    let rows = self.queue.len() + self.masked.totals().rows + self.outbox.rows();
    self.memory_bytes() >= self.settings.queue_room() || rows >= self.settings.max_queue_rows
  }

  /// The bytes of memory that wait.
  pub fn memory_bytes(&self) -> usize {
    self.queue.memory_bytes() + self.masked.memory_bytes() + self.outbox.memory_bytes()
  }

  /// The rows that wait in memory, counted one by one.
  pub fn in_memory(&self) -> RowTotals {
    let parts = [self.queue.totals(), self.masked.totals(), self.outbox.in_memory()];
    parts.into_iter().fold(RowTotals::default(), |sum, part| RowTotals {
      rows: sum.rows + part.rows,
      bytes: sum.bytes + part.bytes,
    })
  }

  /// Shutdown begins: delays that suit a long life are cut short, and there is one more attempt at once.
  pub fn begin_shutdown(&mut self, now: Now) {
    self.retry_at = None;
    self.unauthorized = false;
    self.shutdown_since.get_or_insert(now.elapsed);
  }

  /// Whether nothing is left to do before the process ends: every row is settled, or it is in the spool and the
  /// server does not respond.
  pub fn is_done(&self) -> bool {
    let all_encoded = self.queue.is_empty() && self.masked.is_empty();
    if all_encoded && self.outbox.is_empty() {
      return true;
    }
    let is_safe = all_encoded && self.outbox.backed().rows == self.outbox.rows();
    self.unauthorized || (self.failed_since_shutdown && is_safe)
  }
}
