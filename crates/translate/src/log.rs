//! Log lines: `log`.

use crate::{
  activity::Activity, compaction, open_span::OpenSpan, placement::ActivitySpan, state::State,
};
use braintrust_row::Row;
use flue_event::{Event, Log};

/// `log`. The line is written with the last row of its span, or at once if that has ended. On 0.x it also ends a
/// compaction that failed.
#[inline(never)]
pub fn log(state: &mut State, event: &Event<'_>, log: &Log<'_>) -> Vec<Row> {
  let mut rows = Vec::new();
  if state.options.logs {
    if let Some(span) = owner(state, event, log) {
      span.logs.push(event, log);
    } else if let Some(ActivitySpan { activity, span }) = state.enclosing(&event.ids)
      && let Some(lines) = state.tree.late_logs(&activity)
    {
      if lines.push_late(event, log) {
        let mut row = Row::of(span);
        lines.write(&mut row, ["flue.late_logs", "flue.late_logs_dropped"]);
        rows.push(row);
      }
    } else {
      state.has_lost_line = true;
    }
  }
  if let Some(outcome) = &log.failed_compaction {
    rows.extend(compaction::failed(state, event, outcome));
  }
  rows
}

/// The innermost open span that the event names: its tool call, operation, run, task, or the root of its submission.
fn owner<'s>(state: &'s mut State, event: &Event<'_>, log: &Log<'_>) -> Option<&'s mut OpenSpan> {
  let ids = &event.ids;
  let call = log.tool_call.as_deref().map(|call| Activity::tool(ids, call));
  let root = state.delivery_root(ids).map(|root| root.activity);
  let owner = [call, Activity::operation(ids), Activity::run(ids), Activity::task(ids), root]
    .into_iter()
    .flatten()
    .find(|activity| state.tree.get(activity).is_some_and(|open| open.label.is_some()))?;
  state.tree.get_mut(&owner)
}
