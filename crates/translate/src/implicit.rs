//! Opens spans whose start event never arrived: it was filtered out, refused, or went to another process.

use crate::{activity::Activity, operation, run, state::State};
use braintrust_row::{Members, Row};
use flue_event::{Body, Event, Ids};

/// Opens the run and the operation that enclose the event, if they are not open.
pub fn open_enclosing(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  let ids = &event.ids;
  match event.body {
    Body::OperationStart(_) | Body::OperationEnd(_) => open_run(state, event),
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
  let mut rows = open_run(state, event);
  // A part that is known has its parent. Its event may lack the operation, which has ended.
  if let Some(unopened) = unopened(state, event, Activity::operation(ids))
    && !is_known(state, event)
  {
    rows.extend(operation::open_implicit(state, ids, unopened.start(event)));
    rows.extend(unopened.close(state));
  }
  rows
}

fn open_run(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  let mut rows = Vec::new();
  if let Some(unopened) = unopened(state, event, Activity::run(&event.ids)) {
    rows.extend(run::open_implicit(state, event, unopened.start(event)));
    rows.extend(unopened.close(state));
  }
  rows
}

/// What encloses an event, and is to be opened.
struct Unopened {
  activity: Activity,
  /// When its own end came, which was ignored as there was no room for it, in milliseconds since the epoch.
  ended_at: Option<i64>,
}

impl Unopened {
  fn start(&self, event: &Event<'_>) -> i64 {
    self.ended_at.map_or(event.at, |ended_at| ended_at.min(event.at))
  }

  /// Closes it if it has ended. How is not known.
  fn close(self, state: &mut State) -> Option<Row> {
    let mut row = state.tree.close(&self.activity, self.ended_at?).row?;
    (row.error, row.metadata) = (None, Members::default());
    Some(row)
  }
}

/// The activity, which encloses the event's, if it is named, and neither open nor ended. Events of its parts do not
/// reopen a span that was interrupted.
fn unopened(state: &mut State, event: &Event<'_>, activity: Option<Activity>) -> Option<Unopened> {
  // Nearly always it is open, so that is checked first.
  let activity = activity.filter(|activity| state.tree.get(activity).is_none())?;
  let mut ended_at = None;
  if begins(event) && !is_known(state, event) {
    // There was no room for it, but there is for a part of it.
    ended_at = state.tree.readmit(&activity);
  }
  (!state.tree.has_ended(&activity)).then_some(Unopened { activity, ended_at })
}

/// Whether Flue begins something with the event, of which further events follow.
pub fn begins(event: &Event<'_>) -> bool {
  matches!(
    event.body,
    Body::RunStart(_)
      | Body::OperationStart(_)
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
