//! Submissions: what was delivered to an agent, which span is its root, and how it fared.
//!
//! A submission has no span of its own. Its first operation is the root of its trace and takes its
//! identity from the submission, which survives a crash, rather than from the operation, which does
//! not. What else is known of it (attempts, waits, outcome) is written to that root.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
  Translator,
  activity::Activity,
  error, facts, identity,
  tree::{Parent, Place, Start},
};
use braintrust_row::{Json, Row, SpanId, SpanRef};
use flue_event::{Event, Failure, Ids, TraceCarrier, Usage};

/// How many submissions are remembered. 1.0-beta dispatches are never settled, and a filter may withhold
/// what settles others.
const REMEMBERED: usize = 4096;

/// How many of them another process may go on with. There are more only if nothing settles them.
const BEQUEATHED: usize = 256;

/// The settlement of a submission follows its answer so soon, in milliseconds, or not at all.
const SETTLES_WITHIN: i64 = 10_000;

/// What is known of a delivery.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Submission {
  /// A fingerprint of the agent and its instance.
  addressee: u64,
  root: Option<Root>,
  queued: Option<i64>,
  running: Option<i64>,
  attempt: Option<f64>,
  max_attempts: Option<f64>,
  kind: Option<String>,
  /// Other submissions that were answered along with this one.
  joined: Vec<String>,
  /// When its root ended well.
  answered: Option<i64>,
  settled: bool,
}

/// The root of a submission.
#[derive(Clone, Serialize, Deserialize)]
struct Root {
  conversation: Option<String>,
  span: SpanRef,
  /// The span of its caller's, if it is to lie below that.
  #[serde(default)]
  caller: Option<SpanId>,
  start: Start,
  /// The operation of the attempt that runs now.
  operation: String,
  /// What the turns of earlier attempts used.
  used: Option<Usage>,
}

/// The deliveries under way, by `submissionId` or `dispatchId`.
#[derive(Default)]
pub struct Submissions(IndexMap<String, Submission>);

impl Submissions {
  /// The id under which the event was delivered.
  fn id<'e>(ids: &'e Ids<'_>) -> Option<&'e str> {
    ids.submission.as_deref().or(ids.dispatch.as_deref())
  }

  fn get(&self, ids: &Ids<'_>) -> Option<&Submission> {
    self.0.get(Self::id(ids)?)
  }

  /// What is known of the event's submission, from now on.
  fn entry(&mut self, ids: &Ids<'_>) -> Option<&mut Submission> {
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

  /// The root of the event's submission, if it is known.
  pub fn root(&self, ids: &Ids<'_>) -> Option<SpanRef> {
    Some(self.get(ids)?.root.as_ref()?.span)
  }

  /// The root that the event's operation is, were it the first of its submission.
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

  /// The latest of those that are not settled, for the process that may go on with them at `at`.
  pub fn unsettled(&self, at: i64) -> impl Iterator<Item = (&String, &Submission)> {
    let goes_on = move |submission: &Submission| {
      let answered = submission.answered.is_some_and(|answered| answered + SETTLES_WITHIN < at);
      !submission.settled && !answered
    };
    self.0.iter().rev().filter(move |(_, submission)| goes_on(submission)).take(BEQUEATHED)
  }

  /// What the turns of the root's earlier attempts used.
  pub fn used_before(&self, ids: &Ids<'_>) -> Option<Usage> {
    self.get(ids)?.root.as_ref()?.used
  }

  /// An attempt has ended, having used so much with all before it.
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

  /// Takes over what another process knew.
  pub fn inherit(&mut self, id: String, submission: Submission) {
    self.0.entry(id).or_insert(submission);
  }

  /// Writes what is known of the event's submission to its root.
  pub fn describe(&self, row: &mut Row, ids: &Ids<'_>) {
    let Some(submission) = self.get(ids) else { return };
    row.fact("flue.submission_kind", facts::text(submission.kind.as_deref()));
    row.fact("flue.attempt", facts::number(submission.attempt));
    row.fact("flue.max_attempts", facts::number(submission.max_attempts));
    row.fact("flue.queue_ms", facts::number(submission.queue_ms()));
  }

  /// Takes back what an earlier attempt may have said at its end, now that another has succeeded. A
  /// first attempt has nothing to take back.
  pub fn take_back(&self, row: &mut Row, ids: &Ids<'_>) {
    let first = self.get(ids).is_none_or(|submission| submission.attempt == Some(1.0));
    if !first {
      row.fact("flue.interrupted", Some(Json::of(&false)));
      row.error = row.error.take().or(Some(Json::null()));
    }
  }
}

impl Submission {
  /// How long the first attempt waited for its turn.
  fn queue_ms(&self) -> Option<f64> {
    let (queued, running) = (self.queued?, self.running?);
    (self.attempt == Some(1.0)).then(|| running.saturating_sub(queued).max(0) as f64)
  }

  /// When a root begins whose operation started at `start`. A later attempt knows no better than the
  /// first, whose row stands.
  fn start(&self, start: i64) -> Start {
    match &self.root {
      Some(root) => root.start,
      None if self.attempt.is_some_and(|attempt| attempt > 1.0) => Start::Earlier(start),
      None => Start::At(start),
    }
  }
}

impl Translator {
  pub(super) fn submission_queued(&mut self, event: &Event<'_>, kind: Option<&str>) {
    // A keyed dispatch that is repeated is queued again after it was settled.
    if let Some(submission) = self.submissions.entry(&event.ids)
      && submission.queued.is_none()
      && submission.root.is_none()
    {
      submission.queued = Some(event.at);
      submission.kind = kind.map(str::to_owned);
    }
  }

