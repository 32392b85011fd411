//! One event: when, for which activities, and what happened.

use crate::{
  caller::CallerNamed,
  compaction::{CompactionEnd, CompactionStart},
  custom_span::{CustomSpan, SpanUpdate},
  feedback::Feedback,
  ids::Ids,
  log::Log,
  operation::{OperationEnd, OperationStart},
  run::{RunEnd, RunStart},
  submission::{SubmissionQueued, SubmissionRecovery, SubmissionRunning, SubmissionSettled},
  task::{TaskEnd, TaskStart},
  tool::{ToolEnd, ToolStart},
  turn::{TurnEnd, TurnRequest},
  usage::Usage,
  value::RawJson,
};

/// One event.
#[derive(Debug)]
pub struct Event<'a> {
  /// When Flue emitted it, milliseconds since the epoch.
  pub at: i64,
  /// Its position among the events of its context. Orders events; identifies only a compaction.
  pub index: Option<f64>,
  /// Whether a 0.x release of Flue emitted it.
  pub is_0x: bool,
  /// The activities it is about.
  pub ids: Ids<'a>,
  /// Tags and metadata that the application adds to the trace that the event begins: an object, made by this package's
  /// JavaScript.
  pub enrichment: RawJson<'a>,
  /// Whether the application wants the trace that the event begins, or that of the caller which it names, to be recorded,
  /// if it decides that.
  pub sampled: Option<bool>,
  /// What a span of the application's gives to all spans of the work that the event begins, or names the caller of.
  pub propagated: Option<Box<SpanUpdate<'a>>>,
  /// What happened.
  pub body: Body<'a>,
}

/// What happened. All times are in milliseconds.
#[derive(Debug)]
pub enum Body<'a> {
  /// A workflow run begins, or continues in another process.
  RunStart(RunStart<'a>),
  /// A workflow run ends.
  RunEnd(RunEnd<'a>),
  /// A submission waits for its agent.
  SubmissionQueued(SubmissionQueued<'a>),
  /// An attempt at a submission begins.
  SubmissionRunning(SubmissionRunning<'a>),
  /// A step of a submission's recovery could not be done.
  SubmissionRecovery(SubmissionRecovery<'a>),
  /// A submission is processed.
  SubmissionSettled(SubmissionSettled<'a>),
  /// An operation begins.
  OperationStart(OperationStart<'a>),
  /// An operation ends.
  OperationEnd(OperationEnd<'a>),
  /// A model is called.
  TurnRequest(TurnRequest<'a>),
  /// The next request of this conversation is complete: JavaScript has evicted its last one.
  HistoryForgotten,
  /// A model has responded.
  TurnEnd(TurnEnd<'a>),
  /// The usage of a turn that the message of the model reports.
  MessageEnd(Option<Usage>),
  /// A tool is called.
  ToolStart(ToolStart<'a>),
  /// A tool has returned.
  ToolEnd(ToolEnd<'a>),
  /// A task is delegated.
  TaskStart(TaskStart<'a>),
  /// A delegated task ends.
  TaskEnd(TaskEnd<'a>),
  /// A compaction begins.
  CompactionStart(CompactionStart<'a>),
  /// A compaction ends.
  CompactionEnd(CompactionEnd<'a>),
  /// A log line.
  Log(Log<'a>),
  /// The application begins a span.
  SpanStart(CustomSpan<'a>),
  /// The application updates a span, its own or one of Flue's.
  SpanLog(CustomSpan<'a>),
  /// The application ends a span.
  SpanEnd(CustomSpan<'a>),
  /// The application gives feedback about a span.
  Feedback(Feedback<'a>),
  /// The application names the caller of a submission, a dispatch or a run.
  CallerNamed(CallerNamed<'a>),
  /// An event that changes no span.
  Other,
}
