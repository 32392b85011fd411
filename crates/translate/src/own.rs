//! Spans that the application itself begins, fills and ends, and what it adds to Flue's.
//!
//! They lie below whatever the application names as their parent, and outlive it if they like: nothing but
//! their own end, or that of the process, closes them.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{
  Translator,
  activity::Activity,
  tree::{Look, Parent, Place, Start},
};
use braintrust_row::time;
use braintrust_row::{Json, Members, Own, Row, RowId, SpanId, SpanRef, SpanType, TraceId};
use flue_event::{Event, Payload, Said, Subject};

impl Translator {
  pub(super) fn span_start(
    &mut self,
    event: &Event<'_>,
    subject: &Subject<'_>,
    said: &Said<'_>,
  ) -> Vec<Row> {
    let Some((activity, span)) = named(subject) else { return Vec::new() };
    let parent = subject.parent.as_deref().and_then(SpanId::parse);
    let place = Place { span, parent: parent.map_or(Parent::None, Parent::Beyond) };
    let look = Look { name: said.name.as_deref().map(str::to_owned), kind: kind(said) };
    let start = Start::At(said.start.unwrap_or(event.at));
    let row = self.tree.open(activity, place, Some(look), start);
    row.map(|row| filled(row, said)).into_iter().collect()
  }

  /// Says something of a span, be it Flue's, or one that has ended.
  pub(super) fn span_log(&mut self, subject: &Subject<'_>, said: &Said<'_>) -> Vec<Row> {
    let Some((activity, span)) = named(subject) else { return Vec::new() };
    // What was refused at its start is passed over.
    if self.tree.has_finished(&activity) {
      return Vec::new();
    }
    self.rename(&activity, said);
    let mut row = Row::of(span);
    row.name = said.name.as_deref().map(str::to_owned);
    row.kind = kind(said);
    vec![filled(row, said)]
  }

  pub(super) fn span_end(
    &mut self,
    event: &Event<'_>,
    subject: &Subject<'_>,
    said: &Said<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, span)) = named(subject) else { return rows };
    if self.tree.has_finished(&activity) {
      return rows;
    }
    let end = said.end.unwrap_or(event.at);
    let row = self.tree.close_open_ended(&activity, end, &mut rows).unwrap_or_else(|| {
      // It was closed for it: the process had too much open.
      let mut row = Row::of(span);
      row.metric("end", Some(time::seconds(end)));
      row.fact("flue.interrupted", Some(Json::of(&false)));
      row
    });
    rows.push(filled(row, said));
    rows
  }

  /// Later rows of the span repeat how it looks.
  fn rename(&mut self, activity: &Activity, said: &Said<'_>) {
    if let Some(look) = self.tree.get_mut(activity).and_then(|open| open.look.as_mut()) {
      look.name = said.name.as_deref().map(str::to_owned).or(look.name.take());
      look.kind = kind(said).or(look.kind);
    }
  }
}

fn named(subject: &Subject<'_>) -> Option<(Activity, SpanRef)> {
  let (row, trace) = (RowId::parse(&subject.id)?, TraceId::parse(&subject.trace)?);
  Some((Activity::Span(subject.id.as_ref().to_owned()), SpanRef { row, trace }))
}

fn kind(said: &Said<'_>) -> Option<SpanType> {
  SpanType::parse(said.kind.as_deref()?)
}

/// The row with what was said.
fn filled(mut row: Row, said: &Said<'_>) -> Row {
  let value = |value: Payload<'_>| value.map(Json::raw);
  row.input = value(said.input);
  row.output = value(said.output);
  row.error = value(said.error);
  for (name, value) in members(said.metadata) {
    row.metadata.insert(name.into(), Json::raw(value));
  }
  for (name, value) in members(said.metrics) {
    let number = serde_json::from_str::<f64>(value.get()).ok();
    // When it began and ended is known better.
    if let Some(number) = number.filter(|_| !["start", "end"].contains(&name.as_str())) {
      row.metrics.insert(name.into(), number);
    }
  }
  let mut attributes = Members::default();
  for (name, value) in members(said.attributes) {
    attributes.insert(name.into(), Json::raw(value));
  }
  let (expected, scores, tags) = (value(said.expected), value(said.scores), value(said.tags));
  row.own = Some(Box::new(Own { expected, scores, tags, attributes }));
  row
}

/// The members of an object, in their order.
fn members(object: Payload<'_>) -> Vec<(String, &RawValue)> {
  let members = object.and_then(|object| serde_json::from_str(object.get()).ok());
  let members: HashMap<String, &RawValue> = members.unwrap_or_default();
  let mut members: Vec<_> = members.into_iter().collect();
  members.sort_unstable_by_key(|(_, value)| value.get().as_ptr().addr());
  members
}
