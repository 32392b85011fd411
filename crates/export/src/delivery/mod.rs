//! Rows to Braintrust: which rows become batches when, which batches are sent when, and what becomes of them.
//!
//! Without a spool a row becomes part of a batch when that can be sent, so that what comes for its span meanwhile is
//! merged into it. With a spool all rows become batches and segments every [`CHECKPOINT`], whether they can be sent
//! or not.
//!
//! | file | |
//! |---|---|
//! | `batches` | rows to batches, batches to and from the spool |
//! | `requests` | which requests are sent |
//! | `responses` | what a response means for its batch, and for the connection |

mod batches;
mod requests;
mod responses;

use std::{
  collections::{BTreeMap, VecDeque},
  sync::Arc,
  time::Duration,
};

use braintrust_row::Row;
use spool::Adopted;

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
use requests::InFlight;

/// How long rows wait for others before a batch is sent that is not full.
const LINGER: Duration = Duration::from_millis(200);
/// How long a row may be missing in the spool.
const CHECKPOINT: Duration = Duration::from_millis(100);

/// Whether rows can be sent.
enum Connection {
  Down,
  Connecting(Connecting),
  Up(Session),
}

/// The rows and batches that wait, and the way they go.
pub struct Delivery {
  settings: Arc<Settings>,
  account: Arc<Account>,
  pub spool: SpoolWriter,
  queue: RowQueue,
  masking: Masking,
  /// The rows on their way through the masking function.
  masked: MaskingQueue,
  outbox: Outbox,
  /// When the oldest waiting row came.
  waiting_since: Option<Duration>,
  /// The bytes of rows that waited after they were last compacted.
  compacted: usize,
  connection: Connection,
  requests: VecDeque<Request>,
  in_flight: BTreeMap<RequestId, InFlight>,
  next_request: RequestId,
  backoff: Backoff,
  /// Nothing is sent before this.
  retry_at: Option<Duration>,
  /// The server has refused the key, and was not asked again yet.
  unauthorized: bool,
  /// When the server is asked for its limit again.
  limit_due: Option<Duration>,
  /// When a segment that could not be read is read again.
  load_due: Option<Duration>,
  /// The rows that waited although others were sent last.
  kept_back: usize,
  /// When shutdown began.
  shutdown_since: Option<Duration>,
  /// Whether a request that began since has failed.
  failed_since_shutdown: bool,
  /// A session is new: the host may want to know it.
  new_session: Option<Session>,
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
      let key = self.queue.reserve_sequences(rows);
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

  /// Whether every row with an earlier sequence number is settled.
  pub fn is_settled_before(&self, sequence: u64) -> bool {
    let first =
      [self.queue.first_sequence(), self.masked.first_sequence(), self.outbox.first_sequence()];
    first.into_iter().flatten().all(|first| first >= sequence)
  }

  /// Whether a row with an earlier sequence number waits for others.
  pub fn lingers_before(&self, sequence: u64) -> bool {
    self.queue.first_sequence().is_some_and(|first| first < sequence)
  }

  /// Whether rows are on their way through the masking function.
  pub fn is_masking(&self) -> bool {
    !self.masked.is_empty()
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

  /// Encodes rows, and asks for the requests and operations that are due. `urgent` if somebody waits for rows that
  /// wait for others. True when rows go to the spool: the snapshot of open spans should follow them.
  pub fn advance(&mut self, urgent: bool, now: Now) -> bool {
    if self.retry_at.is_some_and(|at| at <= now.elapsed) {
      self.retry_at = None;
      self.unauthorized = false;
    }
    if self.masking == Masking::Unavailable {
      self.lose_unmasked(now);
    }
    let has_written = self.spool.is_open() && self.checkpoint(urgent, now);
    if self.retry_at.is_none() && !self.is_idle() {
      match &self.connection {
        Connection::Connecting(_) => {}
        Connection::Down => self.connect(now),
        Connection::Up(session) => {
          let session = session.clone();
          self.send(&session, urgent, now);
        }
      }
    }
    if !self.spool.is_open() {
      self.compact(now);
    }
    self.account.counters.set_spooled(self.outbox.spooled());
    has_written
  }

  /// Whether nothing waits to be sent.
  fn is_idle(&self) -> bool {
    self.queue.is_empty() && self.outbox.ready() == 0 && self.outbox.spooled().rows == 0
  }

  /// The last act: what is in the spool is left to the next process, the rest is lost. Whether all is delivered.
  pub fn finish(&mut self) -> bool {
    let (spooled, backed) = (self.outbox.spooled(), self.outbox.backed());
    let spooled =
      RowTotals { rows: spooled.rows + backed.rows, bytes: spooled.bytes + backed.bytes };
    self.account.counters.set_spooled(spooled);
    let left = self.account.counters.pending();
    let reason =
      if self.unauthorized { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.account.counters.lose(reason, left);
    self.spool.close();
    left.rows + spooled.rows == 0
  }

  /// When to advance again although nothing comes.
  pub fn timeout(&self, now: Now) -> Option<Duration> {
    let linger = if self.spool.is_open() { CHECKPOINT } else { LINGER };
    // Rows that must be masked wait until there is room for them on the way.
    let waiting_since = self.waiting_since.filter(|_| !self.is_masking_full());
    let due = waiting_since.map(|since| since + linger);
    let sending = match self.connection {
      _ if self.is_idle() => None,
      _ if self.retry_at.is_some() => self.retry_at,
      Connection::Up(_) if self.outbox.in_flight() < self.settings.max_requests => due,
      _ => None,
    };
    let checkpoint = due.filter(|_| self.spool.is_open() && !self.queue.is_empty());
    let load = self.load_due.filter(|due| *due > now.elapsed && self.outbox.spooled().rows > 0);
    [sending, checkpoint, load].into_iter().flatten().min()
  }
}
