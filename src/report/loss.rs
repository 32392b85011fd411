//! Why something was lost. The list is closed: every loss has one of these names.

/// The reasons, with the names that `stats().lost` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
  /// The memory bound was reached; the event was refused.
  InboxFull,
  /// The event could not be read.
  UnreadableEvent,
  /// Braintrust answered that it will never take the row.
  Rejected,
  /// The row is larger than Braintrust takes.
  TooLarge,
  /// Braintrust refused the API key.
  Unauthorized,
  /// The process ended before the row could be delivered.
  NotDeliveredAtExit,
  /// The recorder was closed before the event came.
  Closed,
  /// The engine thread could not start, or died.
  EngineFailed,
}

impl LossReason {
  /// Every reason, in the order of the counters.
  pub const ALL: [Self; 8] = [
    Self::InboxFull,
    Self::UnreadableEvent,
    Self::Rejected,
    Self::TooLarge,
    Self::Unauthorized,
    Self::NotDeliveredAtExit,
    Self::Closed,
    Self::EngineFailed,
  ];

  /// The name in `stats().lost`.
  pub fn name(self) -> &'static str {
    match self {
      Self::InboxFull => "inbox_full",
      Self::UnreadableEvent => "unreadable_event",
      Self::Rejected => "rejected",
      Self::TooLarge => "too_large",
      Self::Unauthorized => "unauthorized",
      Self::NotDeliveredAtExit => "not_delivered_at_exit",
      Self::Closed => "closed",
      Self::EngineFailed => "engine_failed",
    }
  }
}
