//! JSON text to [`Event`]. The differences between Flue's releases end here.

use thiserror::Error;

use crate::{
  caller::CallerNamed,
  compaction::{CompactionEnd, CompactionStart},
  custom_span::{CustomSpan, SpanUpdate},
  event::{Body, Event},
  feedback::Feedback,
  fields::{Fields, event_time, number, text},
  ids::Ids,
  log::Log,
  operation::{OperationEnd, OperationStart},
  run::{RunEnd, RunStart},
  submission::{SubmissionQueued, SubmissionRecovery, SubmissionRunning, SubmissionSettled},
  task::{TaskEnd, TaskStart},
  tool::{ToolEnd, ToolStart},
  turn::{TurnEnd, TurnRequest},
  usage::Usage,
};

/// The kinds of events that change a span; JavaScript drops all others after one look-up.
///
/// Of `message_end`, JavaScript passes on only the usage that its turn does not report, as a member of the event. Those of
/// this package's JavaScript are not in the list, as a later Flue may have events with their names: `history_forgotten`,
/// after which the next request of a conversation comes whole, the three `span_` kinds of custom spans, `feedback` and
/// `caller_named`.
pub const TRANSLATED_KINDS: &[&str] = &[
  "run_start",
  "run_resume",
  "run_end",
  "submission_queued",
  "submission_running",
  "submission_recovery",
  "submission_settled",
  "operation_start",
  "operation",
  "turn_request",
  "turn",
  "message_end",
  "tool_start",
  "tool",
  "tool_call",
  "task_start",
  "task",
  "compaction_start",
  "compaction",
  "log",
];

/// Why a text is not an event.
#[derive(Debug, Error)]
pub enum DecodeError {
  /// The text is not a JSON object.
  #[error("the event is not a JSON object, from column {column} on")]
  NotAnObject {
    /// The column of the first error. The message omits the content.
    column: usize,
  },
  /// The text is a JSON list.
  #[error("the event is a list")]
  List,
  /// The event has no `type`.
  #[error("the event has no type")]
  NoType,
}

impl From<serde_json::Error> for DecodeError {
  fn from(error: serde_json::Error) -> Self {
    Self::NotAnObject { column: error.column() }
  }
}

/// Decodes one event. `now`, in milliseconds since the epoch, replaces a timestamp that is missing or
/// invalid.
pub fn decode(event: &str, now: i64) -> Result<Event<'_>, DecodeError> {
  if event.trim_start().starts_with('[') {
    return Err(DecodeError::List);
  }
  let f: Fields = serde_json::from_str(event)?;
  let kind = text(f.r#type).ok_or(DecodeError::NoType)?;
  let mut event = Event {
    at: event_time(f.timestamp).unwrap_or(now),
    index: number(f.event_index),
    is_0x: f.v.is_none(),
    ids: Ids::read(&f),
    enrichment: f.enrichment,
    sampled: f.sampled.map(|sampled| sampled.get() == "true"),
    propagated: f.propagated.map(|_| Box::new(SpanUpdate::read(f.propagated))),
    body: body(&kind, &f),
  };
  event.add_fallback_ids();
  Ok(event)
}

// Nothing is inlined: V8 compiles a function of a module as a whole, and optimises large ones after fewer calls.
#[inline(never)]
fn body<'a>(kind: &str, f: &Fields<'a>) -> Body<'a> {
  match kind {
    "run_start" => Body::RunStart(RunStart::read(f, false)),
    "run_resume" => Body::RunStart(RunStart::read(f, true)),
    "run_end" => Body::RunEnd(RunEnd::read(f)),
    "submission_queued" => Body::SubmissionQueued(SubmissionQueued::read(f)),
    "submission_running" => Body::SubmissionRunning(SubmissionRunning::read(f)),
    "submission_recovery" => Body::SubmissionRecovery(SubmissionRecovery::read(f)),
    "submission_settled" => Body::SubmissionSettled(SubmissionSettled::read(f)),
    "operation_start" => Body::OperationStart(OperationStart::read(f)),
    "operation" => Body::OperationEnd(OperationEnd::read(f)),
    "turn_request" => Body::TurnRequest(TurnRequest::read(f)),
    "turn" => Body::TurnEnd(TurnEnd::read(f)),
    "history_forgotten" => Body::HistoryForgotten,
    "message_end" => Body::MessageEnd(Usage::read(f.usage)),
    "tool_start" => Body::ToolStart(ToolStart::read(f)),
    // `tool_call` is the name on 0.x, and the one that the helper of Flue's Braintrust guide gives to `tool`.
    "tool" | "tool_call" => Body::ToolEnd(ToolEnd::read(f)),
    "task_start" => Body::TaskStart(TaskStart::read(f)),
    "task" => Body::TaskEnd(TaskEnd::read(f)),
    "compaction_start" => Body::CompactionStart(CompactionStart::read(f)),
    "compaction" => Body::CompactionEnd(CompactionEnd::read(f)),
    "log" => Body::Log(Log::read(f)),
    "span_start" => Body::SpanStart(CustomSpan::read(f)),
    "span_log" => Body::SpanLog(CustomSpan::read(f)),
    "span_end" => Body::SpanEnd(CustomSpan::read(f)),
    "feedback" => Body::Feedback(Feedback::read(f)),
    "caller_named" => Body::CallerNamed(CallerNamed::read(f)),
    _ => Body::Other,
  }
}
