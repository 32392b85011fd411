//! The operations on a spool as values: a core without I/O asks for them, and its host performs them.

use std::io;

use crate::{
  adopt::Adopted,
  files::Files,
  process::{ReadError, Segment, Spool},
};

/// What is to be done, in the order in which it is asked for.
#[derive(Debug)]
pub enum Operation {
  /// Adopt the files of dead processes. Completed by [`Completion::Adopted`].
  Adopt,
  /// Write a segment. Completed by [`Completion::Written`].
  Write { content: Vec<u8>, rows: u32 },
  /// Read a segment. Completed by [`Completion::Content`].
  Read(Segment),
  /// Remove a segment that is delivered or lost. Completed by [`Completion::Done`], as all that follow.
  Remove(Segment),
  /// Quarantine a damaged segment.
  Quarantine(Segment),
  /// Replace the snapshot of open spans.
  WriteSnapshot(Vec<u8>),
  /// Remove the snapshot of open spans.
  ClearSnapshot,
  /// Remove the adopted snapshots, which the snapshot of this process includes.
  DiscardAdopted,
  /// Close the spool. Segments and snapshots that are left stay for the next process.
  Close,
}

/// How an operation ended.
#[derive(Debug)]
pub enum Completion {
  Adopted(Adopted),
  Written(io::Result<Segment>),
  Content(Result<Vec<u8>, ReadError>),
  Done(io::Result<()>),
}

impl<F: Files> Spool<F> {
  /// Performs an operation. `unix_ms` is the wall clock.
  pub fn perform(&mut self, operation: Operation, unix_ms: i64) -> Completion {
    match operation {
      Operation::Adopt => Completion::Adopted(self.adopt(unix_ms)),
      Operation::Write { content, rows } => Completion::Written(self.put(&content, rows, unix_ms)),
      Operation::Read(segment) => Completion::Content(self.read(&segment)),
      Operation::Remove(segment) => Completion::Done(self.remove(&segment)),
      Operation::Quarantine(segment) => Completion::Done(self.quarantine(&segment)),
      Operation::WriteSnapshot(content) => Completion::Done(self.write_snapshot(&content, unix_ms)),
      Operation::ClearSnapshot => Completion::Done(self.clear_snapshot()),
      Operation::DiscardAdopted => Completion::Done(self.discard_snapshots()),
      Operation::Close => Completion::Done(self.close()),
    }
  }
}
