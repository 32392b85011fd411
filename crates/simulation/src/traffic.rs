//! Carries out what a process asks for.

use export::{
  Output,
  transport::{Body, Call, Request},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
  conversation::{SECRET, mask, without_keys},
  finding::Finding,
  host::{Flight, Process},
  plan::FaultKind,
  server::{Endpoint, Rows, Upload},
  view::{Strange, read_body},
  world::{Checked, Event, World},
};

impl World {
  /// Carries out what a process asks for after an input.
  pub(crate) fn settle(&mut self, number: usize) -> Checked {
    if let Some(process) = self.processes.get_mut(&number) {
      process.spins = 0;
    }
    self.settle_timer(number)
  }

  /// The same after a timeout.
  pub(crate) fn settle_timer(&mut self, number: usize) -> Checked {
    loop {
      let now = self.clock();
      let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
      let orphaned = if process.exporter.has_ended() {
        Vec::new()
      } else {
        let mut rows = process.reference.drop_orphaned(now);
        if process.close_at.is_some_and(|at| at <= self.now) {
          process.close_at = None;
          // A delivery before the exit that fails closes what is open, also spans that were adopted meanwhile.
          rows.extend(process.reference.close_all(now));
        }
        rows
      };
      if !orphaned.is_empty() {
        self.coverage.count("orphaned spans dropped");
      }
      self.produced(number, orphaned);
      let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
      process.exporter.handle_timeout(now);
      if !self.poll_spool(number)? {
        break;
      }
    }
    while let Some(id) = self.poll(number, |process| process.exporter.poll_cancelled()) {
      self.note(|| format!("process {number} drops #{id}"));
      if let Some(process) = self.processes.get_mut(&number) {
        process.flights.remove(&id);
      }
    }
    while let Some(request) = self.poll(number, |process| process.exporter.poll_request()) {
      self.send(number, request)?;
    }
    while let Some(request) = self.poll(number, |process| process.exporter.poll_mask()) {
      self.begin_mask(number, request);
    }
    while let Some(output) = self.poll(number, |process| process.exporter.poll_output()) {
      self.learn(number, output)?;
    }
    self.check_process(number)?;
    let now = self.clock();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    process.timer += 1;
    let timer = process.timer;
    if let Some(due) = process.exporter.poll_timeout(now) {
      self.schedule(due.max(self.now), Event::Timer(number, timer));
    }
    self.finish_if_ended(number)
  }

  fn poll<T>(&mut self, number: usize, poll: impl Fn(&mut Process) -> Option<T>) -> Option<T> {
    self.processes.get_mut(&number).and_then(poll)
  }

  fn send(&mut self, number: usize, Request { id, call, is_repeat }: Request) -> Checked {
    if is_repeat {
      self.coverage.count("requests repeated");
    }
    self.coverage.count("requests");
    let Some(endpoint) = Endpoint::of(&call.url) else {
      return self.finding("requests go to Braintrust", call.url);
    };
    let has_key = call.headers.iter().any(|(name, _)| name == "authorization");
    if has_key == endpoint.is_storage() {
      let detail = format!("the key and {}", call.url);
      return self.finding("the key goes to Braintrust alone", detail);
    }
    let upload = self.read_upload(endpoint, &call)?;
    let is_reference = upload.reference.is_some() && endpoint == Endpoint::Logs;
    // Without a login to connect, only files need one.
    let is_addressed = self.plan.setup.is_addressed;
    let is_of_file = endpoint.is_attachment() || (endpoint == Endpoint::Login && is_addressed);
    let rows = upload.rows.as_ref().map(|rows| rows.iter().map(|(id, _)| *id).collect());
    let flight = Flight {
      endpoint,
      is_upload: matches!(endpoint, Endpoint::Logs | Endpoint::Announce | Endpoint::Storage),
      is_first: matches!(endpoint, Endpoint::Login | Endpoint::Logs | Endpoint::Announce)
        && !is_reference
        && !is_of_file,
      rows: rows.unwrap_or_default(),
      is_of_file,
      attachment: upload.reference.clone().filter(|_| endpoint.is_attachment()),
      is_repeat,
      began: self.now,
    };
    self.note(|| {
      let rows: Vec<String> = flight.rows.iter().map(|id| id.to_string()[..6].to_owned()).collect();
      format!("process {number} requests {endpoint:?} #{id} {}", rows.join(" "))
    });
    self.check_order(number, upload.rows.as_ref())?;
    self.check_flight(number, &flight)?;
    let fault = self.fault(is_of_server);
    let now = self.clock();
    let tools = (&mut self.rng, &mut self.coverage);
    let reply = self.server.receive(endpoint, &call, upload, fault, tools, now);
    if let Some(process) = self.processes.get_mut(&number) {
      if is_repeat {
        process.repeated_at = Some(now.elapsed);
      }
      process.flights.insert(id, flight);
    }
    let event = Event::Respond(number, id, reply.result, reply.acknowledges);
    self.schedule(self.now + reply.after, event);
    Ok(())
  }

