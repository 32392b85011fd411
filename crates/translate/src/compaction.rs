//! Compactions: `compaction_start`, `compaction`.

use crate::{
  activity::Activity,
  early_ends::EarlyEnd,
  identity, metadata,
  open_span::{ClosedSpan, NewSpan},
  outcome,
  placement::{Parent, SpanLabel, Start},
  state::State,
  usage,
};
use braintrust_row::{Json, Row, SpanType};
use flue_event::{CompactionEnd, CompactionStart, Event, Ids, Outcome, Usage};

/// `compaction_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, start: &CompactionStart<'_>) -> Vec<Row> {
  let reason = start.reason.as_deref();
  let Some(new) = new_span(state, event, reason) else { return Vec::new() };
  // One operation may compact several times: after an overflow, and at its end.
  let row = new.placement.span.row;
  let earlier = state.tree.updatable_placement(&new.activity).map(|earlier| earlier.span.row);
  if state.tree.has_ended_row(row) || earlier == Some(row) {
    return Vec::new();
  }
  if let Some(earlier) = earlier {
    state.tree.rename_updatable(&new.activity, Activity::earlier_compaction(earlier));
  }
  let activity = new.activity.clone();
  let Some(mut row) = state.tree.open(new) else { return Vec::new() };
  metadata::write_ids(&mut row, &event.ids);
  row.set_metadata("flue.compaction_reason", metadata::text(reason));
  row.input = members([("estimatedTokens", start.estimated_tokens)]);
  let mut rows = vec![row];
  rows.extend(end_early(state, event, &activity));
  rows
}

/// `compaction`. Without its start it has no identity: it is kept until that comes.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &CompactionEnd<'_>) -> Vec<Row> {
  let Some(activity) = Activity::compaction(&event.ids) else { return Vec::new() };
  let mut closed = close(state, event, &activity, &end.outcome, end.usage);
  let output =
    members([("messagesBefore", end.messages_before), ("messagesAfter", end.messages_after)]);
  if let Some(row) = &mut closed.row {
    metadata::write_ids(row, &event.ids);
    row.output = output;
  } else if let Some(operation) = state.enclosing(&event.ids) {
    let mut row = Row::of(operation.span);
    row.output = output;
    outcome::write(&mut row, &end.outcome);
    usage::write_larger(&mut row, end.usage, None);
    let (at, index, usage) = (event.at, event.index, end.usage);
    state.early_ends.keep(EarlyEnd { activity, at, index, usage, row });
  }
  closed.into_rows()
}

/// The last row of a compaction whose end came before this start.
fn end_early(state: &mut State, start: &Event<'_>, activity: &Activity) -> Option<Row> {
  let early = state.early_ends.take(activity, start)?;
  if let Some(open) = state.tree.get_mut(activity) {
    open.turn_summary.reported = early.usage;
  }
  let mut row = state.tree.close_updatable(activity, early.at).row?;
  (row.output, row.error) = (early.row.output, early.row.error);
  row.metadata.extend(early.row.metadata);
  row.metrics.extend(early.row.metrics);
  Some(row)
}

/// A compaction that failed, on 0.x. It may have failed before it started.
#[inline(never)]
pub fn failed(state: &mut State, event: &Event<'_>, outcome: &Outcome<'_>) -> Vec<Row> {
  let Some(activity) = Activity::compaction(&event.ids) else { return Vec::new() };
  close(state, event, &activity, outcome, None).into_rows()
}

fn close(
  state: &mut State,
  event: &Event<'_>,
  activity: &Activity,
  outcome: &Outcome<'_>,
  usage: Option<Usage>,
) -> ClosedSpan {
  if let Some(placement) = state.tree.updatable_placement(activity).cloned()
    && !state.tree.has_ended_row(placement.span.row)
  {
    // Its operation has ended before it.
    let label = Some(SpanLabel { name: None, kind: Some(SpanType::Task) });
    let start = Start::Resumed(outcome.start(event.at));
    state.tree.open_implicit(NewSpan { activity: activity.clone(), placement, label, start });
  }
  let mut of_turns = None;
  if let Some(open) = state.tree.get_mut(activity) {
    of_turns = open.turn_summary.usage;
    open.turn_summary.reported = usage;
  }
  let ended_at = state.end_of(activity, outcome, event.at);
  let mut closed = state.tree.close_updatable(activity, ended_at);
  if let Some(row) = &mut closed.row {
    outcome::write(row, outcome);
    usage::write_larger(row, usage, of_turns);
  }
  closed
}

/// The compaction that runs in the event's operation, as a parent.
pub fn running(state: &State, ids: &Ids<'_>) -> Option<Parent> {
  Some(state.open_span(Activity::compaction(ids)?)?.into())
}

fn new_span(state: &State, event: &Event<'_>, reason: Option<&str>) -> Option<NewSpan> {
  let ids = &event.ids;
  let parent = state.enclosing(ids)?;
  let operation = ids.operation.as_deref()?;
  let span = identity::compaction(parent.span.trace, operation, event.index);
  Some(NewSpan {
    activity: Activity::compaction(ids)?,
    placement: parent.parent_of(span),
    label: Some(SpanLabel::new(
      SpanType::Task,
      format!("compaction:{}", reason.unwrap_or("unknown")),
    )),
    start: Start::At(event.at),
  })
}

/// An object of the numbers that are known.
fn members<const N: usize>(numbers: [(&str, Option<f64>); N]) -> Option<Json> {
  let known: Vec<String> = numbers
    .into_iter()
    .filter_map(|(name, value)| Some(format!("\"{name}\":{}", metadata::number(value)?.as_str())))
    .collect();
  (!known.is_empty()).then(|| Json::concat(&["{", &known.join(","), "}"]))
}
