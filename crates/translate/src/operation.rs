//! Operations: `operation_start`, `operation`.

use crate::{
  activity::Activity,
  caller, error, facts, identity, messages,
  open_span::{NewSpan, Told},
  placement::{ActivitySpan, Look, Parent, Place},
  run,
  state::State,
  submission::{self, Placed},
  usage,
};
use braintrust_row::{Row, SpanType};
use flue_event::{CallingTool, Event, Ids, OperationEnd, OperationStart};

/// The kinds that only wrap one other activity, which has a span of its own: a delegated task, and a
/// `bash` tool call.
const WRAPPERS: [&str; 2] = ["task", "shell"];

/// `operation_start`.
pub fn start(state: &mut State, event: &Event<'_>, start: &OperationStart<'_>) -> Vec<Row> {
  let ids = &event.ids;
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  if state.tree.has_ended(&activity) {
    return Vec::new();
  }
  // An open span stays where it is, whatever a later start has.
  let placed = match state.tree.get(&activity) {
    Some(open) => Placed { place: open.place.clone(), start: open.start, interrupted: Vec::new() },
    None => place(state, ids, operation, event.at, start),
  };
  let mut rows = placed.interrupted;
  let kind = start.kind.as_deref();
  let (place, look) = match placed.place {
    // Without a span of its own, its parts lie below its parent.
    Place { parent: Parent::Span(above, span), .. }
      if kind.is_some_and(|kind| WRAPPERS.contains(&kind)) =>
    {
      (Place { span, parent: Parent::Span(above, span) }, None)
    }
    place => (place, Some(look(kind))),
  };
  let new = NewSpan { activity: activity.clone(), place, look, start: placed.start };
  if let Some(mut row) = state.tree.open(new) {
    facts::ids(&mut row, ids);
    row.fact("flue.operation", facts::text(kind));
    run::write_handed_down(state, &mut row, ids);
    if state.submissions.is_root(ids, operation) {
      state.submissions.describe(&mut row, ids);
      caller::write(&mut row, start.carrier.as_ref());
      if let Some(open) = state.tree.get_mut(&activity) {
        open.told.used = open.told.used.or(state.submissions.used_before(ids));
      }
    }
    rows.push(row);
  }
  rows
}

/// `operation`.
pub fn end(state: &mut State, event: &Event<'_>, end: &OperationEnd<'_>) -> Vec<Row> {
  let ids = &event.ids;
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  let kind = end.kind.as_deref();
  let mut rows = open_unseen(state, ids, end.outcome.start(event.at));
  let mut told = Told::default();
  if let Some(open) = state.tree.get_mut(&activity) {
    told = std::mem::take(&mut open.told);
    if open.unseen {
      open.look = Some(look(kind));
    }
  }
  let closed = state.tree.close(&activity, event.at);
  rows.extend(closed.interrupted);
  let Some(mut row) = closed.row else { return rows };

  facts::ids(&mut row, ids);
  row.fact("flue.operation", facts::text(kind));
  run::write_handed_down(state, &mut row, ids);
  error::outcome(&mut row, &end.outcome);
  row.input = end.input.map(messages::without_images);
  row.output = end.output.map(messages::without_images);
  if row.output.is_none() && row.error.is_none() && kind != Some("compact") {
    row.output = told.answered;
  }
  if let Some(used) = end.usage.or(told.used) {
    usage::write(&mut row, &used);
  }
  if state.submissions.is_root(ids, operation) {
    state.submissions.take_back(&mut row, ids);
    state.submissions.set_used(ids, told.used);
    if end.outcome.failure.is_none() {
      state.submissions.answered(ids, event.at);
    }
  }
  rows.push(row);
  rows.extend(run::unseen_end(state, event));
  rows
}

/// Opens the operation of these ids if its start never came to this process.
pub fn open_unseen(state: &mut State, ids: &Ids<'_>, start: i64) -> Vec<Row> {
  let Some(operation) = ids.operation.as_deref() else { return Vec::new() };
  let activity = Activity::Operation(operation.to_owned());
  if state.tree.get(&activity).is_some() || state.tree.has_finished(&activity) {
    return Vec::new();
  }
  let Placed { place, start, interrupted: mut rows } =
    place(state, ids, operation, start, &OperationStart::default());
  let look = Some(Look::new(SpanType::Task, "flue.operation".into()));
  if let Some(mut row) = state.tree.open_unseen(NewSpan { activity, place, look, start }) {
    facts::ids(&mut row, ids);
    row.metadata.remove("flue.turn_id");
    rows.push(row);
  }
  rows
}

/// Where an operation lies, and when it began.
fn place(
  state: &mut State,
  ids: &Ids<'_>,
  operation: &str,
  at: i64,
  start: &OperationStart<'_>,
) -> Placed {
  let parent = state
    .enclosing_task(ids)
    .or_else(|| state.open_span(Activity::Span(start.calling_span.as_deref()?.to_owned())))
    .or_else(|| calling_tool(state, start.calling_tool.as_ref()?))
    .or_else(|| state.run_span(ids));
  if let Some(parent) = parent {
    let span = identity::operation(parent.span.trace, operation);
    return Placed::at(parent.below(span), at);
  }
  submission::place(state, ids, operation, at, start.carrier.as_ref()).unwrap_or_else(|| {
    let span = identity::lone_operation(operation);
    Placed::at(Place { span, parent: Parent::None }, at)
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

fn look(kind: Option<&str>) -> Look {
  Look::new(SpanType::Task, format!("flue.{}", kind.unwrap_or("operation")))
}
