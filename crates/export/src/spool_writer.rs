//! The spool as delivery uses it: operations for the host, the disk space they take, and what is reported when they
//! fail. A failing spool is reported once and never stops delivery.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use spool::{Header, Operation, Segment};

use crate::{
  diagnostics::{Account, Code},
  time::Now,
};

/// How long no batch is written after a write has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Identifies an operation among those of one exporter.
pub type OperationId = u64;

/// Whether there is a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SpoolStatus {
  /// None is configured.
  #[default]
  Unused,
  /// The host has opened it.
  Open,
  /// It cannot be opened, for this reason.
  Unusable(String),
}

/// What an operation is for.
#[derive(Debug)]
pub enum Purpose {
  Adopt,
  /// The batch of this key is written, in so many bytes of the disk.
  Write {
    key: u64,
    disk_bytes: u64,
  },
  /// The batch that the outbox is loading.
  Load,
  /// A segment goes.
  Remove(Segment),
  Snapshot,
  DiscardAdopted,
  Close,
}

/// Asks for operations, and accounts for the disk.
pub struct SpoolWriter {
  account: Arc<Account>,
  is_open: bool,
  max_bytes: u64,
  /// The disk space of the segments, those included that are being written.
  disk_bytes: u64,
  /// No batch is written before this.
  paused_until: Option<Duration>,
  next: OperationId,
  queue: VecDeque<(OperationId, Operation)>,
  in_progress: VecDeque<(OperationId, Purpose)>,
}

impl SpoolWriter {
  /// `max_bytes` bounds the disk space of the segments of this process.
  pub fn new(account: Arc<Account>, status: &SpoolStatus, max_bytes: u64) -> Self {
    let writer = Self {
      account,
      is_open: *status == SpoolStatus::Open,
      max_bytes,
      disk_bytes: 0,
      paused_until: None,
      next: 0,
      queue: VecDeque::new(),
      in_progress: VecDeque::new(),
    };
    if let SpoolStatus::Unusable(why) = status {
      writer.failed(why);
    }
    writer
  }

  /// Whether there is a spool.
  pub fn is_open(&self) -> bool {
    self.is_open
  }

  /// The disk space that a batch takes.
  pub fn disk_bytes_of(content: usize) -> u64 {
    (Header::LENGTH + content) as u64
  }

  /// Whether a batch of so many bytes has room.
  pub fn has_room(&self, content: usize) -> bool {
    self.disk_bytes + Self::disk_bytes_of(content) <= self.max_bytes
  }

  /// Whether a batch of so many bytes would have room if segments of `evictable` bytes made some.
  pub fn could_have_room(&self, content: usize, evictable: u64, now: Now) -> bool {
    let is_paused = self.paused_until.is_some_and(|until| now.elapsed < until);
    let kept = self.disk_bytes.saturating_sub(evictable);
    !is_paused && kept + Self::disk_bytes_of(content) <= self.max_bytes
  }

  /// Segments of so many bytes are ours now.
  pub fn adopted(&mut self, disk_bytes: u64) {
    self.disk_bytes += disk_bytes;
  }

  pub fn adopt(&mut self) {
    self.push(Operation::Adopt, Purpose::Adopt);
  }

  /// Whether dead processes' files are being taken over.
  pub fn is_adopting(&self) -> bool {
    self.in_progress.iter().any(|(_, purpose)| matches!(purpose, Purpose::Adopt))
  }

  /// Writes the batch of that key.
  pub fn write(&mut self, key: u64, content: Vec<u8>, rows: u32) {
    let disk_bytes = Self::disk_bytes_of(content.len());
    self.disk_bytes += disk_bytes;
    self.push(Operation::Write { content, rows }, Purpose::Write { key, disk_bytes });
  }

  /// The write of a batch has failed: it takes no disk space, and for a while no other is tried.
  pub fn write_failed(&mut self, disk_bytes: u64, error: &impl fmt::Display, now: Now) {
    self.disk_bytes = self.disk_bytes.saturating_sub(disk_bytes);
    self.paused_until = Some(now.elapsed + PAUSE);
    self.failed(&format!("what waits cannot be kept: {error}"));
  }

  pub fn load(&mut self, entry: Segment) {
    self.push(Operation::Read(entry), Purpose::Load);
  }

  /// Removes the segment of a batch that is settled.
  pub fn remove(&mut self, entry: Segment) {
    self.disk_bytes = self.disk_bytes.saturating_sub(entry.bytes);
    self.push(Operation::Remove(entry), Purpose::Remove(entry));
  }

  /// Puts a damaged segment aside.
  pub fn quarantine(&mut self, entry: Segment) {
    self.disk_bytes = self.disk_bytes.saturating_sub(entry.bytes);
    self.push(Operation::Quarantine(entry), Purpose::Remove(entry));
  }

  /// A segment could not be removed: it still takes its disk space.
  pub fn remove_failed(&mut self, entry: Segment, error: &impl fmt::Display) {
    self.disk_bytes += entry.bytes;
    self.failed(&format!("what was delivered cannot be removed: {error}"));
  }

  /// Replaces the snapshot of open spans; `None`: nothing is open.
  pub fn write_snapshot(&mut self, content: Option<Vec<u8>>) {
    let operation = content.map_or(Operation::ClearSnapshot, Operation::WriteSnapshot);
    self.push(operation, Purpose::Snapshot);
  }

  /// Removes the adopted snapshots: what they hold is part of ours now.
  pub fn discard_adopted(&mut self) {
    self.push(Operation::DiscardAdopted, Purpose::DiscardAdopted);
  }

  pub fn close(&mut self) {
    if self.is_open {
      self.push(Operation::Close, Purpose::Close);
    }
  }

  /// The next operation for the host.
  pub fn poll(&mut self) -> Option<(OperationId, Operation)> {
    self.queue.pop_front()
  }

  /// An operation is completed. `None` if there is none of that id.
  pub fn complete(&mut self, id: OperationId) -> Option<Purpose> {
    let at = self.in_progress.iter().position(|(operation, _)| *operation == id)?;
    self.in_progress.remove(at).map(|(_, purpose)| purpose)
  }

  /// The disk space that the segments take.
  pub fn disk_bytes(&self) -> u64 {
    self.disk_bytes
  }

  /// Reports that the spool does not work.
  pub fn failed(&self, why: &str) {
    self.account.diagnostics.once(Code::Spool, &format!("The spool does not work: {why}."));
    self.account.counters.failed(why.to_owned());
  }

  fn push(&mut self, operation: Operation, purpose: Purpose) {
    let id = self.next;
    self.next += 1;
    self.queue.push_back((id, operation));
    self.in_progress.push_back((id, purpose));
  }
}
