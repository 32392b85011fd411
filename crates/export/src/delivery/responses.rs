//! Effects of a response on its batch and on the connection.

use std::time::Duration;

use braintrust_row::truncate;

use super::{
  in_flight::{InFlight, Purpose},
  requests::{MAX_OVERFLOW_ATTEMPTS, may_overflow},
  state::{Connection, Delivery},
};
use crate::{
  connection::{Session, Step, limit},
  counters::RowTotals,
  diagnostics::Code,
  loss::LossReason,
  outcome::{ExportOutcome, classify_upload, may_be_caused_by_a_row, not_confirmed},
  overflow::{self, OverflowError, OverflowPart, OverflowUpload},
  time::Now,
  transport::{RequestId, Response, TransportError},
};

/// How long nothing is sent after the server has refused the key.
const UNAUTHORIZED_DELAY: Duration = Duration::from_secs(60);
/// The longest delay between two attempts during shutdown, whatever the server asks for.
pub(super) const SHUTDOWN_DELAY: Duration = Duration::from_millis(100);
/// Failures in a row after which the user is informed.
pub(super) const FAILURES_BEFORE_WARNING: u32 = 3;
/// The longest delay between two overflow uploads of a row, unless the server asks for more.
const MAX_OVERFLOW_DELAY: Duration = Duration::from_secs(30);
/// A row is not cut to less than this.
const MIN_CUT_BYTES: usize = 2048;
/// The delay before the server is asked again for its limit.
const LIMIT_AGAIN: Duration = Duration::from_secs(60);

