//! The user's options for the trace.

use crate::messages::Form;

/// The user's options for the trace.
#[derive(Clone, Copy, Debug)]
pub struct Options {
  /// How messages are written.
  pub messages: Form,
  /// Which messages a turn shows.
  pub turn_input: TurnInput,
  /// Whether log lines are kept with their spans. Default: true.
  pub logs: bool,
  /// Whether a run or a submission joins the trace of its caller, if a request names one. Default: false.
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
  /// All messages of the request.
  #[default]
  Full,
  /// The messages that the conversation's previous request did not have.
  Delta,
}
