//! A world as data: what the application does, and when what fails. Shrinking removes parts of it.

use std::{fmt, time::Duration};

use braintrust_row::RowId;
use export::admission::Priority;

/// One world: everything that [`run`](crate::run) needs.
#[derive(Clone, Debug)]
pub struct Plan {
  /// The seed of every random value in the world: latencies, jitter, what a fault hits.
  pub seed: u64,
  /// The settings of every process, and the properties of the server that do not change.
  pub setup: Setup,
  /// What the application does, by time.
  pub steps: Vec<Step>,
  /// What fails, and when.
  pub faults: Vec<Fault>,
}

/// The settings of every process, and the properties of the server that do not change.
#[derive(Clone, Debug)]
pub struct Setup {
  /// Whether there is a spool.
  pub has_spool: bool,
  /// The bound of the spool in bytes.
  pub spool_bytes: u64,
  /// How long each operation on the spool takes at most, in microseconds; 0: it is performed at once.
  pub disk_micros: u64,
  /// Whether writes are synchronized.
  pub fsync: bool,
  /// The age at which what an ended process left is removed, in milliseconds.
  pub max_age_ms: i64,
  /// The bound of the queue in bytes.
  pub queue_bytes: usize,
  /// The bound of the queue in rows.
  pub queue_rows: Option<usize>,
  /// The most rows of a request, if it is set.
  pub batch_rows: Option<usize>,
  /// The most requests in flight.
  pub max_requests: usize,
  /// The most bytes of a request, as the user sets them.
  pub request_bytes: Option<usize>,
  /// The most bytes of a field.
  pub field_bytes: Option<usize>,
  /// Whether the masking function is set from the start.
  pub masks: bool,
  /// Whether rules redact.
  pub redacts: bool,
  /// Whether content is kept.
  pub has_content: bool,
  /// Whether files in content are uploaded.
  pub attaches: bool,
  /// Whether a turn shows only new messages.
  pub is_delta: bool,
  /// Whether the settings name project and address, so that there is no login.
  pub is_addressed: bool,
  /// The server's limit of a request body; it answers 413 to more.
  pub limit: Option<usize>,
  /// Whether the server states that limit.
  pub states_limit: bool,
  /// `Some(n)`: one of `n` rows is poison. The server refuses requests with such a row.
  pub poison: Option<u64>,
  /// The status of such a refusal: 400 rejects the request, 500 is a failure.
  pub poison_status: u16,
}

impl Setup {
  /// Whether the server refuses requests with this row.
  pub fn is_poison(&self, id: &RowId) -> bool {
    let sum = id.as_bytes().iter().map(|byte| u64::from(*byte)).sum::<u64>();
    self.poison.is_some_and(|one_in| sum % one_in == 0)
  }

  /// Whether the server fails on this row: it may wait for as long as nothing else is acknowledged.
  pub fn is_failed_on(&self, id: &RowId) -> bool {
    self.poison_status == 500 && self.is_poison(id)
  }
}

/// Something that the application does at a time.
#[derive(Clone, Debug)]
pub struct Step {
  /// When, since the world began.
  pub at: Duration,
  /// What.
  pub action: Action,
}

/// What the application does.
#[derive(Clone, Debug)]
pub enum Action {
  /// A process starts in this slot, unless one runs there.
  Start(usize),
  /// The process crashes without notice.
  Kill(usize),
  /// The process shuts down with so much time.
  Shutdown(usize, Duration),
  /// A flush with so much time.
  Flush(usize, Duration),
  /// The masking function is set or removed.
  Mask(bool),
  /// The process must have ended in so much time.
  ExitDeadline(usize, Duration),
  /// Flue emits an event in a conversation.
  Event {
    /// The conversation. Odd ones prefer the second slot.
    conversation: usize,
    /// The event as JSON, or garbage.
    text: String,
    /// Its priority.
    priority: Priority,
    /// The form that follows when it is refused.
    minimal_end: Option<String>,
  },
}

/// Something that fails for a while.
#[derive(Clone, Debug)]
pub struct Fault {
  /// When it begins.
  pub from: Duration,
  /// When it ends.
  pub to: Duration,
  /// What fails.
  pub kind: FaultKind,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
  /// Responses take so many milliseconds.
  Slow(u64),
  /// The server answers 200 with a page; the rows are stored or not.
  Page { stores: bool },
  /// One of four requests is never answered.
  Stuck,
  /// Nothing is answered; the rows are stored or not.
  Hung { stores: bool },
  /// Connections fail.
  Refused,
  /// The server answers with this status.
  Status(u16),
  /// A router answers with this status, as while the server behind it restarts.
  NoRoute(u16),
  /// The server answers with this status and `Retry-After`.
  Busy { status: u16, seconds: u64, as_date: bool },
  /// The server refuses the key.
  Unauthorized(u16),
  /// The rows are stored, but the response is an error.
  Lying,
  /// Each request fails with even chances.
  Flapping,
  /// The storage of overflow uploads fails.
  Storage,
  /// Announcements of overflow uploads are answered with this status; 200: with a page.
  Overflow(u16),
  /// The disk is full.
  DiskFull,
  /// Each operation on the spool takes so many milliseconds.
  DiskSlow(u64),
  /// Operations of the file system fail, one in so many.
  DiskFails(u32),
  /// Writes are torn, one in so many.
  DiskTears(u32),
  /// Nothing on the disk is accessible.
  DiskDenied,
  /// A segment is damaged, at the beginning of the fault.
  Damage,
  /// The masking function takes so many milliseconds.
  MaskSlow(u64),
  /// The masking function returns garbage.
  MaskGarbage,
  /// The masking function does not return.
  MaskNever,
}

impl fmt::Display for Plan {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "seed {}", self.seed)?;
    writeln!(f, "  {:?}", self.setup)?;
    for fault in &self.faults {
      let (from, to) = (fault.from.as_secs_f64(), fault.to.as_secs_f64());
      writeln!(f, "  fault {from:>9.3} s to {to:>9.3} s: {:?}", fault.kind)?;
    }
    for step in &self.steps {
      let at = step.at.as_secs_f64();
      match &step.action {
        Action::Event { conversation, text, priority, .. } => {
          let text: String = text.chars().take(160).collect();
          writeln!(f, "  {at:>9.3} s conversation {conversation} {priority:?}: {text}")?;
        }
        action => writeln!(f, "  {at:>9.3} s {action:?}")?,
      }
    }
    Ok(())
  }
}
