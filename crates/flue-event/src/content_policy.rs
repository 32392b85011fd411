//! Which content of an event is retained.

use serde::Deserialize;

use crate::{
  carrier::TraceCarrier,
  custom_span::SpanUpdate,
  event::{Body, Event},
  outcome::{Failure, Outcome},
  run::RunEnd,
  task::TaskEnd,
  tool::ToolEnd,
};

/// Which content is retained. Structure, times, usage and ids always are. Default: all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ContentPolicy {
  /// The inputs of runs, operations, tools, tasks, models and custom spans, the `metadata` of a run's input, and
  /// a caller's `tracestate`.
  pub input: bool,
  /// Their outputs, log lines, feedback, and all other fields of custom spans except times and the usage of models.
  pub output: bool,
  /// The system prompt.
  pub system_prompt: bool,
  /// The tools that a model may call.
  pub tools: bool,
  /// The reasoning of a model.
  pub reasoning: bool,
  /// Messages and stacks of errors; their class and code are always retained.
  pub errors: bool,
}

impl ContentPolicy {
  /// All content.
  pub const ALL: Self = Self::of(true);
  /// No content.
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

/// Members that are missing are true.
impl Default for ContentPolicy {
  fn default() -> Self {
    Self::ALL
  }
}

/// Replaces an error's message that is not retained.
pub const OMITTED_MESSAGE: &str = "[flue-braintrust: message not kept]";

/// The same, as JSON.
const OMITTED_MESSAGE_JSON: &str = r#""[flue-braintrust: message not kept]""#;

impl Event<'_> {
  /// Removes the content that is not retained. The delegation of a task stays, since it identifies the task
  /// on 0.x; no row shows it.
  #[inline(never)]
  pub fn apply_content_policy(&mut self, policy: ContentPolicy) {
    let no_input = !policy.input;
    let no_output = !policy.output;
    if let Some(propagated) = &mut self.propagated {
      propagated.apply_content_policy(policy);
    }
    match &mut self.body {
      Body::RunStart(start) => {
        omit(&mut start.input, no_input);
        omit_state(&mut start.carrier, no_input);
      }
      Body::OperationStart(start) => omit_state(&mut start.carrier, no_input),
      Body::TaskStart(start) => {
        omit(&mut start.input, no_input);
        omit(&mut start.cwd, no_input);
      }
      Body::ToolStart(start) => omit(&mut start.args, no_input),
      Body::OperationEnd(end) => {
        omit(&mut end.input, no_input);
        omit(&mut end.output, no_output);
        end.outcome.apply_content_policy(policy);
      }
      Body::TurnRequest(request) => {
        omit(&mut request.system_prompt, !policy.system_prompt);
        omit(&mut request.messages, no_input);
        omit(&mut request.tools, !policy.tools);
      }
      Body::TurnEnd(end) => {
        omit(&mut end.response.output, no_output);
        end.outcome.apply_content_policy(policy);
      }
      Body::RunEnd(RunEnd { output, outcome })
      | Body::ToolEnd(ToolEnd { output, outcome, .. })
      | Body::TaskEnd(TaskEnd { output, outcome, .. }) => {
        omit(output, no_output);
        outcome.apply_content_policy(policy);
      }
      Body::CompactionEnd(end) => end.outcome.apply_content_policy(policy),
      Body::SubmissionSettled(settled) => {
        if let Some(failure) = &mut settled.failure {
          failure.apply_content_policy(policy);
        }
      }
      Body::SpanStart(span) | Body::SpanLog(span) | Body::SpanEnd(span) => {
        span.update.apply_content_policy(policy)
      }
      Body::Feedback(feedback) => {
        omit(&mut feedback.comment, no_output);
        feedback.update.apply_content_policy(policy);
      }
      Body::Log(log) => {
        omit(&mut log.message, no_output);
        omit(&mut log.attributes, no_output);
        if !policy.errors {
          log.omit_error(OMITTED_MESSAGE);
        }
        if let Some(outcome) = &mut log.failed_compaction {
          outcome.apply_content_policy(policy);
        }
      }
      _ => {}
    }
  }
}

impl Outcome<'_> {
  fn apply_content_policy(&mut self, policy: ContentPolicy) {
    if let Some(failure) = &mut self.failure {
      failure.apply_content_policy(policy);
    }
  }
}

impl SpanUpdate<'_> {
  fn apply_content_policy(&mut self, policy: ContentPolicy) {
    omit(&mut self.input, !policy.input);
    // All fields but the input count as output.
    for value in [&mut self.output, &mut self.expected, &mut self.metadata, &mut self.tags] {
      omit(value, !policy.output);
    }
    omit(&mut self.attributes, !policy.output);
    // Applications choose the names of scores and metrics.
    omit(&mut self.scores, !policy.output);
    self.omits_metrics = !policy.output;
    let has_error = self.error.is_some_and(|error| error.get() != "null");
    if has_error && !policy.errors {
      self.error = serde_json::from_str(OMITTED_MESSAGE_JSON).ok();
    }
  }
}

impl Failure<'_> {
  fn apply_content_policy(&mut self, policy: ContentPolicy) {
    if !policy.errors {
      self.message = Some(OMITTED_MESSAGE.into());
      self.stack = None;
    }
  }
}

/// A caller's `tracestate` may contain anything; its `traceparent` has ids only.
fn omit_state(carrier: &mut Option<TraceCarrier<'_>>, is_omitted: bool) {
  if let Some(carrier) = carrier {
    omit(&mut carrier.tracestate, is_omitted);
  }
}

fn omit<T>(value: &mut Option<T>, is_omitted: bool) {
  if is_omitted {
    *value = None;
  }
}

#[cfg(test)]
mod tests {
  use super::*;
  use crate::decode;

  const NO_ERRORS: ContentPolicy = ContentPolicy { errors: false, ..ContentPolicy::ALL };

  #[test]
  fn the_error_of_a_failed_compaction_is_omitted_in_log_lines_of_every_release() {
    for version in ["", r#""v":1,"#, r#""v":3,"#] {
      let text = format!(
        r#"{{{version}"type":"log","level":"error","message":"[flue:compaction] Failed: plum"}}"#
      );
      let mut event = decode(&text, 0).unwrap();
      event.apply_content_policy(NO_ERRORS);
      let shown = format!("{:?}", event.body);
      assert!(!shown.contains("plum") && shown.contains(OMITTED_MESSAGE), "{shown}");
    }
    let text = r#"{"v":3,"type":"log","message":"a plum"}"#;
    let mut event = decode(text, 0).unwrap();
    event.apply_content_policy(NO_ERRORS);
    assert!(format!("{:?}", event.body).contains("a plum"));
  }

  #[test]
  fn null_is_no_error_of_a_custom_span() {
    for (error, expected) in [("null", "null"), (r#""plum""#, OMITTED_MESSAGE_JSON)] {
      let text = format!(r#"{{"type":"span_log","span":{{"error":{error}}}}}"#);
      let mut event = decode(&text, 0).unwrap();
      event.apply_content_policy(NO_ERRORS);
      let Body::SpanLog(span) = event.body else { panic!() };
      assert_eq!(span.update.error.unwrap().get(), expected);
    }
  }
}
