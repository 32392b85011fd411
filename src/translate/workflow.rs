//! Workflow runs: `run_start`, `run_resume`, `run_end`.

use super::{
  Translator, error, facts, identity,
  tree::{Activity, Look, Parent, Place},
};
use crate::{
  event::{Event, Ids, Outcome, Payload},
  span::{Json, Row, SpanRef, SpanType},
};

/// The span of the event's run.
pub(super) fn run_span(ids: &Ids<'_>) -> Option<(Activity, SpanRef)> {
  let run = ids.run.as_deref()?;
  Some((Activity::Run(run.to_owned()), identity::run(run)))
}

impl Translator {
  pub(super) fn run_start(
    &mut self,
    event: &Event<'_>,
    workflow: Option<&str>,
    started: Option<i64>,
    input: Payload<'_>,
    resumed: bool,
  ) -> Vec<Row> {
    let Some((activity, span)) = run_span(&event.ids) else {
      return Vec::new();
    };
    let look = Look {
      name: name(workflow),
      kind: SpanType::Task,
    };
    let place = Place {
      span,
      parent: Parent::None,
    };
    let Some(mut row) = self
      .tree
      .open(activity, place, Some(look), started.unwrap_or(event.at))
    else {
      return Vec::new();
    };
    facts::ids(&mut row, &event.ids);
    row.fact("flue.workflow_name", facts::text(workflow));
    row.fact(
      "flue.workflow_phase",
      Some(Json::text(if resumed { "resume" } else { "start" })),
    );
    row.input = input.map(Json::raw);
    vec![row]
  }

  pub(super) fn run_end(
    &mut self,
    event: &Event<'_>,
    output: Payload<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, span)) = run_span(&event.ids) else {
      return rows;
    };
    if self.tree.get(&activity).is_none() {
      // The start was never seen: the end tells when it was.
      let look = Look {
        name: name(None),
        kind: SpanType::Task,
      };
      let place = Place {
        span,
        parent: Parent::None,
      };
      self.tree.open(
        activity.clone(),
        place,
        Some(look),
        start_of(event.at, outcome),
      );
    }
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      error::outcome(&mut row, outcome);
      row.output = output.map(Json::raw);
      rows.push(row);
    }
    rows
  }
}

fn name(workflow: Option<&str>) -> String {
  format!("workflow:{}", workflow.unwrap_or("unknown"))
}

/// When an activity began that ended at `end`.
pub(super) fn start_of(end: i64, outcome: &Outcome<'_>) -> i64 {
  end.saturating_sub(outcome.duration.unwrap_or(0.0).max(0.0) as i64)
}
