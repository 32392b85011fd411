//! Flue events in, rows out.
//!
//! Owns the rules of the trace: which activity becomes which span, below which parent, with what in it.
//! Pure and synchronous: it sees no clock, no network, no N-API, and keeps only what is open.
//!
//! | Flue activity | span |
//! |---|---|
//! | workflow run | `workflow:<name>` |
//! | operation `prompt`, `skill`, `compact` | `flue.<kind>` |
//! | model turn | `llm:<model>` |
//! | tool call | `tool:<name>` |
//! | delegated task | `task:<agent>` |
//! | compaction | `compaction:<reason>` |
//! | span of the application's own | as the application names it |
//!
//! Every span that was opened is closed: by its own end, else with the span around it, else by
//! [`Translator::close_all`]. The latter two are marked `flue.interrupted`.

mod activity;
mod caller;
mod compaction;
mod content;
mod conversation;
mod error;
mod facts;
mod history;
mod identity;
mod log;
mod messages;
mod operation;
mod own;
mod remains;
mod submission;
mod task;
mod tool;
mod tree;
mod turn;
mod usage;
mod workflow;

#[cfg(test)]
mod tests;

use activity::Activity;
use braintrust_row::Row;
use conversation::Conversations;
use flue_event::{Body, Event, Ids};
use history::Histories;
pub use identity::Whereabouts;
pub use messages::Form;
use submission::Submissions;
use tree::Tree;

/// What the user may choose.
#[derive(Clone, Copy, Debug)]
pub struct Options {
  /// How messages are written.
  pub messages: Form,
  /// Which messages a turn shows.
  pub turn_input: TurnInput,
  /// Whether log events are kept with their spans.
  pub logs: bool,
  /// Whether the trace of a run or a submission is the one of its caller, where a request told.
  pub distributed: bool,
}

impl Default for Options {
  fn default() -> Self {
    let (messages, turn_input) = (Form::default(), TurnInput::default());
    Self { messages, turn_input, logs: true, distributed: false }
  }
}

/// Which messages a turn shows as its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TurnInput {
  /// All that the model was given.
  #[default]
  Full,
  /// Those that the previous turn of the conversation was not given.
  Delta,
}

/// Turns a stream of events into rows. One translator sees all events of a process.
#[derive(Default)]
pub struct Translator {
  options: Options,
  tree: Tree,
  submissions: Submissions,
  histories: Histories,
  conversations: Conversations,
}

impl Translator {
  pub fn new(options: Options) -> Self {
    Self { options, ..Self::default() }
  }

  /// What the event says of the spans: new rows and additions to earlier ones.
  pub fn step(&mut self, event: &Event<'_>) -> Vec<Row> {
    let mut rows = self.open_unseen(event);
    rows.extend(self.tell(event));
    self.tree.shed(event.at, &mut rows);
    rows
  }

  /// Whether the event would open a span, be it by its end.
  pub fn would_open(&self, event: &Event<'_>) -> bool {
    Activity::named_by(event).is_some_and(|activity| {
      self.tree.get(&activity).is_none() && !self.tree.has_finished(&activity)
    })
  }

  /// There is no room for the span that the event would open. What is said of it from now on is passed over.
  pub fn refuse(&mut self, event: &Event<'_>) {
    if let Body::TurnRequest { system_prompt, messages, tools, history, .. } = event.body {
      // The next request of the conversation is told by what this one said.
      self.go_on(event, &turn::Asked { system_prompt, messages, tools, history });
    }
    if let Some(activity) = Activity::named_by(event) {
      self.tree.pass_over(activity);
    }
  }

  /// Opens what the event lies in and whose start never came: it was withheld, refused, or came to
  /// another process.
  fn open_unseen(&mut self, event: &Event<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let (run, operation) = match event.body {
      Body::OperationStart { .. } | Body::OperationEnd { .. } => (true, false),
      Body::TurnRequest { .. }
      | Body::TurnEnd { .. }
      | Body::ToolStart { .. }
      | Body::ToolEnd { .. }
      | Body::TaskStart { .. }
      | Body::CompactionStart { .. } => (true, true),
      _ => (false, false),
    };
    // What was interrupted is not opened again by what is said of its parts.
    let has_ended = |activity| self.tree.has_ended(&activity);
    let ids = &event.ids;
    let run = run && !ids.run.as_deref().is_some_and(|id| has_ended(Activity::Run(id.into())));
    let operation = operation
      && !ids.operation.as_deref().is_some_and(|id| has_ended(Activity::Operation(id.into())));
    if run {
      rows.extend(self.unseen_run(event));
    }
    if operation {
      // The task of a task's start is not the one that the delegating operation lies in.
      let task = if let Body::TaskStart { .. } = event.body { None } else { ids.task.clone() };
      self.unseen_operation(&Ids { task, ..ids.clone() }, event.at, &mut rows);
    }
    rows
  }

