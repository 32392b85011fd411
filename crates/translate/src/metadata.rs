//! Metadata of a row: Flue's correlation ids, and texts and numbers as JSON values.

use std::borrow::Cow;

use braintrust_row::{Json, Row};
use flue_event::{Ids, Text, is_fallback};

/// A text as a JSON value.
pub fn text(value: Option<&str>) -> Option<Json> {
  value.map(Json::text)
}

/// A number as a JSON value; `None` if it is not finite.
pub fn number(value: Option<f64>) -> Option<Json> {
  value.filter(|number| number.is_finite()).map(|number| {
    // Whole numbers are written without a fraction: `12`, not `12.0`.
    if number.fract() == 0.0 && number.abs() < 1e15 {
      Json::of(&(number as i64))
    } else {
      Json::of(&number)
    }
  })
}

/// Writes every correlation id of the event.
pub fn write_ids(row: &mut Row, ids: &Ids<'_>) {
  let Ids {
    run,
    instance,
    agent,
    submission,
    dispatch,
    conversation,
    harness,
    session,
    parent_session,
    task,
    operation,
    turn,
  } = ids;
  let named: [(&'static str, &Option<Text<'_>>); 12] = [
    ("flue.run_id", run),
    ("flue.instance_id", instance),
    ("flue.agent_name", agent),
    ("flue.submission_id", submission),
    ("flue.dispatch_id", dispatch),
    ("flue.conversation_id", conversation),
    ("flue.harness", harness),
    ("flue.session", session),
    ("flue.parent_session", parent_session),
    ("flue.task_id", task),
    ("flue.operation_id", operation),
    ("flue.turn_id", turn),
  ];
  for (name, value) in named {
    // Flue's ids only.
    let value = value.as_ref().map(Cow::as_ref).filter(|id| !is_fallback(id));
    row.set_metadata(name, text(value));
  }
}
