//! Delegated tasks: `task_start`, `task`.
//!
//! The ids of these events mix two scopes: the operation and turn are the delegating side's, the
//! session, conversation and task are the child's.

use super::{
  Translator,
  activity::Activity,
  error, facts, identity, messages, tool,
  tree::{Look, Parent, Place, Start},
};
use braintrust_row::{Row, SpanRef, SpanType};
use flue_event::{Delegation, Event, Outcome, Payload};

impl Translator {
  pub(super) fn task_start(
    &mut self,
    event: &Event<'_>,
    delegation: &Delegation<'_>,
    cwd: Option<&str>,
    call: Option<&str>,
    input: Payload<'_>,
  ) -> Vec<Row> {
    let Some(task) = event.ids.task.as_deref() else { return Vec::new() };
    let Some((parent, span)) = self.delegating(event, delegation, call) else { return Vec::new() };
    let place =
      Place { span: identity::task(span.trace, task), parent: Parent::Span(parent, span) };
    let look = look(delegation.agent.as_deref());
    let activity = Activity::Task(task.to_owned());
    let Some(mut row) = self.tree.open(activity, place, Some(look), Start::At(event.at)) else {
      return Vec::new();
    };
    facts::ids(&mut row, &event.ids);
    row.fact("flue.agent", facts::text(delegation.agent.as_deref()));
    row.fact("flue.cwd", facts::text(cwd));
    row.fact("flue.tool_call_id", facts::text(call));
    row.input = input.map(messages::without_images);
    vec![row]
  }

  pub(super) fn task_end(
    &mut self,
    event: &Event<'_>,
    agent: Option<&str>,
    output: Payload<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(task) = event.ids.task.as_deref() else { return rows };
    let activity = Activity::Task(task.to_owned());
    // Resumed after a crash, only its end is reported. Where it lies and when it began, the dead process
    // has told.
    let span = identity::task(self.trace(&event.ids), task);
    let place = Place { span, parent: Parent::Unknown };
    let start = Start::Earlier(outcome.start(event.at));
    self.tree.open_unseen(activity.clone(), place, look(agent), start);
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.agent", facts::text(agent));
      error::outcome(&mut row, outcome);
      row.output = output.map(messages::without_images);
      rows.push(row);
    }
    rows
  }

  /// What a task lies below: the tool call that raised it, else the operation.
  fn delegating(
    &self,
    event: &Event<'_>,
    delegation: &Delegation<'_>,
    call: Option<&str>,
  ) -> Option<(Activity, SpanRef)> {
    let (operation, enclosing) = self.enclosing(&event.ids)?;
    if let Some(call) = call {
      return Some(tool::call_span(&event.ids, call, enclosing.trace));
    }
    // 0.x names no call, but the call names the same prompt and agent.
    let by_content = self.tree.delegating_tool(&operation, identity::fingerprint(delegation));
    Some(by_content.unwrap_or((operation, enclosing)))
  }
}

fn look(agent: Option<&str>) -> Look {
  let name = agent.map_or_else(|| "flue.task".to_owned(), |agent| format!("task:{agent}"));
  Look::new(SpanType::Task, name)
}
