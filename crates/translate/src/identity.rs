//! Span identity: which Flue ids identify which span.
//!
//! A span that survives a crash is identified by ids that do. `operationId` and `turnId` change with each
//! attempt, so they identify only the parts of one attempt.

use std::{
  hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
  ops::Deref,
};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::activity::call_scope;
use braintrust_row::{SpanContext, TraceId};
use flue_event::{Ids, Text};

/// The beginning of the ids of keyed submissions: a part of Flue's frozen format.
const KEYED: &str = "sub_ik_";

/// A workflow run.
pub fn run(run: &str) -> SpanContext {
  SpanContext::root("run", &[run])
}

/// The root operation of a message that was delivered to an agent: a dispatch of 1.0-beta, else a submission. `None`
/// without either id.
///
/// 1.0-beta names a dispatch by both ids in the context of its work, and only by the dispatch in its events: the
/// dispatch decides. Only the id of a keyed submission of 2.x is derived, from the key that its sender chose, and may
/// repeat on another database: the conversation distinguishes the two. Whoever has any other id, which is random, needs
/// nothing else to find the root.
pub fn delivery(ids: &Ids<'_>) -> Option<SpanContext> {
  if let Some(dispatch) = ids.dispatch.as_deref() {
    return Some(SpanContext::root("dispatch", &[dispatch]));
  }
  let submission = ids.submission.as_deref()?;
  let conversation = ids.conversation.as_deref().filter(|_| is_keyed(submission));
  let conversation = conversation.unwrap_or_default();
  Some(SpanContext::root("submission", &[submission, conversation]))
}

/// Whether the id of a delivery is that of a keyed submission, which may repeat on another database.
pub fn is_keyed(delivery: &str) -> bool {
  delivery.starts_with(KEYED)
}

/// The id under which a message was delivered to an agent, with the same precedence as [`delivery`].
pub fn delivery_id<'i>(ids: &'i Ids<'_>) -> Option<&'i str> {
  ids.dispatch.as_deref().or(ids.submission.as_deref())
}

/// The root of a trace: the run, else the delivery. `None` if the ids name neither.
pub fn root(ids: &Ids<'_>) -> Option<SpanContext> {
  ids.run.as_deref().map(run).or_else(|| delivery(ids))
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

/// A tool call. Its own id repeats between agents; within its [`call_scope`] it does not.
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
  run_id: Id,
  submission_id: Id,
  dispatch_id: Id,
  /// The conversation of the root of the submission.
  conversation_id: Id,
  operation_id: Id,
  /// The operation that is the root of the trace, if one is.
  root_operation_id: Id,
  /// The turn of the tool call; without a call, the turn whose model's provider runs.
  turn_id: Id,
  tool_call_id: Id,
  /// A delegated task.
  task_id: Id,
  /// The trace of the caller, if the work is a part of that.
  trace_id: Id,
}

/// An id as in an event: a number or a boolean is one, an empty text is none.
#[derive(Debug, Default)]
struct Id(Option<String>);

impl<'de> Deserialize<'de> for Id {
  fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
    let member = Box::<RawValue>::deserialize(deserializer)?;
    Ok(Self(flue_event::id(Some(&member)).map(Text::into_owned)))
  }
}

impl Deref for Id {
  type Target = Option<String>;

  fn deref(&self) -> &Option<String> {
    &self.0
  }
}

impl FlueContext {
  /// The innermost span: the tool call, else the turn, else the task, else the operation. `None` without any id, and
  /// for a keyed submission without its conversation.
  pub fn span(&self) -> Option<SpanContext> {
    let ids = self.ids();
    let mut root_operation = self.root_operation_id.as_deref();
    let is_keyed = self.submission_id.as_deref().is_some_and(is_keyed);
    if is_keyed
      && [&self.run_id, &self.dispatch_id, &self.conversation_id].iter().all(|id| id.is_none())
    {
      return None;
    }
    let root = match root(&ids) {
      Some(root) => root,
      None => {
        root_operation = root_operation.or(self.operation_id.as_deref());
        lone_operation(root_operation?)
      }
    };
    let trace = self.trace_id.as_deref().and_then(TraceId::parse).unwrap_or(root.trace);
    if let Some(call) = &*self.tool_call_id {
      return Some(tool(trace, call_scope(&ids), call));
    }
    if let Some(id) = &*self.turn_id {
      return Some(turn(trace, id));
    }
    if let Some(id) = &*self.task_id {
      return Some(task(trace, id));
    }
    let is_within = self.operation_id.as_deref() != root_operation;
    match self.operation_id.as_deref().filter(|_| is_within) {
      Some(id) => Some(operation(trace, id)),
      None => Some(SpanContext { trace, ..root }),
    }
  }

  /// The ids as an event would have them.
  fn ids(&self) -> Ids<'_> {
    fn id(id: &Option<String>) -> Option<Text<'_>> {
      id.as_deref().map(Text::Borrowed)
    }
    Ids {
      run: id(&self.run_id),
      submission: id(&self.submission_id),
      dispatch: id(&self.dispatch_id),
      conversation: id(&self.conversation_id),
      operation: id(&self.operation_id),
      turn: id(&self.turn_id),
      ..Ids::default()
    }
  }
}
