//! Submissions: `submission_queued`, `submission_running`, `submission_recovery`, `submission_settled`.
//!
//! A submission has no span of its own. Its first operation is the root of its trace and takes its identity
//! from the submission, which survives a crash, rather than from the operation, which does not. Attempts,
//! waits and the outcome are written to that root.

use crate::{
  activity::Activity,
  caller_context::{self, CallerContext},
  identity, metadata,
  open_span::Evidence,
  outcome,
  placement::{ActivitySpan, SpanPlacement, Start},
  state::State,
  submissions::Root,
};
use braintrust_row::{Json, Row, SpanContext, Stage, time};
use flue_event::{
  Caller, CallerNamed, Event, Ids, SubmissionQueued, SubmissionRecovery, SubmissionRunning,
  SubmissionSettled, TraceCarrier, is_fallback,
};

/// The placement and the start of an operation.
pub struct PlacedOperation {
  /// Its identity and parent.
  pub placement: SpanPlacement,
  /// When it began.
  pub start: Start,
  /// The last rows of what an earlier attempt left open.
  pub interrupted: Vec<Row>,
}

impl PlacedOperation {
  /// An operation that began at `start`, milliseconds since the epoch.
  pub fn at(placement: SpanPlacement, start: i64) -> Self {
    Self { placement, start: Start::At(start), interrupted: Vec::new() }
  }
}

/// `submission_queued`.
#[inline(never)]
pub fn queued(state: &mut State, event: &Event<'_>, queued: &SubmissionQueued<'_>) -> Vec<Row> {
  state.submissions.queued(event, queued);
  Vec::new()
}

/// `submission_running`. Its operation follows, unless the attempt fails before that, or has come before it.
#[inline(never)]
pub fn running(state: &mut State, event: &Event<'_>, running: &SubmissionRunning<'_>) -> Vec<Row> {
  let Some(root) = state.submissions.running(event, running) else { return Vec::new() };
  let mut row = Row::of(root);
  state.submissions.write_metadata(&mut row, &event.ids);
  vec![row]
}

/// `submission_recovery`. Ignored after the settlement.
#[inline(never)]
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
  let parts = [recovery.step.as_deref(), recovery.outcome.as_deref()];
  let parts: Vec<&str> = parts.into_iter().flatten().collect();
  row.set_metadata("flue.recovery", metadata::text(Some(&parts.join(": "))));
  vec![row]
}

/// The placement and the start of an operation that was delivered to an agent and is not part of a task or
/// a run. `None` if the event names no submission.
pub fn place(
  state: &mut State,
  ids: &Ids<'_>,
  operation: &str,
  start: i64,
  carrier: Option<&TraceCarrier<'_>>,
  caller: Option<&Caller<'_>>,
) -> Option<PlacedOperation> {
  let own = identity::delivery(ids)?;
  let submission = state.submissions.begin(ids)?;
  // The event states which of several submissions with one keyed id has which caller.
  submission.caller = caller.and_then(CallerContext::named).or(submission.caller);
  let named = submission.caller;
  let placed = named.or_else(|| CallerContext::carried(&state.options, carrier));
  let SpanPlacement { span, parent } = caller_context::root_placement(placed, own);
  let conversation = ids.conversation.as_deref();

  if let Some(root) = &submission.root
    && (root.conversation.as_deref() != conversation || is_fallback(operation))
  {
    // Work of a hook or a tool in a conversation of its own, or an operation that Flue does not name: no attempt at the
    // root. No id names its parent: it is the tool that is running, else the root.
    let host = Activity::Operation(root.operation.clone());
    let running = state.tree.running_tool(&host, operation);
    let host = running.unwrap_or(ActivitySpan { activity: host, span: root.span });
    let span = identity::operation(host.span.trace, operation);
    return Some(PlacedOperation::at(host.parent_of(span), start));
  }

  // The event of a later attempt may not have the caller.
  let known = submission.root.as_ref().map(|root| (root.span, root.parent()));
  let (span, parent) = known.unwrap_or((span, parent));
  let (caller, is_within) = parent.caller();
  let start_of_root = submission.start(start);
  let root = Root {
    caller,
    is_within,
    conversation: conversation.map(str::to_owned),
    span,
    start: start_of_root,
    operation: operation.to_owned(),
    is_first_known: submission.root.is_none(),
    usage: submission.root.as_ref().and_then(|root| root.usage),
  };
  let mut interrupted = Vec::new();
  submission.ended_at = None;
  if let Some(before) = submission.root.replace(root)
    && before.operation != operation
  {
    // A conversation never runs two operations at once: the previous attempt was interrupted.
    let previous = Activity::Operation(before.operation);
    let next = Activity::Operation(operation.to_owned());
    interrupted = state.tree.resume_attempt(&previous, next, start);
  }
  state.set_alias(own, span);
  Some(PlacedOperation {
    placement: SpanPlacement { span, parent },
    start: start_of_root,
    interrupted,
  })
}

