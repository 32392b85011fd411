//! The operations on the spool for the host, their disk space, and the diagnostics of failures. A failing spool is
//! reported once and never stops delivery.

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

/// The purpose of an operation.
#[derive(Debug)]
pub enum Purpose {
  /// Files of dead processes are adopted.
  Adopt,
  /// A batch is written.
  Write {
    /// The key of the batch.
    key: u64,
    /// The size of its segment.
    disk_bytes: u64,
  },
  /// The batch that the outbox is loading.
  Load,
  /// The segment that is removed.
  Remove(Segment),
  /// The snapshot of open spans is written.
  Snapshot,
  /// The adopted snapshots are removed.
  DiscardAdopted,
  /// The spool is closed.
  Close,
}

/// Queues operations for the host, and counts disk space in bytes.
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
  /// `max_bytes` is the most disk space of this process's segments.
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

  /// The host has opened the spool.
  pub fn open(&mut self) {
    self.is_open = true;
  }

  /// Whether there is a spool.
  pub fn is_open(&self) -> bool {
    self.is_open
  }

  /// The disk space of a segment with `content` bytes.
  pub fn disk_bytes_of(content: usize) -> u64 {
    (Header::LENGTH + content) as u64
  }

  /// Whether a segment with `content` bytes has room.
  pub fn has_room(&self, content: usize) -> bool {
    self.disk_bytes + Self::disk_bytes_of(content) <= self.max_bytes
  }

  /// Whether a segment with `content` bytes would have room after the eviction of `evictable` bytes. False during the
  /// pause after a failed write.
  pub fn could_have_room(&self, content: usize, evictable: u64, now: Now) -> bool {
    let is_paused = self.paused_until.is_some_and(|until| now.elapsed < until);
    let kept = self.disk_bytes.saturating_sub(evictable);
    !is_paused && kept + Self::disk_bytes_of(content) <= self.max_bytes
  }

  /// Counts an adopted segment.
  pub fn adopted(&mut self, disk_bytes: u64) {
    self.disk_bytes += disk_bytes;
  }

  /// Adopts the files of dead processes.
  pub fn adopt(&mut self) {
    self.push(Operation::Adopt, Purpose::Adopt);
  }

  /// Whether files of dead processes are being adopted.
  pub fn is_adopting(&self) -> bool {
    self.in_progress.iter().any(|(_, purpose)| matches!(purpose, Purpose::Adopt))
  }

  /// Writes the batch of that key.
  pub fn write(&mut self, key: u64, content: Vec<u8>, rows: u32) {
    let disk_bytes = Self::disk_bytes_of(content.len());
    self.disk_bytes += disk_bytes;
    self.push(Operation::Write { content, rows }, Purpose::Write { key, disk_bytes });
  }

  /// Handles a failed write: frees its disk space and pauses writes for a second.
  pub fn write_failed(&mut self, disk_bytes: u64, error: &impl fmt::Display, now: Now) {
    self.disk_bytes = self.disk_bytes.saturating_sub(disk_bytes);
    self.paused_until = Some(now.elapsed + PAUSE);
    self.failed(&format!("rows cannot be written: {error}"));
  }

  /// Reads the segment of a batch.
  pub fn load(&mut self, entry: Segment) {
    self.push(Operation::Read(entry), Purpose::Load);
  }

  /// Removes the segment of a batch that is settled.
  pub fn remove(&mut self, entry: Segment) {
    self.disk_bytes = self.disk_bytes.saturating_sub(entry.bytes);
    self.push(Operation::Remove(entry), Purpose::Remove(entry));
  }

  /// Removes the segments of a batch that is settled, or does without them.
  pub fn remove_all(&mut self, entries: Vec<Segment>) {
    for entry in entries {
      self.remove(entry);
    }
  }

  /// Quarantines a damaged segment.
  pub fn quarantine(&mut self, entry: Segment) {
    self.disk_bytes = self.disk_bytes.saturating_sub(entry.bytes);
    self.push(Operation::Quarantine(entry), Purpose::Remove(entry));
  }

  /// Handles a failed removal: the segment still takes its disk space.
  pub fn remove_failed(&mut self, entry: Segment, error: &impl fmt::Display) {
    self.disk_bytes += entry.bytes;
    self.failed(&format!("a spool file cannot be removed: {error}"));
  }

  /// Replaces the snapshot of open spans; `None` removes it.
  pub fn write_snapshot(&mut self, content: Option<Vec<u8>>) {
    let operation = content.map_or(Operation::ClearSnapshot, Operation::WriteSnapshot);
    self.push(operation, Purpose::Snapshot);
  }

  /// Removes the adopted snapshots, whose spans the current one contains.
  pub fn discard_adopted(&mut self) {
    self.push(Operation::DiscardAdopted, Purpose::DiscardAdopted);
  }

  /// Closes the spool, if it is open.
  pub fn close(&mut self) {
    if self.is_open {
      self.push(Operation::Close, Purpose::Close);
    }
  }

  /// The next operation for the host.
  pub fn poll(&mut self) -> Option<(OperationId, Operation)> {
    self.queue.pop_front()
  }

  /// Completes an operation and returns its purpose. `None` if no operation has that id.
  pub fn complete(&mut self, id: OperationId) -> Option<Purpose> {
    let at = self.in_progress.iter().position(|(operation, _)| *operation == id)?;
    self.in_progress.remove(at).map(|(_, purpose)| purpose)
  }

  /// Whether an operation is not completed.
  pub fn is_busy(&self) -> bool {
    !self.in_progress.is_empty()
  }

  /// The disk space of the segments, including those that are being written.
  pub fn disk_bytes(&self) -> u64 {
    self.disk_bytes
  }

  /// Reports a failure of the spool, once.
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
