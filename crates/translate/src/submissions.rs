//! What is known of the messages that were delivered to agents.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{facts, identity, placement::Start};
use braintrust_row::{Json, Row, SpanId, SpanRef};
use flue_event::{Ids, Usage};

/// How many submissions are remembered. 1.0-beta dispatches are never settled, and a filter may drop the
/// events that settle others.
const REMEMBERED: usize = 4096;

/// How many of them another process may continue. There are more only if nothing settles them.
const BEQUEATHED: usize = 256;

/// A submission is settled within this time after its response, in milliseconds, or not at all.
const SETTLES_WITHIN: i64 = 10_000;

/// One submission.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Submission {
  /// A fingerprint of the agent and its instance.
  addressee: u64,
  /// Its root, once its first operation has started.
  pub root: Option<Root>,
  /// When it was queued, milliseconds since the epoch.
  queued: Option<i64>,
  /// When its first attempt began, milliseconds since the epoch.
  running: Option<i64>,
  /// The number of the current attempt.
  attempt: Option<f64>,
  /// How many attempts Flue makes at most.
  max_attempts: Option<f64>,
  /// The kind of delivery.
  kind: Option<String>,
  /// Other submissions that were answered along with this one.
  pub joined: Vec<String>,
  /// When its root ended well, milliseconds since the epoch.
  answered: Option<i64>,
  /// Whether Flue has settled it.
  pub settled: bool,
}

/// The root of a submission.
#[derive(Clone, Serialize, Deserialize)]
pub struct Root {
  /// Its conversation.
  pub conversation: Option<String>,
  /// Its span.
  pub span: SpanRef,
  /// The span of its caller, if it lies in the caller's trace.
  #[serde(default)]
  pub caller: Option<SpanId>,
  /// When it began.
  pub start: Start,
  /// The operation of the current attempt.
  pub operation: String,
  /// The usage of earlier attempts' turns.
  pub used: Option<Usage>,
}

impl Submission {
  /// When a root begins whose operation started at `start`. The row of the first attempt has the time; a later
  /// attempt does not know it.
  pub fn start(&self, start: i64) -> Start {
    match &self.root {
      Some(root) => root.start,
      None if self.attempt.is_some_and(|attempt| attempt > 1.0) => Start::Earlier(start),
      None => Start::At(start),
    }
  }

  /// How long the first attempt waited, in milliseconds.
  fn queue_ms(&self) -> Option<f64> {
    let (queued, running) = (self.queued?, self.running?);
    (self.attempt == Some(1.0)).then(|| running.saturating_sub(queued).max(0) as f64)
  }
}

/// The submissions under way, by `submissionId` or `dispatchId`.
#[derive(Default)]
pub struct Submissions(IndexMap<String, Submission>);

impl Submissions {
  /// The id under which the event was delivered.
  fn id<'e>(ids: &'e Ids<'_>) -> Option<&'e str> {
    ids.submission.as_deref().or(ids.dispatch.as_deref())
  }

  /// The event's submission, if it is known.
  pub fn get(&self, ids: &Ids<'_>) -> Option<&Submission> {
    self.0.get(Self::id(ids)?)
  }

  /// The event's submission, from now on. `None` if the event has no delivery's id.
  pub fn entry(&mut self, ids: &Ids<'_>) -> Option<&mut Submission> {
    let id = Self::id(ids)?;
    if !self.0.contains_key(id) {
      if self.0.len() >= REMEMBERED {
        self.0.shift_remove_index(0);
      }
      let addressee = identity::fingerprint(&(ids.agent.as_deref(), ids.instance.as_deref()));
      self.0.insert(id.to_owned(), Submission { addressee, ..Submission::default() });
    }
    self.0.get_mut(id)
  }

  /// The span of the submission's root, if it is known.
  pub fn root(&self, ids: &Ids<'_>) -> Option<SpanRef> {
    Some(self.get(ids)?.root.as_ref()?.span)
  }

  /// The identity of the submission's root.
  pub fn identity(ids: &Ids<'_>) -> Option<SpanRef> {
    let conversation = ids.conversation.as_deref().unwrap_or_default();
    let submission = ids.submission.as_deref().map(|id| identity::submission(id, conversation));
    submission.or_else(|| ids.dispatch.as_deref().map(identity::dispatch))
  }

