//! Tool calls: `tool_start`, `tool` (`tool_call` on 0.x).

use crate::{
  fields::{self, Fields, id, list, number, object, text},
  outcome::Outcome,
  task::Delegation,
  value::{RawJson, Text},
};

/// A tool call. Its id is unique only within its turn or operation.
#[derive(Debug, Default)]
pub struct Tool<'a> {
  /// The tool's name.
  pub name: Option<Text<'a>>,
  /// The call's id.
  pub call: Option<Text<'a>>,
  /// Where the tool comes from, such as `builtin` or `mcp`.
  pub origin: Option<Text<'a>>,
}

impl<'a> Tool<'a> {
  fn read(f: &Fields<'a>) -> Self {
    Self { name: text(f.tool_name), call: id(f.tool_call_id), origin: text(f.origin) }
  }
}

/// `tool_start`: a tool is called.
#[derive(Debug)]
pub struct ToolStart<'a> {
  /// The call.
  pub tool: Tool<'a>,
  /// The call's arguments.
  pub args: RawJson<'a>,
  /// What Flue's own `task` tool delegates; `None` for other tools.
  pub delegates: Option<Delegation<'a>>,
}

impl<'a> ToolStart<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let tool = Tool::read(f);
    let delegates = (tool.name.as_deref() == Some("task")).then(|| {
      let args: fields::Delegation = object(f.args);
      Delegation { prompt: text(args.prompt), agent: text(args.agent) }
    });
    Self { tool, args: f.args, delegates }
  }
}

/// `tool`: a tool has returned, or failed.
#[derive(Debug)]
pub struct ToolEnd<'a> {
  /// The call.
  pub tool: Tool<'a>,
  /// The exit code of a shell command.
  pub exit_code: Option<f64>,
  /// The call's result.
  pub output: RawJson<'a>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> ToolEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let fields::Result { content, details, .. } = object(f.result);
    Self {
      tool: Tool::read(f),
      exit_code: number(object::<fields::Details>(details).exit_code),
      output: f.effective_result.or(content).or(f.result),
      // A tool that failed before it ran has its message only there.
      outcome: Outcome::read(
        f,
        text(object::<fields::Result>(list(content).first().copied()).text),
      ),
    }
  }
}
