//! An exporter and its state: what the thread is on Node.

use std::{
  iter, mem,
  sync::{Arc, Mutex, PoisonError},
  time::Duration,
};

use export::{
  Exporter, Now, Output, SpoolStatus, account::Account, admission::Priority, config::Settings,
  loss::LossReason, masking::Masking, secrets::Secrets, transport::Request,
};
use flue_event::Utf8;
use spool::Name;

use crate::{
  messages::{Answer, Progress, TraceDestination},
  mirror::{Change, Mirror},
  settings,
  storage::Storage,
};

/// Accepts events and delivers their rows, as far as JavaScript carries out its requests.
pub struct Recorder {
  settings: Arc<Settings>,
  account: Arc<Account>,
  lines: Arc<Mutex<Vec<String>>>,
  /// `None` until the first event: time and randomness are not available before.
  exporter: Option<Exporter>,
  masking: Masking,
  destination: TraceDestination,
  completed: Vec<(u64, bool)>,
  /// What came before the storage was read; `None` without a storage, and once it is read.
  early: Option<Early>,
  /// The files of the storage that are listed so far.
  listed: Mirror,
  storage: Option<Storage>,
  /// What other recorders of the instance hold in memory.
  others_bytes: usize,
}

/// The events that wait until all files of the storage are listed.
#[derive(Default)]
struct Early {
  events: Vec<String>,
  bytes: usize,
  /// Whether a masking function was set when one of them came.
  masked: bool,
}