  /// An attempt begins. Its operation follows, unless it fails before that.
  pub(super) fn submission_running(
    &mut self,
    event: &Event<'_>,
    attempt: Option<f64>,
    max_attempts: Option<f64>,
  ) {
    if let Some(submission) = self.submissions.entry(&event.ids) {
      submission.running = submission.running.or(Some(event.at));
      // Attempts are told in order; an earlier one is a repetition.
      submission.attempt = match (submission.attempt, attempt) {
        (Some(known), Some(told)) => Some(known.max(told)),
        (known, told) => known.or(told),
      };
      submission.max_attempts = max_attempts;
    }
  }

  /// A step of recovery that could not be done now. After the settlement it means nothing.
  pub(super) fn submission_recovery(
    &mut self,
    event: &Event<'_>,
    step: Option<&str>,
    outcome: Option<&str>,
  ) -> Vec<Row> {
    let known = self.submissions.get(&event.ids).filter(|submission| !submission.settled);
    let Some(root) = known.and_then(|submission| submission.root.as_ref()) else {
      return Vec::new();
    };
    let mut row = Row::of(root.span);
    let words: Vec<&str> = [step, outcome].into_iter().flatten().collect();
    row.fact("flue.recovery", facts::text(Some(&words.join(": "))));
    vec![row]
  }

  /// Where an operation stands that was delivered to an agent and is not part of a task or a run, and
  /// when it began. `None` when the event names no delivery.
  pub(super) fn delivered(
    &mut self,
    ids: &Ids<'_>,
    operation: &str,
    start: i64,
    carrier: Option<&TraceCarrier<'_>>,
    rows: &mut Vec<Row>,
  ) -> Option<(Place, Start)> {
    let (span, parent) = self.joined_to(carrier, Submissions::identity(ids)?);
    let submission = self.submissions.entry(ids)?;
    let conversation = ids.conversation.as_deref();

    if let Some(root) = &submission.root
      && root.conversation.as_deref() != conversation
    {
      // Work of a hook or a tool in a conversation of its own. No id names its parent: it belongs to
      // the tool that runs now, else to the root.
      let host = Activity::Operation(root.operation.clone());
      let (parent, span) = self.tree.running_tool(&host).unwrap_or((host, root.span));
      let own = identity::operation(span.trace, operation);
      return Some((Place { span: own, parent: Parent::Span(parent, span) }, Start::At(start)));
    }

    // A later attempt may not be told who called.
    let known = submission.root.as_ref().map(|root| (root.span, root.caller));
    let (span, caller) = known.unwrap_or_else(|| {
      let Parent::Beyond(caller) = parent else { return (span, None) };
      (span, Some(caller))
    });
    let parent = caller.map_or(Parent::None, Parent::Beyond);
    let start_of_root = submission.start(start);
    let root = Root {
      caller,
      conversation: conversation.map(str::to_owned),
      span,
      start: start_of_root,
      operation: operation.to_owned(),
      used: submission.root.as_ref().and_then(|root| root.used),
    };
    if let Some(before) = submission.root.replace(root)
      && before.operation != operation
    {
      // A conversation never runs two operations at once: the earlier attempt is dead.
      let (dead, alive) = (before.operation, operation.to_owned());
      let at = start;
      self.tree.go_on(&Activity::Operation(dead), Activity::Operation(alive), at, rows);
    }
    Some((Place { span, parent }, start_of_root))
  }

  /// The end of a delivery: its root closes, if it still is open.
  pub(super) fn submission_settled(
    &mut self,
    event: &Event<'_>,
    verdict: Option<&str>,
    failure: Option<&Failure<'_>>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(submission) = self.submissions.entry(&event.ids) else { return rows };
    submission.settled = true;
    let Some(root) = submission.root.clone() else {
      return self.joined(event).into_iter().collect();
    };
    let activity = Activity::Operation(root.operation);
    let was_open = self.tree.get(&activity).is_some();
    self.tree.interrupt(&activity, event.at, &mut rows);
    let mut row = Row::of(root.span);
    row.fact("flue.submission_outcome", facts::text(verdict));
    if was_open {
      // Its operation never said why.
      row.error = failure.map(error::text);
    }
    rows.push(row);
    rows
  }

  /// A delivery that was settled without any work of its own: the one its agent was busy with has
  /// answered it, too.
  fn joined(&mut self, event: &Event<'_>) -> Option<Row> {
    let joined = Submissions::id(&event.ids)?.to_owned();
    let addressee = self.submissions.get(&event.ids)?.addressee;
    let host = self
      .submissions
      .0
      .values_mut()
      .rev()
      .find(|other| other.addressee == addressee && !other.settled && other.root.is_some())?;
    if !host.joined.contains(&joined) {
      host.joined.push(joined);
    }
    let mut row = Row::of(host.root.as_ref()?.span);
    row.fact("flue.joined_submission_ids", Some(Json::of(&host.joined)));
    Some(row)
  }
}