/// Whether the operation is the root of its submission, as far as known: no id states that.
pub fn is_at_root(state: &State, ids: &Ids<'_>) -> bool {
  if identity::delivery_id(ids).is_none() {
    return false;
  }
  let root = state.submissions.get(ids).and_then(|submission| submission.root.as_ref());
  root.is_none_or(|root| root.conversation.as_deref() == ids.conversation.as_deref())
}

/// The open spans that a `caller_named` would move.
pub fn movable_spans(state: &State, ids: &Ids<'_>) -> Vec<SpanContext> {
  identity::root(ids).map(|own| state.tree.spans_of(own.trace)).unwrap_or_default()
}

/// `caller_named`: the application has named the caller of a submission or a run, which may have begun in a trace of its
/// own. That moves, unless a part of it has ended or has been sent, or only one of the two traces is recorded: then its root
/// refers to the caller.
#[inline(never)]
pub fn caller_named(state: &mut State, event: &Event<'_>, named: &CallerNamed<'_>) -> Vec<Row> {
  let ids = &event.ids;
  let Some(caller) = named.caller.as_ref().and_then(CallerContext::named) else {
    return Vec::new();
  };
  let Some(own) = identity::root(ids) else { return Vec::new() };
  let mut activity = Activity::run(ids);
  if activity.is_none() {
    let Some(submission) = state.submissions.entry(ids) else { return Vec::new() };
    if submission.caller.is_some() {
      return Vec::new();
    }
    let Some(root) = &submission.root else {
      submission.caller = Some(caller);
      return Vec::new();
    };
    activity = Some(Activity::Operation(root.operation.clone()));
    if root.caller.is_some() {
      return Vec::new();
    }
  }
  let Some(activity) = activity else { return Vec::new() };
  let is_own = state.tree.get(&activity).is_none_or(|open| open.placement.span.trace == own.trace);
  if !is_own {
    return Vec::new();
  }
  let placement = caller.place(own);
  let span = placement.span;
  let rows = if named.is_late { None } else { state.tree.relocate(&activity, placement.clone()) };
  if let Some(rows) = rows {
    if let Some(submission) = state.submissions.entry(ids) {
      submission.caller = Some(caller);
      if let Some(root) = &mut submission.root {
        root.move_to(&placement);
      }
    }
    state.set_alias(own, span);
    return rows;
  }
  // A run that has not begun has its caller in its first event.
  let has_begun = ids.run.is_none() || state.tree.has_ended(&activity);
  let mut row = Row::of(own);
  caller.write(&mut row);
  if has_begun { vec![row] } else { Vec::new() }
}

