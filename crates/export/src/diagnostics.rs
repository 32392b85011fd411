//! Diagnostics: problems shown to the user as one line each, and to programs as objects. They contain no content and
//! no keys.

use std::{
  collections::VecDeque,
  fmt, mem,
  sync::{Arc, Mutex, MutexGuard, PoisonError},
  time::Duration,
};

use serde::Serialize;

use crate::{loss::LossReason, secrets::Secrets};

/// The most diagnostics kept until a program takes them; the oldest are dropped.
const MAX_KEPT: usize = 64;

/// The kinds of problems, each with a code to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
  /// Braintrust cannot be reached or fails; delivery is retried.
  Unreachable,
  /// The server answers success, but not as Braintrust does; delivery is retried.
  Unconfirmed,
  /// The queue is full: ends of spans are recorded without their content.
  Cut,
  /// The process ends before all rows are masked: spans end without their content.
  Unmasked,
  /// An event exceeds its limits, or a row exceeds what Braintrust accepts: the largest values are cut.
  Large,
  /// The server refused the API key, has no such organization, or is not Braintrust.
  Refused,
  /// Rows or events are lost.
  Lost,
  /// The total of lost rows, at the end.
  Exit,
  /// The spool does not work.
  Spool,
  /// A file of the spool is damaged or missing; the spool works.
  SpoolDamaged,
  /// The certificates of `NODE_EXTRA_CA_CERTS` cannot be used.
  Certificates,
  /// The system refuses what the exporter's thread needs; it tries again.
  Resources,
}

impl Code {
  fn name(self) -> &'static str {
    match self {
      Self::Unreachable => "FLUE_BRAINTRUST_UNREACHABLE",
      Self::Unconfirmed => "FLUE_BRAINTRUST_UNCONFIRMED",
      Self::Cut | Self::Unmasked => "FLUE_BRAINTRUST_CUT",
      Self::Large => "FLUE_BRAINTRUST_LARGE",
      Self::Refused => "FLUE_BRAINTRUST_REFUSED",
      Self::Lost => "FLUE_BRAINTRUST_LOST",
      Self::Exit => "FLUE_BRAINTRUST_EXIT",
      Self::Spool => "FLUE_BRAINTRUST_SPOOL",
      Self::SpoolDamaged => "FLUE_BRAINTRUST_SPOOL_DAMAGED",
      Self::Certificates => "FLUE_BRAINTRUST_CERTIFICATES",
      Self::Resources => "FLUE_BRAINTRUST_RESOURCES",
    }
  }
}

/// A problem: its code, a message with cause and remedy, and lost rows.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Diagnostic {
  /// The code, such as `FLUE_BRAINTRUST_LOST`.
  pub code: &'static str,
  /// The cause and the remedy.
  pub message: String,
  /// The loss reason, if rows are lost.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub reason: Option<&'static str>,
  /// The rows lost for this reason since the last diagnostic of it.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub rows: Option<u64>,
  /// The same for attachments.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub attachments: Option<u64>,
}

impl fmt::Display for Diagnostic {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "[flue-braintrust] {}: {}", self.code, self.message)
  }
}

/// Where a host shows diagnostics: stderr, or a console.
pub type Sink = Box<dyn Fn(&Diagnostic) + Send + Sync>;

/// The diagnostics of one exporter, each kind of problem once.
pub struct Diagnostics {
  /// The shortest time between two diagnostics of one loss reason.
  period: Duration,
  secrets: Arc<Secrets>,
  sink: Sink,
  state: Mutex<State>,
}

#[derive(Default)]
struct State {
  emitted: Vec<Code>,
  losses: [ReportedLoss; LossReason::ALL.len()],
  attachment_losses: [ReportedLoss; LossReason::ALL.len()],
  kept: VecDeque<Diagnostic>,
}

/// The reported losses of one reason.
#[derive(Clone, Copy, Default)]
struct ReportedLoss {
  last: Option<Duration>,
  /// The rows, or attachments, lost since the last report.
  unreported: u64,
}

impl ReportedLoss {
  /// Adds losses. Returns what is reported now, if the last report was long enough ago.
  fn report(&mut self, count: usize, period: Duration, now: Duration) -> Option<u64> {
    self.unreported += count as u64;
    if self.last.is_some_and(|last| now.saturating_sub(last) < period) {
      return None;
    }
    self.last = Some(now);
    Some(mem::take(&mut self.unreported))
  }
}

impl Diagnostics {
  /// No diagnostics yet. Losses of one reason are reported at once, then at most once per `period`.
  pub fn new(period: Duration, secrets: &Arc<Secrets>, sink: Sink) -> Self {
    Self { period, secrets: secrets.clone(), sink, state: Mutex::default() }
  }

