//! Effects of a response on its batch and on the connection.

use std::time::Duration;

use super::{
  in_flight::{InFlight, Purpose},
  state::{Connection, Delivery},
};
use crate::{
  connection::{Session, Step, limit},
  diagnostics::Code,
  loss::LossReason,
  outcome::{
    ExportOutcome, classify_upload, describe_upload, may_be_caused_by_a_row, not_confirmed,
  },
  time::Now,
  transport::{RequestId, Response, TransportError},
};

/// How long nothing is sent after the server has refused the key.
const UNAUTHORIZED_DELAY: Duration = Duration::from_secs(60);
/// The longest delay between two attempts during shutdown, whatever the server asks for.
pub(super) const SHUTDOWN_DELAY: Duration = Duration::from_millis(100);
/// Failures in a row after which the user is informed.
pub(super) const FAILURES_BEFORE_WARNING: u32 = 3;
/// The delay before the server is asked again for its limit.
pub(super) const LIMIT_AGAIN: Duration = Duration::from_secs(60);

impl Delivery {
  /// Handles the response of a request. A response to no request in flight is ignored.
  pub fn handle_response(
    &mut self,
    id: RequestId,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let carries = |call: &InFlight| call.requests.iter().position(|attempt| attempt.id == id);
    let mut calls = self.in_flight.iter_mut().enumerate();
    let found = calls.find_map(|(at, call)| carries(call).map(|of| (at, of, call)));
    let Some((at, of, call)) = found else { return };
    let attempt = call.requests.remove(of);
    let took = now.elapsed.saturating_sub(attempt.began);
    let (log, ms) = (&self.account.log, took.as_millis());
    match &result {
      Ok(response) => {
        self.patience.note(took);
        log.line(format_args!("response {id}: {} in {ms} ms", response.describe()));
      }
      Err(error) => log.line(format_args!("request {id} failed in {ms} ms: {error}")),
    }
    // The other request of the call may still be answered.
    if result.is_err() && !call.requests.is_empty() {
      return;
    }
    let InFlight { began, url, purpose, requests, .. } = self.in_flight.swap_remove(at);
    self.cancelled.extend(requests.iter().map(|attempt| attempt.id));
    self.next_repeat = Duration::ZERO;
    match purpose {
      Purpose::Connect => self.connection_response(began, result, now),
      Purpose::Limit => self.limit_response(result, now),
      Purpose::Upload(key) => self.upload_response(key, &url, began, result, now),
      Purpose::Overflow { key, upload, session } => {
        self.overflow_response(key, upload, session, began, result, now);
      }
      Purpose::Attachment { content, upload, session } => {
        self.attachment_response(content, upload, session, began, result, now);
      }
      Purpose::AttachmentFailure => {}
    }
  }

  fn limit_response(&mut self, result: Result<Response, TransportError>, now: Now) {
    let limit = limit(result);
    self.limit_stated_at = limit.map(|_| now.elapsed).or(self.limit_stated_at);
    if let Connection::Up(session) = &mut self.connection {
      session.limit = session.limit.or(limit);
      self.limit_due = session.limit.is_none().then(|| now.elapsed + LIMIT_AGAIN);
    }
  }

  fn upload_response(
    &mut self,
    key: u64,
    url: &str,
    began: Duration,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let outcome = classify_upload(&result, now.unix_ms);
    let is_suspect = may_be_caused_by_a_row(&result) || self.refuses_row(key, &result);
    let why = match result {
      Ok(response) if outcome == ExportOutcome::Unconfirmed => {
        format!("{url} answered {}", not_confirmed(&response))
      }
      Ok(response) => format!("{url} answered {}", describe_upload(&response)),
      Err(error) => format!("{url}: {error}"),
    };
    if is_suspect {
      self.server_error(key, began, why, now);
    } else {
      self.uploaded(key, began, outcome, why, now);
    }
  }

  fn connection_response(
    &mut self,
    began: Duration,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let Connection::Connecting(connecting) = &mut self.connection else { return };
    match connecting.handle_response(&self.settings, result, now) {
      Step::Send(call) => self.request(call, Purpose::Connect, began, now),
      Step::Connected(session) => self.connected(session, now),
      Step::Failed(error) => {
        self.connection = Connection::Down;
        let code = if error.is_unconfirmed() { Code::Unconfirmed } else { Code::Unreachable };
        let why = error.to_string();
        match error.outcome() {
          ExportOutcome::Unauthorized => self.refused(began, why, now),
          ExportOutcome::Retry(at_least) => self.failed(code, began, why, at_least, now),
          _ => self.failed(code, began, why, Duration::ZERO, now),
        }
      }
    }
  }

