//! What of an event is kept at all.

use serde::Deserialize;

use super::{Body, Event, Failure, Outcome};

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
      Body::RunStart { input, .. } => forget(input, no_input),
      Body::TaskStart { input, cwd, .. } => {
        forget(input, no_input);
        forget(cwd, no_input);
      }
      Body::ToolStart { args, .. } => forget(args, no_input),
      Body::OperationEnd { input, output, outcome, .. } => {
        forget(input, no_input);
        forget(output, no_output);
        outcome.withhold(kept);
      }
      Body::TurnRequest { system_prompt, messages, tools, .. } => {
        forget(system_prompt, !kept.system_prompt);
        forget(messages, no_input);
        forget(tools, !kept.tools);
      }
      Body::TurnEnd { response, outcome, .. } => {
        forget(&mut response.output, no_output);
        outcome.withhold(kept);
      }
      Body::RunEnd { output, outcome }
      | Body::ToolEnd { output, outcome, .. }
      | Body::TaskEnd { output, outcome, .. } => {
        forget(output, no_output);
        outcome.withhold(kept);
      }
      Body::CompactionEnd { outcome, .. } => outcome.withhold(kept),
      Body::CompactionFailed { failure } => failure.withhold(kept),
      Body::SubmissionSettled { failure: Some(failure), .. } => failure.withhold(kept),
      Body::SpanStart { said, .. } | Body::SpanLog { said, .. } | Body::SpanEnd { said, .. } => {
        forget(&mut said.input, no_input);
        // What is not known to be input is taken for output.
        for value in [&mut said.output, &mut said.expected, &mut said.metadata, &mut said.tags] {
          forget(value, no_output);
        }
        forget(&mut said.attributes, no_output);
        if said.error.is_some() && !kept.errors {
          said.error = serde_json::from_str(WITHHELD_JSON).ok();
        }
      }
      Body::Log { message, attributes, .. } => {
        forget(message, no_output);
        forget(attributes, no_output);
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
