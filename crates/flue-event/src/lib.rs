//! What Flue says: one runtime event, decoded and made one dialect.
//!
//! Owns the knowledge of Flue's event shapes. Everything later sees [`Event`] and never asks which
//! version of Flue spoke. Payloads (messages, arguments, results) stay borrowed JSON text. Pure.

mod decode;
mod fields;
mod missing;
mod text;
mod time;
mod withhold;

use std::borrow::Cow;

pub use decode::{TRANSLATED_KINDS, decode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
pub use text::Utf8;
pub use withhold::Content;

/// A piece of the event's text, copied only where it has escapes.
pub type Text<'a> = Cow<'a, str>;

/// A payload: JSON text inside the event's text.
pub type Payload<'a> = Option<&'a RawValue>;

/// One event.
#[derive(Debug)]
pub struct Event<'a> {
  /// When Flue emitted it, milliseconds since the epoch.
  pub at: i64,
  /// Its position among the events of its context. Orders, never identifies, except a compaction.
  pub index: Option<f64>,
  /// Whether a 0.x release said it.
  pub is_0x: bool,
  /// Whom it concerns.
  pub ids: Ids<'a>,
  /// What happened.
  pub body: Body<'a>,
}

/// Flue's correlation ids, as far as the event carries them.
#[derive(Debug, Default, Clone)]
pub struct Ids<'a> {
  /// A workflow run.
  pub run: Option<Text<'a>>,
  /// An agent instance.
  pub instance: Option<Text<'a>>,
  /// The agent's registered name.
  pub agent: Option<Text<'a>>,
  /// A message delivered to an agent (2.x; direct prompts of 1.0-beta).
  pub submission: Option<Text<'a>>,
  /// A message dispatched to an agent (1.0-beta).
  pub dispatch: Option<Text<'a>>,
  /// A conversation.
  pub conversation: Option<Text<'a>>,
  /// The harness within the instance or run.
  pub harness: Option<Text<'a>>,
  /// The session within the harness.
  pub session: Option<Text<'a>>,
  /// The session that delegated this one.
  pub parent_session: Option<Text<'a>>,
  /// The delegated task the event lies in, or is about.
  pub task: Option<Text<'a>>,
  /// The operation; changes with each attempt.
  pub operation: Option<Text<'a>>,
  /// The model turn; changes with each attempt.
  pub turn: Option<Text<'a>>,
}

/// What happened, with what the event tells of it. Times are milliseconds.
#[derive(Debug)]
pub enum Body<'a> {
  RunStart {
    workflow: Option<Text<'a>>,
    started: Option<i64>,
    input: Payload<'a>,
    /// The run goes on in a process that did not start it.
    resumed: bool,
    /// Where its caller stands.
    carrier: Option<TraceCarrier<'a>>,
  },
  RunEnd {
    output: Payload<'a>,
    outcome: Outcome<'a>,
  },
  SubmissionQueued {
    kind: Option<Text<'a>>,
  },
  SubmissionRunning {
    /// 1 for the first attempt.
    attempt: Option<f64>,
    max_attempts: Option<f64>,
  },
  SubmissionRecovery {
    step: Option<Text<'a>>,
    outcome: Option<Text<'a>>,
  },
  SubmissionSettled {
    verdict: Option<Text<'a>>,
    failure: Option<Failure<'a>>,
  },
  OperationStart {
    kind: Option<Text<'a>>,
    /// The tool call that called it, where the async context tells.
    caller: Option<Caller<'a>>,
    /// The application's own span that it was called in, where the async context tells: a row id.
    calling_span: Option<Text<'a>>,
    /// Where the caller of its submission stands.
    carrier: Option<TraceCarrier<'a>>,
  },
  OperationEnd {
    kind: Option<Text<'a>>,
    input: Payload<'a>,
    output: Payload<'a>,
    usage: Option<Usage>,
    outcome: Outcome<'a>,
  },
  TurnRequest {
    purpose: Option<Text<'a>>,
    model: Model<'a>,
    system_prompt: Payload<'a>,
    messages: Payload<'a>,
    tools: Payload<'a>,
    /// Set when all this is only what is new in the conversation.
    history: Option<History>,
  },
  /// No request of this conversation will be told by what is new in it, unless it is told whole before.
  HistoryForgotten,
  TurnEnd {
    purpose: Option<Text<'a>>,
    model: Model<'a>,
    response: Response<'a>,
    outcome: Outcome<'a>,
  },
  /// The model began to answer.
  FirstDelta,
  ToolStart {
    tool: Tool<'a>,
    args: Payload<'a>,
    /// What it delegates, if it is Flue's `task` tool.
    delegates: Option<Delegation<'a>>,
  },
  ToolEnd {
    tool: Tool<'a>,
    /// Of a shell command.
    exit_code: Option<f64>,
    output: Payload<'a>,
    outcome: Outcome<'a>,
  },
  TaskStart {
    delegation: Delegation<'a>,
    cwd: Option<Text<'a>>,
    input: Payload<'a>,
    /// The tool call that raised the task, when a model did. 0.x does not tell.
    tool_call: Option<Text<'a>>,
  },
  TaskEnd {
    agent: Option<Text<'a>>,
    output: Payload<'a>,
    outcome: Outcome<'a>,
  },
  CompactionStart {
    reason: Option<Text<'a>>,
    estimated_tokens: Option<f64>,
  },
  CompactionEnd {
    messages_before: Option<f64>,
    messages_after: Option<f64>,
    usage: Option<Usage>,
    outcome: Outcome<'a>,
  },
  /// Compaction failed, on 0.x, which has no end event for that.
  CompactionFailed {
    failure: Failure<'a>,
  },
  Log {
    level: Option<Text<'a>>,
    message: Option<Text<'a>>,
    attributes: Payload<'a>,
    /// The tool call that wrote it (2.x).
    tool_call: Option<Text<'a>>,
  },
  /// The application begins a span of its own.
  SpanStart {
    subject: Subject<'a>,
    said: Said<'a>,
  },
  /// The application says something of a span, of its own or of Flue's.
  SpanLog {
    subject: Subject<'a>,
    said: Said<'a>,
  },
  /// A span of the application's ends.
  SpanEnd {
    subject: Subject<'a>,
    said: Said<'a>,
  },
  /// An event that no span needs.
  Other,
}

