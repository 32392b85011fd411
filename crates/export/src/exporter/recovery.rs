//! The spool of dead processes: their rows and open spans, and the snapshot that this process leaves to the next one.

use std::time::Duration;

use spool::Adopted;
use translate::RestoredWork;

use super::Exporter;
use crate::{diagnostics::Code, open_spans::SnapshotSchedule, time::Now};

/// How often the spool is searched for segments of dead processes.
const ADOPT_EVERY: Duration = Duration::from_secs(5);
/// The delay of the next step of an adoption: events and other operations come first.
const ADOPT_MORE: Duration = Duration::from_millis(5);

impl Exporter {
  /// Searches the spool for files of dead processes, when that is due.
  pub(super) fn adopt(&mut self, now: Now) {
    let is_due = self.adopt_due.is_some_and(|due| due <= now.elapsed);
    if is_due && !self.delivery.spool.is_adopting() {
      self.adopt_due = Some(now.elapsed + ADOPT_EVERY);
      self.delivery.spool.adopt();
    }
  }

  pub(super) fn adopted(&mut self, mut adopted: Adopted, now: Now) {
    if let Some(error) = adopted.error.take() {
      let why = format!("files of an earlier process cannot be adopted: {error}");
      self.delivery.spool.failed(&why);
    }
    self.delivery.spool.note_adopted(adopted.has_more);
    if adopted.has_more {
      self.adopt_due = Some(now.elapsed + ADOPT_MORE);
    }
    self.delivery.adopt(&adopted, now);
    if self.has_ended {
      // The next process delivers them, and closes the open spans.
      self.delivery.leave_spooled();
      adopted.snapshots.clear();
    }
    for snapshot in &adopted.snapshots {
      match self.translator.restore(snapshot) {
        Ok(rows) => {
          // A snapshot has spans of recorded traces only.
          let released = self.sampling.record(self.translator.adopted().map(|span| span.trace));
          self.enqueue(released, now);
          let closes = !rows.is_empty();
          self.enqueue_sorted(rows, now);
          if closes {
            self.closes_adopted = Some(self.delivery.mark());
          }
        }
        Err(error) => {
          let message = format!("The snapshot of an earlier process is damaged: {error}.");
          self.account.diagnostics.once(Code::SpoolDamaged, &message);
        }
      }
    }
    if adopted.damaged_snapshots > 0 {
      let message =
        "The snapshot of an earlier process is damaged: spans that it left open stay open.";
      self.account.diagnostics.once(Code::SpoolDamaged, message);
    }
    if !adopted.snapshots.is_empty() {
      // Processes may end before they drop them: one after the other would pass them on.
      let rows = self.translator.drop_settled(now.unix_ms, SnapshotSchedule::resumed_after(now));
      self.enqueue_sorted(rows, now);
      self.snapshot.restored(now.elapsed);
    }
  }

  /// The work of dead processes that this one may continue, as far as it was adopted since the last call. Runs may come
  /// again.
  pub fn take_restored(&mut self) -> Vec<RestoredWork> {
    self.translator.take_restored()
  }

  /// Whether the rows that close adopted spans are on the disk or delivered.
  pub fn is_adoption_safe(&self) -> bool {
    self.closes_adopted.is_none()
  }

  /// Once the rows that close adopted spans are safe, the snapshot states that: another process may adopt the spans
  /// after a third one has ended them.
  pub(super) fn confirm_adoption(&mut self, now: Now) {
    let key = self.closes_adopted.as_ref().and_then(|rows| rows.key());
    if key.is_some_and(|key| self.delivery.is_safe_before(key)) {
      self.closes_adopted = None;
      self.translator.note_adoption_is_safe();
      self.snapshot.note_change(now.elapsed);
    }
  }

  pub(super) fn write_snapshot(&mut self, now: Now) {
    let content = self.snapshot_content(now);
    self.delivery.spool.write_snapshot(content);
  }

  /// The snapshot follows the rows: it waits for those from before it that are with the masking function.
  pub(super) fn hold_snapshot(&mut self, now: Now) {
    self.held_snapshot = Some((self.delivery.mark(), self.snapshot_content(now)));
  }

  pub(super) fn write_held_snapshot(&mut self) {
    let key = self.held_snapshot.as_ref().and_then(|(rows, _)| rows.key());
    if key.is_some_and(|key| self.delivery.has_masked_before(key))
      && let Some((_, content)) = self.held_snapshot.take()
    {
      self.delivery.spool.write_snapshot(content);
    }
  }

  fn snapshot_content(&self, now: Now) -> Option<Vec<u8>> {
    // Names may contain content that must be redacted.
    let is_redacted = self.settings.redactor.is_some();
    let with_names = |trace| !is_redacted && !self.delivery.masks_trace(trace);
    let is_recorded = |trace| self.sampling.records(trace);
    let mut content = self.translator.snapshot_of(now.unix_ms, &with_names, &is_recorded)?;
    self.account.secrets.hide_in(&mut content);
    Some(content)
  }
}
