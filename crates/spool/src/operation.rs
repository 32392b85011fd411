//! The operations on a spool as values: a core without I/O asks for them, and its host performs them.

use std::io;

use crate::{
  adopt::Adopted,
  files::Files,
  process::{Entry, ReadError, Spool},
};

/// What is to be done, in the order in which it is asked for.
#[derive(Debug)]
pub enum Operation {
  /// Take over what dead processes left. Completed by [`Completion::Adopted`].
  Adopt,
  /// Keep a batch of rows. Completed by [`Completion::Written`].
  Write { content: Vec<u8>, rows: u32 },
  /// Read a batch again. Completed by [`Completion::Content`].
  Read(Entry),
  /// Remove a batch that is settled. Completed by [`Completion::Done`], as all that follow.
  Remove(Entry),
  /// Put a damaged batch aside.
  Quarantine(Entry),
  /// Replace the snapshot of open spans.
  WriteSnapshot(Vec<u8>),
  /// No span is open.
  ClearSnapshot,
  /// The adopted snapshots are part of ours now: remove them.
  DiscardAdopted,
  /// The process ends. What is left stays for the next one.
  Close,
}

/// How an operation ended.
#[derive(Debug)]
pub enum Completion {
  Adopted(Adopted),
  Written(io::Result<Entry>),
  Content(Result<Vec<u8>, ReadError>),
  Done(io::Result<()>),
}

impl<F: Files> Spool<F> {
  /// Performs an operation. `unix_ms` is the wall clock.
  pub fn perform(&mut self, operation: Operation, unix_ms: i64) -> Completion {
    match operation {
      Operation::Adopt => Completion::Adopted(self.adopt(unix_ms)),
      Operation::Write { content, rows } => Completion::Written(self.put(&content, rows, unix_ms)),
      Operation::Read(entry) => Completion::Content(self.read(&entry)),
      Operation::Remove(entry) => Completion::Done(self.remove(&entry)),
      Operation::Quarantine(entry) => Completion::Done(self.quarantine(&entry)),
      Operation::WriteSnapshot(content) => Completion::Done(self.write_record(&content, unix_ms)),
      Operation::ClearSnapshot => Completion::Done(self.clear_record()),
      Operation::DiscardAdopted => Completion::Done(self.forget()),
      Operation::Close => Completion::Done(self.finish()),
    }
  }
}
