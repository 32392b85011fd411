//! Rows to Braintrust: which rows become payloads when, which payloads go when, and what becomes of
//! them.
//!
//! Without a spool a row becomes part of a payload when that may go, so that what is said of its span
//! meanwhile is merged into it. With a spool all rows become payloads and files every
//! [`CHECKPOINT`], whether they may go or not.

mod masking;
mod network;
mod seal;
mod verdict;

use std::{collections::HashMap, time::Duration};

use tokio::{
  task::{Id, JoinSet},
  time::Instant,
};

use super::{
  Shared,
  outbox::{Outbox, Stored},
  store::Store,
};
use crate::upload::{Backoff, Client, Session};
use braintrust_row::Row;
use export::batch::{Payload, RowQueue};
use export::config::Settings;
use export::report::{Amount, LossReason};
use masking::Masking;
use network::{Done, Task};
use spool::Adopted;

/// Rows wait this long for company before a payload goes that is not full.
const LINGER: Duration = Duration::from_millis(200);
/// How long a row may be missing in the spool.
const CHECKPOINT: Duration = Duration::from_millis(100);

/// Whether rows can be sent.
enum Link {
  Down,
  Connecting,
  Up { client: Client, session: Session },
}

/// The rows and payloads that wait, and the way they go.
pub struct Delivery<'a> {
  shared: &'a Shared,
  settings: &'a Settings,
  pub store: Store,
  queue: RowQueue,
  /// The rows on their way through the masking function.
  masking: Masking,
  outbox: Outbox,
  /// When the oldest waiting row came.
  waiting_since: Option<Instant>,
  /// The bytes that waited after rows were last compacted.
  compacted: usize,
  tasks: JoinSet<(Instant, Done)>,
  running: HashMap<Id, Task>,
  link: Link,
  client: Option<Client>,
  backoff: Backoff,
  /// Nothing is sent before this.
  gate: Option<Instant>,
  /// The server has refused the key, and was not asked again yet.
  suspended: bool,
  /// When the server is asked for its limit again.
  limit_due: Option<Instant>,
  /// When a file of the spool is read again that could not be read.
  load_due: Option<Instant>,
  /// How many rows wait that could not go when rows went last.
  kept_back: usize,
  /// When the process was asked to end.
  closing_since: Option<Instant>,
  /// Whether something has failed since then.
  failed_closing: bool,
}

impl<'a> Delivery<'a> {
  pub fn new(shared: &'a Shared, settings: &'a Settings) -> Self {
    Self {
      shared,
      settings,
      store: Store::open(settings.spool.as_ref(), settings.destination, shared),
      queue: RowQueue::default(),
      masking: Masking::default(),
      outbox: Outbox::default(),
      waiting_since: None,
      compacted: 0,
      tasks: JoinSet::new(),
      running: HashMap::new(),
      link: Link::Down,
      client: None,
      backoff: Backoff::default(),
      gate: None,
      suspended: false,
      limit_due: None,
      load_due: None,
      kept_back: 0,
      closing_since: None,
      failed_closing: false,
    }
  }

  /// Takes a row in.
  pub fn enqueue(&mut self, row: Row) {
    let (is_new, bytes) = self.queue.push(row);
    self.shared.counters.accept(Amount { rows: usize::from(is_new), bytes: 0 });
    self.shared.counters.correct(bytes);
    self.waiting_since.get_or_insert_with(Instant::now);
  }

  /// Takes in what dead processes left in the spool.
  pub fn adopt(&mut self, adopted: &Adopted) {
    for entry in &adopted.payloads {
      let rows = entry.rows as usize;
      let content = usize::try_from(entry.content_bytes()).unwrap_or(usize::MAX);
      let bytes = Payload::bytes_written(content, rows);
      self.shared.counters.accept(Amount { rows, bytes });
      let key = self.queue.take_tickets(rows);
      self.outbox.store(Stored { key, entry: *entry, bytes, failures: 0 });
    }
    let gone = [
      (LossReason::SpoolDamaged, adopted.damaged.rows, "files of an earlier process are damaged"),
      (LossReason::SpoolExpired, adopted.expired.rows, "an earlier process left them too long ago"),
    ];
    for (reason, rows, why) in gone {
      if rows > 0 {
        let amount = Amount { rows: usize::try_from(rows).unwrap_or(usize::MAX), bytes: 0 };
        self.shared.counters.accept(amount);
        self.lose(amount, reason, why);
      }
    }
  }

  /// All rows that are taken in from now on have tickets from this on.
  pub fn next_ticket(&self) -> u64 {
    self.queue.next_ticket()
  }

