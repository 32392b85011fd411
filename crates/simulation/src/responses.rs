//! The responses that a process gets.

use std::time::{Duration, UNIX_EPOCH};

use export::transport::{RequestId, Response, TransportError};

use crate::{
  host::{Flight, Process},
  recovery::MAX_RETRY_AFTER,
  server::Endpoint,
  world::{Checked, World},
};

/// The overflow uploads of a row that may fail at the storage before the row is cut.
const OVERFLOW_ATTEMPTS: u32 = 3;

impl World {
  /// Gives a response to a process, and notes what follows for its later requests.
  pub(crate) fn respond(
    &mut self,
    number: usize,
    id: RequestId,
    result: Result<Response, TransportError>,
    acknowledges: usize,
  ) -> Checked {
    let now = self.clock();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let Some(flight) = process.flights.remove(&id) else { return Ok(()) };
    let has_ended = process.exporter.has_ended();
    let status = result.as_ref().ok().map(|response| response.status);
    let is_page = result.as_ref().is_ok_and(|response| response.body.starts_with(b"<"));
    let is_success = status.is_some_and(|status| (200..300).contains(&status)) && !is_page;
    self.check_repeated(number, &flight, result.is_err())?;
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if flight.is_of_file {
      if let Some(key) = flight.attachment
        && is_success
        && flight.endpoint == Endpoint::AttachmentStatus
        && self.server.files.contains(&key)
      {
        process.confirmed.insert(key);
      }
      process.slowest = process.slowest.max(now.elapsed - flight.began);
      process.exporter.handle_response(id, result, now);
      return self.settle(number);
    }
    if !is_success {
      process.failed_at = Some(now.elapsed);
    }
    if result.is_ok() {
      process.slowest = process.slowest.max(now.elapsed - flight.began);
    }
    if is_success && !has_ended {
      process.acknowledged += acknowledges as u64;
      process.failing = None;
      self.coverage.add("rows acknowledged", acknowledges as u64);
    } else if process.failing.is_none() {
      process.failing = Some((self.now, 0));
    }
    let failures = note_storage_failures(process, &flight, is_success);
    if refuses_key(process, &flight, status, self.plan.setup.is_addressed) {
      process.refused_at = Some(self.now);
    }
    // That of an announcement delays its row alone.
    let delays_all =
      !matches!(flight.endpoint, Endpoint::Storage | Endpoint::Version | Endpoint::Announce);
    if let Ok(response) = &result
      && let Some(wait) = retry_after(response, now.unix_ms).filter(|_| delays_all)
    {
      process.not_before = process.not_before.max(self.now + wait);
    }
    self.note(|| {
      let answer = match &result {
        Ok(response) => format!("{} {:?}", response.status, response.retry_after),
        Err(error) => error.to_string(),
      };
      format!("process {number} gets #{id}: {answer}")
    });
    if failures > OVERFLOW_ATTEMPTS {
      return self.finding("overflow uploads are bounded", format!("{failures} failed in a row"));
    }
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    process.exporter.handle_response(id, result, now);
    self.settle(number)
  }
}

/// Counts the overflow uploads in a row that failed at the storage. Returns how many for the row of this one.
fn note_storage_failures(process: &mut Process, flight: &Flight, is_success: bool) -> u32 {
  match (flight.endpoint, flight.rows.first()) {
    (Endpoint::Storage, Some(id)) if !is_success => {
      let failures = process.storage_failures.entry(*id).or_default();
      *failures += 1;
      *failures
    }
    (Endpoint::Logs, Some(id)) => {
      process.storage_failures.remove(id);
      0
    }
    _ => 0,
  }
}

/// Whether a response refuses the key, or is not from Braintrust.
fn refuses_key(
  process: &mut Process,
  flight: &Flight,
  status: Option<u16>,
  is_addressed: bool,
) -> bool {
  // The steps of an overflow upload may be refused for another reason than the key.
  let is_step = flight.endpoint == Endpoint::Announce || !flight.is_first;
  let is_overflow = is_step && flight.is_upload;
  match (status, flight.endpoint) {
    (_, Endpoint::Storage | Endpoint::Version) => false,
    (Some(401), _) => true,
    // Without these there is no Braintrust. An attachment may need a login as well.
    (Some(404 | 405 | 410 | 421 | 501), Endpoint::Login | Endpoint::Register) => !is_addressed,
    (Some(403), _) if !is_overflow => {
      // The second one for the same rows may be about one of them.
      let was_forbidden = flight.rows.iter().any(|id| process.forbidden.contains(id));
      process.forbidden.extend(&flight.rows);
      !was_forbidden
    }
    _ => false,
  }
}

/// How long a response asks to wait.
fn retry_after(response: &Response, unix_ms: i64) -> Option<Duration> {
  let value = response.retry_after.as_deref()?;
  let most = Duration::from_secs(MAX_RETRY_AFTER);
  if let Ok(seconds) = value.parse() {
    return Some(Duration::from_secs(seconds).min(most));
  }
  let at = httpdate::parse_http_date(value).ok()?;
  let now = UNIX_EPOCH + Duration::from_millis(unix_ms.unsigned_abs());
  Some(at.duration_since(now).unwrap_or_default().min(most))
}
