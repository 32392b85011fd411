//! Workflow runs: `run_start`, `run_resume`, `run_end`.

use crate::{
  caller_context::{self, CallerContext},
  identity, messages, metadata,
  open_span::NewSpan,
  outcome,
  placement::{ActivitySpan, Parent, SpanLabel, SpanPlacement, Start},
  run_metadata::RunMetadata,
  state::State,
};
use braintrust_row::{Json, Row, SpanType, time};
use flue_event::{Event, Ids, RunEnd, RunStart};

/// The name of a run whose start has not come.
const UNKNOWN: &str = "workflow";

/// `run_start` and `run_resume`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, run: &RunStart<'_>) -> Vec<Row> {
  let Some(ActivitySpan { activity, span }) = state.run_span(&event.ids) else {
    return Vec::new();
  };
  let carrier = run.carrier.as_ref();
  let named = run.caller.as_ref().and_then(CallerContext::named);
  let caller = named.or_else(|| CallerContext::carried(&state.options, carrier));
  let name = format!("workflow:{}", run.workflow.as_deref().unwrap_or("unknown"));
  if run.resumed {
    state.tree.resume(&activity);
  }
  let new = NewSpan {
    activity: activity.clone(),
    placement: caller_context::root_placement(caller, span),
    label: Some(SpanLabel::new(SpanType::Task, name)),
    start: Start::At(run.started.unwrap_or(event.at)),
  };
  let own = identity::run(event.ids.run.as_deref().unwrap_or_default());
  state.set_alias(own, new.placement.span);
  if let Some(open) = state.tree.get_mut(&activity).filter(|open| open.implicit) {
    // Its operations came first. The application may have renamed it.
    open.implicit = false;
    open.start = Start::At(open.start.time().min(new.start.time()));
    open.name_unless_known(UNKNOWN, || new.label.as_ref()?.name.clone());
  }
  let Some(mut row) = state.tree.open(new) else { return Vec::new() };
  metadata::write_ids(&mut row, &event.ids);
  caller_context::write(&mut row, carrier);
  let run_metadata = RunMetadata::of(&event.ids, run);
  run_metadata.write(&mut row);
  if let Some(open) = state.tree.get_mut(&activity) {
    open.run_metadata = run_metadata;
  }
  let phase = if run.resumed { "resume" } else { "start" };
  row.set_metadata("flue.workflow_phase", Some(Json::text(phase)));
  if run.resumed {
    // Another process may have adopted it from the one that began it.
    row.set_metadata("flue.interrupted", Some(Json::of(&false)));
  }
  row.input = run.input.map(messages::without_images);
  vec![row]
}

/// `run_end`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, run: &RunEnd<'_>) -> Vec<Row> {
  let Some(ActivitySpan { activity, span }) = state.run_span(&event.ids) else {
    return Vec::new();
  };
  // If the start never came, the end has its time, but not its name.
  state.tree.open_implicit(NewSpan {
    activity: activity.clone(),
    placement: SpanPlacement { span, parent: Parent::None },
    label: Some(SpanLabel { name: None, kind: Some(SpanType::Task) }),
    start: Start::At(run.outcome.start(event.at)),
  });
  let ended_at = state.end_of(&activity, &run.outcome, event.at);
  let mut closed = state.tree.close(&activity, ended_at);
  if let Some(row) = &mut closed.row {
    metadata::write_ids(row, &event.ids);
    outcome::write(row, &run.outcome);
    row.output = run.output.map(messages::without_images);
  }
  closed.into_rows()
}

/// Writes to the row of an operation what its run hands down.
pub fn write_run_metadata(state: &State, row: &mut Row, ids: &Ids<'_>) {
  let run = state.run_span(ids).and_then(|run| state.tree.get(&run.activity));
  if let Some(run) = run {
    run.run_metadata.write(row);
  }
}

/// Opens the event's run if its start never came. It ends with each of its operations, since its own end may
/// not come either.
pub fn open_implicit(state: &mut State, event: &Event<'_>, start: i64) -> Option<Row> {
  let ActivitySpan { activity, span } = state.run_span(&event.ids)?;
  let mut row = state.tree.open_implicit(NewSpan {
    activity,
    placement: SpanPlacement { span, parent: Parent::None },
    label: Some(SpanLabel::new(SpanType::Task, UNKNOWN.into())),
    start: Start::At(start),
  })?;
  row.set_metadata("flue.run_id", metadata::text(event.ids.run.as_deref()));
  Some(row)
}

/// The end of an operation as that of its run, if the run's start never came.
pub fn implicit_end(state: &State, event: &Event<'_>) -> Option<Row> {
  let ActivitySpan { activity, span } = state.run_span(&event.ids)?;
  let run = state.tree.get(&activity).filter(|run| run.implicit)?;
  let mut row = Row::of(span);
  row.set_metric("end", Some(time::seconds(event.at.max(run.start.time()))));
  Some(row)
}
