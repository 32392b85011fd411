//! Log lines: `log`.

use crate::{activity::Activity, compaction, placement::ActivitySpan, state::State};
use braintrust_row::{Row, SpanContext};
use flue_event::{Event, Ids, Log};

/// `log`. The line is written with the last row of its span, or at once if that has ended. On 0.x it also ends a
/// compaction that failed.
#[inline(never)]
pub fn log(state: &mut State, event: &Event<'_>, log: &Log<'_>) -> Vec<Row> {
  let mut rows = Vec::new();
  match place(state, event, log) {
    Some(Place::Open(activity)) => {
      if let Some(span) = state.tree.get_mut(&activity) {
        span.logs.push(event, log);
      }
    }
    Some(Place::Ended(span)) => rows.push(state.late_logs.push(span, event, log)),
    None => {}
  }
  let outcome = log.failed_compaction.as_ref();
  rows.extend(outcome.into_iter().flat_map(|outcome| compaction::failed(state, event, outcome)));
  rows
}

/// Whether a line is to be shown, and no span of its work is known.
pub fn is_lost(state: &State, event: &Event<'_>, log: &Log<'_>) -> bool {
  state.options.logs && place(state, event, log).is_none()
}

/// Where a line is shown.
enum Place {
  Open(Activity),
  Ended(SpanContext),
}

/// The innermost open span that the event names: its tool call, operation, run, task, or the root of its submission;
/// else the operation, the run, the task or the root that has ended.
fn place(state: &State, event: &Event<'_>, log: &Log<'_>) -> Option<Place> {
  let ids = &event.ids;
  if !state.options.logs {
    return None;
  }
  let call = log.tool_call.as_deref().map(|call| Activity::tool(ids, call));
  let root = state.delivery_root(ids).map(|root| root.activity);
  let open = [call, Activity::operation(ids), Activity::run(ids), Activity::task(ids), root]
    .into_iter()
    .flatten()
    .find(|activity| state.tree.get(activity).is_some_and(|open| open.label.is_some()));
  open.map(Place::Open).or_else(|| ended(state, ids).map(Place::Ended))
}

fn ended(state: &State, ids: &Ids<'_>) -> Option<SpanContext> {
  let ActivitySpan { activity, span } = state.enclosing(ids)?;
  let is_shown = state.tree.has_ended(&activity) && !state.tree.is_ignored(&activity);
  is_shown.then_some(span)
}
