//! Flue's correlation ids.

use crate::{
  fields::{Fields, id},
  value::Text,
};

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
  /// The delegated task that encloses the event, or that the event is about.
  pub task: Option<Text<'a>>,
  /// The operation; changes with each attempt.
  pub operation: Option<Text<'a>>,
  /// The model turn; changes with each attempt.
  pub turn: Option<Text<'a>>,
}

impl<'a> Ids<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      run: id(f.run_id),
      instance: id(f.instance_id),
      agent: id(f.agent_name),
      submission: id(f.submission_id),
      dispatch: id(f.dispatch_id),
      conversation: id(f.conversation_id),
      harness: id(f.harness),
      session: id(f.session),
      parent_session: id(f.parent_session),
      task: id(f.task_id),
      operation: id(f.operation_id),
      turn: id(f.turn_id),
    }
  }
}
