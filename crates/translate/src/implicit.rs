//! Spans that an event opens although their own start never came: it was filtered out, refused, or came to
//! another process.

use crate::{activity::Activity, operation, run, state::State};
use braintrust_row::Row;
use flue_event::{Body, Event, Ids};

/// Opens the run and the operation that enclose the event, if they are not open.
pub fn open_enclosing(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  let ids = &event.ids;
  match event.body {
    Body::OperationStart(_) | Body::OperationEnd(_) => open_run(state, event).into_iter().collect(),
    Body::TurnRequest(_)
    | Body::TurnEnd(_)
    | Body::ToolStart(_)
    | Body::ToolEnd(_)
    | Body::CompactionStart(_) => open_both(state, event, ids),
    // The task of a task's start is not the one that encloses the delegating operation.
    Body::TaskStart(_) => open_both(state, event, &Ids { task: None, ..ids.clone() }),
    _ => Vec::new(),
  }
}

fn open_both(state: &mut State, event: &Event<'_>, ids: &Ids<'_>) -> Vec<Row> {
  let is_operation_over = has_ended(state, Activity::operation(ids));
  let run = open_run(state, event);
  let operation =
    if is_operation_over { Vec::new() } else { operation::open_implicit(state, ids, event.at) };
  run.into_iter().chain(operation).collect()
}

fn open_run(state: &mut State, event: &Event<'_>) -> Option<Row> {
  if has_ended(state, Activity::run(&event.ids)) { None } else { run::open_implicit(state, event) }
}

/// What was interrupted is not opened again by events of its parts.
fn has_ended(state: &State, activity: Option<Activity>) -> bool {
  activity.is_some_and(|activity| state.tree.has_ended(&activity))
}
