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
};
use braintrust_row::{Row, SpanType};
use flue_event::{Event, TaskEnd, TaskStart};

/// `task_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, start: &TaskStart<'_>) -> Vec<Row> {
  let agent = start.delegation.agent.as_deref();
  let Some(task) = event.ids.task.as_deref() else { return Vec::new() };
  let Some(parent) = delegating(state, event, start) else { return Vec::new() };
  let span = identity::task(parent.span.trace, task);
  let new = NewSpan {
    activity: Activity::Task(task.to_owned()),
    placement: parent.parent_of(span),
    label: Some(label(agent)),
    start: Start::At(event.at),
  };
  let Some(mut row) = state.tree.open(new) else { return Vec::new() };
  metadata::write_ids(&mut row, &event.ids);
  row.set_metadata("flue.agent", metadata::text(agent));
  row.set_metadata("flue.cwd", metadata::text(start.cwd.as_deref()));
  row.set_metadata("flue.tool_call_id", metadata::text(start.tool_call.as_deref()));
  row.input = start.input.map(messages::without_images);
  vec![row]
}

/// `task`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &TaskEnd<'_>) -> Vec<Row> {
  let Some(task) = event.ids.task.as_deref() else { return Vec::new() };
  let agent = end.agent.as_deref();
  let activity = Activity::Task(task.to_owned());
  // A task that is resumed after a crash reports only its end. The row of the process that crashed has its
  // parent and its start.
  let span = identity::task(state.trace(&event.ids), task);
  state.tree.open_implicit(NewSpan {
    activity: activity.clone(),
    placement: SpanPlacement { span, parent: Parent::Unknown },
    label: Some(label(agent)),
    start: Start::Resumed(end.outcome.start(event.at)),
  });
  let mut closed = state.tree.close(&activity, event.at);
  if let Some(row) = &mut closed.row {
    metadata::write_ids(row, &event.ids);
    row.set_metadata("flue.agent", metadata::text(agent));
    outcome::write(row, &end.outcome);
    row.output = end.output.map(messages::without_images);
  }
  closed.into_rows()
}

/// A task's parent: the tool call that started it, else the operation.
fn delegating(state: &State, event: &Event<'_>, start: &TaskStart<'_>) -> Option<ActivitySpan> {
  let operation = state.enclosing(&event.ids)?;
  if let Some(call) = start.tool_call.as_deref() {
    return Some(ActivitySpan::tool_call(&event.ids, call, operation.span.trace));
  }
  // 0.x has no call's id, but the call has the same prompt and agent.
  let fingerprint = identity::fingerprint(&start.delegation);
  let by_delegation = state.tree.delegating_tool(&operation.activity, fingerprint);
  Some(by_delegation.unwrap_or(operation))
}

fn label(agent: Option<&str>) -> SpanLabel {
  let name = agent.map_or_else(|| "flue.task".to_owned(), |agent| format!("task:{agent}"));
  SpanLabel::new(SpanType::Task, name)
}
