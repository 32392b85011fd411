//! From an event to queued rows: admission, translation, what every trace carries, sampling, redaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use braintrust_row::{Json, Row, TraceId, sort_by_key};
use flue_event::{Body, CallerNamed, Event};

use super::Exporter;
use crate::{
  admission::Priority, delivery::Offers, loss::LossReason, time::Now, trace_fields::TraceFields,
};

impl Exporter {
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

  /// Translates an event that the host has accepted by [`Admission`](crate::admission::Admission) and counted.
  /// `bytes` is its size in the host's queue.
  pub fn handle_accepted(&mut self, text: &str, bytes: usize, now: Now) {
    self.has_input = true;
    if self.exit_deadline.is_some_and(|deadline| deadline <= now.elapsed) {
      self.account.counters.refuse(LossReason::NotDeliveredAtExit, bytes);
    } else {
      self.snapshot.note_change(now.elapsed);
      // A panic in the translation loses one event, not the following ones.
      let translated = catch_unwind(AssertUnwindSafe(|| self.translate(text, now)));
      let translated = translated.unwrap_or_else(|_panic| {
        Err(LostEvent(LossReason::UnreadableEvent, "the translation failed".to_owned()))
      });
      if let Err(LostEvent(reason, why)) = translated {
        self.account.refuse(reason, bytes, &why, now.elapsed);
        if reason == LossReason::UnreadableEvent {
          self.account.failed(why);
        }
      }
    }
    self.account.counters.event_processed();
    self.account.counters.set_open_spans(self.translator.open_spans());
  }

  fn translate(&mut self, text: &str, now: Now) -> Result<(), LostEvent> {
    if !self.delivery.attaches() {
      return self.translate_text(&translate::without_payloads(text), now);
    }
    let mut offers = Offers { delivery: &mut self.delivery, now };
    let text = translate::with_attachments(text, &mut offers);
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
      let is_late = self.is_late(&event);
      if let Body::CallerNamed(named) = &mut event.body {
        named.is_late = is_late;
      }
    }
    let mut rows = self.translator.translate(&event);
    if matches!(&event.body, Body::CallerNamed(named) if !named.is_late) {
      rows.iter().for_each(|row| self.delivery.relocate(row));
    }
    for root in rows.iter_mut().filter(|row| row.is_root && !row.ends()) {
      self.begin_trace(root, &event);
    }
    self.enqueue(rows, now);
    if self.translator.has_lost_line() {
      return Err(LostEvent(LossReason::NoSpan, "a log line names no known work".to_owned()));
    }
    Ok(())
  }

  /// Adds what every trace carries to its root, which an event begins, and the decision to record it.
  fn begin_trace(&mut self, row: &mut Row, event: &Event<'_>) {
    if let Some(enrichment) = event.enrichment {
      TraceFields::read(enrichment).write(row);
    }
    self.settings.trace_fields.write(row);
    if let Some(is_recorded) = event.sampled {
      self.sampling.decide(row.span.trace, is_recorded);
      row.set_metadata("flue.sampled", is_recorded.then(|| Json::of(&true)));
    } else if self.settings.sample_rate < 1.0 {
      row.set_metadata("flue.sample_rate", Some(Json::of(&self.settings.sample_rate)));
    }
  }

  /// Whether work whose caller an event names stays in its trace.
  fn is_late(&mut self, event: &Event<'_>) -> bool {
    let Body::CallerNamed(CallerNamed { caller: Some(caller), .. }) = &event.body else {
      return false;
    };
    let Some(trace) = TraceId::parse(&caller.trace) else { return false };
    if let Some(is_recorded) = event.sampled {
      self.sampling.decide(trace, is_recorded);
    }
    let is_recorded = self.sampling.records(trace);
    self.translator.movable_spans(event).iter().any(|span| {
      !self.delivery.is_queued(span.row) || self.sampling.records(span.trace) != is_recorded
    })
  }

  /// Enqueues rows that come in the order of a hash table in an order of their own: the same inputs lead to the same
  /// outputs.
  pub(super) fn enqueue_sorted(&mut self, mut rows: Vec<Row>, now: Now) {
    sort_by_key(&mut rows, |row| row.span.row.halves());
    self.enqueue(rows, now);
  }

  /// Redacts and enqueues the rows of traces that are recorded.
  pub(super) fn enqueue(&mut self, mut rows: Vec<Row>, now: Now) {
    // Before they wait for a decision about their trace.
    rows.iter_mut().for_each(|row| row.is_masked |= self.delivery.masks_trace(row.span.trace));
    let (rows, left_out) = self.sampling.sort(rows);
    self.account.counters.leave_out(left_out);
    for mut row in rows {
      if let Some(redactor) = &self.settings.redactor {
        redactor.row(&mut row);
      }
      self.delivery.enqueue(row, now);
    }
  }
}

/// An event that never becomes rows, and the cause.
struct LostEvent(LossReason, String);
