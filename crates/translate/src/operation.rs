//! Operations: `operation_start`, `operation`.

use serde::{Deserialize, Serialize};

use super::{
  Translator,
  activity::Activity,
  caller, error, facts, identity, messages,
  submission::Submissions,
  tool,
  tree::{Look, Parent, Place, Start},
  usage,
};
use braintrust_row::{Json, Row, SpanRef, SpanType, TraceId};
use flue_event::{Caller, Event, Ids, Outcome, Payload, TraceCarrier, Usage};

/// What an operation took in and gave.
pub(super) struct Content<'a> {
  pub input: Payload<'a>,
  pub output: Payload<'a>,
  pub usage: Option<Usage>,
}

/// Who called an operation, as far as the async context tells.
#[derive(Clone, Copy, Default)]
pub(super) struct Called<'a> {
  /// The tool call it was called in.
  pub tool: Option<&'a Caller<'a>>,
  /// The application's own span that it was called in: a row id.
  pub span: Option<&'a str>,
  /// Where the caller of its submission stands.
  pub carrier: Option<&'a TraceCarrier<'a>>,
}

/// What its turns told of an operation, for those releases and cases in which its own end does not.
#[derive(Default, Serialize, Deserialize)]
pub struct Told {
  /// The sum of what they used.
  pub used: Option<Usage>,
  /// Whether the first of them told what was asked.
  pub asked: bool,
  /// What the last of them put out.
  #[serde(skip)]
  pub answered: Option<Json>,
}

/// The kinds that only wrap one other activity, which has a span of its own: a delegated task, and a
/// `bash` tool call.
const WRAPPERS: [&str; 2] = ["task", "shell"];

