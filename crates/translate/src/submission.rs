//! Submissions: `submission_queued`, `submission_running`, `submission_recovery`, `submission_settled`.
//!
//! A submission has no span of its own. Its first operation is the root of its trace and takes its identity
//! from the submission, which survives a crash, rather than from the operation, which does not. Attempts,
//! waits and the outcome are written to that root.

use crate::{
  activity::Activity,
  caller, error, facts, identity,
  placement::{ActivitySpan, Parent, Place, Start},
  state::State,
  submissions::{Root, Submissions},
};
use braintrust_row::{Json, Row};
use flue_event::{
  Event, Ids, SubmissionQueued, SubmissionRecovery, SubmissionRunning, SubmissionSettled,
  TraceCarrier,
};

/// Where an operation lies, and when it began.
pub struct Placed {
  /// Its identity and parent.
  pub place: Place,
  /// When it began.
  pub start: Start,
  /// The last rows of what an earlier attempt left open.
  pub interrupted: Vec<Row>,
}

impl Placed {
  /// An operation that began at `start`, milliseconds since the epoch.
  pub fn at(place: Place, start: i64) -> Self {
    Self { place, start: Start::At(start), interrupted: Vec::new() }
  }
}

/// `submission_queued`.
pub fn queued(state: &mut State, event: &Event<'_>, queued: &SubmissionQueued<'_>) -> Vec<Row> {
  state.submissions.queued(&event.ids, event.at, queued.kind.as_deref());
  Vec::new()
}

/// `submission_running`. Its operation follows, unless the attempt fails before that.
pub fn running(state: &mut State, event: &Event<'_>, running: &SubmissionRunning) -> Vec<Row> {
  let SubmissionRunning { attempt, max_attempts } = *running;
  state.submissions.running(&event.ids, event.at, attempt, max_attempts);
  Vec::new()
}

/// `submission_recovery`. After the settlement it means nothing.
pub fn recovery(
  state: &mut State,
  event: &Event<'_>,
  recovery: &SubmissionRecovery<'_>,
) -> Vec<Row> {
  let known = state.submissions.get(&event.ids).filter(|submission| !submission.settled);
  let Some(root) = known.and_then(|submission| submission.root.as_ref()) else {
    return Vec::new();
  };
  let mut row = Row::of(root.span);
  let words = [recovery.step.as_deref(), recovery.outcome.as_deref()];
  let words: Vec<&str> = words.into_iter().flatten().collect();
  row.fact("flue.recovery", facts::text(Some(&words.join(": "))));
  vec![row]
}

/// Where an operation lies that was delivered to an agent and is not part of a task or a run, and when it
/// began. `None` if the event has no delivery's id.
pub fn place(
  state: &mut State,
  ids: &Ids<'_>,
  operation: &str,
  start: i64,
  carrier: Option<&TraceCarrier<'_>>,
) -> Option<Placed> {
  let Place { span, parent } = caller::joined(&state.options, carrier, Submissions::identity(ids)?);
  let submission = state.submissions.entry(ids)?;
  let conversation = ids.conversation.as_deref();

  if let Some(root) = &submission.root
    && root.conversation.as_deref() != conversation
  {
    // Work of a hook or a tool in a conversation of its own. No id names its parent: it belongs to
    // the tool that runs now, else to the root.
    let host = Activity::Operation(root.operation.clone());
    let host =
      state.tree.running_tool(&host).unwrap_or(ActivitySpan { activity: host, span: root.span });
    let span = identity::operation(host.span.trace, operation);
    return Some(Placed::at(host.below(span), start));
  }

  // The event of a later attempt may not have the caller.
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
  let mut interrupted = Vec::new();
  if let Some(before) = submission.root.replace(root)
    && before.operation != operation
  {
    // A conversation never runs two operations at once: the earlier attempt is dead.
    let (dead, alive) = (before.operation, operation.to_owned());
    interrupted = state.tree.go_on(&Activity::Operation(dead), Activity::Operation(alive), start);
  }
  Some(Placed { place: Place { span, parent }, start: start_of_root, interrupted })
}

/// `submission_settled`: the root closes, if it still is open.
pub fn settled(state: &mut State, event: &Event<'_>, settled: &SubmissionSettled<'_>) -> Vec<Row> {
  let Some(submission) = state.submissions.entry(&event.ids) else { return Vec::new() };
  submission.settled = true;
  let Some(root) = submission.root.clone() else {
    return joined(state, event).into_iter().collect();
  };
  let activity = Activity::Operation(root.operation);
  let was_open = state.tree.get(&activity).is_some();
  let mut rows = state.tree.interrupt(&activity, event.at);
  let mut row = Row::of(root.span);
  row.fact("flue.submission_outcome", facts::text(settled.outcome.as_deref()));
  if was_open {
    // Its operation has not reported the error.
    row.error = settled.failure.as_ref().map(error::text);
  }
  rows.push(row);
  rows
}

/// A submission that was settled without an operation is written to the root of the one that answered it.
fn joined(state: &mut State, event: &Event<'_>) -> Option<Row> {
  let host = state.submissions.join(&event.ids)?;
  let mut row = Row::of(host.root.as_ref()?.span);
  row.fact("flue.joined_submission_ids", Some(Json::of(&host.joined)));
  Some(row)
}
