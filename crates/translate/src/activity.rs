//! Activities, named by Flue's ids.

use serde::{Deserialize, Serialize};

use flue_event::{Body, Event, Ids};

/// What an open span stands for, named by Flue's ids. Tool-call ids repeat between agents, so a call is
/// named together with its turn (else its operation, else its run).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Activity {
  Run(String),
  Operation(String),
  Turn(String),
  Tool {
    scope: String,
    call: String,
  },
  Task(String),
  /// By the operation it serves: compactions of one operation never overlap.
  Compaction(String),
  /// A span of the application's own, by its row id.
  Span(String),
}

impl Activity {
  /// What the event begins or ends. A compaction is none of these: there are few.
  pub fn named_by(event: &Event<'_>) -> Option<Self> {
    let ids = &event.ids;
    Some(match &event.body {
      Body::RunStart { .. } | Body::RunEnd { .. } => Self::Run(ids.run.as_deref()?.to_owned()),
      Body::OperationStart { .. } | Body::OperationEnd { .. } => {
        Self::Operation(ids.operation.as_deref()?.to_owned())
      }
      Body::TurnRequest { .. } | Body::TurnEnd { .. } => {
        Self::Turn(ids.turn.as_deref()?.to_owned())
      }
      Body::ToolStart { tool, .. } | Body::ToolEnd { tool, .. } => {
        Self::tool(ids, tool.call.as_deref()?)
      }
      Body::TaskStart { .. } | Body::TaskEnd { .. } => Self::Task(ids.task.as_deref()?.to_owned()),
      Body::SpanStart { subject, .. } => Self::Span(subject.id.as_ref().to_owned()),
      _ => return None,
    })
  }

  /// A tool call, by its id within its scope.
  pub fn tool(ids: &Ids<'_>, call: &str) -> Self {
    let scope = ids.turn.as_deref().or(ids.operation.as_deref()).or(ids.run.as_deref());
    Self::Tool { scope: scope.unwrap_or_default().to_owned(), call: call.to_owned() }
  }
}