  /// The rows of a request. Nothing in it may be what must be masked or redacted.
  fn read_upload(&mut self, endpoint: Endpoint, call: &Call) -> Result<Upload, Finding> {
    let bytes = match &call.body {
      Body::Bytes(bytes) => bytes,
      Body::Form { file, .. } => file,
    };
    let mut upload = Upload { rows: None, reference: None, bytes: bytes.len() };
    if endpoint.is_attachment() {
      upload.reference = self.attachment(endpoint, call, bytes)?;
      return Ok(upload);
    }
    if !matches!(endpoint, Endpoint::Logs | Endpoint::Storage) {
      return Ok(upload);
    }
    let text = String::from_utf8_lossy(bytes);
    self.check_content(&text, "a request")?;
    if endpoint == Endpoint::Storage {
      upload.reference = call.url.split_once("key=").map(|(_, key)| key.to_owned());
    } else if let Some(key) = referenced(&text) {
      upload.reference = Some(key);
      return Ok(upload);
    }
    let text = without_keys(&text);
    let masked = if text.contains(SECRET) { mask(&text) } else { text };
    upload.rows = read_body(masked.as_bytes());
    if upload.rows.is_none() {
      self.finding("bodies are rows", masked.chars().take(200).collect::<String>())?;
    }
    Ok(upload)
  }

  /// The key of the attachment whose upload a request belongs to.
  fn attachment(
    &self,
    endpoint: Endpoint,
    call: &Call,
    bytes: &[u8],
  ) -> Result<Option<String>, Finding> {
    if !self.plan.setup.attaches || !self.plan.setup.has_content {
      self.finding("only what rows show is uploaded", call.url.clone())?;
    }
    if endpoint == Endpoint::File {
      let key = call.url.split_once("key=").map(|(_, key)| key.to_owned());
      let hash = Sha256::digest(bytes);
      let start: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
      if !key.as_ref().is_some_and(|key| key.starts_with(&start)) {
        self.finding("files arrive whole", call.url.clone())?;
      }
      return Ok(key);
    }
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    // That one is lost is stated beside the uploads of others.
    let is_lost = body["status"]["upload_status"] == "error";
    Ok(body["key"].as_str().filter(|_| !is_lost).map(str::to_owned))
  }

  /// Rows arrive in the order of their states.
  fn check_order(&mut self, number: usize, rows: Option<&Rows>) -> Checked {
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let setup = &self.plan.setup;
    let may_be_cut =
      setup.field_bytes.is_some() || setup.limit.is_some() || setup.request_bytes.is_some();
    let may_alter = may_be_cut || self.has_garbage;
    let mut strange = None;
    for (id, leaves) in rows.into_iter().flatten() {
      self.coverage.count("rows requested");
      match process.arrivals.note(&self.history, *id, leaves) {
        Ok(()) => {}
        Err(Strange::Value(_)) if may_alter => {
          self.history.altered.insert(*id);
        }
        Err(Strange::Old(_)) if self.history.unordered.contains(id) => {}
        Err(found) => strange = Some((*id, found)),
      }
    }
    match strange {
      None => Ok(()),
      Some((id, Strange::Old(path))) => {
        let detail = format!("process {number} sends an earlier state of {id}, at {path}");
        self.finding("rows arrive in order", detail)
      }
      Some((id, found)) => {
        let detail = format!("process {number} sends {id} with {found:?}, which nobody produced");
        self.finding("rows are what was produced", detail)
      }
    }
  }

  fn learn(&mut self, number: usize, output: Output) -> Checked {
    match output {
      Output::Connected(_) => {
        self.coverage.count("connections");
        Ok(())
      }
      Output::Completed { ticket, complete } => {
        self.note(|| format!("process {number}: ticket {ticket} completes: {complete}"));
        let found = self.processes.get_mut(&number).and_then(|p| p.tickets.remove(&ticket));
        let Some(found) = found else {
          return self.finding("each flush completes once", format!("ticket {ticket}"));
        };
        self.check_completed(number, &found, complete)
      }
    }
  }
}

fn is_of_server(fault: &FaultKind) -> bool {
  matches!(
    fault,
    FaultKind::Slow(_)
      | FaultKind::Page { .. }
      | FaultKind::Stuck
      | FaultKind::Hung { .. }
      | FaultKind::Refused
      | FaultKind::Status(_)
      | FaultKind::NoRoute(_)
      | FaultKind::Busy { .. }
      | FaultKind::Unauthorized(_)
      | FaultKind::Lying
      | FaultKind::Flapping
      | FaultKind::Storage
      | FaultKind::Overflow(_)
  )
}

/// The key of a stored upload that a body refers to.
fn referenced(text: &str) -> Option<String> {
  if !text.contains("logs3_overflow") {
    return None;
  }
  let body: Value = serde_json::from_str(text).ok()?;
  Some(body.get("rows")?.get("key")?.as_str()?.to_owned())
}