impl Translator {
  pub(super) fn operation_start(
    &mut self,
    event: &Event<'_>,
    kind: Option<&str>,
    called: &Called<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(operation) = event.ids.operation.as_deref() else { return rows };
    let activity = Activity::Operation(operation.to_owned());
    if self.tree.has_ended(&activity) {
      return rows;
    }
    // What is open stays where it is, whatever a later start says.
    let known = self.tree.get(&activity).map(|open| (open.place.clone(), open.start));
    let (place, start) = known
      .unwrap_or_else(|| self.operation_place(&event.ids, operation, event.at, called, &mut rows));
    if let Some(mut row) = self.open_operation(operation, kind, place, start) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.operation", facts::text(kind));
      self.facts_of_run(&mut row, &event.ids);
      if self.submissions.is_root(&event.ids, operation) {
        self.submissions.describe(&mut row, &event.ids);
        caller::facts(&mut row, called.carrier);
        if let Some(open) = self.tree.get_mut(&activity) {
          open.told.used = open.told.used.or(self.submissions.used_before(&event.ids));
        }
      }
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
    let Some(operation) = event.ids.operation.as_deref() else { return rows };
    let activity = Activity::Operation(operation.to_owned());
    self.unseen_operation(&event.ids, outcome.start(event.at), &mut rows);
    let mut told = Told::default();
    if let Some(open) = self.tree.get_mut(&activity) {
      told = std::mem::take(&mut open.told);
      if open.unseen {
        open.look = look(kind);
      }
    }
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      row.fact("flue.operation", facts::text(kind));
      self.facts_of_run(&mut row, &event.ids);
      error::outcome(&mut row, outcome);
      row.input = content.input.map(messages::without_images);
      row.output = content.output.map(messages::without_images);
      if row.output.is_none() && row.error.is_none() && kind != Some("compact") {
        row.output = told.answered;
      }
      if let Some(used) = content.usage.or(told.used) {
        usage::write(&mut row, &used);
      }
      if self.submissions.is_root(&event.ids, operation) {
        self.submissions.take_back(&mut row, &event.ids);
        self.submissions.set_used(&event.ids, told.used);
        if outcome.failure.is_none() {
          self.submissions.answered(&event.ids, event.at);
        }
      }
      rows.push(row);
      rows.extend(self.unseen_run_end(event));
    }
    rows
  }

  /// Opens the operation of these ids if its start never came to this process.
  pub(super) fn unseen_operation(&mut self, ids: &Ids<'_>, start: i64, rows: &mut Vec<Row>) {
    let Some(operation) = ids.operation.as_deref() else { return };
    let activity = Activity::Operation(operation.to_owned());
    if self.tree.get(&activity).is_some() || self.tree.has_finished(&activity) {
      return;
    }
    let (place, start) = self.operation_place(ids, operation, start, &Called::default(), rows);
    let look = Look::new(SpanType::Task, "flue.operation".into());
    if let Some(mut row) = self.tree.open_unseen(activity, place, look, start) {
      facts::ids(&mut row, ids);
      row.metadata.remove("flue.turn_id");
      rows.push(row);
    }
  }

  fn open_operation(
    &mut self,
    operation: &str,
    kind: Option<&str>,
    place: Place,
    start: Start,
  ) -> Option<Row> {
    let (place, look) = match &place.parent {
      // Without a span of its own, what it does lies below its parent.
      Parent::Span(_, parent) if kind.is_some_and(|kind| WRAPPERS.contains(&kind)) => {
        (Place { span: *parent, ..place }, None)
      }
      _ => (place, look(kind)),
    };
    self.tree.open(Activity::Operation(operation.to_owned()), place, look, start)
  }

  /// Where an operation stands, and when it began.
  fn operation_place(
    &mut self,
    ids: &Ids<'_>,
    operation: &str,
    start: i64,
    called: &Called<'_>,
    rows: &mut Vec<Row>,
  ) -> (Place, Start) {
    let around = self
      .enclosing_task(ids)
      .or_else(|| self.calling_span(called.span))
      .or_else(|| self.calling_tool(called.tool))
      .or_else(|| self.run_span(ids));
    if let Some((activity, parent)) = around {
      let span = identity::operation(parent.trace, operation);
      return (Place { span, parent: Parent::Span(activity, parent) }, Start::At(start));
    }
    self.delivered(ids, operation, start, called.carrier, rows).unwrap_or_else(|| {
      let span = identity::lone_operation(operation);
      (Place { span, parent: Parent::None }, Start::At(start))
    })
  }

  /// The application's span that the async context names as the operation's caller, while it is open.
  fn calling_span(&self, row: Option<&str>) -> Option<(Activity, SpanRef)> {
    let activity = Activity::Span(row?.to_owned());
    let span = self.tree.get(&activity)?.place.span;
    Some((activity, span))
  }

  /// The tool call that the async context names as the operation's caller, while it runs.
  fn calling_tool(&self, caller: Option<&Caller<'_>>) -> Option<(Activity, SpanRef)> {
    let Caller { call, ids } = caller?;
    let (_, enclosing) = self.enclosing(ids)?;
    let (activity, _) = tool::call_span(ids, call, enclosing.trace);
    let span = self.tree.get(&activity)?.place.span;
    Some((activity, span))
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
      return self.run_span(ids).or_else(|| self.enclosing_task(ids));
    };
    let activity = Activity::Operation(operation.to_owned());
    let span = match self.tree.get(&activity) {
      Some(open) => open.place.span,
      None if self.submissions.is_root(ids, operation) => self.submissions.root(ids)?,
      None => identity::operation(self.trace(ids), operation),
    };
    Some((activity, span))
  }

  /// The trace of an event whose enclosing span is not known here.
  pub(super) fn trace(&self, ids: &Ids<'_>) -> TraceId {
    self
      .run_span(ids)
      .map(|(_, run)| run)
      .or_else(|| self.submissions.root(ids))
      .or_else(|| Submissions::identity(ids))
      .unwrap_or_else(|| identity::lone_operation(ids.operation.as_deref().unwrap_or_default()))
      .trace
  }
}

fn look(kind: Option<&str>) -> Option<Look> {
  Some(Look::new(SpanType::Task, format!("flue.{}", kind.unwrap_or("operation"))))
}
