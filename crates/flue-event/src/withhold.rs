//! What of an event is kept at all.

use serde::Deserialize;

use crate::{
  custom_span::Said,
  event::{Body, Event},
  outcome::{Failure, Outcome},
  run::RunEnd,
  task::TaskEnd,
  tool::ToolEnd,
};

/// Which content is kept. Structure, times, usage and ids always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Content {
  /// What went into runs, operations, tools, tasks, models and the application's own spans, and a run's
  /// `metadata`.
  pub input: bool,
  /// What came out of them, log lines, and what else the application says of spans but for numbers.
  pub output: bool,
  /// The system prompt.
  pub system_prompt: bool,
  /// The tools a model could call.
  pub tools: bool,
  /// What a model thought.
  pub reasoning: bool,
  /// What is told of an error besides its class and its code.
  pub errors: bool,
}

impl Content {
  /// All of it.
  pub const ALL: Self = Self::of(true);
  /// None of it.
  pub const NONE: Self = Self::of(false);

  const fn of(kept: bool) -> Self {
    Self {
      input: kept,
      output: kept,
      system_prompt: kept,
      tools: kept,
      reasoning: kept,
      errors: kept,
    }
  }
}

/// What is not named is kept.
impl Default for Content {
  fn default() -> Self {
    Self::ALL
  }
}

/// Stands in the place of an error's message.
const WITHHELD: &str = "[flue-braintrust: message not kept]";

/// The same as JSON.
const WITHHELD_JSON: &str = r#""[flue-braintrust: message not kept]""#;

impl Event<'_> {
  /// Forgets what is not kept. What names a task where no id does is not shown, and stays.
  pub fn withhold(&mut self, kept: Content) {
    let no_input = !kept.input;
    let no_output = !kept.output;
    match &mut self.body {
      Body::RunStart(start) => forget(&mut start.input, no_input),
      Body::TaskStart(start) => {
        forget(&mut start.input, no_input);
        forget(&mut start.cwd, no_input);
      }
      Body::ToolStart(start) => forget(&mut start.args, no_input),
      Body::OperationEnd(end) => {
        forget(&mut end.input, no_input);
        forget(&mut end.output, no_output);
        end.outcome.withhold(kept);
      }
      Body::TurnRequest(request) => {
        forget(&mut request.system_prompt, !kept.system_prompt);
        forget(&mut request.messages, no_input);
        forget(&mut request.tools, !kept.tools);
      }
      Body::TurnEnd(end) => {
        forget(&mut end.response.output, no_output);
        end.outcome.withhold(kept);
      }
      Body::RunEnd(RunEnd { output, outcome })
      | Body::ToolEnd(ToolEnd { output, outcome, .. })
      | Body::TaskEnd(TaskEnd { output, outcome, .. }) => {
        forget(output, no_output);
        outcome.withhold(kept);
      }
      Body::CompactionEnd(end) => end.outcome.withhold(kept),
      Body::CompactionFailed(failed) => failed.failure.withhold(kept),
      Body::SubmissionSettled(settled) => {
        if let Some(failure) = &mut settled.failure {
          failure.withhold(kept);
        }
      }
      Body::SpanStart(span) | Body::SpanLog(span) | Body::SpanEnd(span) => span.said.withhold(kept),
      Body::Log(log) => {
        forget(&mut log.message, no_output);
        forget(&mut log.attributes, no_output);
      }
      _ => {}
    }
  }
}

impl Outcome<'_> {
  fn withhold(&mut self, kept: Content) {
    if let Some(failure) = &mut self.failure {
      failure.withhold(kept);
    }
  }
}

impl Said<'_> {
  fn withhold(&mut self, kept: Content) {
    forget(&mut self.input, !kept.input);
    // What is not known to be input is taken for output.
    for value in [&mut self.output, &mut self.expected, &mut self.metadata, &mut self.tags] {
      forget(value, !kept.output);
    }
    forget(&mut self.attributes, !kept.output);
    if self.error.is_some() && !kept.errors {
      self.error = serde_json::from_str(WITHHELD_JSON).ok();
    }
  }
}

impl Failure<'_> {
  fn withhold(&mut self, kept: Content) {
    if !kept.errors {
      self.message = Some(WITHHELD.into());
      self.stack = None;
    }
  }
}

fn forget<T>(value: &mut Option<T>, forgotten: bool) {
  if forgotten {
    *value = None;
  }
}