impl Delivery {
  /// Handles the response of a request. A response to no request in flight is ignored.
  pub fn handle_response(
    &mut self,
    id: RequestId,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let carries = |call: &InFlight| call.requests.iter().position(|attempt| attempt.id == id);
    let found = self.in_flight.iter().enumerate();
    let Some((at, of)) = found.filter_map(|(at, call)| Some((at, carries(call)?))).next() else {
      return;
    };
    let Some(call) = self.in_flight.get_mut(at) else { return };
    let attempt = call.requests.remove(of);
    let took = now.elapsed.saturating_sub(attempt.began);
    let has_failed = result.is_err();
    if !has_failed {
      self.patience.note(took);
    }
    let took = took.as_millis();
    match &result {
      Ok(response) => {
        self.account.log.line(format_args!("response {id}: {} in {took} ms", response.describe()));
      }
      Err(error) => {
        self.account.log.line(format_args!("request {id} failed in {took} ms: {error}"))
      }
    }
    // The other request of the call may still be answered.
    if has_failed && !call.requests.is_empty() {
      return;
    }
    let InFlight { began, url, purpose, requests, .. } = self.in_flight.swap_remove(at);
    self.cancelled.extend(requests.iter().map(|attempt| attempt.id));
    self.next_repeat = Duration::ZERO;
    match purpose {
      Purpose::Connect => self.connection_response(began, result, now),
      Purpose::Limit => {
        let limit = limit(result);
        if let Connection::Up(session) = &mut self.connection {
          session.limit = session.limit.or(limit);
          self.limit_due = session.limit.is_none().then(|| now.elapsed + LIMIT_AGAIN);
        }
      }
      Purpose::Upload(key) => {
        let outcome = classify_upload(&result, now.unix_ms);
        let is_suspect = may_be_caused_by_a_row(&result) || self.refuses_row(key, &result);
        let why = match result {
          Ok(response) if outcome == ExportOutcome::Unconfirmed => {
            format!("{url} answered {}", not_confirmed(&response))
          }
          Ok(response) => format!("{url} answered {}", response.describe()),
          Err(error) => format!("{url}: {error}"),
        };
        if is_suspect {
          self.server_error(key, began, why, now);
        } else {
          self.uploaded(key, began, outcome, why, now);
        }
      }
      Purpose::Overflow { key, upload, session } => {
        self.overflow_response(key, upload, session, began, result, now);
      }
      Purpose::Attachment { content, upload, session } => {
        self.attachment_response(content, upload, session, began, result, now);
      }
      Purpose::AttachmentFailure => {}
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

  fn uploaded(&mut self, key: u64, began: Duration, outcome: ExportOutcome, why: String, now: Now) {
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
  fn server_error(&mut self, key: u64, began: Duration, why: String, now: Now) {
    if let Some(why) = self.suspect(key, why, now) {
      self.failed(Code::Unreachable, began, why, Duration::ZERO, now);
    }
  }

  fn overflow_response(
    &mut self,
    key: u64,
    mut upload: OverflowUpload,
    session: Session,
    began: Duration,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let body = self.outbox.get(key).map(|queued| queued.batch.body()).unwrap_or_default();
    match upload.handle_response(&self.settings, &session, body, result, now) {
      overflow::Step::Send(call) => {
        self.request(call, Purpose::Overflow { key, upload, session }, began, now);
      }
      overflow::Step::Delivered => self.delivered(key, now),
      overflow::Step::Failed(error) => self.overflow_failed(key, began, error, now),
    }
  }

  fn overflow_failed(&mut self, key: u64, began: Duration, error: OverflowError, now: Now) {
    let why = error.to_string();
    let OverflowError { outcome, part, is_suspect, .. } = error;
    let (accepts_others, acknowledged_at) = (self.backoff.failures() == 0, self.acknowledged_at);
    if let Some(oversize) = self.outbox.oversize_mut(key) {
      let since = *oversize.failing_since.get_or_insert(began);
      // While Braintrust accepts nothing else, it fails as a whole.
      let counts = part == OverflowPart::Storage
        || (accepts_others && acknowledged_at.is_some_and(|at| at >= since));
      oversize.overflow_failures += 1;
      oversize.overflow_attempts += match outcome {
        ExportOutcome::Rejected | ExportOutcome::Split => MAX_OVERFLOW_ATTEMPTS,
        _ => u32::from(counts),
      };
    }
    match outcome {
      ExportOutcome::Rejected | ExportOutcome::Split => self.shrink(key, why, now),
      // No other request needs this part: none backs off.
      ExportOutcome::Retry(at_least) if part != OverflowPart::Reference => {
        self.delay_overflow(key, Code::Unreachable, at_least, why, now);
      }
      ExportOutcome::Unconfirmed if part != OverflowPart::Reference => {
        self.delay_overflow(key, Code::Unconfirmed, Duration::ZERO, why, now);
      }
      _ if is_suspect => self.server_error(key, began, why, now),
      outcome => self.uploaded(key, began, outcome, why, now),
    }
  }

  /// Delays a batch whose overflow upload fails, by `at_least` or more. `code` is the diagnostic if it keeps failing.
  fn delay_overflow(&mut self, key: u64, code: Code, at_least: Duration, why: String, now: Now) {
    let failures = self.outbox.get(key).map_or(1, |queued| queued.oversize.overflow_failures);
    let is_shutdown = self.shutdown_since.is_some();
    self.failed_since_shutdown |= is_shutdown;
    let delay = self.backoff.delay_of(failures, MAX_OVERFLOW_DELAY).max(at_least);
    self.put_back(key);
    let delay = if is_shutdown { delay.min(SHUTDOWN_DELAY) } else { delay };
    self.outbox.set_retry_at(key, now.elapsed + delay);
    if failures >= FAILURES_BEFORE_WARNING && !is_shutdown {
      self.warn_of_failure(code, &why);
    }
    self.account.failed(why);
  }

  fn delivered(&mut self, key: u64, now: Now) {
    self.backoff.reset();
    self.acknowledged += 1;
    self.acknowledged_at = Some(now.elapsed);
    self.rejections = 0;
    let Some((batch, segments)) = self.outbox.settle(key) else { return };
    let totals = RowTotals { rows: batch.rows(), bytes: batch.bytes() };
    self.account.counters.sent(totals, batch.body().len());
    self.spool.remove_all(segments);
  }

  pub(super) fn put_back(&mut self, key: u64) {
    self.account.counters.retry();
    self.outbox.put_back(key);
  }

  /// Handles a batch that is too large: splits it. A single row is sent as an overflow upload, and is truncated if
  /// that fails.
  fn shrink(&mut self, key: u64, why: String, now: Now) {
    if self.outbox.split(key) {
      return;
    }
    let session = match &self.connection {
      Connection::Up(session) => Some(session),
      _ => None,
    };
    let Some(queued) = self.outbox.get(key) else { return };
    // Without a known limit the row would be cut, and the server may not have answered the last question. One new
    // question serves all rows that are to be cut.
    let was_asked = self.limit_asked_at.is_some_and(|at| now.elapsed < at + LIMIT_AGAIN);
    let has_no_limit = session.is_some_and(|session| session.limit.is_none());
    let asks = has_no_limit && !was_asked && !queued.oversize.refused;
    // Without a session there is no limit yet: retry first.
    if asks || session.is_none_or(|session| may_overflow(session, queued.oversize)) {
      if let Some(oversize) = self.outbox.oversize_mut(key) {
        oversize.refused = true;
      }
      if asks {
        self.limit_asked_at = Some(now.elapsed);
        self.connection = Connection::Down;
      }
      self.put_back(key);
      return;
    }
    let size = queued.batch.bytes();
    // Half of the limit always fits. Without a limit, halve the row.
    let limit = session.and_then(|session| session.limit).map(|limit| limit / 2);
    let most = limit.unwrap_or(size).min(size / 2);
    let is_first_cut = queued.oversize.cut_to.is_none();
    let cut = (most >= MIN_CUT_BYTES).then(|| queued.batch.replaced(|row| truncate(row, most)));
    let Some(shorter) = cut.flatten() else {
      self.drop_batch(key, LossReason::TooLarge, why, now);
      return;
    };
    if is_first_cut {
      self.account.counters.cut(1);
    }
    if let Some(oversize) = self.outbox.oversize_mut(key) {
      oversize.cut_to = Some(most);
    }
    self.account.counters.correct(shorter.bytes() as i64 - size as i64);
    self.outbox.replace(key, shorter);
    self.put_back(key);
    self.account.failed(why);
  }

  /// Handles a temporary failure of a request that began at `began`: backs off. `code` is the diagnostic if it keeps failing.
  fn failed(&mut self, code: Code, began: Duration, why: String, at_least: Duration, now: Now) {
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
    let totals = RowTotals { rows: batch.rows(), bytes: batch.bytes() };
    self.account.lose(reason, totals, &why, now.elapsed);
    self.account.failed(why);
  }
}