/// Which span the application speaks of. The facade names spans by ids of the wire.
#[derive(Debug, Default)]
pub struct Subject<'a> {
  /// Its row.
  pub id: Text<'a>,
  /// Its trace.
  pub trace: Text<'a>,
  /// The span it lies below.
  pub parent: Option<Text<'a>>,
}

/// What the application says of a span.
#[derive(Debug, Default)]
pub struct Said<'a> {
  pub name: Option<Text<'a>>,
  pub kind: Option<Text<'a>>,
  /// Milliseconds since the epoch, as the end.
  pub start: Option<i64>,
  pub end: Option<i64>,
  pub input: Payload<'a>,
  pub output: Payload<'a>,
  pub expected: Payload<'a>,
  pub error: Payload<'a>,
  pub metadata: Payload<'a>,
  pub metrics: Payload<'a>,
  pub scores: Payload<'a>,
  pub tags: Payload<'a>,
  /// Members of `span_attributes` besides name and type.
  pub attributes: Payload<'a>,
}

/// Where the caller of Flue's work stands in a trace: the headers of W3C, as the request had them.
#[derive(Debug, Clone)]
pub struct TraceCarrier<'a> {
  pub traceparent: Text<'a>,
  pub tracestate: Option<Text<'a>>,
}

/// What a `turn_request` does not repeat of its conversation's last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
  /// How many messages from the first on are the same.
  pub kept: usize,
  /// Whether the system prompt is the same.
  pub system_prompt: bool,
  /// Whether the tools are the same.
  pub tools: bool,
}

/// What is delegated to whom. Names a task where no id does.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Delegation<'a> {
  pub prompt: Option<Text<'a>>,
  pub agent: Option<Text<'a>>,
}

/// A tool call, named by the ids of its own scope.
#[derive(Debug)]
pub struct Caller<'a> {
  pub call: Text<'a>,
  /// The turn, operation and run it lies in, as far as known.
  pub ids: Ids<'a>,
}

/// How an activity ended.
#[derive(Debug, Default)]
pub struct Outcome<'a> {
  /// How long it took, by Flue's own clock.
  pub duration: Option<f64>,
  /// Why it failed; `None` when it did not.
  pub failure: Option<Failure<'a>>,
}

impl Outcome<'_> {
  /// When an activity began that ended at `end` in this way.
  pub fn start(&self, end: i64) -> i64 {
    end.saturating_sub(self.duration.unwrap_or(0.0).max(0.0) as i64)
  }
}

/// What Flue tells of an error.
#[derive(Debug, Default)]
pub struct Failure<'a> {
  /// The error's class.
  pub name: Option<Text<'a>>,
  /// A code a program can test.
  pub code: Option<Text<'a>>,
  /// The message for a person.
  pub message: Option<Text<'a>>,
  /// The JavaScript stack.
  pub stack: Option<Text<'a>>,
}

/// The model a turn asks, and how.
#[derive(Debug, Default)]
pub struct Model<'a> {
  pub name: Option<Text<'a>>,
  pub provider: Option<Text<'a>>,
  pub api: Option<Text<'a>>,
  pub reasoning: Option<Text<'a>>,
  pub max_tokens: Option<f64>,
  pub temperature: Option<f64>,
}

/// What the model answered.
#[derive(Debug, Default)]
pub struct Response<'a> {
  /// The provider's id of the answer.
  pub id: Option<Text<'a>>,
  /// The model that the provider says answered.
  pub model: Option<Text<'a>>,
  pub output: Payload<'a>,
  pub usage: Option<Usage>,
  pub finish_reason: Option<Text<'a>>,
}

/// A tool call: its name and its id, which is unique only within its turn or operation.
#[derive(Debug, Default)]
pub struct Tool<'a> {
  pub name: Option<Text<'a>>,
  pub call: Option<Text<'a>>,
  pub origin: Option<Text<'a>>,
}

/// Tokens, and what they cost in dollars.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
  /// Input that was neither read from nor written to the provider's cache.
  pub input: f64,
  pub output: f64,
  pub cache_read: f64,
  pub cache_write: f64,
  pub total: f64,
  pub cost: f64,
}
