//! The state of delivery: queued rows and batches, the connection, and the requests in flight.

use std::{
  cell::Cell,
  collections::VecDeque,
  rc::{Rc, Weak},
  sync::Arc,
  time::Duration,
};

use braintrust_row::{Row, RowId, RowMap};
use spool::Adopted;

use super::in_flight::InFlight;
use crate::{
  account::Account,
  attachments::Attachments,
  backoff::Backoff,
  batch::{EncodedBatch, RowQueue},
  config::Settings,
  connection::{Connecting, Session},
  counters::RowTotals,
  loss::LossReason,
  masking::MaskingQueue,
  outbox::{Outbox, SpooledBatch},
  patience::Patience,
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

/// What a caller waits for: the rows that were accepted before it was made. It is resolved for as long as somebody
/// holds it.
pub struct Mark {
  sequence: u64,
  key: Cell<Option<u64>>,
}

impl Mark {
  /// The key below which its rows are; `None` while some of them are queued.
  pub fn key(&self) -> Option<u64> {
    self.key.get()
  }
}

/// Delivers rows: queue, masking, spool, connection and requests.
pub struct Delivery {
  pub(super) settings: Arc<Settings>,
  pub(super) account: Arc<Account>,
  /// The operations on the spool.
  pub spool: SpoolWriter,
  pub(super) queue: RowQueue,
  /// The marks with rows that are queued.
  pub marks: Vec<Weak<Mark>>,
  /// Whether a masking function is set: every row passes through it.
  pub(super) is_masking: bool,
  /// The traces that were open when the masking function was removed: their rows pass through it to their end. The
  /// values mean nothing: the WebAssembly module has such a table already.
  pub(super) masked_traces: RowMap<u64>,
  /// Whether the masking function can no longer be called: rows that must be masked are sent without content.
  pub(super) cannot_mask: bool,
  /// The batches that are being masked.
  pub(super) masked: MaskingQueue,
  pub(super) outbox: Outbox,
  /// The attachments; `None`: the setting is off.
  pub(super) attachments: Option<Attachments>,
  /// When the oldest waiting row came, or the last batch was encoded.
  pub(super) waiting_since: Option<Duration>,
  /// The bytes of rows that waited after they were last compacted.
  pub(super) compacted: usize,
  pub(super) connection: Connection,
  pub(super) requests: VecDeque<Request>,
  /// The bytes that other exporters of the same memory hold.
  pub others_bytes: usize,
  /// The calls that await their responses.
  pub(super) in_flight: Vec<InFlight>,
  /// The requests that the host drops.
  pub(super) cancelled: VecDeque<RequestId>,
  pub(super) patience: Patience,
  /// No call is repeated before this.
  pub(super) next_repeat: Duration,
  pub(super) next_request: RequestId,
  pub(super) backoff: Backoff,
  /// The acknowledged uploads, and when the last one was.
  pub(super) acknowledged: u64,
  pub(super) acknowledged_at: Option<Duration>,
  /// The rows that were rejected since the last acknowledged upload.
  pub(super) rejections: u32,
  /// Nothing is sent before this.
  pub(super) retry_at: Option<Duration>,
  /// The server has refused the key, and was not asked again yet.
  pub(super) unauthorized: bool,
  /// When the server is asked for its limit again.
  pub(super) limit_due: Option<Duration>,
  /// When the server last stated its limit to a question of its own.
  pub(super) limit_stated_at: Option<Duration>,
  /// When the connection was last made anew for a limit, because a row was too large.
  pub(super) limit_asked_at: Option<Duration>,
  /// When a segment that could not be read is read again.
  pub(super) load_due: Option<Duration>,
  /// The rows that the last batch left waiting.
  pub(super) kept_back: usize,
  /// When shutdown began.
  pub(super) shutdown_since: Option<Duration>,
  /// When shutdown has to end.
  pub(super) ends_at: Option<Duration>,
  /// When the server first refused the key at or after the beginning of the shutdown: it is asked once more.
  pub(super) refused_at: Option<Duration>,
  /// Whether a request that began during the shutdown has failed.
  pub(super) failed_since_shutdown: bool,
  /// Whether rows that are in the spool and in memory count as spooled: the process ends.
  pub(super) leaves_spool: bool,
  /// A new session that the host has not received yet.
  pub(super) new_session: Option<Session>,
  /// Whether a session is wanted although there is nothing to send.
  pub(super) wants_session: bool,
}

impl Delivery {
  /// A delivery without rows or a connection. `seed` is random.
  pub fn new(
    settings: Arc<Settings>,
    account: Arc<Account>,
    spool: &SpoolStatus,
    seed: u64,
  ) -> Self {
    let max_spool = settings.spool.as_ref().map_or(0, |spool| spool.max_bytes);
    Self {
      spool: SpoolWriter::new(account.clone(), spool, max_spool),
      attachments: settings.attachments.then(|| Attachments::new(settings.attachment_room())),
      settings,
      account,
      queue: RowQueue::default(),
      marks: Vec::new(),
      is_masking: false,
      masked_traces: RowMap::default(),
      cannot_mask: false,
      masked: MaskingQueue::default(),
      outbox: Outbox::default(),
      waiting_since: None,
      compacted: 0,
      connection: Connection::Down,
      requests: VecDeque::new(),
      others_bytes: 0,
      in_flight: Vec::new(),
      cancelled: VecDeque::new(),
      patience: Patience::default(),
      next_repeat: Duration::ZERO,
      next_request: 0,
      backoff: Backoff::new(seed),
      acknowledged: 0,
      acknowledged_at: None,
      rejections: 0,
      retry_at: None,
      unauthorized: false,
      limit_due: None,
      limit_stated_at: None,
      limit_asked_at: None,
      load_due: None,
      kept_back: 0,
      shutdown_since: None,
      ends_at: None,
      refused_at: None,
      failed_since_shutdown: false,
      leaves_spool: false,
      new_session: None,
      wants_session: false,
    }
  }

  /// Enqueues a row.
  pub fn enqueue(&mut self, row: Row, now: Now) {
    let pushed = self.queue.push(row);
    self.account.counters.accept(RowTotals { rows: usize::from(pushed.is_new), bytes: 0 });
    self.account.counters.correct(pushed.bytes);
    self.waiting_since.get_or_insert(now.elapsed);
  }

  /// Adopts the segments of dead processes, and counts lost ones.
  pub fn adopt(&mut self, adopted: &Adopted, now: Now) {
    for entry in &adopted.segments {
      let rows = entry.rows as usize;
      let content = usize::try_from(entry.content_bytes()).unwrap_or(usize::MAX);
      let bytes = EncodedBatch::row_bytes_of(content, rows);
      self.account.counters.accept(RowTotals { rows, bytes });
      self.spool.adopted(entry.bytes);
      // Whatever the header states, the content may have more.
      let key = self.queue.reserve_key(rows.max(EncodedBatch::most_rows(content)));
      self.outbox.push_spooled(SpooledBatch {
        key,
        entry: *entry,
        bytes,
        failures: 0,
        is_adopted: true,
      });
    }
    let lost = [
      (
        LossReason::SpoolDamaged,
        adopted.damaged.rows,
        "spool files of an earlier process are damaged",
      ),
      (
        LossReason::SpoolDamaged,
        adopted.unreadable,
        "spool files of an earlier process have no readable header: each counts as one row",
      ),
      (
        LossReason::SpoolExpired,
        adopted.expired.rows,
        "spool files of an earlier process have expired",
      ),
    ];
    for (reason, rows, why) in lost {
      if rows > 0 {
        let totals = RowTotals { rows: usize::try_from(rows).unwrap_or(usize::MAX), bytes: 0 };
        self.account.counters.accept(totals);
        self.account.lose(reason, totals, why, now.elapsed);
      }
    }
  }

  /// The next request to send.
  pub fn poll_request(&mut self) -> Option<Request> {
    self.requests.pop_front()
  }

  /// The next request to drop: its response is no longer needed.
  pub fn poll_cancelled(&mut self) -> Option<RequestId> {
    self.cancelled.pop_front()
  }

  /// Connects although there is nothing to send, unless there is a connection. Failed attempts are repeated.
  pub fn want_session(&mut self) {
    self.wants_session = !matches!(self.connection, Connection::Up(_));
  }

  /// A new session; `None` until the next one.
  pub fn take_session(&mut self) -> Option<Session> {
    self.new_session.take()
  }

  /// Whether every batch with an earlier key is settled.
  pub fn is_settled_before(&self, key: u64) -> bool {
    let first = [self.masked.first_key(), self.outbox.first_key()];
    first.into_iter().flatten().all(|first| first >= key)
  }

  /// Whether every batch with an earlier key is settled or in the spool.
  pub fn is_safe_before(&self, key: u64) -> bool {
    self.has_masked_before(key) && self.outbox.is_safe_before(key)
  }

  /// Marks the rows that were accepted until now.
  pub fn mark(&mut self) -> Rc<Mark> {
    let mark = Rc::new(Mark { sequence: self.queue.next_sequence(), key: Cell::new(None) });
    self.marks.push(Rc::downgrade(&mark));
    self.resolve_marks();
    mark
  }

  /// Rows have left the queue: later ones are in batches with later keys.
  pub(super) fn resolve_marks(&mut self) {
    let (first, next_key) = (self.queue.first_sequence(), self.queue.next_key());
    self.marks.retain(|mark| {
      let Some(mark) = mark.upgrade() else { return false };
      let lingers = first.is_some_and(|first| first < mark.sequence);
      mark.key.set((!lingers).then_some(next_key));
      lingers
    });
  }

  /// Whether no batch with an earlier key is being masked.
  pub fn has_masked_before(&self, key: u64) -> bool {
    self.masked.first_key().is_none_or(|first| first >= key)
  }

  /// Whether batches are being written to the spool.
  pub fn is_writing(&self) -> bool {
    self.outbox.is_writing()
  }

  /// Whether the server refuses the key.
  pub fn is_unauthorized(&self) -> bool {
    self.unauthorized
  }

  /// Moves a queued row, of which nothing has left the queue, to another trace.
  pub fn relocate(&mut self, row: &Row) {
    if self.queue.relocate(row) {
      self.masked_traces.insert(row.span.trace.key(), 0);
    }
  }

  /// Whether nothing of an open span has left the queue.
  pub fn is_queued(&self, row: RowId) -> bool {
    self.queue.has_start(row)
  }

  /// Whether the bound of rows or memory is reached: new spans are refused.
  pub fn is_full(&self) -> bool {
    let rows = self.queue.len() + self.masked.totals().rows + self.outbox.rows();
    self.shared_bytes() >= self.settings.queue_room() || rows >= self.settings.max_queue_rows
  }

  /// The bytes of memory of undelivered rows and attachments.
  pub fn memory_bytes(&self) -> usize {
    let attachments = self.attachments.as_ref().map_or(0, Attachments::memory_bytes);
    self.queue.memory_bytes()
      + self.masked.memory_bytes()
      + self.outbox.memory_bytes()
      + attachments
  }

  /// The same with those of the other exporters of the same memory: what the bound of queued bytes is for.
  pub fn shared_bytes(&self) -> usize {
    self.memory_bytes() + self.others_bytes
  }

  /// The undelivered rows in memory, counted one by one, but for those that count as spooled.
  pub fn in_memory(&self) -> RowTotals {
    let parts = [self.queue.totals(), self.masked.totals(), self.outbox.in_memory()];
    let all: RowTotals = parts.into_iter().sum();
    let spooled = if self.leaves_spool { self.outbox.backed() } else { RowTotals::default() };
    RowTotals { rows: all.rows - spooled.rows, bytes: all.bytes - spooled.bytes }
  }
}
