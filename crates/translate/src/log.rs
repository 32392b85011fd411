//! Log lines: `log`.

use crate::{activity::Activity, compaction, open_span::OpenSpan, state::State};
use braintrust_row::Row;
use flue_event::{Event, Log};

/// `log`. The line is written with the last row of its span. On 0.x it also ends a compaction that failed.
#[inline(never)]
pub fn log(state: &mut State, event: &Event<'_>, log: &Log<'_>) -> Vec<Row> {
  if state.options.logs
    && let Some(span) = owner(state, event, log)
  {
    span.logs.push(event, log);
  }
  let outcome = log.failed_compaction.as_ref();
  outcome.map(|outcome| compaction::failed(state, event, outcome)).unwrap_or_default()
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
