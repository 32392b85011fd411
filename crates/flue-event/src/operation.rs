//! Operations: `operation_start`, `operation`.

use crate::{
  caller::Caller,
  carrier::TraceCarrier,
  fields::{self, Fields, Member, id, object, plain, text},
  ids::Ids,
  outcome::Outcome,
  usage::Usage,
  value::{RawJson, Text},
};

/// `operation_start`: an operation begins.
#[derive(Debug, Default)]
pub struct OperationStart<'a> {
  /// The kind of operation, such as `prompt`, `skill`, `task`, `shell` or `compact`.
  pub kind: Option<Text<'a>>,
  /// The tool call in which the operation was called, if JavaScript's async context names one.
  pub calling_tool: Option<CallingTool<'a>>,
  /// The row id of the application's span in which the operation was called, if the async context names one.
  pub calling_span: Option<Text<'a>>,
  /// The row id of the application's span in the async context, if that may be the context of other work.
  pub outer_span: Option<Text<'a>>,
  /// The trace context of the submission's caller.
  pub carrier: Option<TraceCarrier<'a>>,
  /// The span under which the submission runs, if the application has named one.
  pub caller: Option<Caller<'a>>,
}

impl<'a> OperationStart<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      kind: text(f.operation_kind),
      calling_tool: CallingTool::read(f.calling_tool),
      calling_span: text(f.calling_span),
      outer_span: text(f.outer_span),
      carrier: TraceCarrier::read(f.trace_carrier),
      caller: Caller::read(f.caller),
    }
  }
}

/// `operation`: an operation ends.
#[derive(Debug)]
pub struct OperationEnd<'a> {
  /// The kind of operation.
  pub kind: Option<Text<'a>>,
  /// What the agent was asked.
  pub input: RawJson<'a>,
  /// The agent's response.
  pub output: RawJson<'a>,
  /// The token usage of the operation.
  pub usage: Option<Usage>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> OperationEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      kind: text(f.operation_kind),
      input: plain(f.agent_input),
      output: plain(f.agent_output).or_else(|| plain(f.result)),
      usage: Usage::read(f.usage),
      outcome: Outcome::read(f, None),
    }
  }
}

/// A tool call, with the ids of its own scope.
#[derive(Debug)]
pub struct CallingTool<'a> {
  /// The call's id.
  pub call: Text<'a>,
  /// The turn, operation and run that enclose the call, as far as known.
  pub ids: Ids<'a>,
}

impl<'a> CallingTool<'a> {
  fn read(member: Member<'a>) -> Option<Self> {
    let f: fields::CallingTool = object(member);
    let ids = Ids {
      turn: id(f.turn_id),
      operation: id(f.operation_id),
      run: id(f.run_id),
      ..Ids::default()
    };
    Some(Self { call: id(f.tool_call_id)?, ids })
  }
}
