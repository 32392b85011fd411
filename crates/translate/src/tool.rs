//! Tool calls: `tool_start`, `tool`.

use crate::{
  activity::Activity,
  identity, messages, metadata,
  open_span::NewSpan,
  outcome,
  placement::{SpanLabel, Start},
  state::State,
  turn,
};
use braintrust_row::{Row, SpanType};
use flue_event::{Event, Tool, ToolEnd, ToolStart};

/// The name of a call whose tool is not known.
const UNKNOWN: &str = "tool:unknown";

/// `tool_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, start: &ToolStart<'_>) -> Vec<Row> {
  turn::responded(state, event);
  let Some(activity) = state.tool_calls.note(event) else { return Vec::new() };
  let new = new_span(state, event, &activity, &start.tool, Start::At(event.at));
  let Some(new) = new else { return Vec::new() };
  let Some(mut row) = state.tree.open(new) else { return Vec::new() };
  if let Some(open) = state.tree.get_mut(&activity) {
    // The call and the task that it starts have the same prompt and agent.
    open.delegation = start.delegates.as_ref().map(identity::fingerprint);
  }
  write(&mut row, event, &start.tool);
  row.input = start.args.map(messages::without_images);
  vec![row]
}

/// `tool`. Flue publishes it when the whole batch of calls commits: the call ended its duration after its start.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &ToolEnd<'_>) -> Vec<Row> {
  let Some(activity) = state.tool_calls.note(event) else { return Vec::new() };
  let known = state.tree.get(&activity).map(|open| open.start.time());
  let start = known.unwrap_or_else(|| end.outcome.start(event.at));
  let took = end.outcome.duration.map(|took| match known {
    // 0.x reports each end at once, and confuses the durations of calls with one id.
    Some(start) if event.is_0x && event.at >= start => event.at.saturating_sub(start) as f64,
    _ => took,
  });
  let ended_at = outcome::end(start, took, event.at);
  if known.is_none() {
    let new = new_span(state, event, &activity, &end.tool, Start::At(start));
    new.and_then(|new| state.tree.open_implicit(new));
  }
  if let Some(open) = state.tree.get_mut(&activity) {
    open.name_unless_known(UNKNOWN, || Some(name(end.tool.name.as_deref()?)));
  }
  let mut closed = state.tree.close(&activity, ended_at);
  if let Some(row) = &mut closed.row {
    write(row, event, &end.tool);
    row.set_metadata("flue.exit_code", metadata::number(end.exit_code));
    outcome::write(row, &end.outcome);
    row.set_metric("duration_ms", took);
    row.output = end.output.map(messages::without_images);
  }
  closed.into_rows()
}

fn new_span(
  state: &State,
  event: &Event<'_>,
  activity: &Activity,
  tool: &Tool<'_>,
  start: Start,
) -> Option<NewSpan> {
  let Activity::Tool { scope, call } = activity else { return None };
  let parent = state.enclosing(&event.ids)?;
  let span = identity::tool(parent.span.trace, scope, call);
  let name = tool.name.as_deref().map_or_else(|| UNKNOWN.to_owned(), name);
  let label = Some(SpanLabel::new(SpanType::Tool, name));
  Some(NewSpan { activity: activity.clone(), placement: parent.parent_of(span), label, start })
}

/// The label of a call of the tool that delegates a task.
pub fn task_label() -> SpanLabel {
  SpanLabel::new(SpanType::Tool, name("task"))
}

fn name(tool: &str) -> String {
  format!("tool:{tool}")
}

fn write(row: &mut Row, event: &Event<'_>, tool: &Tool<'_>) {
  metadata::write_ids(row, &event.ids);
  row.set_metadata("flue.tool_name", metadata::text(tool.name.as_deref()));
  row.set_metadata("flue.tool_call_id", metadata::text(tool.call.as_deref()));
  row.set_metadata("flue.tool_origin", metadata::text(tool.origin.as_deref()));
}
