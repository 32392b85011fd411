//! Activities, named by Flue's ids.

use serde::{Deserialize, Serialize};

use braintrust_row::RowId;
use flue_event::{Body, Event, Ids};

/// What an open span stands for, named by Flue's ids. Tool-call ids repeat between agents, so a call is
/// named together with its turn (else its operation, its run or its delivery).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Activity {
  /// A workflow run.
  Run(String),
  /// An operation.
  Operation(String),
  /// A model turn.
  Turn(String),
  /// A tool call.
  Tool {
    /// The turn, operation, run or delivery that encloses it.
    scope: String,
    /// The call's id.
    call: String,
  },
  /// A delegated task.
  Task(String),
  /// A compaction, by its operation: compactions of one operation never overlap.
  Compaction(String),
  /// A custom span, by its row id.
  #[serde(rename = "Span")]
  CustomSpan(String),
}

impl Activity {
  /// The activity that the event starts or ends. `None` for compactions, which are few, and for tool calls, of which
  /// several may have one id.
  pub fn named_by(event: &Event<'_>) -> Option<Self> {
    let ids = &event.ids;
    match &event.body {
      Body::RunStart(_) | Body::RunEnd(_) => Self::run(ids),
      Body::OperationStart(_) | Body::OperationEnd(_) => Self::operation(ids),
      Body::TurnRequest(_) | Body::TurnEnd(_) => Self::turn(ids),
      Body::TaskStart(_) | Body::TaskEnd(_) => Self::task(ids),
      Body::SpanStart(span) => Some(Self::CustomSpan(span.ids.row.as_ref().to_owned())),
      _ => None,
    }
  }

  /// The run of these ids.
  pub fn run(ids: &Ids<'_>) -> Option<Self> {
    Some(Self::Run(ids.run.as_deref()?.to_owned()))
  }

  /// The operation of these ids.
  pub fn operation(ids: &Ids<'_>) -> Option<Self> {
    Some(Self::Operation(ids.operation.as_deref()?.to_owned()))
  }

  /// The turn of these ids.
  pub fn turn(ids: &Ids<'_>) -> Option<Self> {
    Some(Self::Turn(ids.turn.as_deref()?.to_owned()))
  }

  /// The delegated task of these ids.
  pub fn task(ids: &Ids<'_>) -> Option<Self> {
    Some(Self::Task(ids.task.as_deref()?.to_owned()))
  }

  /// The compaction in the operation of these ids.
  pub fn compaction(ids: &Ids<'_>) -> Option<Self> {
    Some(Self::Compaction(ids.operation.as_deref()?.to_owned()))
  }

  /// A compaction that has ended before another one of its operation began, by its row.
  pub fn earlier_compaction(row: RowId) -> Self {
    Self::Compaction(row.to_string())
  }

  /// The first tool call with an id within its scope.
  pub fn tool(ids: &Ids<'_>, call: &str) -> Self {
    Self::Tool { scope: call_scope(ids).to_owned(), call: call.to_owned() }
  }
}

/// The id within which the ids of tool calls are unique: the turn's, else the operation's, else the run's, else the
/// delivery's.
pub fn call_scope<'e>(ids: &'e Ids<'_>) -> &'e str {
  let Ids { turn, operation, run, dispatch, submission, .. } = ids;
  let scopes = [turn, operation, run, dispatch, submission];
  scopes.into_iter().find_map(|scope| scope.as_deref()).unwrap_or_default()
}
