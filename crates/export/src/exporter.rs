//! The exporter: from a Flue event to Braintrust's acknowledgement, without I/O or a clock.
//!
//! A host passes inputs, then calls [`Exporter::handle_timeout`], then polls and carries out all outputs:
//!
//! | input | output |
//! |---|---|
//! | [`handle_event`](Exporter::handle_event) | [`poll_request`](Exporter::poll_request): a request to send |
//! | | [`poll_cancelled`](Exporter::poll_cancelled): a request to drop |
//! | [`handle_response`](Exporter::handle_response) | [`poll_spool`](Exporter::poll_spool): an operation on the spool |
//! | [`handle_spool`](Exporter::handle_spool) | [`poll_mask`](Exporter::poll_mask): content for the masking function |
//! | [`handle_masked`](Exporter::handle_masked) | [`poll_output`](Exporter::poll_output): a notification |
//! | [`connect`](Exporter::connect), [`flush`](Exporter::flush) | [`poll_timeout`](Exporter::poll_timeout): when to call `handle_timeout` again |
//! | [`deliver_before_exit`](Exporter::deliver_before_exit), [`shutdown`](Exporter::shutdown) | |
//!
//! With a spool, a host carries out the first operations before it passes events: they restore the open spans of dead
//! processes, which events may resume.

mod endings;
mod intake;
mod outputs;
mod recovery;
mod waiting;

use std::{collections::VecDeque, rc::Rc, sync::Arc, time::Duration};

use spool::Completion;
use translate::Translator;

pub use self::waiting::TicketId;
use self::waiting::Waiting;

use crate::{
  account::Account,
  admission::Admission,
  config::Settings,
  connection::Session,
  delivery::{Delivery, Mark},
  masking::Masking,
  open_spans::SnapshotSchedule,
  sampling::Sampling,
  spool_writer::{OperationId, Purpose, SpoolStatus},
  time::Now,
  transport::{RequestId, Response, TransportError},
};

/// A notification for the host.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
  /// The exporter is connected.
  Connected(Session),
  /// A flush, a delivery before the exit or a shutdown has ended.
  Completed {
    /// The id that the call returned.
    ticket: TicketId,
    /// Whether every row that was accepted before was delivered, or lost for a reason of its own, in time.
    complete: bool,
  },
}

/// Turns events into requests, and responses into accounting.
pub struct Exporter {
  settings: Arc<Settings>,
  account: Arc<Account>,
  translator: Translator,
  sampling: Sampling,
  delivery: Delivery,
  snapshot: SnapshotSchedule,
  /// A snapshot that waits for rows from before it.
  held_snapshot: Option<(Rc<Mark>, Option<Vec<u8>>)>,
  flushes: Vec<Waiting>,
  exit_deliveries: Vec<Waiting>,
  shutdowns: Vec<Waiting>,
  next_ticket: TicketId,
  outputs: VecDeque<Output>,
  /// When the spool is searched again.
  adopt_due: Option<Duration>,
  /// The earliest deadline of a shutdown, as the host knows it before the shutdown itself comes; `None`: none is known.
  exit_deadline: Option<Duration>,
  /// When the process began to end, milliseconds since the epoch: what is open then ends then.
  exit_began: Option<i64>,
  /// The rows that close adopted spans, while they may be in memory only.
  closes_adopted: Option<Rc<Mark>>,
  /// Whether inputs wait for `handle_timeout`.
  has_input: bool,
  has_ended: bool,
}

impl Exporter {
  /// An exporter without events. `spool` states whether the host has opened the spool of the settings; `seed` is
  /// random.
  pub fn new(
    settings: Arc<Settings>,
    account: Arc<Account>,
    spool: &SpoolStatus,
    seed: u64,
    now: Now,
  ) -> Self {
    account.secrets.add(settings.api_key.text());
    let delivery = Delivery::new(settings.clone(), account.clone(), spool, seed);
    let has_spool = delivery.spool.is_open();
    Self {
      translator: Translator::new(settings.translation),
      sampling: Sampling::new(&settings),
      delivery,
      snapshot: SnapshotSchedule::new(has_spool),
      held_snapshot: None,
      settings,
      account,
      flushes: Vec::new(),
      exit_deliveries: Vec::new(),
      shutdowns: Vec::new(),
      next_ticket: 0,
      outputs: VecDeque::new(),
      adopt_due: has_spool.then_some(now.elapsed),
      exit_deadline: None,
      exit_began: None,
      closes_adopted: None,
      has_input: true,
      has_ended: false,
    }
  }

  /// The bound of queued bytes, for a host with an event queue of its own.
  pub fn admission(settings: &Settings) -> Admission {
    Admission { max_bytes: settings.queue_room() }
  }

  /// Sets the bytes that other exporters of the same memory hold: the bound of queued bytes is for all of them.
  pub fn set_others_bytes(&mut self, bytes: usize) {
    self.delivery.others_bytes = bytes;
  }

