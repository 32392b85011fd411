//! Compactions: `compaction_start`, `compaction`.

use super::{
  Translator,
  activity::Activity,
  error, facts, identity,
  tree::{Look, Parent, Place, Start},
  usage,
};
use braintrust_row::{Json, Row, SpanType};
use flue_event::{Event, Failure, Ids, Outcome, Usage};

impl Translator {
  pub(super) fn compaction_start(
    &mut self,
    event: &Event<'_>,
    reason: Option<&str>,
    estimated_tokens: Option<f64>,
  ) -> Vec<Row> {
    let Some(mut row) = self.open_compaction_span(event, reason) else { return Vec::new() };
    facts::ids(&mut row, &event.ids);
    row.fact("flue.compaction_reason", facts::text(reason));
    row.input = members([("estimatedTokens", estimated_tokens)]);
    vec![row]
  }

  pub(super) fn compaction_end(
    &mut self,
    event: &Event<'_>,
    (messages_before, messages_after): (Option<f64>, Option<f64>),
    used: Option<Usage>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(activity) = activity(&event.ids) else {
      return rows;
    };
    // Without its start it has no identity, and nothing is told of it.
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      facts::ids(&mut row, &event.ids);
      error::outcome(&mut row, outcome);
      row.output =
        members([("messagesBefore", messages_before), ("messagesAfter", messages_after)]);
      if let Some(used) = used {
        usage::write(&mut row, &used);
      }
      rows.push(row);
    }
    rows
  }

  /// 0.x reports a compaction that failed in its log alone.
  pub(super) fn compaction_failed(&mut self, event: &Event<'_>, failure: &Failure<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(activity) = activity(&event.ids) else { return rows };
    if let Some(mut row) = self.tree.close(&activity, event.at, &mut rows) {
      row.error = Some(error::text(failure));
      rows.push(row);
    }
    rows
  }

  /// The compaction that runs now in the event's operation, as a parent.
  pub(super) fn open_compaction(&self, ids: &Ids<'_>) -> Option<Parent> {
    let activity = activity(ids)?;
    let span = self.tree.get(&activity)?.place.span;
    Some(Parent::Span(activity, span))
  }

  fn open_compaction_span(&mut self, event: &Event<'_>, reason: Option<&str>) -> Option<Row> {
    let ids = &event.ids;
    let activity = activity(ids)?;
    let (parent, enclosing) = self.enclosing(ids)?;
    let operation = ids.operation.as_deref()?;
    let span = identity::compaction(enclosing.trace, operation, event.index);
    let look = Look::new(SpanType::Task, format!("compaction:{}", reason.unwrap_or("unknown")));
    let place = Place { span, parent: Parent::Span(parent, enclosing) };
    self.tree.open(activity, place, Some(look), Start::At(event.at))
  }
}

fn activity(ids: &Ids<'_>) -> Option<Activity> {
  ids.operation.as_deref().map(|operation| Activity::Compaction(operation.to_owned()))
}

/// An object of the numbers that are known.
fn members<const N: usize>(numbers: [(&str, Option<f64>); N]) -> Option<Json> {
  let known: Vec<String> = numbers
    .into_iter()
    .filter_map(|(name, value)| Some(format!("\"{name}\":{}", facts::number(value)?.as_str())))
    .collect();
  (!known.is_empty()).then(|| Json::concat(&["{", &known.join(","), "}"]))
}
