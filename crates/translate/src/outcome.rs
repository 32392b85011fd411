//! A span's duration and error.

use braintrust_row::{Json, Row};
use flue_event::{Failure, Outcome};

/// Writes an activity's duration, and its error if it failed.
pub fn write(row: &mut Row, outcome: &Outcome<'_>) {
  row.set_metric("duration_ms", outcome.duration);
  if let Some(failure) = &outcome.failure {
    row.error = Some(error(failure));
  }
}

/// A failure as the value of `error`.
pub fn error(failure: &Failure<'_>) -> Json {
  Json::text(&failure.to_string())
}
