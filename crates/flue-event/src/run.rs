//! Workflow runs: `run_start`, `run_resume`, `run_end`.

use crate::{
  caller::Caller,
  carrier::TraceCarrier,
  fields::{Fields, event_time, known, text},
  outcome::Outcome,
  value::{RawJson, Text},
};

/// `run_start` and `run_resume`: a run begins, or continues in another process.
#[derive(Debug)]
pub struct RunStart<'a> {
  /// The workflow's name.
  pub workflow: Option<Text<'a>>,
  /// When the run began, milliseconds since the epoch.
  pub started: Option<i64>,
  /// The run's input.
  pub input: RawJson<'a>,
  /// Whether the run continues in a process that did not start it.
  pub resumed: bool,
  /// The caller's trace context.
  pub carrier: Option<TraceCarrier<'a>>,
  /// The span under which the run runs, if the application has named one.
  pub caller: Option<Caller<'a>>,
}

impl<'a> RunStart<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>, resumed: bool) -> Self {
    Self {
      workflow: text(f.workflow_name),
      started: event_time(f.started_at),
      // 0.x calls it `payload`.
      input: f.input.or(f.payload),
      resumed,
      carrier: TraceCarrier::read(f.trace_carrier),
      caller: Caller::read(f.caller),
    }
  }
}

/// `run_end`: a run ends.
#[derive(Debug)]
pub struct RunEnd<'a> {
  /// The run's result.
  pub output: RawJson<'a>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> RunEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let outcome = Outcome::read(f, None);
    // Flue writes `null` for a run that has failed.
    let output = if outcome.succeeded() { f.result } else { known(f.result) };
    Self { output, outcome }
  }
}