  /// The host has opened the spool later than it made the exporter: unconfirmed rows and open spans go there from now
  /// on, and the files of dead processes are adopted.
  pub fn open_spool(&mut self, now: Now) {
    self.has_input = true;
    self.delivery.spool.open();
    self.delivery.write_again();
    self.snapshot.enable(now.elapsed);
    self.adopt_due = Some(now.elapsed);
  }

  /// Whether the rows of later events pass through the user's masking function. When it is removed, those of the traces
  /// that are open still do.
  pub fn set_masking(&mut self, masking: Masking) {
    if self.delivery.set_masking(masking, self.translator.open_traces()) {
      self.has_input = true;
      // The names in the snapshot follow it, at once.
      self.snapshot.expedite(Duration::ZERO);
    }
  }

  /// Whether rows wait for it, or will.
  pub fn needs_masking(&self) -> bool {
    self.delivery.needs_masking()
  }

  /// Handles the masked content of a batch of [`poll_mask`](Self::poll_mask): the JSON of a list with one object for
  /// each row. Marks replace the content if it is anything else. Ignored after the end: the rows count as lost.
  pub fn handle_masked(&mut self, batch: u64, content: &str, now: Now) {
    if self.has_ended {
      return;
    }
    self.has_input = true;
    self.delivery.handle_masked(batch, content, now);
  }

  /// The same for the first rows of a batch, when no time is left to mask the others: these are sent without content.
  pub fn handle_partly_masked(&mut self, batch: u64, content: &str, now: Now) {
    if self.has_ended {
      return;
    }
    self.has_input = true;
    self.delivery.handle_partly_masked(batch, content, now);
  }

  /// Handles the response of a request. After the end it is ignored: its rows are counted as lost or spooled.
  pub fn handle_response(
    &mut self,
    id: RequestId,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    self.has_input = true;
    self.delivery.handle_response(id, result, now);
  }

  /// Handles the completion of an operation on the spool.
  pub fn handle_spool(&mut self, id: OperationId, completion: Completion, now: Now) {
    self.has_input = true;
    let Some(purpose) = self.delivery.spool.complete(id) else { return };
    match (purpose, completion) {
      (Purpose::Adopt, Completion::Adopted(adopted)) => self.adopted(adopted, now),
      (Purpose::Write { key, disk_bytes }, Completion::Written(result)) => {
        self.delivery.handle_written(key, disk_bytes, result, now);
      }
      // Its rows are counted as spooled: the next process delivers them, or finds the damage.
      (Purpose::Load, Completion::Content(_)) if self.has_ended => {}
      (Purpose::Load, Completion::Content(result)) => self.delivery.handle_loaded(result, now),
      (Purpose::Remove(removal), Completion::Done(result)) => {
        self.delivery.spool.handle_removed(removal, result, now);
      }
      (Purpose::Snapshot, Completion::Done(result)) => {
        let is_written = result.is_ok();
        if let Err(error) = result {
          let why = format!("the snapshot of open spans cannot be written: {error}");
          self.delivery.spool.failed(&why);
        }
        if self.snapshot.finish(is_written, now.elapsed) {
          self.delivery.spool.discard_adopted();
        }
      }
      (Purpose::DiscardAdopted, Completion::Done(Err(error))) => {
        let why = format!("the snapshot of an earlier process cannot be removed: {error}");
        self.delivery.spool.failed(&why);
      }
      (Purpose::Close, Completion::Done(Err(error))) => {
        self.delivery.spool.failed(&format!("it cannot be closed: {error}"));
      }
      _ => {}
    }
  }

  /// Connects before the first row comes. Failed attempts are repeated and reported, as those for rows are.
  pub fn connect(&mut self) {
    self.has_input = true;
    self.delivery.want_session();
  }

  /// Does due work. Call it after inputs, and at the time of [`poll_timeout`](Self::poll_timeout).
  pub fn handle_timeout(&mut self, now: Now) {
    self.has_input = false;
    if self.has_ended {
      return;
    }
    self.adopt(now);
    if self.snapshot.orphans_are_due(now.elapsed) {
      let left_by = self.snapshot.left_by(now);
      let rows = self.translator.drop_orphaned(now.unix_ms, left_by);
      self.enqueue_sorted(rows, now);
    }
    self.confirm_adoption(now);
    self.complete_exit_deliveries(now);
    let urgent = self.is_awaited() || self.snapshot.is_due(now.elapsed);
    let has_written = self.delivery.advance(urgent, now);
    if (has_written || self.snapshot.is_due(now.elapsed)) && self.snapshot.begin() {
      self.hold_snapshot(now);
    }
    self.write_held_snapshot();
    if let Some(session) = self.delivery.take_session() {
      self.outputs.push_back(Output::Connected(session));
    }
    self.complete_flushes(now);
    self.account.counters.set_open_spans(self.translator.open_spans());
    if self.is_shut_down(now) {
      self.end(now);
    }
  }
}

#[cfg(test)]
mod tests;