impl Recorder {
  /// A recorder that has not started. All recorders of an isolate share the secrets.
  pub fn new(settings: Settings, secrets: &Arc<Secrets>) -> Self {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let sink = |lines: &Arc<Mutex<Vec<String>>>| {
      let lines = lines.clone();
      move |line: String| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line)
    };
    let show = sink(&lines);
    let mut account = Account::new(
      settings.warn_period,
      secrets,
      Box::new(move |diagnostic| show(diagnostic.to_string())),
    );
    if settings.debug_log {
      let show = sink(&lines);
      account.show_log(Box::new(move |line| show(format!("[flue-braintrust] debug: {line}"))));
    }
    Self {
      destination: TraceDestination::new(&settings),
      settings: Arc::new(settings),
      account: Arc::new(account),
      lines,
      exporter: None,
      masking: Masking::Off,
      completed: Vec::new(),
      early: None,
      listed: Mirror::default(),
      storage: None,
      others_bytes: 0,
    }
  }

  /// The memory of undelivered rows and of events that wait, in bytes.
  pub fn memory_bytes(&self) -> usize {
    let early = self.early.as_ref().map_or(0, |early| early.bytes);
    early + self.exporter.as_ref().map_or(0, Exporter::memory_bytes)
  }

  /// Sets what other recorders hold: the bound of the queue is for all of them.
  pub fn set_others_bytes(&mut self, bytes: usize) {
    self.others_bytes = bytes;
    if let Some(exporter) = &mut self.exporter {
      exporter.set_others_bytes(bytes);
    }
  }

  /// Keeps unconfirmed rows in a storage: events wait for [`Self::open_storage`].
  pub fn await_storage(&mut self) {
    let mut settings = (*self.settings).clone();
    settings.spool.get_or_insert_with(settings::storage);
    self.settings = Arc::new(settings);
    self.early = Some(Early::default());
  }

  /// Adds a file of the storage; see [`Mirror::add`].
  pub fn add_file(&self, key: String, content: &[u8], bytes: u64, now: Now) {
    if self.storage.is_none() {
      self.listed.add(key, content, bytes, now.unix_ms);
    }
  }

  /// Whether it adopts a file of this name.
  pub fn adopts(&self, key: &str) -> bool {
    key.parse().is_ok_and(|name: Name| name.id.destination == self.settings.destination)
  }

  /// Uses the storage, whose files are listed, from now on. What has waited for it is passed to the exporter. With a
  /// `failure` the exporter does without the storage, until a later call. False when the storage is not used.
  pub fn open_storage(&mut self, seed: u64, failure: Option<String>, now: Now) -> bool {
    if self.storage.is_some() {
      return true;
    }
    let files = mem::take(&mut self.listed);
    let opened = match (failure, &self.settings.spool) {
      (None, Some(spool)) => {
        Storage::open(files, spool, self.settings.destination, (seed >> 16) as u32)
          .map_err(|error| error.to_string())
      }
      (failure, _) => Err(failure.unwrap_or_default()),
    };
    let (storage, status) = match opened {
      Ok(storage) => (Some(storage), SpoolStatus::Open),
      Err(why) => (None, SpoolStatus::Unusable(format!("the storage cannot be used: {why}"))),
    };
    self.storage = storage;
    if let Some(Early { events, masked, .. }) = self.early.take() {
      let mut exporter =
        Exporter::new(self.settings.clone(), self.account.clone(), &status, seed, now);
      exporter.set_masking(if masked { Masking::On } else { self.masking });
      exporter.set_others_bytes(self.others_bytes);
      // What earlier instances left open is restored before events that may resume it.
      exporter.handle_timeout(now);
      if let Some(storage) = &mut self.storage {
        storage.advance(&mut exporter, now);
      }
      for event in events {
        exporter.handle_accepted(&event, event.len(), now);
      }
      exporter.set_masking(self.masking);
      self.exporter = Some(exporter);
    } else if self.storage.is_some()
      && let Some(exporter) = &mut self.exporter
    {
      exporter.open_spool(now);
    }
    self.storage.is_some()
  }

  /// The next change of the storage for JavaScript to carry out.
  pub fn take_change(&mut self) -> Option<Change> {
    self.storage.as_mut()?.take_change()
  }

  /// Completes the changes that were taken: with the content that was read, or why they have failed.
  pub fn complete_storage(&mut self, result: Result<Vec<u8>, String>, now: Now) {
    if let (Some(storage), Some(exporter)) = (&mut self.storage, &mut self.exporter) {
      storage.complete(exporter, result, now);
    }
  }

  /// Starts the exporter, unless it has started. `seed` is random.
  pub fn start(&mut self, seed: u64, now: Now) {
    if self.early.is_some() {
      return;
    }
    let exporter = self.exporter.get_or_insert_with(|| {
      Exporter::new(self.settings.clone(), self.account.clone(), &SpoolStatus::Unused, seed, now)
    });
    exporter.set_masking(self.masking);
  }

  /// Logs in before the first row comes, if the exporter has started.
  pub fn connect(&mut self) {
    if let Some(exporter) = &mut self.exporter {
      exporter.connect();
    }
  }

  /// Records one event, as JSON. False when it is refused. `cut` states that content was cut from it.
  pub fn record(&mut self, text: &str, priority: Priority, cut: bool, now: Now) -> bool {
    let is_accepted = match (&mut self.exporter, &mut self.early) {
      (Some(exporter), _) => {
        exporter.handle_event(&Utf8::checked(text.into()), priority, now).is_ok()
      }
      (None, Some(early)) => {
        let queued = early.bytes + text.len();
        let shared = queued + self.others_bytes;
        let admits = Exporter::admission(&self.settings).admits(priority, shared, 0);
        if admits {
          self.account.accept_event(priority, false);
          early.bytes = queued;
          early.masked |= self.masking != Masking::Off;
          early.events.push(text.to_owned());
        } else if priority.counts_when_refused() {
          let (reason, why) = (LossReason::QueueFull, "the queue is full");
          self.account.refuse(reason, text.len(), why, now.elapsed);
        }
        admits
      }
      (None, None) => false,
    };
    // The exporter itself counts a minimal end as cut.
    if is_accepted && cut && priority != Priority::MinimalEnd {
      self.account.note_cut(priority, true);
    }
    is_accepted
  }

  /// Whether a trace with this id is recorded, as far as its id decides.
  pub fn samples(&self, trace: &str) -> bool {
    self.settings.samples(trace)
  }

  /// What a span propagates to other processes, after the content policy and the rules.
  pub fn redact_propagated(&self, event: &str) -> Option<String> {
    Some(self.account.secrets.hide(self.settings.redact_propagated(event)?))
  }

  /// Counts an event that came after the shutdown.
  pub fn refuse(&self, now: Now) {
    self.account.refuse(LossReason::Closed, 0, "the recorder is closed", now.elapsed);
  }

  /// Begins a flush, or a shutdown, and returns its ticket. `None` before the start: nothing is pending.
  pub fn flush(&mut self, is_shutdown: bool, timeout: Duration, now: Now) -> Option<u64> {
    let exporter = self.exporter.as_mut()?;
    let deadline = now.elapsed + timeout;
    Some(if is_shutdown { exporter.shutdown(deadline, now) } else { exporter.flush(deadline, now) })
  }

  /// Sets whether the rows of later events pass through the masking function.
  pub fn set_masking(&mut self, is_wanted: bool) {
    self.masking = if is_wanted { Masking::On } else { Masking::Off };
    if let Some(exporter) = &mut self.exporter {
      exporter.set_masking(self.masking);
    }
  }

  /// The next content to mask, as JSON: `{ batch, content }`.
  pub fn take_mask_request(&mut self) -> Option<String> {
    let request = self.exporter.as_mut()?.poll_mask()?;
    Some(format!(r#"{{"batch":{},"content":{}}}"#, request.batch, request.content))
  }

  /// Passes masked content to the exporter. `cut` is the number of rows from which content was cut.
  pub fn complete_masking(&mut self, batch: u64, content: &str, cut: usize, now: Now) {
    self.account.counters.cut(cut);
    if let Some(exporter) = &mut self.exporter {
      exporter.handle_masked(batch, content, now);
    }
  }

  /// Passes the response of a request to the exporter.
  pub fn respond(&mut self, answer: Answer, now: Now) {
    if let Some(exporter) = &mut self.exporter {
      exporter.handle_response(answer.id, answer.into_result(), now);
    }
  }

  /// Does due work and states what to wait for. Requests and content to mask are taken afterwards.
  pub fn poll(&mut self, now: Now) -> Progress {
    self.carry_out(now);
    let due = self.exporter.as_ref().and_then(|exporter| exporter.poll_timeout(now));
    let cancelled = iter::from_fn(|| self.exporter.as_mut()?.poll_cancelled()).collect();
    let wait = due.map(|due| due.saturating_sub(now.elapsed));
    let stats = self.account.counters.stats();
    Progress {
      // Rounded up: an early poll does nothing.
      timeout_ms: wait.map(|wait| u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(0)),
      is_settled: self.is_settled(),
      waiting: self.waiting(),
      completed: mem::take(&mut self.completed),
      cancelled,
      lines: mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner)),
      stats,
    }
  }

  /// The next request to send.
  pub fn take_request(&mut self) -> Option<Request> {
    self.exporter.as_mut()?.poll_request()
  }

  /// The diagnostics since the last call, the counters, or where spans are shown; as JSON.
  pub fn describe(&self, what: Description) -> String {
    let text = match what {
      Description::Diagnostics => serde_json::to_string(&self.account.diagnostics.take()),
      Description::Stats => serde_json::to_string(&self.account.counters.stats()),
      Description::Destination => serde_json::to_string(&self.destination),
    };
    self.account.secrets.hide(text.unwrap_or_default())
  }

  /// The accepted events that wait for the storage.
  pub fn waiting(&self) -> usize {
    self.early.as_ref().map_or(0, |early| early.events.len())
  }

  /// Whether nothing is lost when the recorder is dropped now; see [`Exporter::is_kept`].
  pub fn is_kept(&self) -> bool {
    self.waiting() == 0
      && !self.uses_storage()
      && self.exporter.as_ref().is_none_or(Exporter::is_kept)
  }

  fn is_settled(&self) -> bool {
    self.early.is_none()
      && !self.uses_storage()
      && self.exporter.as_ref().is_none_or(Exporter::is_at_rest)
  }

  fn uses_storage(&self) -> bool {
    self.storage.as_ref().is_some_and(Storage::is_busy)
  }

  fn carry_out(&mut self, now: Now) {
    let Some(exporter) = &mut self.exporter else { return };
    exporter.handle_timeout(now);
    if let Some(storage) = &mut self.storage {
      storage.advance(exporter, now);
      exporter.handle_timeout(now);
      storage.advance(exporter, now);
    }
    while let Some(output) = exporter.poll_output() {
      match output {
        Output::Connected(session) => self.destination.set_session(&session),
        Output::Completed { ticket, complete } => self.completed.push((ticket, complete)),
      }
    }
  }
}

/// What [`Recorder::describe`] describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
  /// The diagnostics since the last call.
  Diagnostics,
  /// The counters.
  Stats,
  /// Where Braintrust shows spans.
  Destination,
}

#[cfg(test)]
mod tests;
