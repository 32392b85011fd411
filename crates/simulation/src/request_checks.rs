//! The invariants of requests.

use std::{collections::HashSet, time::Duration};

use crate::{
  host::{Flight, REQUEST_TIMEOUT},
  server::Endpoint,
  world::{Checked, World},
};

/// How long nothing is sent after the key was refused.
pub(crate) const REFUSED: Duration = Duration::from_secs(60);
/// The requests in a row that may fail at once, and the time that each further one takes at least on average.
const FAILURES: f64 = 14.0;
const PACE: f64 = 1.5;
/// A response that takes no longer makes a request be repeated long before its timeout.
const USUAL: Duration = Duration::from_secs(1);
/// The most uploads of files at once.
const ATTACHMENTS: usize = 2;

impl World {
  /// Whether a request may be sent.
  pub(crate) fn check_flight(&mut self, number: usize, flight: &Flight) -> Checked {
    // Each row that the server fails on is tried so often by itself.
    let is_failed_on = self.plan.setup.poison_status == 500;
    let of_rows = if is_failed_on { self.refused_states() as f64 * FAILURES } else { 0.0 };
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let mut failing = 0;
    let mut is_much = false;
    if flight.is_first
      && process.shutdown_at.is_none()
      && let Some((since, requests)) = &mut process.failing
    {
      *requests += 1;
      failing = *requests;
      let seconds = self.now.saturating_sub(*since).as_secs_f64();
      let most = (FAILURES + seconds / PACE) * self.plan.setup.max_requests as f64 + of_rows;
      is_much = f64::from(failing) > most;
    }
    if is_much {
      let detail = format!("{failing} requests since the first of a row of failures");
      return self.finding("failures are followed by growing delays", detail);
    }
    let process = &self.processes[&number];
    let carried = process.flights.values().find(|other| {
      let is_in = |id| other.rows.contains(id);
      let is_same = flight.is_repeat && other.rows == flight.rows;
      !is_same && flight.rows.iter().any(is_in)
    });
    if let Some(key) = &flight.attachment {
      if process.confirmed.contains(key) {
        return self.finding("what is confirmed is not uploaded again", key.clone());
      }
      let is_same = |other: &&Flight| other.attachment.as_ref() == Some(key) && !flight.is_repeat;
      if process.flights.values().any(|other| is_same(&other)) {
        return self.finding("one request in flight for an attachment", key.clone());
      }
      let others: HashSet<_> =
        process.flights.values().filter_map(|other| other.attachment.as_ref()).collect();
      if !others.contains(key) && others.len() >= ATTACHMENTS {
        return self.finding("no more uploads of files at once than allowed", key.clone());
      }
    }
    if carried.is_some() {
      return self.finding("one request in flight with a row", format!("process {number}"));
    }
    if flight.rows.iter().collect::<HashSet<_>>().len() < flight.rows.len() {
      return self.finding("a row stands once in a request", format!("process {number}"));
    }
    let uploads = || process.flights.values().filter(|other| other.is_upload);
    // And one repetition: the next step of a file's upload may follow it.
    let has_repeat = flight.is_repeat || uploads().any(|other| other.is_repeat);
    if flight.is_upload && uploads().count() >= self.settings.max_requests + usize::from(has_repeat)
    {
      return self
        .finding("no more requests in flight than allowed", format!("{}", uploads().count()));
    }
    if !flight.is_first || process.shutdown_at.is_some() {
      return Ok(());
    }
    if self.now < process.not_before {
      let detail = format!("{:?} {:?} too early", flight.endpoint, process.not_before - self.now);
      return self.finding("Retry-After is respected", detail);
    }
    let is_refused = process.refused_at.is_some_and(|at| self.now < at + REFUSED);
    if is_refused && flight.endpoint != Endpoint::Announce {
      return self.finding("a refused key is not used for a while", "a request within a minute");
    }
    Ok(())
  }

  /// A request that was not answered in time was repeated, unless something else was: one at a time, and none during a
  /// backoff.
  pub(crate) fn check_repeated(
    &mut self,
    number: usize,
    flight: &Flight,
    has_failed: bool,
  ) -> Checked {
    let process = &self.processes[&number];
    let is_unanswered = has_failed && self.now.saturating_sub(flight.began) >= REQUEST_TIMEOUT;
    let was_repeated = process.repeated_at.is_some_and(|at| at >= flight.began);
    let has_backed_off = process.failed_at.is_some_and(|at| at >= flight.began);
    let is_usual = process.slowest <= USUAL && process.failing.is_none() && !has_backed_off;
    let is_repeatable = matches!(flight.endpoint, Endpoint::Logs | Endpoint::Login);
    if is_unanswered && is_usual && is_repeatable && !was_repeated && !process.exporter.has_ended()
    {
      let detail = format!("{:?} waits for {REQUEST_TIMEOUT:?}", flight.endpoint);
      return self.finding("an unanswered request is repeated", detail);
    }
    Ok(())
  }
}