  /// Whether the operation is the root of its submission.
  pub fn is_root(&self, ids: &Ids<'_>, operation: &str) -> bool {
    let root = self.get(ids).and_then(|submission| submission.root.as_ref());
    root.is_some_and(|root| root.operation == operation)
  }

  /// The submission is queued.
  pub fn queued(&mut self, ids: &Ids<'_>, at: i64, kind: Option<&str>) {
    // A keyed dispatch that is repeated is queued again after it was settled.
    if let Some(submission) = self.entry(ids)
      && submission.queued.is_none()
      && submission.root.is_none()
    {
      submission.queued = Some(at);
      submission.kind = kind.map(str::to_owned);
    }
  }

  /// An attempt begins.
  pub fn running(
    &mut self,
    ids: &Ids<'_>,
    at: i64,
    attempt: Option<f64>,
    max_attempts: Option<f64>,
  ) {
    if let Some(submission) = self.entry(ids) {
      submission.running = submission.running.or(Some(at));
      // Attempts come in order; an earlier one is a duplicate.
      submission.attempt = match (submission.attempt, attempt) {
        (Some(known), Some(new)) => Some(known.max(new)),
        (known, new) => known.or(new),
      };
      submission.max_attempts = max_attempts;
    }
  }

  /// The usage of earlier attempts at the root.
  pub fn used_before(&self, ids: &Ids<'_>) -> Option<Usage> {
    self.get(ids)?.root.as_ref()?.used
  }

  /// An attempt has ended; `used` is the usage of all attempts so far.
  pub fn set_used(&mut self, ids: &Ids<'_>, used: Option<Usage>) {
    if let Some(root) = self.entry(ids).and_then(|submission| submission.root.as_mut()) {
      root.used = used;
    }
  }

  /// The root has ended well.
  pub fn answered(&mut self, ids: &Ids<'_>, at: i64) {
    if let Some(submission) = self.entry(ids) {
      submission.answered = Some(at);
    }
  }

  /// A submission was settled without an operation: the one that its agent works on has answered it, too.
  /// Returns that one, if it is known.
  pub fn join(&mut self, ids: &Ids<'_>) -> Option<&Submission> {
    let joined = Self::id(ids)?.to_owned();
    let addressee = self.get(ids)?.addressee;
    let host = self
      .0
      .values_mut()
      .rev()
      .find(|other| other.addressee == addressee && !other.settled && other.root.is_some())?;
    if !host.joined.contains(&joined) {
      host.joined.push(joined);
    }
    Some(host)
  }

  /// The latest of those that another process may continue if this one ends at `at`.
  pub fn unsettled(&self, at: i64) -> impl Iterator<Item = (&String, &Submission)> {
    let is_unsettled = move |submission: &Submission| {
      let answered = submission.answered.is_some_and(|answered| answered + SETTLES_WITHIN < at);
      !submission.settled && !answered
    };
    self.0.iter().rev().filter(move |(_, submission)| is_unsettled(submission)).take(BEQUEATHED)
  }

  /// Adds a submission of another process, unless it is known.
  pub fn inherit(&mut self, id: String, submission: Submission) {
    self.0.entry(id).or_insert(submission);
  }

  /// Writes what is known of the submission to its root.
  pub fn describe(&self, row: &mut Row, ids: &Ids<'_>) {
    let Some(submission) = self.get(ids) else { return };
    row.fact("flue.submission_kind", facts::text(submission.kind.as_deref()));
    row.fact("flue.attempt", facts::number(submission.attempt));
    row.fact("flue.max_attempts", facts::number(submission.max_attempts));
    row.fact("flue.queue_ms", facts::number(submission.queue_ms()));
  }

  /// Overwrites what an earlier attempt may have written at its end, now that another has succeeded. A first
  /// attempt has nothing to overwrite.
  pub fn take_back(&self, row: &mut Row, ids: &Ids<'_>) {
    let first = self.get(ids).is_none_or(|submission| submission.attempt == Some(1.0));
    if !first {
      row.fact("flue.interrupted", Some(Json::of(&false)));
      row.error = row.error.take().or(Some(Json::null()));
    }
  }
}
