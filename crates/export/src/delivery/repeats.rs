//! Repetitions of requests that are not answered.

use std::time::Duration;

use super::{
  in_flight::{Attempt, InFlight},
  responses::FAILURES_BEFORE_WARNING,
  state::Delivery,
};
use crate::{diagnostics::Code, time::Now, transport::Request};

impl Delivery {
  /// Repeats the call that has waited longest, if it is due. One at a time: when its response comes soon, the next one
  /// follows at once, and a server that is only slow does not get everything twice.
  pub(super) fn repeat_unanswered(&mut self, now: Now) {
    while self.retry_at.is_none() && self.next_repeat <= now.elapsed {
      let calls = self.in_flight.iter().enumerate();
      let due = calls.filter_map(|(index, call)| Some((self.repeat_due(call)?, index)));
      let Some((_, index)) = due.filter(|(at, _)| *at <= now.elapsed).min() else { return };
      self.cancel_repeat(index, now);
      let id = self.next_request;
      let Some(call) = self.in_flight.get_mut(index) else { return };
      let time = self.patience.time(call.call.body.len());
      self.next_request += 1;
      call.requests.push(Attempt { id, began: now.elapsed });
      // Each further repetition takes twice as long.
      let waited = now.elapsed.saturating_sub(call.began);
      call.repeat_at = Some(now.elapsed + waited.max(time));
      self.next_repeat = now.elapsed + time;
      self.account.counters.retry();
      if call.is_upload() {
        self.account.counters.request();
      }
      let ms = waited.as_millis();
      self.account.log.line(format_args!("request {id}: {} again after {ms} ms", call.url));
      self.requests.push_back(Request { id, call: call.call.clone(), is_repeat: true });
      // As many requests as repetitions have no response.
      call.repeats += 1;
      if call.repeats == FAILURES_BEFORE_WARNING && self.shutdown_since.is_none() {
        let why = call.no_response(now);
        self.warn_of_failure(Code::Unreachable, &why);
        self.account.failed(why);
      }
    }
  }

  /// Makes room for a repetition of this call: cancels its last one, or that of another upload if there is one request
  /// more than allowed. First requests stay: if the server is only slow, they are answered next.
  fn cancel_repeat(&mut self, index: usize, now: Now) {
    let is_full = self.uploads() > self.settings.max_requests;
    let Some(call) = self.in_flight.get(index) else { return };
    let of_other = is_full && call.is_upload() && call.requests.len() == 1;
    let repeated = if of_other {
      self.in_flight.iter_mut().find(|other| other.is_upload() && other.requests.len() > 1)
    } else {
      self.in_flight.get_mut(index).filter(|call| call.requests.len() > 1)
    };
    if let Some(repeat) = repeated.and_then(|call| call.requests.pop()) {
      self.patience.note_unanswered(now.elapsed.saturating_sub(repeat.began));
      self.cancelled.push_back(repeat.id);
    }
  }

  /// When a call is repeated: not before its last request has waited as long as the server now takes, and never if its
  /// own timeout ends the first one soon after.
  fn repeat_due(&self, call: &InFlight) -> Option<Duration> {
    let time = self.patience.time(call.call.body.len());
    let last = call.requests.last().map_or(call.began, |attempt| attempt.began);
    let is_due = call.repeats > 0 || time * 2 <= call.call.timeout;
    call.repeat_at.filter(|_| is_due).map(|at| at.max(last + time))
  }

  /// The requests in flight that carry rows.
  pub(super) fn uploads(&self) -> usize {
    let uploads = self.in_flight.iter().filter(|call| call.is_upload());
    uploads.map(|call| call.requests.len()).sum()
  }

  /// When the next call is repeated.
  pub(super) fn repeat_timeout(&self) -> Option<Duration> {
    let next = self.in_flight.iter().filter_map(|call| self.repeat_due(call)).min()?;
    Some(next.max(self.next_repeat).max(self.retry_at.unwrap_or_default()))
  }

  /// Repeats unanswered calls sooner: the process ends in `remaining`.
  pub(super) fn repeat_sooner(&mut self, remaining: Duration, now: Now) {
    self.patience.limit(remaining);
    for call in &mut self.in_flight {
      let soon = now.elapsed + self.patience.time(call.call.body.len());
      call.repeat_at = call.repeat_at.map(|at| at.min(soon));
    }
    self.next_repeat = Duration::ZERO;
  }
}
