//! Rows that are too large for a request: overflow uploads, and cuts.

use std::time::Duration;

use braintrust_row::truncate;

use super::{
  in_flight::Purpose,
  requests::{MAX_OVERFLOW_ATTEMPTS, may_overflow},
  responses::{FAILURES_BEFORE_WARNING, LIMIT_AGAIN, SHUTDOWN_DELAY},
  state::{Connection, Delivery},
};
use crate::{
  account::CONTENT_IS_LARGE,
  connection::Session,
  diagnostics::Code,
  loss::LossReason,
  outcome::ExportOutcome,
  overflow::{self, OverflowError, OverflowPart, OverflowUpload},
  time::Now,
  transport::{Response, TransportError},
};

/// The longest delay between two overflow uploads of a row, unless the server asks for more.
const MAX_OVERFLOW_DELAY: Duration = Duration::from_secs(30);
/// A row is not cut to less than this.
const MIN_CUT_BYTES: usize = 2048;

impl Delivery {
  pub(super) fn overflow_response(
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
    let OverflowError { outcome, part, is_suspect, has_no_endpoint, .. } = error;
    let accepts_others = self.backoff.failures() == 0;
    // Its answer to `/version` shows that a server is behind the router, not that it stores rows.
    let stated_at = self.limit_stated_at.filter(|_| has_no_endpoint);
    let worked_at = self.acknowledged_at.max(stated_at);
    if let Some(oversize) = self.outbox.oversize_mut(key) {
      let since = *oversize.failing_since.get_or_insert(began);
      // While Braintrust answers nothing else, it fails as a whole.
      let counts = part == OverflowPart::Storage
        || (accepts_others && worked_at.is_some_and(|at| at >= since));
      oversize.overflow_failures += 1;
      oversize.overflow_attempts += match outcome {
        ExportOutcome::Rejected | ExportOutcome::Split => MAX_OVERFLOW_ATTEMPTS,
        _ => u32::from(counts),
      };
    }
    if has_no_endpoint {
      // There may be no other row whose acknowledgement would show that only this endpoint fails.
      self.limit_due = Some(now.elapsed);
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

  /// Handles a batch that is too large: splits it. A single row is sent as an overflow upload, and is cut if that fails.
  pub(super) fn shrink(&mut self, key: u64, why: String, now: Now) {
    if self.outbox.split(key) {
      return;
    }
    let session = match &self.connection {
      Connection::Up(session) => Some(session),
      _ => None,
    };
    let Some(queued) = self.outbox.get(key) else { return };
    // Without a known limit the row would be cut, but the last request for the limit may have had no response: connect
    // again to ask once more, for all rows that are to be cut.
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
    let limit = session.and_then(|session| session.limit);
    self.cut(key, limit, why, now);
  }

  /// Cuts the single row of a batch in flight. It is lost if it has been cut to the minimum.
  fn cut(&mut self, key: u64, limit: Option<usize>, why: String, now: Now) {
    let Some(queued) = self.outbox.get(key) else { return };
    let size = queued.batch.bytes();
    // Half of the limit always fits. Without a limit, halve the row.
    let most = limit.map_or(size, |limit| limit / 2).min(size / 2);
    let is_first_cut = queued.oversize.cut_to.is_none();
    let cut = (most >= MIN_CUT_BYTES).then(|| queued.batch.replaced(|row| truncate(row, most)));
    let Some(shorter) = cut.flatten() else {
      self.drop_batch(key, LossReason::TooLarge, why, now);
      return;
    };
    if is_first_cut {
      self.account.counters.cut(1);
      self.account.diagnostics.once(Code::Large, &format!("{why}. {CONTENT_IS_LARGE}"));
    }
    if let Some(oversize) = self.outbox.oversize_mut(key) {
      oversize.cut_to = Some(most);
    }
    self.account.counters.correct(shorter.bytes() as i64 - size as i64);
    self.outbox.replace(key, shorter);
    self.put_back(key);
    self.account.failed(why);
  }
}
