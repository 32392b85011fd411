//! The operations on the spool for the host, their disk space, and the diagnostics of failures. A failing spool is
//! reported once and never stops delivery.

use std::{collections::VecDeque, fmt, io, sync::Arc, time::Duration};

use spool::{Header, Operation, Segment};

use crate::{account::Account, diagnostics::Code, time::Now};

/// The delay before a failed operation is tried again.
pub const PAUSE: Duration = Duration::from_secs(1);

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
  /// A segment is removed.
  Remove(Removal),
  /// The snapshot of open spans is written.
  Snapshot,
  /// The adopted snapshots are removed.
  DiscardAdopted,
  /// The spool is closed.
  Close,
}

/// A segment that is to be removed.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
  segment: Segment,
  /// Whether it is damaged, and kept for inspection.
  quarantines: bool,
}

/// Queues operations for the host, and counts disk space in bytes.
pub struct SpoolWriter {
  account: Arc<Account>,
  is_open: bool,
  max_bytes: u64,
  /// The disk space of the segments, those included that are being written or removed.
  disk_bytes: u64,
  /// No batch is written before this.
  paused_until: Option<Duration>,
  next: OperationId,
  queue: VecDeque<(OperationId, Operation)>,
  in_progress: VecDeque<(OperationId, Purpose)>,
  /// The segments to be removed, in this order and one at a time: an earlier state of a row that outlasts a later one
  /// would replace it at the server when the next process sends it.
  removals: VecDeque<Removal>,
  /// The disk space of these, and of the one that is being removed.
  removal_bytes: u64,
  /// Whether the last removal has failed: the segments to be removed take their disk space until one succeeds.
  is_stuck: bool,
  /// When the removal that has failed is tried again.
  retry_at: Option<Duration>,
  /// Whether an adoption takes further steps.
  has_more_to_adopt: bool,
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
      removals: VecDeque::new(),
      removal_bytes: 0,
      is_stuck: false,
      retry_at: None,
      has_more_to_adopt: false,
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

  /// Whether the segments take more than their bound, as adopted ones may.
  pub fn exceeds_bound(&self) -> bool {
    self.disk_bytes() > self.max_bytes
  }

  /// The disk space that the segments may take: the bound, or what they take already.
  pub fn most_bytes(&self) -> u64 {
    self.max_bytes.max(self.disk_bytes())
  }

  /// Whether a segment with `content` bytes has room among `most` bytes.
  pub fn has_room(&self, content: usize, most: u64) -> bool {
    self.disk_bytes() + Self::disk_bytes_of(content) <= most
  }

  /// Whether a segment with `content` bytes would have room after the eviction of `evictable` bytes. False during the
  /// pause after a failed write.
  pub fn could_have_room(&self, content: usize, evictable: u64, now: Now) -> bool {
    let is_paused = self.paused_until.is_some_and(|until| now.elapsed < until);
    let kept = self.disk_bytes().saturating_sub(if self.is_stuck { 0 } else { evictable });
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

  /// A step of the adoption has ended, perhaps not the last one.
  pub fn note_adopted(&mut self, has_more: bool) {
    self.has_more_to_adopt = has_more;
  }

  /// Whether files of dead processes are being adopted, or still to be.
  pub fn has_to_adopt(&self) -> bool {
    self.has_more_to_adopt || self.is_adopting()
  }

  /// Whether a step of an adoption is in progress.
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
  pub fn remove(&mut self, segment: Segment) {
    self.push_removal(Removal { segment, quarantines: false });
  }

  /// Removes the segments of a batch that is settled, or does without them.
  pub fn remove_all(&mut self, entries: Vec<Segment>) {
    for entry in entries {
      self.remove(entry);
    }
  }

  /// Quarantines a damaged segment.
  pub fn quarantine(&mut self, segment: Segment) {
    self.push_removal(Removal { segment, quarantines: true });
  }

  /// Handles the end of a removal. One that has failed is tried again after a pause, and those after it wait.
  pub fn handle_removed(&mut self, removal: Removal, result: io::Result<()>, now: Now) {
    self.is_stuck = result.is_err();
    match result {
      Ok(()) => {
        self.disk_bytes = self.disk_bytes.saturating_sub(removal.segment.bytes);
        self.removal_bytes -= removal.segment.bytes;
      }
      Err(error) => {
        self.removals.push_front(removal);
        self.retry_at = Some(now.elapsed + PAUSE);
        self.failed(&format!("a spool file cannot be removed: {error}"));
      }
    }
  }

  /// Tries a removal that has failed again, if that is due.
  pub fn retry_removal(&mut self, now: Now) {
    self.retry_at = self.retry_at.filter(|at| now.elapsed < *at);
  }

  /// Whether the pause after a failed write is over. True once for each.
  pub fn ends_pause(&mut self, now: Now) -> bool {
    self.paused_until.take_if(|until| *until <= now.elapsed).is_some()
  }

  /// When [`Self::retry_removal`] or [`Self::ends_pause`] is due.
  pub fn timeout(&self) -> Option<Duration> {
    self.retry_at.into_iter().chain(self.paused_until).min()
  }

  /// Whether segments wait to be removed.
  pub fn has_removals(&self) -> bool {
    !self.removals.is_empty()
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

  /// Closes the spool, if it is open. A removal that has failed is tried once more before.
  pub fn close(&mut self) {
    self.retry_at = None;
    if self.is_open {
      self.push(Operation::Close, Purpose::Close);
    }
  }

  /// The next operation for the host.
  pub fn poll(&mut self) -> Option<(OperationId, Operation)> {
    if self.retry_at.is_none() {
      let is_removing = self.in_progress.iter().any(|(_, it)| matches!(it, Purpose::Remove(_)));
      if !is_removing && let Some(removal) = self.removals.pop_front() {
        let operation = if removal.quarantines { Operation::Quarantine } else { Operation::Remove };
        let id = self.begin(Purpose::Remove(removal));
        return Some((id, operation(removal.segment)));
      }
      // Closing removes the lock if no segment is left: the removals come first.
      if self.has_removals() && matches!(self.queue.front(), Some((_, Operation::Close))) {
        return None;
      }
    }
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

  /// The disk space of the segments, including those that are being written, without those that are being removed.
  pub fn disk_bytes(&self) -> u64 {
    let removed = if self.is_stuck { 0 } else { self.removal_bytes };
    self.disk_bytes.saturating_sub(removed)
  }

  /// Reports a failure of the spool, once.
  pub fn failed(&self, why: &str) {
    self.account.diagnostics.once(Code::Spool, &format!("The spool does not work: {why}."));
    self.account.failed(why.to_owned());
  }

  /// Reports files that are damaged or missing, once.
  pub fn damaged(&self, why: &str) {
    let message = format!("The spool has lost rows: {why}.");
    self.account.diagnostics.once(Code::SpoolDamaged, &message);
    self.account.failed(why.to_owned());
  }

  fn push_removal(&mut self, removal: Removal) {
    self.removal_bytes += removal.segment.bytes;
    self.removals.push_back(removal);
  }

  fn push(&mut self, operation: Operation, purpose: Purpose) {
    let id = self.begin(purpose);
    self.queue.push_back((id, operation));
  }

  fn begin(&mut self, purpose: Purpose) -> OperationId {
    let id = self.next;
    self.next += 1;
    self.in_progress.push_back((id, purpose));
    id
  }
}
