//! The reasons for which rows are lost, and their remedies.

/// Why a row is lost. Every loss has exactly one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
  /// The queue is full: the bound of undelivered rows is reached.
  QueueFull,
  /// The event is malformed, or its translation failed.
  UnreadableEvent,
  /// A log line names no run, operation or submission that is known.
  NoSpan,
  /// Feedback of the application cannot be used.
  InvalidFeedback,
  /// Braintrust rejected the row permanently.
  Rejected,
  /// The row exceeds Braintrust's limit even when it is truncated.
  TooLarge,
  /// Braintrust refused the API key.
  Unauthorized,
  /// The process ended before the row could be delivered.
  NotDeliveredAtExit,
  /// The event came after the recorder was closed.
  Closed,
  /// The exporter's thread could not start, or panicked.
  EngineFailed,
  /// The spool is full: the oldest segment was evicted.
  SpoolFull,
  /// The row was in the spool for longer than its maximum age.
  SpoolExpired,
  /// The segment is damaged, missing or unreadable.
  SpoolDamaged,
}

impl LossReason {
  /// Every reason, in the order of the counters.
  pub const ALL: [Self; 13] = [
    Self::QueueFull,
    Self::UnreadableEvent,
    Self::NoSpan,
    Self::InvalidFeedback,
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
      Self::NoSpan => "no_span",
      Self::InvalidFeedback => "invalid_feedback",
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
      Self::QueueFull => {
        "increase `maxQueueBytes`, or configure a `spool` directory (in a Worker: `storage`)"
      }
      Self::UnreadableEvent => "please report it with the Flue version",
      Self::NoSpan => "log within a run or a submission",
      Self::InvalidFeedback => "correct the call of `logFeedback`",
      Self::Rejected => "check the server's response",
      Self::TooLarge => "trace less per span, or set `maxFieldBytes`",
      // The cause names what was refused, and its setting.
      Self::Unauthorized => "run `npx flue-braintrust doctor`",
      Self::NotDeliveredAtExit => {
        "increase `exitTimeoutMs`, or configure a `spool` directory (in a Worker: `storage`)"
      }
      Self::Closed => "record events before `close()`",
      Self::EngineFailed => "please report it",
      Self::SpoolFull => "increase `spool.maxBytes`",
      Self::SpoolExpired => "increase `spool.maxAgeMs`",
      Self::SpoolDamaged => "check the disk of the spool directory",
    }
  }

  /// The same for lost attachments.
  pub fn attachment_remedy(self) -> &'static str {
    match self {
      Self::QueueFull => "increase `maxQueueBytes`",
      Self::NotDeliveredAtExit => "increase `exitTimeoutMs`",
      _ => self.remedy(),
    }
  }
}
