//! Errors as a person reads them.

use braintrust_row::{Json, Row};
use flue_event::{Failure, Outcome};

/// What a failure without any message says.
const UNKNOWN: &str = "failed without a message";

/// How a span ended: its duration, and its error if it failed.
pub fn outcome(row: &mut Row, outcome: &Outcome<'_>) {
  row.metric("duration_ms", outcome.duration);
  if let Some(failure) = &outcome.failure {
    row.error = Some(text(failure));
  }
}

/// A failure as the value of `error`.
pub fn text(failure: &Failure<'_>) -> Json {
  Json::text(&describe(failure))
}

/// `Name: message [code]`, then the stack where Flue gives one.
fn describe(failure: &Failure<'_>) -> String {
  let message = failure.message.as_deref().unwrap_or(UNKNOWN);
  let mut text = match failure.name.as_deref() {
    Some(name) if name != "Error" => format!("{name}: {message}"),
    _ => message.to_owned(),
  };
  if let Some(code) = &failure.code {
    text.push_str(&format!(" [{code}]"));
  }
  if let Some(stack) = &failure.stack {
    text.push_str("\n\n");
    text.push_str(stack);
  }
  text
}
