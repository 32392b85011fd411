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
  /// Whether traces may be left out after their translation: then a turn leaves out only what its own trace shows.
  /// Default: false.
  pub may_leave_out: bool,
}

impl Default for Options {
  fn default() -> Self {
    let (messages, turn_input) = (Form::default(), TurnInput::default());
    Self { messages, turn_input, logs: true, distributed: false, may_leave_out: false }
  }
}

/// Which messages a turn shows as its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnInput {
  /// All messages of the request if the input has at most so many bytes, else those that no earlier input of the
  /// conversation has. Default, with [`TurnInput::MAX_FULL_BYTES`].
  Auto {
    /// The most bytes of a full input, as JSON.
    max_full_bytes: usize,
  },
  /// All messages of the request.
  Full,
  /// The messages that the conversation's previous request did not have.
  Delta,
}

impl TurnInput {
  /// 128 KiB: some 30,000 tokens, more than a reader scrolls through.
  pub const MAX_FULL_BYTES: usize = 128 * 1024;
}

impl Default for TurnInput {
  fn default() -> Self {
    Self::Auto { max_full_bytes: Self::MAX_FULL_BYTES }
  }
}
