//! Span identity: which Flue ids identify which span.
//!
//! A span that survives a crash is identified by ids that do. `operationId` and `turnId` change with each
//! attempt, so they identify only the parts of one attempt.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use serde::Deserialize;

use braintrust_row::{SpanContext, TraceId};

/// A workflow run.
pub fn run(run: &str) -> SpanContext {
  SpanContext::root("run", &[run])
}

/// The root operation of a submission. The id of a keyed dispatch is derived from its key and may repeat on
/// another database; the conversation distinguishes the two.
pub fn submission(submission: &str, conversation: &str) -> SpanContext {
  SpanContext::root("submission", &[submission, conversation])
}

/// The root operation of a dispatch (1.0-beta).
pub fn dispatch(dispatch: &str) -> SpanContext {
  SpanContext::root("dispatch", &[dispatch])
}

/// An operation outside any run, task and submission.
pub fn lone_operation(operation: &str) -> SpanContext {
  SpanContext::root("operation", &[operation])
}

/// An operation inside something else.
pub fn operation(trace: TraceId, operation: &str) -> SpanContext {
  SpanContext::child(trace, "operation", &[operation])
}

/// A model turn.
pub fn turn(trace: TraceId, turn: &str) -> SpanContext {
  SpanContext::child(trace, "turn", &[turn])
}

/// A tool call. Its own id repeats between agents; within its turn (else operation, else run) it does not.
pub fn tool(trace: TraceId, scope: &str, call: &str) -> SpanContext {
  SpanContext::child(trace, "tool", &[scope, call])
}

/// A delegated task.
pub fn task(trace: TraceId, task: &str) -> SpanContext {
  SpanContext::child(trace, "task", &[task])
}

/// A compaction. It has no id of its own; the index of its first event distinguishes those of one operation.
pub fn compaction(trace: TraceId, operation: &str, index: Option<f64>) -> SpanContext {
  let index = index.unwrap_or_default().to_string();
  SpanContext::child(trace, "compaction", &[operation, &index])
}

/// A hash by which equal values are found, in this process and the next.
pub fn fingerprint(value: &impl Hash) -> u64 {
  BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// Flue's ids of the work that the JavaScript thread is in, from its async context. Identifies the span of
/// that work without the translator.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlueContext {
  run_id: Option<String>,
  submission_id: Option<String>,
  dispatch_id: Option<String>,
  /// The conversation of the root of the submission.
  conversation_id: Option<String>,
  operation_id: Option<String>,
  /// The operation that is the root of the trace, if one is.
  root_operation_id: Option<String>,
  turn_id: Option<String>,
  tool_call_id: Option<String>,
  /// The trace of the caller, if the work is a part of that.
  trace_id: Option<String>,
}

impl FlueContext {
  /// The innermost span. `None` without any id.
  pub fn span(&self) -> Option<SpanContext> {
    let operation_id = self.operation_id.as_deref();
    let conversation = self.conversation_id.as_deref().unwrap_or_default();
    let submission = self.submission_id.as_deref().map(|id| submission(id, conversation));
    let root = (self.run_id.as_deref().map(run))
      .or(submission)
      .or_else(|| self.dispatch_id.as_deref().map(dispatch));
    let root_operation = self.root_operation_id.as_deref().or(operation_id);
    let root = root.or_else(|| root_operation.map(lone_operation))?;
    let trace = self.trace_id.as_deref().and_then(TraceId::parse).unwrap_or(root.trace);
    if let Some(call) = &self.tool_call_id {
      let scope = self.turn_id.as_deref().or(operation_id).or(self.run_id.as_deref());
      return Some(tool(trace, scope.unwrap_or_default(), call));
    }
    let is_within = operation_id != self.root_operation_id.as_deref();
    match operation_id.filter(|_| is_within) {
      Some(id) => Some(operation(trace, id)),
      None => Some(SpanContext { trace, ..root }),
    }
  }
}
