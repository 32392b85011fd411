//! Operations: `operation_start`, `operation`.

use super::{
  Translator, error, facts, identity,
  submission::Submissions,
  tree::{Activity, Look, Parent, Place},
  usage, workflow,
};
use crate::{
  event::{Event, Ids, Outcome, Payload, Usage},
  span::{Json, Row, SpanRef, SpanType, TraceId},
};

/// What an operation took in and gave.
pub(super) struct Content<'a> {
  pub input: Payload<'a>,
  pub output: Payload<'a>,
  pub usage: Option<Usage>,
}

/// The kinds that only wrap one other activity, which has a span of its own: a delegated task, and a
/// `bash` tool call.
const WRAPPERS: [&str; 2] = ["task", "shell"];

impl Translator {
  pub(super) fn operation_start(&mut self, event: &Event<'_>, kind: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(operation) = event.ids.operation.as_deref() else {
      return rows;
    };
    if let Some(mut row) = self.open_operation(event, operation, kind, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.operation", facts::text(kind));
      rows.push(row);
    }
    rows
  }

  pub(super) fn operation_end(
    &mut self,
    event: &Event<'_>,
    kind: Option<&str>,
    content: &Content<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(operation) = event.ids.operation.as_deref() else {
      return rows;
    };
    let activity = Activity::Operation(operation.to_owned());
    if self.tree.get(&activity).is_none() {
      let start = workflow::start_of(event.at, outcome);
      self.open_operation(event, operation, kind, start, &mut rows);
    }
    // The root operation of a 2.x submission tells no usage, and before 2.0.8 no output: its turns do.
    let (used, last_output) = self
      .tree
      .get_mut(&activity)
      .map(|open| (open.used.take(), open.last_output.take()))
      .unwrap_or_default();
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.operation", facts::text(kind));
      error::outcome(&mut row, outcome);
      row.input = content.input.map(Json::raw);
      row.output = content.output.map(Json::raw);
      if row.output.is_none() && row.error.is_none() && kind != Some("compact") {
        row.output = last_output;
      }
      if let Some(used) = content.usage.or(used) {
        usage::write(&mut row, &used);
      }
      rows.push(row);
    }
    rows
  }

  fn open_operation(
    &mut self,
    event: &Event<'_>,
    operation: &str,
    kind: Option<&str>,
    start: i64,
    rows: &mut Vec<Row>,
  ) -> Option<Row> {
    let kind = kind.unwrap_or("operation");
    let (place, start) = self.operation_place(event, operation, start, rows);
    let (place, look) = match (&place.parent, WRAPPERS.contains(&kind)) {
      // Without a span of its own, what it does lies below its parent.
      (Parent::Span(_, parent), true) => (
        Place {
          span: *parent,
          ..place
        },
        None,
      ),
      _ => (
        place,
        Some(Look {
          name: format!("flue.{kind}"),
          kind: SpanType::Task,
        }),
      ),
    };
    self.tree.open(
      Activity::Operation(operation.to_owned()),
      place,
      look,
      start,
    )
  }

  /// Where an operation stands, and when it began.
  fn operation_place(
    &mut self,
    event: &Event<'_>,
    operation: &str,
    start: i64,
    rows: &mut Vec<Row>,
  ) -> (Place, i64) {
    let ids = &event.ids;
    if let Some((activity, parent)) = self.enclosing_task(ids).or_else(|| workflow::run_span(ids)) {
      let span = identity::operation(parent.trace, operation);
      return (
        Place {
          span,
          parent: Parent::Span(activity, parent),
        },
        start,
      );
    }
    self
      .delivered(ids, operation, start, rows)
      .unwrap_or_else(|| {
        (
          Place {
            span: identity::lone_operation(operation),
            parent: Parent::None,
          },
          start,
        )
      })
  }

  /// The delegated task that the event lies in.
  fn enclosing_task(&self, ids: &Ids<'_>) -> Option<(Activity, SpanRef)> {
    let task = ids.task.as_deref()?;
    let activity = Activity::Task(task.to_owned());
    let span = match self.tree.get(&activity) {
      Some(open) => open.place.span,
      // Another process opened it: its identity is known all the same.
      None => identity::task(self.trace(ids), task),
    };
    Some((activity, span))
  }

  /// What the turns, tools and compactions of an operation lie below: the operation, else the run.
  pub(super) fn enclosing(&self, ids: &Ids<'_>) -> Option<(Activity, SpanRef)> {
    let Some(operation) = ids.operation.as_deref() else {
      return workflow::run_span(ids).or_else(|| self.enclosing_task(ids));
    };
    let activity = Activity::Operation(operation.to_owned());
    let span = match self.tree.get(&activity) {
      Some(open) => open.place.span,
      None => identity::operation(self.trace(ids), operation),
    };
    Some((activity, span))
  }

  /// The trace of an event whose enclosing span is not known here.
  pub(super) fn trace(&self, ids: &Ids<'_>) -> TraceId {
    workflow::run_span(ids)
      .map(|(_, run)| run)
      .or_else(|| self.submissions.root(ids))
      .or_else(|| Submissions::identity(ids))
      .unwrap_or_else(|| identity::lone_operation(ids.operation.as_deref().unwrap_or_default()))
      .trace
  }
}
