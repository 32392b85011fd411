//! One submission, and its root.

use braintrust_row::{Row, SpanContext, SpanId};
use flue_event::Usage;
use serde::{Deserialize, Serialize};

use crate::{
  caller_context::CallerContext,
  metadata,
  placement::{Parent, SpanPlacement, Start},
};

/// One submission. The names of its members in a snapshot are those of the first release.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Submission {
  /// A fingerprint of the agent and its instance.
  #[serde(rename = "addressee")]
  pub(super) recipient: u64,
  /// Its root, once its first operation has started.
  pub root: Option<Root>,
  /// The span under which the application runs it, if it has named one.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub caller: Option<CallerContext>,
  /// When it was queued, milliseconds since the epoch.
  #[serde(rename = "queued")]
  pub(super) queued_at: Option<i64>,
  /// When its first attempt began, milliseconds since the epoch.
  #[serde(rename = "running")]
  pub(super) running_at: Option<i64>,
  /// The number of the current attempt.
  pub(super) attempt: Option<f64>,
  /// Whether its first attempt was announced to this process, or to one whose snapshot this process has.
  #[serde(rename = "first", skip_serializing_if = "std::ops::Not::not")]
  pub(super) has_first_attempt: bool,
  /// How many attempts Flue makes at most.
  pub(super) max_attempts: Option<f64>,
  /// The kind of delivery.
  pub(super) kind: Option<String>,
  /// Other submissions that were settled with this one.
  pub joined: Vec<String>,
  /// When its root succeeded, milliseconds since the epoch.
  #[serde(rename = "answered")]
  pub responded_at: Option<i64>,
  /// Whether Flue has settled it.
  pub settled: bool,
  /// Whether it was settled as one that has neither failed nor been aborted.
  #[serde(skip)]
  pub completed: bool,
  /// Its settlement, if that came before its root began.
  #[serde(skip)]
  pub settlement: Option<Box<Row>>,
  /// When the operation of the current attempt ended in this process, milliseconds since the epoch.
  #[serde(skip)]
  pub ended_at: Option<i64>,
  /// Of a keyed submission: when another one with its id was queued, or it was queued again.
  #[serde(skip)]
  pub(super) queued_again_at: Option<i64>,
  /// Of a keyed submission whose operation has not started: how many others with its id have announced an attempt.
  #[serde(skip)]
  pub(super) others: u32,
  /// Whether it comes from the snapshot of another process, and the host does not know of it yet.
  #[serde(skip)]
  pub is_restored: bool,
  /// Whether its root was cancelled. What Flue then settles as failed has failed: it exceeded its time.
  #[serde(skip_serializing_if = "std::ops::Not::not")]
  pub cancelled: bool,
}

/// The root of a submission.
#[derive(Clone, Serialize, Deserialize)]
pub struct Root {
  /// Its conversation.
  pub conversation: Option<String>,
  /// Its span.
  pub span: SpanContext,
  /// The span of its caller, if it is part of the caller's trace.
  #[serde(default)]
  pub caller: Option<SpanId>,
  /// Whether this process records the root of that trace.
  #[serde(skip)]
  pub is_within: bool,
  /// When it began.
  pub start: Start,
  /// The operation of the current attempt.
  pub operation: String,
  /// Whether its operation began here, and this process knows of no attempt before that.
  #[serde(skip)]
  pub is_first_known: bool,
  /// The usage of earlier attempts' turns.
  #[serde(rename = "used")]
  pub usage: Option<Usage>,
}

impl Root {
  /// Its parent.
  pub fn parent(&self) -> Parent {
    match self.caller {
      Some(caller) if self.is_within => Parent::Within(caller),
      Some(caller) => Parent::Remote(caller),
      None => Parent::None,
    }
  }

  /// Moves it to the trace of its caller.
  pub fn move_to(&mut self, placement: &SpanPlacement) {
    self.span = placement.span;
    (self.caller, self.is_within) = placement.parent.caller();
  }
}

impl Submission {
  /// When the root began, if its operation starts at `start`. Only the row of the first attempt has that
  /// time.
  pub fn start(&self, start: i64) -> Start {
    match &self.root {
      Some(root) => root.start,
      // Another process may have written the start of an earlier attempt. One that began here had no operation.
      None if self.attempt.is_some_and(|attempt| attempt > 1.0) && !self.has_first_attempt => {
        Start::Resumed(start)
      }
      None => Start::At(start),
    }
  }

  /// Whether the operation of the current attempt has ended.
  pub(super) fn has_ended(&self) -> bool {
    self.ended_at.is_some() || self.responded_at.is_some()
  }

  /// Another submission with the same keyed id, which has announced its attempt at the same time.
  pub(super) fn of_another(&self, others: u32) -> Self {
    Self {
      recipient: self.recipient,
      queued_at: self.queued_at,
      running_at: self.running_at,
      attempt: self.attempt,
      has_first_attempt: self.has_first_attempt,
      max_attempts: self.max_attempts,
      kind: self.kind.clone(),
      others,
      ..Self::default()
    }
  }

  /// Adds when another process queued it, if that is not known. Returns the row that states how long a root waited that
  /// has begun.
  pub(super) fn restore_queued_at(&mut self, queued_at: Option<i64>) -> Option<Row> {
    if self.queued_at.is_some() {
      return None;
    }
    self.queued_at = queued_at;
    let mut row = Row::of(self.root.as_ref()?.span);
    row.set_metadata("flue.queue_ms", metadata::number(Some(self.queue_ms()?)));
    Some(row)
  }

  /// Adds the root of an earlier attempt. Returns it with the operation of the later one, if that began before it was known.
  pub(super) fn restore_root(&mut self, earlier: Root) -> Option<(String, Root)> {
    let Some(root) = &mut self.root else {
      // The later attempt was announced without an operation so far.
      self.root = Some(earlier);
      return None;
    };
    let is_unknown = root.is_first_known && root.operation != earlier.operation;
    root.is_first_known &= !is_unknown;
    is_unknown.then(|| (root.operation.clone(), earlier))
  }

  /// How long the first attempt waited, in milliseconds.
  pub(super) fn queue_ms(&self) -> Option<f64> {
    let (queued, running) = (self.queued_at?, self.running_at?);
    (self.attempt == Some(1.0)).then(|| running.saturating_sub(queued).max(0) as f64)
  }
}

/// What the addition of a submission of another process changes.
#[derive(Default)]
pub struct Restored {
  /// The row that states how long a root waited that began before that was known.
  pub waited: Option<Row>,
  /// The operation of an attempt that began here before an earlier one was known, and the root of that: its usage is to be
  /// added.
  pub began_before: Option<(String, Root)>,
}
