//! Operations: `operation_start`, `operation`.

use crate::{
  activity::Activity,
  caller_context, identity, messages, metadata,
  open_span::{NewSpan, OpenSpan, TurnSummary},
  outcome,
  placement::{ActivitySpan, Parent, SpanLabel, SpanPlacement},
  run,
  state::State,
  submission::{self, PlacedOperation},
  usage,
};
use braintrust_row::{Json, Members, Row, SpanType};
use flue_event::{CallingTool, Event, Ids, OperationEnd, OperationStart};

/// The kinds that only wrap one other activity, which has a span of its own: a delegated task, and a
/// `bash` tool call.
const WRAPPERS: [&str; 2] = ["task", "shell"];

/// The name of an operation whose kind is not known.
const UNKNOWN: &str = "flue.operation";

/// `operation_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, start: &OperationStart<'_>) -> Vec<Row> {
  let ids = &event.ids;
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  if state.tree.has_ended(&activity) {
    return Vec::new();
  }
  // An open span stays where it is, whatever a later start has.
  let placed = match state.tree.get(&activity) {
    Some(open) => PlacedOperation {
      placement: open.placement.clone(),
      start: open.start,
      interrupted: Vec::new(),
    },
    None => place(state, ids, operation, event.at, start),
  };
  let mut rows = placed.interrupted;
  let kind = start.kind.as_deref();
  let (placement, label) = match placed.placement {
    // Without a span of its own: its children become those of its parent.
    SpanPlacement { parent: Parent::Span(parent, span), .. }
      if kind.is_some_and(|kind| WRAPPERS.contains(&kind)) =>
    {
      (SpanPlacement { span, parent: Parent::Span(parent, span) }, None)
    }
    placement => (placement, Some(label(kind))),
  };
  if let Some(open) = state.tree.get_mut(&activity) {
    name_implicit(open, kind);
  }
  let new = NewSpan { activity: activity.clone(), placement, label, start: placed.start };
  if let Some(mut row) = state.tree.open(new) {
    metadata::write_ids(&mut row, ids);
    row.set_metadata("flue.operation", metadata::text(kind));
    run::write_run_metadata(state, &mut row, ids);
    if state.submissions.is_root(ids, operation) {
      state.submissions.write_metadata(&mut row, ids);
      caller_context::write(&mut row, start.carrier.as_ref());
      if let Some(open) = state.tree.get_mut(&activity) {
        open.turn_summary.usage = open.turn_summary.usage.or(state.submissions.usage_before(ids));
      }
    }
    rows.push(row);
  }
  rows
}

/// `operation`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &OperationEnd<'_>) -> Vec<Row> {
  let ids = &event.ids;
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  let kind = end.kind.as_deref();
  if end.outcome.failure.is_none() && state.tree.is_closed_wrapper(&activity) {
    // What it wraps shows how it ended.
    return Vec::new();
  }
  let mut rows = open_implicit(state, ids, end.outcome.start(event.at));
  let mut summary = TurnSummary::default();
  if let Some(open) = state.tree.get_mut(&activity) {
    summary = std::mem::take(&mut open.turn_summary);
    open.turn_summary.usage = summary.usage;
    open.turn_summary.reported = end.usage;
    name_implicit(open, kind);
    let has_child = open.has_ended_child || !open.children.is_empty();
    if open.label.is_none() && !has_child && end.outcome.failure.is_some() {
      // A wrapper that fails before its activity begins: nothing else shows the error.
      open.placement.span = identity::operation(open.placement.span.trace, operation);
      open.label = Some(label(kind));
    }
  }
  let ended_at = state.end_of(&activity, &end.outcome, event.at);
  let closed = state.tree.close(&activity, ended_at);
  rows.extend(closed.interrupted);
  let Some(mut row) = closed.row else { return rows };

  metadata::write_ids(&mut row, ids);
  row.set_metadata("flue.operation", metadata::text(kind));
  run::write_run_metadata(state, &mut row, ids);
  outcome::write(&mut row, &end.outcome);
  row.input = end.input.map(messages::without_images);
  row.output = end.output.map(messages::without_images);
  let returned = row.error.as_ref().is_none_or(Json::is_null) && !end.outcome.cancelled;
  if row.output.is_none() && returned && kind != Some("compact") {
    row.output = summary.output;
  }
  usage::write_larger(&mut row, end.usage, summary.usage);
  if state.submissions.is_root(ids, operation) {
    let known = state.submissions.get(ids).filter(|known| known.settled);
    let differs = known.is_some_and(|known| !known.completed || !end.outcome.succeeded());
    state.submissions.clear_earlier_failure(&mut row, ids, &end.outcome);
    state.submissions.set_usage(ids, summary.usage);
    state.submissions.ended(ids, event.at, &end.outcome);
    if state.submissions.awaits_settlement(ids) {
      row.stage = None;
    }
    if differs {
      // Flue has settled it over this attempt: the outcome stays. The attempt has ended all the same.
      (row.output, row.error, row.metadata) = (None, None, Members::default());
      row.set_metadata("flue.interrupted", Some(Json::of(&false)));
    }
  }
  rows.push(row);
  rows.extend(run::implicit_end(state, event));
  rows
}

