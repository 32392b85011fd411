//! Feedback of the application about a span, in this or another process: `feedback`.

use crate::state::State;
use braintrust_row::{CustomFields, Json, Row, RowId, TraceId};
use flue_event::{Event, Feedback, RawJson, SpanUpdate};

/// The merge into the row of the span, and the row of the comment, as far as the feedback has them.
pub fn feedback(state: &State, event: &Event<'_>, feedback: &Feedback<'_>) -> Vec<Row> {
  let SpanUpdate { metadata, expected, scores, tags, .. } = &feedback.update;
  let Some(id) = feedback.row.as_deref() else { return Vec::new() };
  let trace = feedback.trace.as_deref().and_then(TraceId::parse).unwrap_or(TraceId::UNKNOWN);
  let trace = state.resolve(trace);
  let value = |value: &RawJson<'_>| value.map(Json::raw);
  let mut rows = Vec::new();
  let mut push = |row: &str, created, fields: CustomFields| {
    let mut row = Row::about(RowId::of_text(row), trace);
    row.created = created;
    let (source, audit_metadata) = (feedback.source(), value(metadata));
    row.custom = Some(Box::new(CustomFields { source, audit_metadata, ..fields }));
    rows.push(row);
  };
  if scores.or(*expected).or(*tags).is_some() {
    let other_id = RowId::parse(id).is_none().then(|| Json::text(id));
    let (expected, scores, tags) = (value(expected), value(scores), value(tags));
    push(id, None, CustomFields { expected, scores, tags, other_id, ..CustomFields::default() });
  }
  if let (Some(comment), Some(row)) = (value(&feedback.comment), feedback.comment_row.as_deref()) {
    let (about, comment) = (Some(Json::text(id)), Some(comment));
    push(row, Some(event.at), CustomFields { about, comment, ..CustomFields::default() });
  }
  rows
}
