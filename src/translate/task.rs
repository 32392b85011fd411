//! Delegated tasks: `task_start`, `task`.
//!
//! The ids of these events mix two scopes: the operation and turn are the delegating side's, the
//! session, conversation and task are the child's.

use super::{
  Translator, error, facts, identity, tool,
  tree::{Activity, Look, Parent, Place},
  workflow,
};
use crate::{
  event::{Event, Outcome, Payload},
  span::{Json, Row, SpanType},
};

/// What was delegated to whom.
pub(super) struct Delegation<'a> {
  pub agent: Option<&'a str>,
  pub cwd: Option<&'a str>,
  /// The tool call by which a model delegated it.
  pub call: Option<&'a str>,
}

impl Translator {
  pub(super) fn task_start(
    &mut self,
    event: &Event<'_>,
    of: &Delegation<'_>,
    input: Payload<'_>,
  ) -> Vec<Row> {
    let Some(mut row) = self.open_task(event, of, event.at) else {
      return Vec::new();
    };
    facts::ids(&mut row, &event.ids);
    row.fact("flue.agent", facts::text(of.agent));
    row.fact("flue.cwd", facts::text(of.cwd));
    row.fact("flue.tool_call_id", facts::text(of.call));
    row.input = input.map(Json::raw);
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
    let Some(task) = event.ids.task.as_deref() else {
      return rows;
    };
    let activity = Activity::Task(task.to_owned());
    if self.tree.get(&activity).is_none() {
      let of = Delegation {
        agent,
        cwd: None,
        call: None,
      };
      self.open_task(event, &of, workflow::start_of(event.at, outcome));
    }
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.agent", facts::text(agent));
      error::outcome(&mut row, outcome);
      row.output = output.map(Json::raw);
      rows.push(row);
    }
    rows
  }

  fn open_task(&mut self, event: &Event<'_>, of: &Delegation<'_>, start: i64) -> Option<Row> {
    let task = event.ids.task.as_deref()?;
    let (operation, enclosing) = self.enclosing(&event.ids)?;
    let parent = of
      .call
      .map(|call| tool::call_span(&event.ids, call, enclosing.trace))
      .map_or(Parent::Span(operation, enclosing), |(call, span)| {
        Parent::Span(call, span)
      });
    let name = of
      .agent
      .map_or_else(|| "flue.task".to_owned(), |agent| format!("task:{agent}"));
    let place = Place {
      span: identity::task(enclosing.trace, task),
      parent,
    };
    let look = Look {
      name,
      kind: SpanType::Task,
    };
    self
      .tree
      .open(Activity::Task(task.to_owned()), place, Some(look), start)
  }
}
