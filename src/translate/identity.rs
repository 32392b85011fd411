//! Which Flue ids make which span: the one place where span identity is decided.
//!
//! Only ids that survive a crash name what survives a crash. `operationId` and `turnId` change with
//! each attempt, so they name the parts of one attempt only.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use crate::span::{SpanRef, TraceId};

/// A workflow run.
pub fn run(run: &str) -> SpanRef {
  SpanRef::root("run", &[run])
}

/// The root operation of a submission. A keyed dispatch derives its id from the key and would repeat it
/// on another database; the conversation tells the two apart.
pub fn submission(submission: &str, conversation: &str) -> SpanRef {
  SpanRef::root("submission", &[submission, conversation])
}

/// The root operation of a dispatch (1.0-beta).
pub fn dispatch(dispatch: &str) -> SpanRef {
  SpanRef::root("dispatch", &[dispatch])
}

/// An operation that belongs to nothing.
pub fn lone_operation(operation: &str) -> SpanRef {
  SpanRef::root("operation", &[operation])
}

/// An operation inside something else.
pub fn operation(trace: TraceId, operation: &str) -> SpanRef {
  SpanRef::child(trace, "operation", &[operation])
}

/// A model turn.
pub fn turn(trace: TraceId, turn: &str) -> SpanRef {
  SpanRef::child(trace, "turn", &[turn])
}

/// A tool call. Its own id repeats between agents; within its turn (else operation, else run) it does not.
pub fn tool(trace: TraceId, scope: &str, call: &str) -> SpanRef {
  SpanRef::child(trace, "tool", &[scope, call])
}

/// A delegated task.
pub fn task(trace: TraceId, task: &str) -> SpanRef {
  SpanRef::child(trace, "task", &[task])
}

/// A compaction. Flue gives it no id; the position of its first event tells those of one operation apart.
pub fn compaction(trace: TraceId, operation: &str, index: Option<f64>) -> SpanRef {
  let index = index.unwrap_or_default().to_string();
  SpanRef::child(trace, "compaction", &[operation, &index])
}

/// A number by which two values can be told to be the same, here and in the next process.
pub fn fingerprint(value: &impl Hash) -> u64 {
  BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}