  /// Reports `message`, unless the same kind of problem was reported before.
  pub fn once(&self, code: Code, message: &str) {
    let mut state = self.lock();
    if state.emitted.contains(&code) {
      return;
    }
    state.emitted.push(code);
    let message = message.to_owned();
    self.emit(state, Diagnostic { code: code.name(), message, ..Diagnostic::default() });
  }

  /// Reports that rows are lost and `why`, unless losses of that reason were reported less than a period ago:
  /// then the next diagnostic includes them.
  pub fn lost(&self, reason: LossReason, rows: usize, why: &str, now: Duration) {
    let mut state = self.lock();
    let Some(loss) = state.losses.get_mut(reason as usize) else { return };
    let Some(rows) = loss.report(rows, self.period, now) else { return };
    let message =
      format!("{} lost ({}): {why}; {}.", rows_are(rows), reason.name(), reason.remedy());
    let (code, reason) = (Code::Lost.name(), Some(reason.name()));
    let diagnostic =
      Diagnostic { code, message, reason, rows: Some(rows), ..Diagnostic::default() };
    self.emit(state, diagnostic);
  }

  /// The same for attachments.
  pub fn lost_attachments(&self, reason: LossReason, count: usize, why: &str, now: Duration) {
    let mut state = self.lock();
    let Some(loss) = state.attachment_losses.get_mut(reason as usize) else { return };
    let Some(count) = loss.report(count, self.period, now) else { return };
    let (are, name, remedy) = (attachments_are(count), reason.name(), reason.attachment_remedy());
    let message = format!("{are} lost ({name}): {why}; {remedy}.");
    let (code, reason) = (Code::Lost.name(), Some(name));
    let diagnostic =
      Diagnostic { code, message, reason, attachments: Some(count), ..Diagnostic::default() };
    self.emit(state, diagnostic);
  }

  /// The diagnostics since the last call, at most the latest 64.
  pub fn take(&self) -> Vec<Diagnostic> {
    mem::take(&mut self.lock().kept).into()
  }

  /// Keeps a diagnostic, then shows it without the lock: no other thread waits for the sink.
  fn emit(&self, mut state: MutexGuard<'_, State>, mut diagnostic: Diagnostic) {
    diagnostic.message = self.secrets.hide(diagnostic.message);
    if state.kept.len() >= MAX_KEPT {
      state.kept.pop_front();
    }
    state.kept.push_back(diagnostic.clone());
    drop(state);
    (self.sink)(&diagnostic);
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

/// The number of rows, with its verb.
pub fn rows_are(count: u64) -> String {
  format!("{count} {}", if count == 1 { "row is" } else { "rows are" })
}

/// The number of attachments, with its verb.
pub fn attachments_are(count: u64) -> String {
  format!("{count} {}", if count == 1 { "attachment is" } else { "attachments are" })
}

#[cfg(test)]
mod tests {
  use std::{sync::mpsc, thread};

  use super::*;

  #[test]
  fn the_first_loss_of_each_reason_is_reported_and_later_ones_at_most_once_a_period() {
    let diagnostics = Diagnostics::new(Duration::from_secs(60), &Arc::default(), Box::new(|_| {}));
    let take = || -> Vec<_> {
      let taken = diagnostics.take();
      taken.iter().map(|diagnostic| (diagnostic.reason, diagnostic.rows)).collect()
    };
    let start = Duration::from_secs(5);
    for _ in 0..3 {
      diagnostics.lost(LossReason::QueueFull, 2, "the queue is full", start);
    }
    diagnostics.lost(LossReason::Rejected, 1, "400", start);
    assert_eq!(take(), [(Some("queue_full"), Some(2)), (Some("rejected"), Some(1))]);
    diagnostics.lost(
      LossReason::QueueFull,
      1,
      "the queue is full",
      start + Duration::from_secs(60),
    );
    assert_eq!(take(), [(Some("queue_full"), Some(5))]);
  }

  #[test]
  fn nobody_waits_for_the_sink() {
    let (shown, is_shown) = mpsc::channel();
    let (taken, is_taken) = mpsc::channel();
    let is_taken = Mutex::new(is_taken);
    let sink: Sink = Box::new(move |_| {
      shown.send(()).unwrap();
      is_taken.lock().unwrap().recv().unwrap();
    });
    let diagnostics = Diagnostics::new(Duration::ZERO, &Arc::default(), sink);
    thread::scope(|scope| {
      scope.spawn(|| diagnostics.once(Code::Refused, "401"));
      is_shown.recv().unwrap();
      assert_eq!(diagnostics.take().len(), 1);
      taken.send(()).unwrap();
    });
  }

  #[test]
  fn a_problem_that_lasts_is_reported_once() {
    let diagnostics = Diagnostics::new(Duration::ZERO, &Arc::default(), Box::new(|_| {}));
    diagnostics.once(Code::Refused, "401");
    diagnostics.once(Code::Refused, "401");
    assert_eq!(diagnostics.take().len(), 1);
  }
}
