//! Tool calls: `tool_start`, `tool`.

use super::{
  Translator,
  activity::Activity,
  error, facts, identity, messages,
  tree::{Look, Parent, Place, Start},
};
use braintrust_row::{Row, SpanRef, SpanType, TraceId};
use flue_event::{Delegation, Event, Ids, Outcome, Payload, Tool};

/// A tool call and its span. The call's id alone repeats between agents; within a turn it does not.
pub(super) fn call_span(ids: &Ids<'_>, call: &str, trace: TraceId) -> (Activity, SpanRef) {
  let activity = Activity::tool(ids, call);
  let scope = ids.turn.as_deref().or(ids.operation.as_deref()).or(ids.run.as_deref());
  (activity, identity::tool(trace, scope.unwrap_or_default(), call))
}

impl Translator {
  pub(super) fn tool_start(
    &mut self,
    event: &Event<'_>,
    tool: &Tool<'_>,
    args: Payload<'_>,
    delegation: Option<&Delegation<'_>>,
  ) -> Vec<Row> {
    self.turn_answered(event);
    let Some((activity, place)) = self.tool_place(&event.ids, tool) else { return Vec::new() };
    let start = Start::At(event.at);
    let Some(mut row) = self.tree.open(activity.clone(), place, Some(look(tool)), start) else {
      return Vec::new();
    };
    if let Some(open) = self.tree.get_mut(&activity) {
      // The call and the task that it starts name the same.
      open.delegates = delegation.map(identity::fingerprint);
    }
    tool_facts(&mut row, event, tool);
    row.input = args.map(messages::without_images);
    vec![row]
  }

  /// Flue publishes the end when the whole batch of calls commits, so the time of the event says
  /// nothing: the call ended its duration after its start.
  pub(super) fn tool_end(
    &mut self,
    event: &Event<'_>,
    tool: &Tool<'_>,
    exit_code: Option<f64>,
    output: Payload<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, place)) = self.tool_place(&event.ids, tool) else { return rows };
    let start = match self.tree.get(&activity) {
      Some(open) => open.start.time(),
      None => outcome.start(event.at),
    };
    let end = outcome.duration.map_or(event.at, |took| start.saturating_add(took as i64));
    self.tree.open_unseen(activity.clone(), place, look(tool), Start::At(start));
    if let Some(mut row) = self.tree.close(&activity, end, &mut rows) {
      tool_facts(&mut row, event, tool);
      row.fact("flue.exit_code", facts::number(exit_code));
      error::outcome(&mut row, outcome);
      row.output = output.map(messages::without_images);
      rows.push(row);
    }
    rows
  }

  fn tool_place(&self, ids: &Ids<'_>, tool: &Tool<'_>) -> Option<(Activity, Place)> {
    let (parent, enclosing) = self.enclosing(ids)?;
    let (activity, span) = call_span(ids, tool.call.as_deref()?, enclosing.trace);
    Some((activity, Place { span, parent: Parent::Span(parent, enclosing) }))
  }
}

fn look(tool: &Tool<'_>) -> Look {
  Look::new(SpanType::Tool, format!("tool:{}", tool.name.as_deref().unwrap_or("unknown")))
}

fn tool_facts(row: &mut Row, event: &Event<'_>, tool: &Tool<'_>) {
  facts::ids(row, &event.ids);
  row.fact("flue.tool_name", facts::text(tool.name.as_deref()));
  row.fact("flue.tool_call_id", facts::text(tool.call.as_deref()));
  row.fact("flue.tool_origin", facts::text(tool.origin.as_deref()));
}