  /// Whether every row with an earlier ticket is settled.
  pub fn settled_before(&self, ticket: u64) -> bool {
    let first =
      [self.queue.first_ticket(), self.masking.first_ticket(), self.outbox.first_ticket()];
    let first = first.into_iter().flatten().min();
    first.is_none_or(|first| first >= ticket)
  }

  /// Whether a row with an earlier ticket waits for company.
  pub fn lingers(&self, ticket: u64) -> bool {
    self.queue.first_ticket().is_some_and(|first| first < ticket)
  }

  /// Whether rows are on their way through the masking function.
  pub fn is_masking(&self) -> bool {
    !self.masking.is_empty()
  }

  /// Whether the server refuses the key.
  pub fn is_suspended(&self) -> bool {
    self.suspended
  }

  /// Whether so much waits that no new span has room.
  pub fn is_full(&self) -> bool {
    let rows = self.queue.len() + self.masking.rows() + self.outbox.rows();
    self.held() >= self.settings.queue_room() || rows >= self.settings.max_queue_rows
  }

  /// The bytes of memory that wait.
  pub fn held(&self) -> usize {
    self.queue.weight() + self.masking.weight() + self.outbox.weight()
  }

  /// The process ends: waits that were meant for a long life are cut short, and there is one more try at
  /// once.
  pub fn hurry(&mut self) {
    self.gate = None;
    self.suspended = false;
    self.closing_since.get_or_insert_with(Instant::now);
  }

  /// Whether there is nothing left to do for the end of the process: everything is settled, or safe and
  /// the server does not answer.
  pub fn is_done(&self) -> bool {
    let all_sealed = self.queue.is_empty() && self.masking.is_empty();
    if all_sealed && self.outbox.is_empty() {
      return true;
    }
    let is_safe = all_sealed && self.outbox.backed().rows == self.outbox.rows();
    self.suspended || (self.failed_closing && is_safe)
  }

  /// Makes payloads of rows, and starts what may be started. `urgent` if somebody waits for it. True when
  /// rows were put into the spool: the record of what is open should follow them.
  pub fn proceed(&mut self, urgent: bool) -> bool {
    if self.gate.is_some_and(|gate| gate <= Instant::now()) {
      self.gate = None;
      self.suspended = false;
    }
    if self.shared.masks.are_forsaken() {
      self.lose_unmasked();
    }
    let has_kept = self.store.is_open() && self.checkpoint(urgent);
    if self.gate.is_none() && !self.is_idle() {
      match &self.link {
        Link::Connecting => {}
        Link::Down => self.connect(),
        Link::Up { client, session } => {
          let (client, session) = (client.clone(), session.clone());
          self.send(&client, &session, urgent);
        }
      }
    }
    if !self.store.is_open() {
      self.compact();
    }
    self.shared.counters.set_spooled(self.outbox.stored());
    self.shared.counters.set_held(self.held());
    has_kept
  }

  /// Whether nothing waits to be sent.
  fn is_idle(&self) -> bool {
    self.queue.is_empty() && self.outbox.ready() == 0 && self.outbox.stored().rows == 0
  }

  fn lose(&self, amount: Amount, reason: LossReason, why: &str) {
    self.shared.counters.lose(reason, amount);
    self.shared.warnings.lost(reason, amount.rows, why);
  }

  /// The last act: what the spool keeps is left to the next process, the rest is lost. Whether all is
  /// delivered.
  pub fn end(&mut self) -> bool {
    let spooled = {
      let (stored, backed) = (self.outbox.stored(), self.outbox.backed());
      Amount { rows: stored.rows + backed.rows, bytes: stored.bytes + backed.bytes }
    };
    self.shared.counters.set_spooled(spooled);
    let left = self.shared.counters.pending();
    let reason =
      if self.suspended { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.shared.counters.lose(reason, left);
    self.store.finish(self.shared);
    left.rows + spooled.rows == 0
  }

  /// When to look again although nothing came.
  pub fn alarm(&self) -> Option<Instant> {
    let linger = if self.store.is_open() { CHECKPOINT } else { LINGER };
    // Rows that must be masked wait until there is room for them on the way.
    let waiting_since = self.waiting_since.filter(|_| !self.is_masking_full());
    let due = waiting_since.map(|since| since + linger);
    let sending = match self.link {
      _ if self.is_idle() => None,
      _ if self.gate.is_some() => self.gate,
      Link::Up { .. } if self.outbox.under_way() < self.settings.max_requests => due,
      _ => None,
    };
    let checkpoint = due.filter(|_| self.store.is_open() && !self.queue.is_empty());
    let load = self.load_due.filter(|due| *due > Instant::now() && self.outbox.stored().rows > 0);
    [sending, checkpoint, load].into_iter().flatten().min()
  }
}