/// `submission_settled`: the root closes, if it still is open.
#[inline(never)]
pub fn settled(state: &mut State, event: &Event<'_>, settled: &SubmissionSettled<'_>) -> Vec<Row> {
  let Some(submission) = state.submissions.settling(&event.ids) else { return Vec::new() };
  submission.settled = true;
  submission.completed = settled.failure.is_none() && !settled.cancelled;
  let (was_cancelled, has_responded) = (submission.cancelled, submission.responded_at.is_some());
  let has_ended = submission.ended_at.is_some();
  let Some(root) = submission.root.clone() else {
    let row = joined(state, event, settled).or_else(|| given_up(state, event, settled));
    if row.is_none() {
      keep(state, &event.ids, settled);
    }
    return row.into_iter().collect();
  };
  let activity = Activity::Operation(root.operation);
  let mut rows = state.tree.interrupt(&activity, Evidence::Event(event.at));
  let mut row = settlement(root.span, settled);
  if was_cancelled && row.error.is_some() {
    outcome::write_cancelled(&mut row, false);
  }
  if has_ended && !was_cancelled && !has_responded {
    // Its operation has reported the error here.
    row.error = None;
  }
  rows.push(row);
  rows
}

/// What a settlement states of its root.
fn settlement(root: SpanContext, settled: &SubmissionSettled<'_>) -> Row {
  let mut row = Row::of(root);
  row.stage = Some(Stage::Ends);
  row.set_metadata("flue.submission_outcome", metadata::text(settled.outcome.as_deref()));
  row.error = settled.failure.as_ref().map(outcome::error);
  if settled.cancelled {
    outcome::write_cancelled(&mut row, true);
  }
  row
}

/// Keeps a settlement for the root, which has not begun: an application may pass the events on with delays of its own.
fn keep(state: &mut State, ids: &Ids<'_>, settled: &SubmissionSettled<'_>) {
  if let Some(own) = identity::delivery(ids)
    && let Some(submission) = state.submissions.entry(ids)
  {
    submission.settlement = Some(Box::new(settlement(own, settled)));
  }
}

/// Writes a submission that was settled without an operation to the root of the submission whose operation covered it.
fn joined(state: &mut State, event: &Event<'_>, settled: &SubmissionSettled<'_>) -> Option<Row> {
  let is_completed = settled.outcome.as_deref() == Some("completed");
  let tree = &state.tree;
  let is_running = |root: &Root| {
    let open = tree.get(&Activity::Operation(root.operation.clone()));
    open.is_some_and(|open| open.left_at.is_none())
  };
  let host = state.submissions.join(event, is_completed, &is_running)?;
  let mut row = Row::of(host.root.as_ref()?.span);
  row.set_metadata("flue.joined_submission_ids", Some(Json::of(&host.joined)));
  Some(row)
}

/// The codes of errors with which Flue settles what another process has begun and not ended.
const GIVEN_UP: [&str; 2] = ["submission_retry_exhausted", "submission_timeout"];

/// Ends the root of a submission whose work another process has begun, and that Flue gives up in this one. Other
/// submissions that this process has not seen may have no root, and of a keyed one the id alone does not identify it.
fn given_up(state: &State, event: &Event<'_>, settled: &SubmissionSettled<'_>) -> Option<Row> {
  let ids = &event.ids;
  let failure = settled.failure.as_ref()?;
  let has_begun = failure.code.as_deref().is_some_and(|code| GIVEN_UP.contains(&code));
  let is_keyed = identity::is_keyed(identity::delivery_id(ids)?);
  if !has_begun || is_keyed || !state.submissions.is_unseen(ids) {
    return None;
  }
  let own = identity::delivery(ids)?;
  // It may be in the trace of a caller that only the other process knows: then its row must not name another one.
  let mut row = match state.submissions.get(ids).and_then(|submission| submission.caller) {
    Some(caller) => Row::of(caller.place(own).span),
    None => Row::about(own.row, own.trace),
  };
  row.stage = Some(Stage::Ends);
  row.set_metric("end", Some(time::seconds(event.at)));
  row.set_metadata("flue.interrupted", Some(Json::of(&true)));
  row.set_metadata("flue.submission_outcome", metadata::text(settled.outcome.as_deref()));
  row.error = Some(outcome::error(failure));
  Some(row)
}
