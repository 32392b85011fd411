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
//!
//! Every span that was opened is closed: by its own end, else with the span around it, else by
//! [`Translator::close_all`]. The latter two are marked `flue.interrupted`.

mod compaction;
mod error;
mod facts;
mod identity;
mod operation;
mod submission;
mod task;
mod tool;
mod tree;
mod turn;
mod usage;
mod workflow;

#[cfg(test)]
mod tests;

use crate::{
  event::{Body, Event},
  span::Row,
};
use submission::Submissions;
use tree::Tree;

/// Turns a stream of events into rows. One translator sees all events of a process.
#[derive(Default)]
pub struct Translator {
  tree: Tree,
  submissions: Submissions,
}

impl Translator {
  /// What the event says of the spans: new rows and additions to earlier ones.
  pub fn step(&mut self, event: &Event<'_>) -> Vec<Row> {
    match &event.body {
      Body::RunStart {
        workflow,
        started,
        input,
        resumed,
      } => self.run_start(event, workflow.as_deref(), *started, *input, *resumed),
      Body::RunEnd { output, outcome } => self.run_end(event, *output, outcome),
      Body::SubmissionSettled { outcome } => self.submission_settled(event, outcome.as_deref()),
      Body::OperationStart { kind } => self.operation_start(event, kind.as_deref()),
      Body::OperationEnd {
        kind,
        input,
        output,
        usage,
        outcome,
      } => {
        let content = operation::Content {
          input: *input,
          output: *output,
          usage: *usage,
        };
        self.operation_end(event, kind.as_deref(), &content, outcome)
      }
      Body::TurnRequest {
        purpose,
        model,
        system_prompt,
        messages,
        tools,
      } => {
        let asked = turn::Asked {
          system_prompt: *system_prompt,
          messages: *messages,
          tools: *tools,
        };
        self.turn_request(event, purpose.as_deref(), model, &asked)
      }
      Body::TurnEnd {
        purpose,
        model,
        response,
        outcome,
      } => self.turn_end(event, purpose.as_deref(), model, response, outcome),
      Body::ToolStart { tool, args } => self.tool_start(event, tool, *args),
      Body::ToolEnd {
        tool,
        output,
        outcome,
      } => self.tool_end(event, tool, *output, outcome),
      Body::TaskStart {
        agent,
        cwd,
        input,
        tool_call,
      } => {
        let of = task::Delegation {
          agent: agent.as_deref(),
          cwd: cwd.as_deref(),
          call: tool_call.as_deref(),
        };
        self.task_start(event, &of, *input)
      }
      Body::TaskEnd {
        agent,
        output,
        outcome,
      } => self.task_end(event, agent.as_deref(), *output, outcome),
      Body::CompactionStart {
        reason,
        estimated_tokens,
      } => self.compaction_start(event, reason.as_deref(), *estimated_tokens),
      Body::CompactionEnd {
        messages_before,
        messages_after,
        usage,
        outcome,
      } => self.compaction_end(event, (*messages_before, *messages_after), *usage, outcome),
      Body::Other => Vec::new(),
    }
  }

  /// Closes what is open, as interrupted: the process ends at `at` (milliseconds since the epoch).
  pub fn close_all(&mut self, at: i64) -> Vec<Row> {
    self.tree.close_all(at)
  }

  /// How many spans are open.
  pub fn open_spans(&self) -> usize {
    self.tree.len()
  }
}
