//! What becomes of a payload when its verdict is there, and of the way when it fails.

use std::time::Duration;

use tokio::time::Instant;

use super::{
  Delivery, Link,
  network::{TRIES_APART, may_go_apart},
};
use crate::upload::Verdict;
use braintrust_row::truncate;
use export::report::{Amount, LossReason, Warning};

/// How long nothing is tried after the server has refused the key.
const SUSPENSION: Duration = Duration::from_secs(60);
/// How long to wait between two tries while the process ends.
const HURRY: Duration = Duration::from_millis(100);
/// Failures in a row after which the user is told.
const FAILURES_BEFORE_WARNING: u32 = 3;
/// A row is not cut to less than this.
const SMALLEST_CUT: usize = 2048;

impl Delivery<'_> {
  pub(super) fn judge(&mut self, key: u64, began: Instant, verdict: Verdict, why: String) {
    match verdict {
      Verdict::Delivered => self.delivered(key),
      Verdict::Later(at_least) => {
        self.put_back(key);
        self.fails(began, why, at_least);
      }
      Verdict::Suspended => {
        self.put_back(key);
        // The next try logs in anew: the key may open another project by then.
        self.link = Link::Down;
        self.suspend(began, why);
      }
      Verdict::Split => self.squeeze(key, why),
      Verdict::Rejected => self.give_up(key, LossReason::Rejected, why),
    }
  }

  pub(super) fn judge_apart(
    &mut self,
    key: u64,
    began: Instant,
    verdict: Verdict,
    why: String,
    storage: bool,
  ) {
    if verdict == Verdict::Delivered {
      self.delivered(key);
      return;
    }
    let refused = matches!(verdict, Verdict::Rejected | Verdict::Split);
    if let Some(held) = self.outbox.get(key) {
      held.squeezed.apart += if refused { TRIES_APART } else { u32::from(storage) };
    }
    match verdict {
      Verdict::Rejected | Verdict::Split => self.squeeze(key, why),
      // Braintrust itself works: nothing else need wait.
      Verdict::Later(_) if storage => {
        self.put_back(key);
        self.shared.counters.failed(why);
      }
      verdict => self.judge(key, began, verdict, why),
    }
  }

  pub(super) fn delivered(&mut self, key: u64) {
    self.backoff.reset();
    let Some((payload, file)) = self.outbox.settle(key) else { return };
    let amount = Amount { rows: payload.rows(), bytes: payload.bytes() };
    self.shared.counters.sent(amount, payload.body().len());
    if let Some(file) = file {
      self.store.remove(&file, self.shared);
    }
  }

  pub(super) fn put_back(&mut self, key: u64) {
    self.shared.counters.retry();
    self.outbox.put_back(key);
  }

  /// The server says that the payload is too large: its halves may fit. A single row goes another way, and
  /// then less of it goes.
  pub(super) fn squeeze(&mut self, key: u64, why: String) {
    if self.outbox.split(key) {
      return;
    }
    let session = match &self.link {
      Link::Up { session, .. } => Some(session),
      _ => None,
    };
    let Some(held) = self.outbox.get(key) else { return };
    // Without a session nobody knows yet.
    let goes_apart = session.is_none_or(|session| may_go_apart(session, held.squeezed));
    if goes_apart {
      held.squeezed.refused = true;
      self.put_back(key);
      return;
    }
    let size = held.payload.bytes();
    // Of a limit that is known half is sure to get through; of one that is not, who knows.
    let limit = session.and_then(|session| session.limit).map(|limit| limit / 2);
    let most = limit.unwrap_or(size).min(size / 2);
    let cut = (most >= SMALLEST_CUT).then(|| held.payload.replaced(|row| truncate(row, most)));
    match cut.flatten() {
      Some(payload) => {
        if held.squeezed.cut_to.is_none() {
          self.shared.counters.cut(1);
        }
        held.squeezed.cut_to = Some(most);
        let wrong = payload.bytes() as i64 - size as i64;
        self.shared.counters.correct(wrong);
        self.outbox.replace(key, payload);
        self.put_back(key);
        self.shared.counters.failed(why);
      }
      None => self.give_up(key, LossReason::TooLarge, why),
    }
  }

  /// A request that began then has failed; it may be repeated.
  pub(super) fn fails(&mut self, began: Instant, why: String, at_least: Duration) {
    let wait = self.backoff.wait(began).max(at_least);
    let is_closing = self.closing_since.is_some();
    self.failed_closing |= self.closing_since.is_some_and(|since| began >= since);
    self.close_gate(if is_closing { wait.min(HURRY) } else { wait });
    if self.backoff.failures() >= FAILURES_BEFORE_WARNING && !is_closing {
      let message =
        format!("{why}. Traces wait and are tried again; the application is not affected.");
      self.shared.warnings.once(Warning::Unreachable, &message);
    }
    self.shared.counters.failed(why);
  }

  /// The server has refused the key for a request that began then.
  pub(super) fn suspend(&mut self, began: Instant, why: String) {
    let message = format!(
      "{why}. Traces wait and are tried again now and then; the application is not affected."
    );
    self.shared.warnings.once(Warning::Refused, &message);
    // The one more try that there is while the recorder closes begins after that.
    if self.closing_since.is_some_and(|since| began < since) {
      self.fails(began, why, Duration::ZERO);
      return;
    }
    self.suspended = true;
    self.close_gate(SUSPENSION);
    self.shared.counters.failed(why);
  }

  /// Nothing is sent for that long, or longer if that was said before.
  pub(super) fn close_gate(&mut self, wait: Duration) {
    self.gate = self.gate.max(Some(Instant::now() + wait));
  }

  /// The payload will never arrive.
  pub(super) fn give_up(&mut self, key: u64, reason: LossReason, why: String) {
    let Some((payload, file)) = self.outbox.settle(key) else { return };
    if let Some(file) = file {
      self.store.remove(&file, self.shared);
    }
    self.lose(Amount { rows: payload.rows(), bytes: payload.bytes() }, reason, &why);
    self.shared.counters.failed(why);
  }
}
