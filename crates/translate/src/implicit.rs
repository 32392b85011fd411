//! Opens spans whose start event never arrived: it was filtered out, refused, or went to another process.

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
    // The id in a `task_start` names the new task, not the one that encloses the delegating operation.
    Body::TaskStart(_) => open_both(state, event, &Ids { task: None, ..ids.clone() }),
    _ => Vec::new(),
  }
}

fn open_both(state: &mut State, event: &Event<'_>, ids: &Ids<'_>) -> Vec<Row> {
  let mut rows: Vec<Row> = open_run(state, event).into_iter().collect();
  // A part that is known has its parent. Its event may lack the operation, which has ended.
  if is_unopened(state, event, Activity::operation(ids)) && !is_known(state, event) {
    rows.extend(operation::open_implicit(state, ids, event.at));
  }
  rows
}

fn open_run(state: &mut State, event: &Event<'_>) -> Option<Row> {
  if is_unopened(state, event, Activity::run(&event.ids)) {
    run::open_implicit(state, event)
  } else {
    None
  }
}

/// Whether the activity, which encloses the event's, is named, and neither open nor ended. Events of its parts do not
/// reopen a span that was interrupted.
fn is_unopened(state: &mut State, event: &Event<'_>, activity: Option<Activity>) -> bool {
  // Nearly always it is open, so that is checked first.
  let Some(activity) = activity.filter(|activity| state.tree.get(activity).is_none()) else {
    return false;
  };
  if begins(event) && !is_known(state, event) {
    // There was no room for it, but there is for a part of it.
    state.tree.readmit(&activity);
  }
  !state.tree.has_ended(&activity)
}

fn begins(event: &Event<'_>) -> bool {
  matches!(
    event.body,
    Body::OperationStart(_)
      | Body::TurnRequest(_)
      | Body::ToolStart(_)
      | Body::TaskStart(_)
      | Body::CompactionStart(_)
  )
}

/// Whether the span that the event starts or ends is open, or has been closed in any way.
fn is_known(state: &State, event: &Event<'_>) -> bool {
  let activity = state.tool_calls.find(event).or_else(|| Activity::named_by(event));
  activity.is_some_and(|known| state.tree.get(&known).is_some() || state.tree.has_ended(&known))
}
