//! The boundary of a wait: which rows it is for.

use std::{rc::Rc, time::Duration};

use crate::delivery::Mark;

/// Identifies a flush, a delivery before the exit or a shutdown of one exporter.
pub type TicketId = u64;

/// A flush, a delivery before the exit or a shutdown that waits for its rows.
pub struct Waiting {
  /// What the caller knows it by.
  pub ticket: TicketId,
  /// What it waits for.
  pub boundary: Boundary,
  /// The number of the snapshot that a flush waits for, too: only a snapshot keeps what has no row yet.
  pub snapshot: u64,
  /// How many rows timeouts had lost before it began: they are not its own.
  pub late_rows: u64,
  /// When it ends in any case.
  pub deadline: Duration,
}

/// What a flush waits for. A delivery before the exit and a shutdown wait for everything.
pub enum Boundary {
  /// The marked rows still have to become batches.
  Rows(Rc<Mark>),
  /// They have: batches with earlier keys have to be settled.
  Batches(u64),
  /// They are: attachments with earlier numbers have to be settled.
  Attachments(u64),
}
