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
//! | [`flush`](Exporter::flush) | [`poll_timeout`](Exporter::poll_timeout): when to call `handle_timeout` again |
//! | [`deliver_before_exit`](Exporter::deliver_before_exit), [`shutdown`](Exporter::shutdown) | |
//!
//! With a spool, a host carries out the first operations before it passes events: they restore the open spans of dead
//! processes, which events may resume.

use std::{
  collections::VecDeque,
  mem,
  panic::{AssertUnwindSafe, catch_unwind},
  sync::Arc,
  time::Duration,
};

use braintrust_row::Row;
use flue_event::Body;
use spool::{Adopted, Completion, Operation};
use translate::Translator;

use crate::{
  admission::{Admission, Priority},
  config::Settings,
  connection::Session,
  counters::RowTotals,
  delivery::Delivery,
  diagnostics::{Account, Code},
  loss::LossReason,
  masking::{MaskRequest, Masking},
  open_spans::{RESUME_WITHIN, SnapshotSchedule},
  sampling::Sampling,
  spool_writer::{OperationId, Purpose, SpoolStatus},
  time::Now,
  trace_fields::TraceFields,
  transport::{Request, RequestId, Response, TransportError},
};

/// How often the spool is searched for segments of dead processes.
const ADOPT_EVERY: Duration = Duration::from_secs(5);

/// Identifies a flush, a delivery before the exit or a shutdown of one exporter.
pub type TicketId = u64;

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

/// A flush, a delivery before the exit or a shutdown that waits for its rows.
struct Waiting {
  ticket: TicketId,
  boundary: Boundary,
  deadline: Duration,
}

/// What a flush waits for. A delivery before the exit and a shutdown wait for everything.
#[derive(Clone, Copy)]
enum Boundary {
  /// Rows with earlier sequence numbers still have to become batches.
  Rows(u64),
  /// They have: batches with earlier keys have to be settled.
  Batches(u64),
  /// They are: attachments with earlier numbers have to be settled.
  Attachments(u64),
}

