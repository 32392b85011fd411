//! Delegated tasks: `task_start`, `task`.
//!
//! The ids of these events mix two scopes: the operation and turn are the delegating side's, the
//! session, conversation and task are the child's.

use crate::{
  activity::Activity,
  identity, messages, metadata,
  open_span::NewSpan,
  outcome,
  placement::{ActivitySpan, Parent, SpanLabel, SpanPlacement, Start},
  state::State,
  tool,
};
use braintrust_row::{Row, SpanType};
use flue_event::{Event, Ids, TaskEnd, TaskStart};

/// The name of a task whose agent is not known.
const UNKNOWN: &str = "flue.task";

/// `task_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, start: &TaskStart<'_>) -> Vec<Row> {
  let agent = start.delegation.agent.as_deref();
  let Some(task) = event.ids.task.as_deref() else { return Vec::new() };
  let fingerprint = identity::fingerprint(&start.delegation);
  let parent = delegating(state, event, start.tool_call.as_deref(), Some(fingerprint));
  let Some(parent) = parent else { return Vec::new() };
  let activity = Activity::Task(task.to_owned());
  let mut rows = Vec::new();
  if !state.tree.has_ended(&activity) {
    rows.extend(open_call(state, event, &parent));
  }
  let span = identity::task(parent.span.trace, task);
  let new = NewSpan {
    activity,
    placement: parent.parent_of(span),
    label: Some(label(agent)),
    start: Start::At(event.at),
  };
  let Some(mut row) = state.tree.open(new) else { return rows };
  metadata::write_ids(&mut row, &event.ids);
  row.set_metadata("flue.agent", metadata::text(agent));
  row.set_metadata("flue.cwd", metadata::text(start.cwd.as_deref()));
  row.set_metadata("flue.tool_call_id", metadata::text(start.tool_call.as_deref()));
  row.input = start.input.map(messages::without_images);
  rows.push(row);
  rows
}

/// Opens the call of the `task` tool that starts the event's task, if its own start never came.
fn open_call(state: &mut State, event: &Event<'_>, call: &ActivitySpan) -> Option<Row> {
  let Activity::Tool { call: id, .. } = &call.activity else { return None };
  state.tree.readmit(&call.activity);
  if state.tree.has_ended(&call.activity) {
    return None;
  }
  let operation = state.enclosing(&Ids { task: None, ..event.ids.clone() })?;
  let mut row = state.tree.open_implicit(NewSpan {
    activity: call.activity.clone(),
    placement: operation.parent_of(call.span),
    label: Some(tool::task_label()),
    start: Start::At(event.at),
  })?;
  row.set_metadata("flue.tool_call_id", metadata::text(Some(id)));
  Some(row)
}

/// `task`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &TaskEnd<'_>) -> Vec<Row> {
  let Some(task) = event.ids.task.as_deref() else { return Vec::new() };
  let agent = end.agent.as_deref();
  let activity = Activity::Task(task.to_owned());
  let start = end.outcome.start(event.at);
  let new = |placement, start| NewSpan {
    activity: activity.clone(),
    placement,
    label: Some(label(agent)),
    start,
  };
  if let Some(parent) = delegating_unstarted(state, event, &activity) {
    let span = identity::task(parent.span.trace, task);
    state.tree.open(new(parent.parent_of(span), Start::At(start)));
  } else {
    // A task that is resumed after a crash reports only its end. The row of the process that crashed has its
    // parent and its start.
    let span = identity::task(state.trace(&event.ids), task);
    let placement = SpanPlacement { span, parent: Parent::Unknown };
    state.tree.open_implicit(new(placement, Start::Resumed(start)));
  }
  if let Some(open) = state.tree.get_mut(&activity) {
    open.name_unless_known(UNKNOWN, || label(agent).name);
  }
  let ended_at = state.end_of(&activity, &end.outcome, event.at);
  let mut closed = state.tree.close(&activity, ended_at);
  if let Some(row) = &mut closed.row {
    metadata::write_ids(row, &event.ids);
    row.set_metadata("flue.agent", metadata::text(agent));
    outcome::write(row, &end.outcome);
    row.output = end.output.map(messages::without_images);
  }
  closed.into_rows()
}

/// The parent of a task whose start never came: it has failed before that. The end of such a task names the turn of its
/// tool call, or an operation that is nothing but the task; that of a resumed task does not.
fn delegating_unstarted(
  state: &State,
  event: &Event<'_>,
  activity: &Activity,
) -> Option<ActivitySpan> {
  let is_new = state.tree.get(activity).is_none() && !state.tree.has_ended(activity);
  let operation = state.tree.get(&Activity::operation(&event.ids)?)?;
  let is_here = is_new && (event.ids.turn.is_some() || operation.label.is_none());
  if !is_here {
    return None;
  }
  delegating(state, event, None, None)
}

/// A task's parent: the tool call that started it, else the operation.
fn delegating(
  state: &State,
  event: &Event<'_>,
  call: Option<&str>,
  fingerprint: Option<u64>,
) -> Option<ActivitySpan> {
  let operation = state.enclosing(&event.ids)?;
  // 0.x has no call's id, and providers repeat ids, but the call has the same prompt and agent.
  let by_delegation = state.tree.delegating_tool(&operation.activity, fingerprint);
  let Some(call) = call else { return Some(by_delegation.unwrap_or(operation)) };
  let first = ActivitySpan::tool_call(&event.ids, call, operation.span.trace);
  let is_repeated = |tool: &ActivitySpan| match &tool.activity {
    Activity::Tool { call: id, .. } => id.strip_prefix(call).is_some_and(|id| id.starts_with('#')),
    _ => false,
  };
  Some(by_delegation.filter(is_repeated).unwrap_or(first))
}

fn label(agent: Option<&str>) -> SpanLabel {
  let name = agent.map_or_else(|| UNKNOWN.to_owned(), |agent| format!("task:{agent}"));
  SpanLabel::new(SpanType::Task, name)
}
