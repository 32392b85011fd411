//! The end of a world: nothing fails any more, and everything must be delivered.

use std::time::Duration;

use export::loss::LossReason;

use crate::{
  host::REQUEST_TIMEOUT,
  lifetime::NATURAL,
  plan::FaultKind,
  world::{Checked, Event, World},
};

/// The virtual time within which everything that waits is delivered once nothing fails any more: the delay after the
/// key was refused, the longest backoff, a request and an upload to the storage that hang, and 30 s for the transfer.
/// `Retry-After` and one more request timeout are added.
const RECOVERY: Duration = Duration::from_secs(60 + 30 + 10 + 40 + 30);
/// The longest `Retry-After` that is respected.
pub(crate) const MAX_RETRY_AFTER: u64 = 300;
/// The time that the last process has to deliver what others left.
const LAST: Duration = Duration::from_secs(10);

impl World {
  /// Nothing fails from now on.
  pub(crate) fn recover(&mut self) -> Checked {
    self.is_over = true;
    self.note(|| "nothing fails any more".to_owned());
    if self.slots == [None; 2] {
      self.start(0)?;
    }
    // What the masking function has not returned comes back.
    let numbers: Vec<usize> = self.processes.keys().copied().collect();
    for number in numbers {
      let batches: Vec<u64> = self.processes[&number].masking.keys().copied().collect();
      for batch in batches {
        self.masked(number, batch)?;
      }
    }
    let seconds = self.plan.faults.iter().map(|fault| match fault.kind {
      FaultKind::Busy { seconds, .. } => seconds.min(MAX_RETRY_AFTER) + 1,
      FaultKind::Slow(millis) => millis / 1000 + 1,
      _ => 0,
    });
    let wait = RECOVERY + Duration::from_secs(seconds.max().unwrap_or(0)) + REQUEST_TIMEOUT;
    self.schedule(self.now + wait, Event::Delivered);
    Ok(())
  }

  /// Everything must be delivered; the processes end. Whatever others left is found by one more.
  pub(crate) fn delivered(&mut self, is_first: bool) -> Checked {
    let running: Vec<usize> = self.slots.iter().flatten().copied().collect();
    for number in &running {
      let Some(process) = self.processes.get(number) else { continue };
      let stats = process.account.counters.stats();
      let is_failed_on = self.plan.setup.poison_status == 500;
      // Rows count once for each segment that has them, including those of several ended processes.
      let times = if self.plan.setup.has_spool { 4 } else { 1 };
      let may_wait = if is_failed_on { self.refused_states() * times } else { 0 };
      if stats.attachments.pending > 0 && process.shutdown_at.is_none() {
        let detail = format!("process {number}: {} attachments wait", stats.attachments.pending);
        return self.finding("delivered after recovery", detail);
      }
      if stats.pending + stats.spooled > may_wait && process.shutdown_at.is_none() {
        let detail = format!(
          "process {number}: {} rows wait in memory, {} in the spool",
          stats.pending, stats.spooled
        );
        return self.finding("delivered after recovery", detail);
      }
      let left = process.spool.as_ref().map_or(0, spool::Spool::segments);
      // One that cannot be read stays for the next process.
      let gives_up = stats.lost.contains_key(LossReason::SpoolDamaged.name());
      let is_done = stats.pending + stats.spooled == 0 && process.operations.is_empty();
      if is_done && left > 0 && !gives_up && process.shutdown_at.is_none() {
        let detail = format!("process {number}: {left} segments are left");
        return self.finding("what is delivered leaves the disk", detail);
      }
    }
    for number in running {
      self.shutdown(number, NATURAL)?;
    }
    if is_first && self.plan.setup.has_spool {
      self.schedule(self.now + NATURAL + Duration::from_secs(1), Event::LastProcess);
    }
    Ok(())
  }

  /// Starts the process that delivers what others left.
  pub(crate) fn start_last_process(&mut self) -> Checked {
    // A row that the server fails on is isolated with the delays of failures.
    let wait = if self.refused_states() > 0 { RECOVERY } else { LAST };
    self.schedule(self.now + wait, Event::LastDelivered);
    self.start(0)
  }
}