/// Turns events into requests, and responses into accounting.
pub struct Exporter {
  settings: Arc<Settings>,
  account: Arc<Account>,
  translator: Translator,
  sampling: Sampling,
  delivery: Delivery,
  snapshot: SnapshotSchedule,
  flushes: Vec<Waiting>,
  exit_deliveries: Vec<Waiting>,
  shutdowns: Vec<Waiting>,
  next_ticket: TicketId,
  outputs: VecDeque<Output>,
  /// When the spool is searched again.
  adopt_due: Option<Duration>,
  /// The earliest deadline of a shutdown, as the host knows it before the shutdown itself comes; `None`: none is known.
  exit_deadline: Option<Duration>,
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
    let delivery = Delivery::new(settings.clone(), account.clone(), spool, seed);
    let has_spool = delivery.spool.is_open();
    Self {
      translator: Translator::new(settings.translation),
      sampling: Sampling::new(&settings),
      delivery,
      snapshot: SnapshotSchedule::new(has_spool),
      settings,
      account,
      flushes: Vec::new(),
      exit_deliveries: Vec::new(),
      shutdowns: Vec::new(),
      next_ticket: 0,
      outputs: VecDeque::new(),
      adopt_due: has_spool.then_some(now.elapsed),
      exit_deadline: None,
      has_input: true,
      has_ended: false,
    }
  }

  /// The bound of queued bytes, for a host with an event queue of its own.
  pub fn admission(settings: &Settings) -> Admission {
    Admission { max_bytes: settings.queue_room() }
  }

  /// Accepts an event, as JSON, and translates it. An event that is refused is counted, unless its priority
  /// makes that unnecessary.
  ///
  /// # Errors
  /// The reason of the refusal.
  pub fn handle_event(
    &mut self,
    text: &str,
    priority: Priority,
    now: Now,
  ) -> Result<(), LossReason> {
    let admission = Self::admission(&self.settings);
    let refusal = if self.has_ended || !self.shutdowns.is_empty() {
      Some((LossReason::Closed, "the recorder is closed"))
    } else if !admission.admits(
      priority,
      text.len(),
      self.delivery.shared_bytes() + self.sampling.memory_bytes(),
    ) {
      Some((LossReason::QueueFull, "the queue is full"))
    } else {
      None
    };
    if let Some((reason, why)) = refusal {
      if priority.counts_when_refused() {
        self.account.refuse(reason, text.len(), why, now.elapsed);
      }
      return Err(reason);
    }
    self.account.accept_event(priority, false);
    self.handle_accepted(text, text.len(), now);
    Ok(())
  }

  /// Translates an event that the host has accepted by [`Admission`] and counted. `bytes` is its size in the host's
  /// queue.
  pub fn handle_accepted(&mut self, text: &str, bytes: usize, now: Now) {
    self.has_input = true;
    if self.exit_deadline.is_some_and(|deadline| deadline <= now.elapsed) {
      self.account.counters.refuse(LossReason::NotDeliveredAtExit, bytes);
    } else {
      self.snapshot.note_change(now.elapsed);
      // A panic in the translation loses one event, not the following ones.
      let translated = catch_unwind(AssertUnwindSafe(|| self.translate(text, now)));
      let lost = match translated {
        Ok(Ok(())) => None,
        Ok(Err(lost)) => Some(lost),
        Err(_panic) => {
          Some(LostEvent(LossReason::UnreadableEvent, "the translation failed".to_owned()))
        }
      };
      if let Some(LostEvent(reason, why)) = lost {
        self.account.refuse(reason, bytes, &why, now.elapsed);
        if reason == LossReason::UnreadableEvent {
          self.account.counters.failed(why);
        }
      }
    }
    self.account.counters.event_processed();
    self.account.counters.set_open_spans(self.translator.open_spans());
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
    self.snapshot.enable(now.elapsed);
    self.adopt_due = Some(now.elapsed);
  }

  /// Whether rows pass through the user's masking function from now on.
  pub fn set_masking(&mut self, masking: Masking) {
    self.delivery.set_masking(masking);
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

  /// The same for the first rows of a batch, when no time is left to mask the others: these count as lost.
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
      (Purpose::Load, Completion::Content(result)) => self.delivery.handle_loaded(result, now),
      (Purpose::Remove(entry), Completion::Done(Err(error))) => {
        self.delivery.spool.remove_failed(entry, &error);
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

  /// Waits until every row accepted before is settled, at most until `deadline`. Completed by
  /// [`Output::Completed`].
  pub fn flush(&mut self, deadline: Duration, now: Now) -> TicketId {
    self.has_input = true;
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    if self.has_ended {
      self.outputs.push_back(Output::Completed { ticket, complete: self.is_settled() });
    } else {
      self.delivery.mark(self.delivery.next_sequence());
      self.flushes.push(waiting);
    }
    ticket
  }

  /// Delivers everything at once, as the process ends: delays are short from now on. Completed by
  /// [`Output::Completed`]. Events are still accepted, because the application may end spans on its way out; a
  /// [`Self::shutdown`] follows. `interrupts` closes the open spans; an end that comes later corrects them. The
  /// exporter ends at once only if nothing can be delivered any more, because the deadline has passed or the key is
  /// refused.
  pub fn deliver_before_exit(
    &mut self,
    deadline: Duration,
    interrupts: bool,
    now: Now,
  ) -> TicketId {
    self.has_input = true;
    if self.has_ended {
      return self.flush(deadline, now);
    }
    if interrupts {
      self.close_open_spans(now);
    }
    self.delivery.begin_shutdown(deadline, now);
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    self.exit_deliveries.push(waiting);
    ticket
  }

  /// Accepts no more events, closes the open spans, delivers what it can until `deadline`, counts the rest as lost,
  /// waits for writes to the spool that are in progress, and ends. Completed by [`Output::Completed`]. A later shutdown
  /// may bring the deadline forward.
  pub fn shutdown(&mut self, deadline: Duration, now: Now) -> TicketId {
    self.has_input = true;
    if self.has_ended {
      return self.flush(deadline, now);
    }
    self.delivery.begin_shutdown(deadline, now);
    let waiting = self.waiting(deadline, now);
    let ticket = waiting.ticket;
    self.close(waiting, now);
    ticket
  }

  /// Sets when the process ends. Accepted events that are translated later count as lost.
  pub fn set_exit_deadline(&mut self, deadline: Duration) {
    self.exit_deadline = Some(deadline);
  }

  /// Does due work. Call it after inputs, and at the time of [`poll_timeout`](Self::poll_timeout).
  pub fn handle_timeout(&mut self, now: Now) {
    self.has_input = false;
    if self.has_ended {
      return;
    }
    self.adopt(now);
    if self.snapshot.orphans_are_due(now.elapsed) {
      let left_by = now.unix_ms.saturating_sub(RESUME_WITHIN.as_millis() as i64);
      let rows = self.translator.close_orphaned(now.unix_ms, left_by);
      self.enqueue_sorted(rows, now);
    }
    self.complete_exit_deliveries(now);
    let urgent = self.is_awaited() || self.snapshot.is_due(now.elapsed);
    let has_written = self.delivery.advance(urgent, now);
    // The snapshot follows the rows: not while some are with the masking function.
    if (has_written || self.snapshot.is_due(now.elapsed)) && !self.delivery.is_masking() {
      let begins = self.snapshot.begin();
      self.write_snapshot(begins, now);
    }
    if let Some(session) = self.delivery.take_session() {
      self.outputs.push_back(Output::Connected(session));
    }
    self.complete_flushes(now);
    self.account.counters.set_open_spans(self.translator.open_spans());
    if self.is_shut_down(now) {
      self.end(now);
    }
  }

  /// The next request for the host to send.
  pub fn poll_request(&mut self) -> Option<Request> {
    self.delivery.poll_request()
  }

  /// The next request for the host to drop, which closes its connection: another one with the same content is answered
  /// or takes its place. Poll it before [`poll_request`](Self::poll_request). A response that comes all the same is
  /// ignored.
  pub fn poll_cancelled(&mut self) -> Option<RequestId> {
    self.delivery.poll_cancelled()
  }

  /// The next operation for the host to perform on the spool, in this order.
  pub fn poll_spool(&mut self) -> Option<(OperationId, Operation)> {
    self.delivery.spool.poll()
  }

  /// The next content for the host to mask.
  pub fn poll_mask(&mut self) -> Option<MaskRequest> {
    self.delivery.poll_mask()
  }

  /// The next notification for the host.
  pub fn poll_output(&mut self) -> Option<Output> {
    self.outputs.pop_front()
  }

  /// When to call [`handle_timeout`](Self::handle_timeout) although no input comes, on the clock of
  /// [`Now::elapsed`]. `None`: never.
  pub fn poll_timeout(&self, now: Now) -> Option<Duration> {
    if self.has_input {
      return Some(now.elapsed);
    }
    if self.has_ended {
      return None;
    }
    let waits_for_disk =
      |deadline: &Duration| *deadline <= now.elapsed && self.delivery.is_writing();
    let shutdowns = self.shutdowns.iter().map(|waiting| waiting.deadline);
    let shutdowns = shutdowns.filter(|deadline| !waits_for_disk(deadline));
    let others = self.flushes.iter().chain(&self.exit_deliveries);
    let deadlines = others.map(|waiting| waiting.deadline).chain(shutdowns);
    let adopt = self.adopt_due.filter(|_| !self.delivery.spool.is_adopting());
    let others =
      [self.delivery.timeout(now), self.snapshot.timeout(!self.delivery.is_masking()), adopt];
    deadlines.chain(others.into_iter().flatten()).min()
  }

  /// Whether nothing is left to do until the next input: every row and attachment is delivered or lost, and the
  /// snapshot of open spans is written.
  pub fn is_at_rest(&self) -> bool {
    let is_done = self.has_ended || (self.is_settled() && !self.snapshot.is_pending());
    is_done && !self.has_input && !self.delivery.spool.is_busy()
  }

  /// Whether nothing is lost when the exporter is dropped now: every row is delivered, lost or in the spool, so is the
  /// snapshot of open spans, and no attachment waits. Rows that are in the spool as well as in memory count as spooled
  /// until the next input.
  pub fn is_kept(&self) -> bool {
    self.delivery.leave_spooled();
    let spool = &self.delivery.spool;
    let is_noted =
      !self.snapshot.is_pending() && (spool.is_open() || self.translator.open_spans() == 0);
    let is_pending =
      self.account.counters.pending().rows > 0 || self.delivery.unsettled_attachments() > 0;
    let is_done = self.has_ended || (is_noted && !is_pending);
    is_done && !self.has_input && !spool.is_busy()
  }

  /// Whether shutdown has ended. Operations on the spool may still be polled.
  pub fn has_ended(&self) -> bool {
    self.has_ended
  }

  /// The bytes of memory of undelivered rows and attachments, for [`Admission`].
  pub fn memory_bytes(&self) -> usize {
    self.delivery.memory_bytes() + self.sampling.memory_bytes()
  }

  /// The undelivered rows in memory, counted one by one. Equals [`Stats::pending`](crate::counters::Stats) when every
  /// accepted event is processed.
  pub fn in_memory(&self) -> RowTotals {
    self.delivery.in_memory()
  }

  /// The attachments that wait for their upload or are in flight, counted one by one. Equals
  /// [`AttachmentStats::pending`](crate::counters::AttachmentStats).
  pub fn unsettled_attachments(&self) -> usize {
    self.delivery.unsettled_attachments()
  }

  /// The disk space of this process's segments in bytes, including those that are being written.
  pub fn spool_bytes(&self) -> u64 {
    self.delivery.spool.disk_bytes()
  }

  fn waiting(&mut self, deadline: Duration, now: Now) -> Waiting {
    // The caller waits: write the snapshot at once.
    self.snapshot.expedite(now.elapsed);
    let ticket = self.next_ticket;
    self.next_ticket += 1;
    Waiting { ticket, boundary: Boundary::Rows(self.delivery.next_sequence()), deadline }
  }

  fn translate(&mut self, text: &str, now: Now) -> Result<(), LostEvent> {
    if !self.delivery.attaches() {
      return self.translate_text(&translate::without_payloads(text), now);
    }
    let delivery = &mut self.delivery;
    let mut attach = |attachment| delivery.offer_attachment(attachment, now);
    let text = translate::with_attachments(text, &mut attach);
    let result = self.translate_text(&text, now);
    self.delivery.attachments_offered();
    result
  }

  /// Translates an event without files.
  fn translate_text(&mut self, text: &str, now: Now) -> Result<(), LostEvent> {
    let mut event = flue_event::decode(text, now.unix_ms)
      .map_err(|error| LostEvent(LossReason::UnreadableEvent, error.to_string()))?;
    if let Body::Feedback(feedback) = &event.body
      && let Some(problem) = feedback.problem()
    {
      return Err(LostEvent(LossReason::InvalidFeedback, problem.to_owned()));
    }
    event.apply_content_policy(self.settings.content);
    // A full exporter refuses new spans, but never updates of accepted ones.
    if self.delivery.is_full() && self.translator.would_open(&event) {
      self.translator.ignore(&event);
      return Err(LostEvent(LossReason::QueueFull, "the queue is full".to_owned()));
    }
    if matches!(event.body, Body::CallerNamed(_)) {
      let moved = self.translator.movable_rows(&event);
      let is_late = moved.iter().any(|row| !self.delivery.is_queued(*row));
      if let Body::CallerNamed(named) = &mut event.body {
        named.is_late = is_late;
      }
    }
    let mut rows = self.translator.translate(&event);
    if matches!(&event.body, Body::CallerNamed(named) if !named.is_late) {
      rows.iter().for_each(|row| self.delivery.relocate(row));
    }
    let begun = rows.iter_mut().filter(|row| row.is_root && !row.ends());
    begun.for_each(|row| {
      if let Some(enrichment) = event.enrichment {
        TraceFields::read(enrichment).write(row);
      }
      self.settings.trace_fields.write(row);
      if let Some(is_recorded) = event.sampled {
        self.sampling.decide(row.span.trace, is_recorded);
      }
    });
    self.enqueue(rows, now);
    Ok(())
  }

  /// Enqueues rows that come in the order of a hash table in an order of their own: the same inputs lead to the same
  /// outputs.
  fn enqueue_sorted(&mut self, mut rows: Vec<Row>, now: Now) {
    rows.sort_by_key(|row| row.span.row);
    self.enqueue(rows, now);
  }

  /// Redacts and enqueues the rows of traces that are recorded.
  fn enqueue(&mut self, rows: Vec<Row>, now: Now) {
    let (rows, left_out) = self.sampling.sort(rows);
    self.account.counters.leave_out(left_out);
    for mut row in rows {
      if let Some(redactor) = &self.settings.redactor {
        redactor.row(&mut row);
      }
      self.delivery.enqueue(row, now);
    }
  }

  /// Searches the spool for files of dead processes, when that is due.
  fn adopt(&mut self, now: Now) {
    let is_due = self.adopt_due.is_some_and(|due| due <= now.elapsed);
    if is_due && !self.delivery.spool.is_adopting() {
      self.adopt_due = Some(now.elapsed + ADOPT_EVERY);
      self.delivery.spool.adopt();
    }
  }

  fn adopted(&mut self, mut adopted: Adopted, now: Now) {
    if let Some(error) = adopted.error.take() {
      let why = format!("files of an earlier process cannot be adopted: {error}");
      self.delivery.spool.failed(&why);
    }
    self.delivery.adopt(&adopted, now);
    if self.has_ended {
      // The exporter has ended: the next process delivers them.
      self.delivery.leave_spooled();
    }
    for snapshot in &adopted.snapshots {
      if let Err(error) = self.translator.restore(snapshot) {
        let message = format!("The snapshot of an earlier process is damaged: {error}.");
        self.account.diagnostics.once(Code::Spool, &message);
      }
    }
    if adopted.damaged_snapshots > 0 {
      let message =
        "The snapshot of an earlier process is damaged: spans that it left open stay open.";
      self.account.diagnostics.once(Code::Spool, message);
    }
    if !adopted.snapshots.is_empty() {
      self.snapshot.restored(now.elapsed);
    }
  }

  fn write_snapshot(&mut self, begins: bool, now: Now) {
    if begins {
      // Names may contain content that must be redacted.
      let with_names = self.settings.redactor.is_none() && !self.delivery.masks();
      let content =
        self.translator.snapshot_of(now.unix_ms, with_names, &|trace| self.sampling.records(trace));
      self.delivery.spool.write_snapshot(content);
    }
  }

  /// Whether a flush or a shutdown waits for rows that still linger.
  fn is_awaited(&self) -> bool {
    let lingers = |flush: &Waiting| match flush.boundary {
      Boundary::Rows(sequence) => self.delivery.lingers_before(sequence),
      Boundary::Batches(_) | Boundary::Attachments(_) => false,
    };
    let ends = !self.shutdowns.is_empty() || !self.exit_deliveries.is_empty();
    ends || self.flushes.iter().any(lingers)
  }

  /// Completes the flushes that are settled, late, or blocked by a refused key.
  fn complete_flushes(&mut self, now: Now) {
    for mut flush in mem::take(&mut self.flushes) {
      if let Boundary::Rows(sequence) = flush.boundary
        && let Some(key) = self.delivery.take_mark(sequence)
      {
        flush.boundary = Boundary::Batches(key);
      }
      if let Boundary::Batches(key) = flush.boundary
        && self.delivery.is_settled_before(key)
      {
        flush.boundary = Boundary::Attachments(self.delivery.next_attachment());
      }
      let complete = match flush.boundary {
        Boundary::Rows(_) | Boundary::Batches(_) => false,
        Boundary::Attachments(number) => self.delivery.has_uploaded_before(number),
      };
      if complete || self.delivery.is_unauthorized() || flush.deadline <= now.elapsed {
        self.outputs.push_back(Output::Completed { ticket: flush.ticket, complete });
      } else {
        self.flushes.push(flush);
      }
    }
  }

  /// Completes the deliveries before the exit that are done. One that fails ends the exporter.
  fn complete_exit_deliveries(&mut self, now: Now) {
    for waiting in mem::take(&mut self.exit_deliveries) {
      let has_failed = waiting.deadline <= now.elapsed
        || (self.delivery.is_unauthorized() && !self.delivery.spool.is_open());
      if has_failed {
        self.close(waiting, now);
      } else if self.delivery.is_done() && !self.delivery.is_writing() {
        self.delivery.begin_leaving();
        let complete = self.is_settled();
        self.outputs.push_back(Output::Completed { ticket: waiting.ticket, complete });
      } else {
        self.exit_deliveries.push(waiting);
      }
    }
  }

  /// Closes the open spans, and ends when their rows are settled.
  fn close(&mut self, waiting: Waiting, now: Now) {
    self.close_open_spans(now);
    self.shutdowns.push(waiting);
  }

  fn close_open_spans(&mut self, now: Now) {
    let rows = self.translator.close_all(now.unix_ms);
    // The last snapshot must not contain them any more.
    self.snapshot.note_change(now.elapsed);
    self.enqueue_sorted(rows, now);
  }

  /// Whether shutdown can end: delivery is done, or the deadline has passed.
  fn is_shut_down(&self, now: Now) -> bool {
    let deadline = self.shutdowns.iter().map(|shutdown| shutdown.deadline).min();
    // Batches that are being written are neither lost nor spooled yet: wait for the writes.
    let is_over = |deadline| self.delivery.is_done() || deadline <= now.elapsed;
    deadline.is_some_and(|deadline| is_over(deadline) && !self.delivery.is_writing())
  }

  /// Ends: counts the remaining rows, and completes every flush and shutdown.
  fn end(&mut self, now: Now) {
    let begins = self.snapshot.begin_last();
    self.write_snapshot(begins, now);
    let complete = self.delivery.finish();
    self.account.counters.leave_out(self.sampling.leave_out_all());
    self.account.counters.set_open_spans(0);
    self.account.warn_total_lost();
    let ended = self.flushes.drain(..).chain(self.exit_deliveries.drain(..));
    for waiting in ended.chain(self.shutdowns.drain(..)) {
      self.outputs.push_back(Output::Completed { ticket: waiting.ticket, complete });
    }
    self.has_ended = true;
  }

  fn is_settled(&self) -> bool {
    let stats = self.account.counters.stats();
    stats.pending + stats.spooled + stats.attachments.pending == 0
  }
}

/// An event that never becomes rows, and the cause.
struct LostEvent(LossReason, String);

#[cfg(test)]
mod tests;