  fn connected(&mut self, session: Session, now: Now) {
    self.backoff.reset();
    self.limit_due = session.limit.is_none().then(|| now.elapsed + LIMIT_AGAIN);
    self.wants_session = false;
    self.new_session = Some(session.clone());
    self.connection = Connection::Up(session);
  }

  pub(super) fn uploaded(
    &mut self,
    key: u64,
    began: Duration,
    outcome: ExportOutcome,
    why: String,
    now: Now,
  ) {
    match outcome {
      ExportOutcome::Delivered => self.delivered(key, now),
      ExportOutcome::Retry(at_least) => {
        self.put_back(key);
        self.failed(Code::Unreachable, began, why, at_least, now);
      }
      ExportOutcome::Unconfirmed => {
        self.put_back(key);
        self.failed(Code::Unconfirmed, began, why, Duration::ZERO, now);
      }
      ExportOutcome::Unauthorized => {
        self.put_back(key);
        // The next attempt logs in again: the key's project may change.
        if let Connection::Up(_) = self.connection {
          self.connection = Connection::Down;
        }
        self.refused(began, why, now);
      }
      ExportOutcome::Split => self.shrink(key, why, now),
      ExportOutcome::Rejected => self.reject(key, why, now),
    }
  }

  /// Handles an error of the server that a row may cause: if not, everything backs off.
  pub(super) fn server_error(&mut self, key: u64, began: Duration, why: String, now: Now) {
    if let Some(why) = self.suspect(key, why, now) {
      self.failed(Code::Unreachable, began, why, Duration::ZERO, now);
    }
  }

  pub(super) fn delivered(&mut self, key: u64, now: Now) {
    self.backoff.reset();
    self.acknowledged += 1;
    self.acknowledged_at = Some(now.elapsed);
    self.rejections = 0;
    let Some((batch, segments)) = self.outbox.settle(key) else { return };
    self.account.counters.sent(batch.totals(), batch.body().len());
    self.spool.remove_all(segments);
  }

  pub(super) fn put_back(&mut self, key: u64) {
    self.account.counters.retry();
    self.outbox.put_back(key);
  }

  /// Handles a temporary failure of a request that began at `began`: backs off. `code` is the diagnostic of repeated
  /// failures.
  pub(super) fn failed(
    &mut self,
    code: Code,
    began: Duration,
    why: String,
    at_least: Duration,
    now: Now,
  ) {
    let delay = self.backoff.next_delay(began, now.elapsed);
    let is_shutdown = self.shutdown_since.is_some();
    self.failed_since_shutdown |= self.shutdown_since.is_some_and(|since| began >= since);
    let delay = delay.max(at_least);
    self.pause(if is_shutdown { delay.min(SHUTDOWN_DELAY) } else { delay }, now);
    if self.backoff.failures() >= FAILURES_BEFORE_WARNING && !is_shutdown {
      self.warn_of_failure(code, &why);
    }
    self.account.failed(why);
  }

  pub(super) fn warn_of_failure(&self, code: Code, why: &str) {
    let message = format!("{why}. Delivery is retried; the application is not affected.");
    self.account.diagnostics.once(code, &message);
  }

  /// Handles a refused key for a request that began at `began`.
  fn refused(&mut self, began: Duration, why: String, now: Now) {
    let message =
      format!("{why}. Delivery is retried every minute; the application is not affected.");
    self.account.diagnostics.once(Code::Refused, &message);
    // A shutdown allows one more attempt after the first refusal.
    let is_shutdown = self.shutdown_since.is_some();
    if is_shutdown && self.refused_at.is_none_or(|first| began < first) {
      self.refused_at.get_or_insert(now.elapsed);
      self.failed(Code::Unreachable, began, why, Duration::ZERO, now);
      return;
    }
    self.unauthorized = true;
    self.pause(UNAUTHORIZED_DELAY, now);
    self.account.failed(why);
  }

  /// Sends nothing for `delay`. A longer pause stays.
  fn pause(&mut self, delay: Duration, now: Now) {
    self.account.log.line(format_args!("backoff of {} ms", delay.as_millis()));
    self.retry_at = self.retry_at.max(Some(now.elapsed + delay));
  }

  /// Removes a batch and counts its rows as lost.
  pub(super) fn drop_batch(&mut self, key: u64, reason: LossReason, why: String, now: Now) {
    let Some((batch, segments)) = self.outbox.settle(key) else { return };
    self.spool.remove_all(segments);
    self.account.lose(reason, batch.totals(), &why, now.elapsed);
    self.account.failed(why);
  }
}
