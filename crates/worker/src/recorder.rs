//! An exporter and its state: what the thread is on Node.

use std::{
  mem,
  sync::{Arc, Mutex, PoisonError},
  time::Duration,
};

use export::{
  Exporter, Now, Output, SpoolStatus, admission::Priority, config::Settings, debug_log::DebugLog,
  diagnostics::Account, loss::LossReason, masking::Masking, transport::Request,
};
use flue_event::Utf8;

use crate::messages::{Answer, Progress, TraceDestination};

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
}

impl Recorder {
  /// A recorder that has not started.
  pub fn new(settings: Settings) -> Self {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let sink = |lines: &Arc<Mutex<Vec<String>>>| {
      let lines = lines.clone();
      move |line: String| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line)
    };
    let show = sink(&lines);
    let mut account =
      Account::new(settings.warn_period, Box::new(move |diagnostic| show(diagnostic.to_string())));
    if settings.debug_log {
      let show = sink(&lines);
      account.log =
        DebugLog::new(Box::new(move |line| show(format!("[flue-braintrust] debug: {line}"))));
    }
    Self {
      destination: TraceDestination::new(&settings),
      settings: Arc::new(settings),
      account: Arc::new(account),
      lines,
      exporter: None,
      masking: Masking::Off,
      completed: Vec::new(),
    }
  }

  /// Starts the exporter, unless it has started. `seed` is random.
  pub fn start(&mut self, seed: u64, now: Now) {
    let exporter = self.exporter.get_or_insert_with(|| {
      Exporter::new(self.settings.clone(), self.account.clone(), &SpoolStatus::Unused, seed, now)
    });
    exporter.set_masking(self.masking);
  }

  /// Records one event, as JSON. False when it is refused. `cut` states that content was cut from it.
  pub fn record(&mut self, text: &str, priority: Priority, cut: bool, now: Now) -> bool {
    let Some(exporter) = &mut self.exporter else { return false };
    let is_accepted = exporter.handle_event(&Utf8::checked(text.into()), priority, now).is_ok();
    // The exporter itself counts a minimal end as cut.
    if is_accepted && cut && priority != Priority::MinimalEnd {
      self.account.counters.cut(1);
    }
    is_accepted
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

  /// Sets whether rows pass through the masking function.
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
    // A request that is repeated runs on: of two responses the exporter ignores the second.
    while self.exporter.as_mut().and_then(Exporter::poll_cancelled).is_some() {}
    let wait = due.map(|due| due.saturating_sub(now.elapsed));
    let stats = self.account.counters.stats();
    Progress {
      // Rounded up: an early poll does nothing.
      timeout_ms: wait.map(|wait| u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(0)),
      is_settled: stats.pending == 0,
      completed: mem::take(&mut self.completed),
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
    text.unwrap_or_default()
  }

  fn carry_out(&mut self, now: Now) {
    let Some(exporter) = &mut self.exporter else { return };
    exporter.handle_timeout(now);
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
