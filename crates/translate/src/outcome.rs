//! A span's duration and error.

use braintrust_row::{Json, Row};
use flue_event::{Failure, Outcome};

/// When an activity ended that began at `start` and took so long, all in milliseconds. Flue reports the end of a turn or a
/// tool call late, but never early: its clock may begin before the event of the start. If the clock was set back meanwhile,
/// only the duration is known.
pub fn end(start: i64, took: Option<f64>, reported_at: i64) -> i64 {
  let Some(took) = took else { return reported_at };
  let end = start.saturating_add(took as i64);
  if reported_at < start { end } else { end.min(reported_at) }
}

/// Writes an activity's duration, and its error if it failed or that it was cancelled.
pub fn write(row: &mut Row, outcome: &Outcome<'_>) {
  row.set_metric("duration_ms", outcome.duration);
  if outcome.cancelled {
    write_cancelled(row, true);
  }
  if let Some(failure) = &outcome.failure {
    row.error = Some(error(failure));
  }
}

/// Writes whether the activity was cancelled. Such a span has no error.
pub fn write_cancelled(row: &mut Row, cancelled: bool) {
  row.set_metadata("flue.cancelled", Some(Json::of(&cancelled)));
}

/// A failure as the value of `error`.
pub fn error(failure: &Failure<'_>) -> Json {
  Json::text(&failure.to_string())
}