  fn tell(&mut self, event: &Event<'_>) -> Vec<Row> {
    match &event.body {
      Body::RunStart { workflow, started, input, resumed, carrier } => {
        self.run_start(event, workflow.as_deref(), *started, *input, *resumed, carrier.as_ref())
      }
      Body::RunEnd { output, outcome } => self.run_end(event, *output, outcome),
      Body::SubmissionQueued { kind } => {
        self.submission_queued(event, kind.as_deref());
        Vec::new()
      }
      Body::SubmissionRunning { attempt, max_attempts } => {
        self.submission_running(event, *attempt, *max_attempts);
        Vec::new()
      }
      Body::SubmissionRecovery { step, outcome } => {
        self.submission_recovery(event, step.as_deref(), outcome.as_deref())
      }
      Body::SubmissionSettled { verdict, failure } => {
        self.submission_settled(event, verdict.as_deref(), failure.as_ref())
      }
      Body::OperationStart { kind, caller, calling_span, carrier } => {
        let (tool, span, carrier) = (caller.as_ref(), calling_span.as_deref(), carrier.as_ref());
        self.operation_start(event, kind.as_deref(), &operation::Called { tool, span, carrier })
      }
      Body::OperationEnd { kind, input, output, usage, outcome } => {
        let content = operation::Content { input: *input, output: *output, usage: *usage };
        self.operation_end(event, kind.as_deref(), &content, outcome)
      }
      Body::TurnRequest { purpose, model, system_prompt, messages, tools, history } => {
        let asked = turn::Asked {
          system_prompt: *system_prompt,
          messages: *messages,
          tools: *tools,
          history: *history,
        };
        self.turn_request(event, purpose.as_deref(), model, &asked)
      }
      Body::HistoryForgotten => {
        self.history_forgotten(event);
        Vec::new()
      }
      Body::FirstDelta => self.first_delta(event),
      Body::TurnEnd { purpose, model, response, outcome } => {
        self.turn_end(event, purpose.as_deref(), model, response, outcome)
      }
      Body::ToolStart { tool, args, delegates } => {
        self.tool_start(event, tool, *args, delegates.as_ref())
      }
      Body::ToolEnd { tool, exit_code, output, outcome } => {
        self.tool_end(event, tool, *exit_code, *output, outcome)
      }
      Body::TaskStart { delegation, cwd, input, tool_call } => {
        self.task_start(event, delegation, cwd.as_deref(), tool_call.as_deref(), *input)
      }
      Body::TaskEnd { agent, output, outcome } => {
        self.task_end(event, agent.as_deref(), *output, outcome)
      }
      Body::CompactionStart { reason, estimated_tokens } => {
        self.compaction_start(event, reason.as_deref(), *estimated_tokens)
      }
      Body::CompactionEnd { messages_before, messages_after, usage, outcome } => {
        self.compaction_end(event, (*messages_before, *messages_after), *usage, outcome)
      }
      Body::CompactionFailed { failure } => self.compaction_failed(event, failure),
      Body::Log { level, message, attributes, tool_call } => {
        let level = level.as_deref();
        self.log(event, level, message.as_deref(), *attributes, tool_call.as_deref());
        Vec::new()
      }
      Body::SpanStart { subject, said } => self.span_start(event, subject, said),
      Body::SpanLog { subject, said } => self.span_log(subject, said),
      Body::SpanEnd { subject, said } => self.span_end(event, subject, said),
      Body::Other => Vec::new(),
    }
  }

  /// Closes what is open, as interrupted: the process ends at `at` (milliseconds since the epoch).
  pub fn close_all(&mut self, at: i64) -> Vec<Row> {
    self.tree.interrupt_all(at)
  }

  /// How many spans are open.
  pub fn open_spans(&self) -> usize {
    self.tree.len()
  }
}
