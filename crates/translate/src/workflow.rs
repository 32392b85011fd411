//! Workflow runs: `run_start`, `run_resume`, `run_end`.

use serde::{Deserialize, Serialize};

use super::{
  Translator,
  activity::Activity,
  caller, content, error, facts, identity, messages,
  tree::{Look, Parent, Place, Start},
};
use braintrust_row::time;
use braintrust_row::{Json, Row, SpanRef, SpanType};
use flue_event::{Event, Ids, Outcome, Payload, TraceCarrier};

/// What a run tells of itself on each of its operations.
#[derive(Default, Serialize, Deserialize)]
pub struct HandedDown {
  workflow: Option<String>,
  /// On 0.x a run is an instance; its operations do not say so.
  instance: Option<String>,
  /// The members of `metadata` in the run's input.
  #[serde(skip)]
  metadata: Vec<(String, Json)>,
}

impl HandedDown {
  /// Writes it where the row does not say otherwise itself.
  fn write(&self, row: &mut Row) {
    let Self { workflow, instance, metadata } = self;
    let own = [("flue.workflow_name", workflow), ("flue.instance_id", instance)];
    let own = own
      .into_iter()
      .filter_map(|(name, value)| Some((name.to_owned(), facts::text(value.as_deref())?)));
    for (name, value) in own.chain(metadata.iter().cloned()) {
      row.metadata.insert_new(name.into(), value);
    }
  }
}

impl Translator {
  /// The span of the event's run.
  pub(super) fn run_span(&self, ids: &Ids<'_>) -> Option<(Activity, SpanRef)> {
    let run = ids.run.as_deref()?;
    let activity = Activity::Run(run.to_owned());
    // Its trace may be its caller's.
    let open = self.tree.get(&activity).map(|open| open.place.span);
    Some((activity, open.unwrap_or_else(|| identity::run(run))))
  }

  pub(super) fn run_start(
    &mut self,
    event: &Event<'_>,
    workflow: Option<&str>,
    started: Option<i64>,
    input: Payload<'_>,
    resumed: bool,
    carrier: Option<&TraceCarrier<'_>>,
  ) -> Vec<Row> {
    let Some((activity, span)) = self.run_span(&event.ids) else {
      return Vec::new();
    };
    let name = format!("workflow:{}", workflow.unwrap_or("unknown"));
    let (span, parent) = self.joined_to(carrier, span);
    let place = Place { span, parent };
    let start = Start::At(started.unwrap_or(event.at));
    let look = Look::new(SpanType::Task, name);
    if resumed {
      self.tree.resume(&activity);
    }
    let Some(mut row) = self.tree.open(activity.clone(), place, Some(look), start) else {
      return Vec::new();
    };
    facts::ids(&mut row, &event.ids);
    let handed_down = HandedDown {
      workflow: workflow.map(str::to_owned),
      instance: event.ids.instance.as_deref().map(str::to_owned),
      metadata: content::metadata(input),
    };
    caller::facts(&mut row, carrier);
    handed_down.write(&mut row);
    if let Some(open) = self.tree.get_mut(&activity) {
      open.handed_down = handed_down;
    }
    row.fact("flue.workflow_phase", Some(Json::text(if resumed { "resume" } else { "start" })));
    row.input = input.map(messages::without_images);
    vec![row]
  }

  /// Writes what the event's run hands down to its operations.
  pub(super) fn facts_of_run(&self, row: &mut Row, ids: &Ids<'_>) {
    let run = self.run_span(ids).and_then(|(activity, _)| self.tree.get(&activity));
    if let Some(run) = run {
      run.handed_down.write(row);
    }
  }

  /// A run whose start was withheld. It ends with each of its operations, since nobody may tell its end.
  pub(super) fn unseen_run(&mut self, event: &Event<'_>) -> Option<Row> {
    let (activity, span) = self.run_span(&event.ids)?;
    let place = Place { span, parent: Parent::None };
    let look = Look::new(SpanType::Task, "workflow".into());
    let mut row = self.tree.open_unseen(activity, place, look, Start::At(event.at))?;
    row.fact("flue.run_id", facts::text(event.ids.run.as_deref()));
    Some(row)
  }

  /// The end of an operation, as that of its run if the run's own end may never come.
  pub(super) fn unseen_run_end(&self, event: &Event<'_>) -> Option<Row> {
    let (activity, span) = self.run_span(&event.ids)?;
    let run = self.tree.get(&activity).filter(|run| run.unseen)?;
    let mut row = Row::of(span);
    row.metric("end", Some(time::seconds(event.at.max(run.start.time()))));
    Some(row)
  }

  pub(super) fn run_end(
    &mut self,
    event: &Event<'_>,
    output: Payload<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, span)) = self.run_span(&event.ids) else {
      return rows;
    };
    // If the start never came, the end tells when it was, but not of what.
    let look = Look { name: None, kind: Some(SpanType::Task) };
    let place = Place { span, parent: Parent::None };
    let start = Start::At(outcome.start(event.at));
    self.tree.open_unseen(activity.clone(), place, look, start);
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      error::outcome(&mut row, outcome);
      row.output = output.map(messages::without_images);
      rows.push(row);
    }
    rows
  }
}
