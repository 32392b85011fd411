//! Custom spans, and what the application adds to Flue's spans: `span_start`, `span_log`, `span_end`.
//!
//! The application names the parent of a custom span. A custom span may outlast its parent: only its own
//! end, or that of the process, closes it.

use crate::{
  activity::Activity,
  open_span::NewSpan,
  placement::{ActivitySpan, Parent, SpanLabel, SpanPlacement, Start},
  state::State,
};
use braintrust_row::{
  CustomFields, Json, Members, Row, RowId, SpanContext, SpanId, SpanType, TraceId, USAGE_METRICS,
  read_members, time,
};
use flue_event::{CustomSpan, CustomSpanIds, Event, RawJson, SpanUpdate};

/// `span_start`.
#[inline(never)]
pub fn start(state: &mut State, event: &Event<'_>, custom: &CustomSpan<'_>) -> Vec<Row> {
  let CustomSpan { ids, update } = custom;
  let Some(ActivitySpan { activity, span }) = activity_span(state, ids, trace(ids)) else {
    return Vec::new();
  };
  let parent = ids.parent.as_deref().and_then(SpanId::parse);
  let row = state.tree.open(NewSpan {
    activity,
    placement: SpanPlacement { span, parent: parent.map_or(Parent::None, Parent::Remote) },
    label: Some(SpanLabel { name: update.name.as_deref().map(str::to_owned), kind: kind(update) }),
    start: Start::At(update.start.unwrap_or(event.at)),
  });
  row.map(|row| with_update(row, update)).into_iter().collect()
}

/// `span_log`. The span may be Flue's, and may have ended. Of a span that is named by its row alone, no trace is known.
#[inline(never)]
pub fn log(state: &mut State, CustomSpan { ids, update }: &CustomSpan<'_>) -> Vec<Row> {
  let trace = if ids.trace.is_empty() { Some(TraceId::UNKNOWN) } else { trace(ids) };
  let Some(ActivitySpan { activity, span }) = activity_span(state, ids, trace) else {
    return Vec::new();
  };
  // A span that was refused at its start is ignored.
  if state.tree.has_finished(&activity) {
    return Vec::new();
  }
  rename(state, span, update);
  let mut row = Row { is_span: span.trace != TraceId::UNKNOWN, ..Row::of(span) };
  row.name = update.name.as_deref().map(str::to_owned);
  row.kind = kind(update);
  if let Some(start) = update.start {
    // Its later rows state it, too.
    if let Some(open) = state.tree.get_mut(&activity) {
      open.start = Start::At(start);
    }
    row.set_metric("start", Some(time::seconds(start)));
  }
  vec![with_update(row, update)]
}

/// `span_end`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, custom: &CustomSpan<'_>) -> Vec<Row> {
  let CustomSpan { ids, update } = custom;
  let Some(ActivitySpan { activity, span }) = activity_span(state, ids, trace(ids)) else {
    return Vec::new();
  };
  if state.tree.has_finished(&activity) {
    return Vec::new();
  }
  let end = update.end.unwrap_or(event.at);
  let mut closed = state.tree.close_updatable(&activity, end);
  let row = closed.row.unwrap_or_else(|| {
    // It was interrupted, since there were too many open spans, or another process has left it.
    state.tree.note_ended(span.row);
    let mut row = Row::of(span);
    row.set_metric("end", Some(time::seconds(end)));
    row.set_metadata("flue.interrupted", Some(Json::of(&false)));
    row
  });
  closed.row = Some(with_update(row, update));
  closed.into_rows()
}

/// Later rows of the span, which may be Flue's, repeat its name and type.
fn rename(state: &mut State, span: SpanContext, update: &SpanUpdate<'_>) {
  let (name, kind) = (update.name.as_deref(), kind(update));
  if name.is_none() && kind.is_none() {
    return;
  }
  for label in state.tree.labels_mut(span.row) {
    label.name = name.map(str::to_owned).or(label.name.take());
    label.kind = kind.or(label.kind);
  }
}

/// What a span of the application's gives to all its descendants, as a row of any span. Flue's spans keep their names and
/// types.
#[inline(never)]
pub fn propagated(update: &SpanUpdate<'_>) -> Row {
  with_update(Row::of(SpanContext::root("propagated", &[])), update)
}

fn trace(ids: &CustomSpanIds<'_>) -> Option<TraceId> {
  TraceId::parse(&ids.trace)
}

fn activity_span(
  state: &State,
  ids: &CustomSpanIds<'_>,
  trace: Option<TraceId>,
) -> Option<ActivitySpan> {
  let (row, trace) = (RowId::parse(&ids.row)?, state.resolve(trace?));
  let activity = Activity::CustomSpan(ids.row.as_ref().to_owned());
  Some(ActivitySpan { activity, span: SpanContext { row, trace } })
}

fn kind(update: &SpanUpdate<'_>) -> Option<SpanType> {
  SpanType::parse(update.kind.as_deref()?)
}

/// The row with the fields that the application sets.
fn with_update(mut row: Row, update: &SpanUpdate<'_>) -> Row {
  let value = |value: RawJson<'_>| value.map(Json::raw);
  row.input = value(update.input);
  row.output = value(update.output);
  row.error = value(update.error);
  row.metadata.extend(members(update.metadata));
  for (name, value) in members(update.metrics).into_iter() {
    let number = serde_json::from_str::<f64>(&value.as_str()).ok();
    // Start and end have members of their own.
    let is_kept = !update.omits_metrics || USAGE_METRICS.contains(&&*name);
    if let Some(number) = number.filter(|_| is_kept && !["start", "end"].contains(&&*name)) {
      row.metrics.insert(name, number);
    }
  }
  row.set_metric("start", update.start_seconds);
  row.set_metric("end", update.end_seconds);
  let attributes = members(update.attributes);
  let (expected, scores, tags) = (value(update.expected), value(update.scores), value(update.tags));
  row.custom =
    Some(Box::new(CustomFields { expected, scores, tags, attributes, ..CustomFields::default() }));
  row
}

/// The members of an object, in their order.
fn members(object: RawJson<'_>) -> Members<Json> {
  object.and_then(|object| read_members(object.get())).unwrap_or_default()
}
