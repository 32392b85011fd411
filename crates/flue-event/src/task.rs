//! Delegated tasks: `task_start`, `task`.

use crate::{
  fields::{Fields, id, known, plain, text},
  outcome::Outcome,
  value::{RawJson, Text},
};

/// What is delegated to which agent. Identifies the tool call of a task on 0.x, where no id does.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Delegation<'a> {
  /// The prompt for the agent.
  pub prompt: Option<Text<'a>>,
  /// The agent's name.
  pub agent: Option<Text<'a>>,
}

/// `task_start`: a task is delegated to a subagent.
#[derive(Debug)]
pub struct TaskStart<'a> {
  /// What is delegated to whom.
  pub delegation: Delegation<'a>,
  /// The subagent's working directory.
  pub cwd: Option<Text<'a>>,
  /// The task's input.
  pub input: RawJson<'a>,
  /// The id of the tool call that started the task, if a model did. Missing on 0.x.
  pub tool_call: Option<Text<'a>>,
}

impl<'a> TaskStart<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      delegation: Delegation { prompt: text(f.prompt), agent: text(f.agent) },
      cwd: text(f.cwd),
      input: plain(f.agent_input).or(f.prompt),
      tool_call: id(f.tool_call_id),
    }
  }
}

/// `task`: a subagent has finished, or failed.
#[derive(Debug)]
pub struct TaskEnd<'a> {
  /// The subagent's name.
  pub agent: Option<Text<'a>>,
  /// The task's result.
  pub output: RawJson<'a>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> TaskEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      agent: text(f.agent),
      output: plain(f.agent_output).or(known(f.result)),
      outcome: Outcome::read(f, text(f.result)),
    }
  }
}
