//! Bad rows: requests that the server rejects or fails on are halved down to the row that causes it.
//!
//! A rejected request (such as 400) is halved at once. A server error (such as 500) usually concerns the server and not
//! a row, so a request is halved only when it fails repeatedly, and a single row is dropped only when others are
//! acknowledged between its failures. So is one with a 403 that others do not get: a firewall refuses its content.

use std::time::Duration;

use super::state::Delivery;
use crate::{
  loss::LossReason,
  outbox::FAILURES_BEFORE_SPLIT,
  time::Now,
  transport::{Response, TransportError},
};

/// The successive server errors after which a single row is dropped, and those of requests with this row alone.
const FAILURES_BEFORE_DROP: u32 = 12;
const FAILURES_ALONE: u32 = 3;
/// How many failures with acknowledgements of other uploads between them are taken for a row's and not the server's.
const WITNESSES: u32 = 3;
/// The longest delay of a request that fails while others are acknowledged.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// How recent the last acknowledgement has to be when a row is dropped.
const RECENT: Duration = Duration::from_secs(60);
/// The rejected rows in a row, without an acknowledgement, after which requests are no longer halved: the server
/// rejects everything.
const MAX_REJECTIONS: u32 = 64;

impl Delivery {
  /// Handles a rejected batch: halves it, or counts its single row as lost.
  pub(super) fn reject(&mut self, key: u64, why: String, now: Now) {
    if self.rejections < MAX_REJECTIONS && self.outbox.split(key) {
      return;
    }
    self.rejections = self.rejections.saturating_add(1);
    self.drop_batch(key, LossReason::Rejected, why, now);
  }

  /// Whether a 403 is about a row and not the key: since the first one for this batch, others were acknowledged.
  pub(super) fn refuses_row(
    &mut self,
    key: u64,
    result: &Result<Response, TransportError>,
  ) -> bool {
    if !matches!(result, Ok(Response { status: 403, .. })) {
      return false;
    }
    let acknowledged = self.acknowledged;
    let Some(suspicion) = self.outbox.suspicion_mut(key) else { return false };
    acknowledged > *suspicion.forbidden_before.get_or_insert(acknowledged)
  }

  /// Handles a server error of a batch. Returns the cause if the server may be the reason: then everything backs off.
  pub(super) fn suspect(&mut self, key: u64, why: String, now: Now) -> Option<String> {
    let acknowledged = self.acknowledged;
    let is_oldest = self.outbox.is_oldest_to_split(key);
    let is_single = self.outbox.get(key).is_some_and(|queued| queued.batch.spans() == 1);
    let suspicion = self.outbox.suspicion_mut(key)?;
    // An acknowledgement before the first failure proves nothing: the server may have failed since then.
    let is_witnessed = suspicion.failures > 0 && acknowledged > suspicion.acknowledged_before;
    suspicion.acknowledged_before = acknowledged;
    suspicion.witnessed += u32::from(is_witnessed);
    suspicion.failures += 1;
    suspicion.alone += u32::from(is_single);
    let suspicion = *suspicion;
    let is_recent = self.acknowledged_at.is_some_and(|at| now.elapsed <= at + RECENT);
    let is_suspect = is_recent && suspicion.witnessed >= WITNESSES;
    let others_arrive = is_witnessed || is_suspect;
    let is_given_up =
      is_suspect && suspicion.failures >= FAILURES_BEFORE_DROP && suspicion.alone >= FAILURES_ALONE;
    if is_given_up {
      self.drop_batch(key, LossReason::Rejected, why, now);
      return None;
    }
    if is_single && suspicion.failures >= FAILURES_BEFORE_SPLIT {
      if suspicion.failures >= FAILURES_BEFORE_DROP {
        let segments = self.outbox.detach(key);
        self.spool.remove_all(segments);
      }
      self.outbox.isolate(key);
    }
    let is_halved = suspicion.failures >= FAILURES_BEFORE_SPLIT
      && (others_arrive || is_oldest)
      && self.outbox.split(key);
    if is_halved {
      self.account.counters.retry();
    } else {
      self.put_back(key);
    }
    if !others_arrive {
      return Some(why);
    }
    if !is_halved {
      self.delay(key, suspicion.failures, now);
    }
    self.failed_since_shutdown |= self.shutdown_since.is_some();
    self.account.failed(why);
    None
  }

  /// Delays a batch that fails while others are acknowledged.
  fn delay(&mut self, key: u64, failures: u32, now: Now) {
    let most =
      if self.shutdown_since.is_some() { super::responses::SHUTDOWN_DELAY } else { MAX_DELAY };
    let attempt = failures.saturating_sub(FAILURES_BEFORE_SPLIT) + 1;
    let delay = self.backoff.delay_of(attempt, most);
    self.outbox.set_retry_at(key, now.elapsed + delay);
  }
}
