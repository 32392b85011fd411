//! Why rows are lost. The list is closed: every loss has one of these reasons.

/// The reasons, with the names that `stats().lost` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
  /// Too much waited for delivery; what came new was refused.
  QueueFull,
  /// The event could not be read.
  UnreadableEvent,
  /// Braintrust answered that it will never take the row.
  Rejected,
  /// The row is larger than Braintrust takes, even when it is cut.
  TooLarge,
  /// Braintrust refused the API key.
  Unauthorized,
  /// The process ended before the row could be delivered.
  NotDeliveredAtExit,
  /// The recorder was closed before the event came.
  Closed,
  /// The engine thread could not start, or died.
  EngineFailed,
  /// The spool had reached its size; the oldest made room.
  SpoolFull,
  /// The row had been in the spool for too long.
  SpoolExpired,
  /// The spool's file could not be read again.
  SpoolDamaged,
}

impl LossReason {
  /// Every reason, in the order of the counters.
  pub const ALL: [Self; 11] = [
    Self::QueueFull,
    Self::UnreadableEvent,
    Self::Rejected,
    Self::TooLarge,
    Self::Unauthorized,
    Self::NotDeliveredAtExit,
    Self::Closed,
    Self::EngineFailed,
    Self::SpoolFull,
    Self::SpoolExpired,
    Self::SpoolDamaged,
  ];

  /// The name in `stats().lost`.
  pub fn name(self) -> &'static str {
    match self {
      Self::QueueFull => "queue_full",
      Self::UnreadableEvent => "unreadable_event",
      Self::Rejected => "rejected",
      Self::TooLarge => "too_large",
      Self::Unauthorized => "unauthorized",
      Self::NotDeliveredAtExit => "not_delivered_at_exit",
      Self::Closed => "closed",
      Self::EngineFailed => "engine_failed",
      Self::SpoolFull => "spool_full",
      Self::SpoolExpired => "spool_expired",
      Self::SpoolDamaged => "spool_damaged",
    }
  }

  /// What the user can do about it.
  pub fn remedy(self) -> &'static str {
    match self {
      Self::QueueFull => "give `maxQueueBytes` more, or name a `spool` directory",
      Self::UnreadableEvent => "please report it with the version of Flue",
      Self::Rejected => "see what the server answered",
      Self::TooLarge => "trace less in one span",
      Self::Unauthorized => "check BRAINTRUST_API_KEY",
      Self::NotDeliveredAtExit => "give `exitTimeoutMs` more, or name a `spool` directory",
      Self::Closed => "record before `close()`",
      Self::EngineFailed => "please report it",
      Self::SpoolFull => "give `spool.maxBytes` more",
      Self::SpoolExpired => "give `spool.maxAgeMs` more",
      Self::SpoolDamaged => "check the disk of the spool directory",
    }
  }
}