/// Opens the operation of these ids if its start never came to this process.
pub fn open_implicit(state: &mut State, ids: &Ids<'_>, start: i64) -> Vec<Row> {
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  if state.tree.get(&activity).is_some() || state.tree.has_finished(&activity) {
    return Vec::new();
  }
  let PlacedOperation { placement, start, interrupted: mut rows } =
    match state.tree.updatable_placement(&activity) {
      Some(placement) => PlacedOperation::at(placement.clone(), start),
      None => place(state, ids, operation, start, &OperationStart::default()),
    };
  let label = Some(label(None));
  if let Some(mut row) = state.tree.open_implicit(NewSpan { activity, placement, label, start }) {
    metadata::write_ids(&mut row, ids);
    row.metadata.remove("flue.turn_id");
    if state.submissions.is_root(ids, operation) {
      state.submissions.write_metadata(&mut row, ids);
    }
    rows.push(row);
  }
  rows
}

/// The placement and the start of an operation.
fn place(
  state: &mut State,
  ids: &Ids<'_>,
  operation: &str,
  at: i64,
  start: &OperationStart<'_>,
) -> PlacedOperation {
  // The async context of a submission's work may be that of whoever dispatched another one.
  let outer = start.outer_span.as_deref().filter(|_| !submission::is_at_root(state, ids));
  let custom = |row: &str| state.open_span(Activity::CustomSpan(row.to_owned()));
  let calling_span = || custom(start.calling_span.as_deref()?);
  // A tool of a subagent names the task, too. A custom span beside a tool call is in that.
  let in_tool = |tool| calling_span().or_else(|| calling_tool(state, tool));
  let called = start.calling_tool.as_ref().and_then(in_tool);
  let parent = called
    .or_else(|| state.enclosing_task(ids))
    .or_else(|| custom(outer?))
    .or_else(calling_span)
    .or_else(|| state.run_span(ids));
  if let Some(parent) = parent {
    let span = identity::operation(parent.span.trace, operation);
    return PlacedOperation::at(parent.parent_of(span), at);
  }
  let (carrier, caller) = (start.carrier.as_ref(), start.caller.as_ref());
  submission::place(state, ids, operation, at, carrier, caller).unwrap_or_else(|| {
    let span = identity::lone_operation(operation);
    PlacedOperation::at(SpanPlacement { span, parent: Parent::None }, at)
  })
}

/// The tool call in which an operation was called, while it runs.
fn calling_tool(
  state: &State,
  CallingTool { call, ids }: &CallingTool<'_>,
) -> Option<ActivitySpan> {
  state.enclosing(ids)?;
  state.open_span(Activity::tool(ids, call))
}

/// Names an operation whose start did not come first or has no kind, unless the application has.
fn name_implicit(open: &mut OpenSpan, kind: Option<&str>) {
  open.name_unless_known(UNKNOWN, || label(kind).name);
  if open.implicit && open.label.as_ref().is_none_or(|label| !is_renamed(label)) {
    open.label = Some(label(kind));
  }
}

/// Whether the application has changed the label of an operation whose start never came.
fn is_renamed(SpanLabel { name, kind }: &SpanLabel) -> bool {
  *kind != Some(SpanType::Task) || name.as_deref().is_some_and(|name| name != UNKNOWN)
}

fn label(kind: Option<&str>) -> SpanLabel {
  SpanLabel::new(SpanType::Task, kind.map_or_else(|| UNKNOWN.into(), |kind| format!("flue.{kind}")))
}
