//! Tool calls: `tool_start`, `tool`.

use super::{
  Translator, error, facts, identity,
  tree::{Activity, Look, Parent, Place},
  workflow,
};
use crate::{
  event::{Event, Ids, Outcome, Payload, Tool},
  span::{Json, Row, SpanRef, SpanType, TraceId},
};

/// A tool call and its span. The call's id alone repeats between agents; within a turn it does not.
pub(super) fn call_span(ids: &Ids<'_>, call: &str, trace: TraceId) -> (Activity, SpanRef) {
  let scope = ids
    .turn
    .as_deref()
    .or(ids.operation.as_deref())
    .or(ids.run.as_deref());
  let scope = scope.unwrap_or_default();
  let activity = Activity::Tool {
    scope: scope.to_owned(),
    call: call.to_owned(),
  };
  (activity, identity::tool(trace, scope, call))
}

impl Translator {
  pub(super) fn tool_start(
    &mut self,
    event: &Event<'_>,
    tool: &Tool<'_>,
    args: Payload<'_>,
  ) -> Vec<Row> {
    let Some((activity, place)) = self.tool_place(&event.ids, tool) else {
      return Vec::new();
    };
    let Some(mut row) = self.tree.open(activity, place, Some(look(tool)), event.at) else {
      return Vec::new();
    };
    tool_facts(&mut row, event, tool);
    row.input = args.map(Json::raw);
    vec![row]
  }

  /// Flue publishes the end when the whole batch of calls commits, so the time of the event says
  /// nothing: the call ended its duration after its start.
  pub(super) fn tool_end(
    &mut self,
    event: &Event<'_>,
    tool: &Tool<'_>,
    output: Payload<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, place)) = self.tool_place(&event.ids, tool) else {
      return rows;
    };
    let start = match self.tree.get(&activity) {
      Some(open) => open.start,
      None => workflow::start_of(event.at, outcome),
    };
    let end = outcome
      .duration
      .map_or(event.at, |took| start.saturating_add(took as i64));
    self
      .tree
      .open(activity.clone(), place, Some(look(tool)), start);
    if let Some(mut row) = self.tree.close(&activity, end, &mut rows) {
      tool_facts(&mut row, event, tool);
      error::outcome(&mut row, outcome);
      row.output = output.map(Json::raw);
      rows.push(row);
    }
    rows
  }

  fn tool_place(&self, ids: &Ids<'_>, tool: &Tool<'_>) -> Option<(Activity, Place)> {
    let (parent, enclosing) = self.enclosing(ids)?;
    let (activity, span) = call_span(ids, tool.call.as_deref()?, enclosing.trace);
    Some((
      activity,
      Place {
        span,
        parent: Parent::Span(parent, enclosing),
      },
    ))
  }
}

fn look(tool: &Tool<'_>) -> Look {
  Look {
    name: format!("tool:{}", tool.name.as_deref().unwrap_or("unknown")),
    kind: SpanType::Tool,
  }
}

fn tool_facts(row: &mut Row, event: &Event<'_>, tool: &Tool<'_>) {
  facts::ids(row, &event.ids);
  row.fact("flue.tool_name", facts::text(tool.name.as_deref()));
  row.fact("flue.tool_call_id", facts::text(tool.call.as_deref()));
  row.fact("flue.tool_origin", facts::text(tool.origin.as_deref()));
}
