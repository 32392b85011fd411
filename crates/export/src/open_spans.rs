//! When the snapshot of open spans is written, and when orphaned spans are dropped.

use std::{collections::VecDeque, time::Duration};

use crate::time::Now;

/// How long the spans of another process, which are closed, wait for an attempt that resumes them. Flue recovers a
/// submission after about 45 seconds (a lease of 30 and a scan every 15).
const RESUME_WITHIN: Duration = Duration::from_secs(120);

/// The delay of a snapshot after a change: changes of this time are lost when the process is killed.
const WRITE_EVERY: Duration = Duration::from_millis(100);

/// The delay after a snapshot could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The schedule of the snapshot. Does nothing without a spool.
#[derive(Default)]
pub struct SnapshotSchedule {
  is_enabled: bool,
  /// When the snapshot is written again: spans may have opened or closed.
  due: Option<Duration>,
  /// Whether a snapshot is being written.
  is_writing: bool,
  /// How many snapshots were begun.
  begun: u64,
  /// When restored spans are dropped: one time for each restoration.
  drop_orphaned_at: VecDeque<Duration>,
  /// Whether snapshots of dead processes exist that no snapshot being written contains.
  has_adopted: bool,
  /// Whether the snapshot that is being written contains the spans of adopted ones.
  writes_adopted: bool,
}

impl SnapshotSchedule {
  /// A schedule without open spans. `is_enabled`: there is a spool.
  pub fn new(is_enabled: bool) -> Self {
    Self { is_enabled, ..Self::default() }
  }

  /// There is a spool from now on: the snapshot is due at once.
  pub fn enable(&mut self, now: Duration) {
    self.is_enabled = true;
    self.expedite(now);
  }

  /// Schedules a snapshot: spans may have opened or closed.
  pub fn note_change(&mut self, now: Duration) {
    if self.is_enabled {
      self.due.get_or_insert(now + WRITE_EVERY);
    }
  }

  /// Makes the snapshot due at once.
  pub fn expedite(&mut self, now: Duration) {
    if self.is_enabled {
      self.due = Some(now);
    }
  }

  /// Makes the snapshot due at once, unless it is current.
  pub fn hasten(&mut self, now: Duration) {
    self.due = self.due.map(|_| now);
  }

  /// Schedules when restored spans are dropped, and makes the snapshot due at once.
  pub fn restored(&mut self, now: Duration) {
    self.drop_orphaned_at.push_back(now + RESUME_WITHIN);
    self.has_adopted = true;
    self.expedite(now);
  }

  /// The number of the first snapshot that contains everything until now, for [`Self::has_tried`].
  pub fn next(&self) -> u64 {
    self.begun + u64::from(self.due.is_some())
  }

  /// Whether the write of the snapshot with that number, or of a later one, has succeeded or failed.
  pub fn has_tried(&self, number: u64) -> bool {
    self.begun - u64::from(self.is_writing) >= number
  }

  /// Whether the snapshot is to be written now.
  pub fn is_due(&self, now: Duration) -> bool {
    !self.is_writing && self.due.is_some_and(|due| due <= now)
  }

  /// Begins to write the snapshot. False if it is current or already being written.
  pub fn begin(&mut self) -> bool {
    if self.is_writing || self.due.take().is_none() {
      return false;
    }
    self.is_writing = true;
    self.begun += 1;
    self.writes_adopted |= std::mem::take(&mut self.has_adopted);
    true
  }

  /// Begins to write the last snapshot, even while another one is being written. False if it is current.
  pub fn begin_last(&mut self) -> bool {
    self.is_writing = false;
    self.begin()
  }

  /// Ends the write. True if the adopted snapshots can be discarded: the written one contains their spans.
  pub fn finish(&mut self, is_written: bool, now: Duration) -> bool {
    self.is_writing = false;
    let writes_adopted = std::mem::take(&mut self.writes_adopted);
    if !is_written {
      self.has_adopted |= writes_adopted;
      self.due = Some(now + RETRY_AFTER);
      return false;
    }
    // Those that were adopted since are in the next one.
    writes_adopted && !self.has_adopted
  }

  /// Whether orphaned spans are to be dropped now. True once for each time that spans were restored.
  pub fn orphans_are_due(&mut self, now: Duration) -> bool {
    let is_due = self.drop_orphaned_at.front().is_some_and(|at| *at <= now);
    if is_due {
      self.drop_orphaned_at.pop_front();
      self.note_change(now);
    }
    is_due
  }

  /// The latest time, in milliseconds since the epoch, at which orphaned spans that are due were left: any, once no
  /// more recently restored ones are there. Clocks may differ, or be set back.
  pub fn left_by(&self, now: Now) -> i64 {
    if self.drop_orphaned_at.is_empty() {
      return i64::MAX;
    }
    Self::resumed_after(now)
  }

  /// What was left at this time or before, in milliseconds since the epoch, is no longer resumed.
  pub fn resumed_after(now: Now) -> i64 {
    now.unix_ms.saturating_sub(RESUME_WITHIN.as_millis() as i64)
  }

  /// Whether the snapshot is due or being written.
  pub fn is_pending(&self) -> bool {
    self.is_writing || self.due.is_some()
  }

  /// When the snapshot is written next, and when orphans are dropped.
  pub fn timeout(&self) -> Option<Duration> {
    let due = self.due.filter(|_| !self.is_writing);
    due.into_iter().chain(self.drop_orphaned_at.front().copied()).min()
  }
}
