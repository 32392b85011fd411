//! The start, the flushes and the shutdown of a process.

use std::time::Duration;

use braintrust_row::RowId;
use export::masking::Masking;

use crate::{
  host::{Process, Ticket},
  view::History,
  world::{Checked, World},
};

/// The time that a natural shutdown has.
pub(crate) const NATURAL: Duration = Duration::from_secs(60);

impl World {
  pub(crate) fn start(&mut self, slot: usize) -> Checked {
    if self.slots[slot].is_some() {
      return Ok(());
    }
    let number = self.next_process;
    self.next_process += 1;
    self.slots[slot] = Some(number);
    self.coverage.count("processes");
    self.set_disk_faults();
    let (seed, now) = (self.rng.u64(..), self.clock());
    let mut process =
      Process::start(number, &self.settings, &self.plan.setup, &self.disk, seed, now);
    self.clear_disk_faults();
    process.exporter.set_masking(self.masking);
    // Busy until the first operations are performed: nothing else may happen before.
    process.is_disk_busy = true;
    self.processes.insert(number, process);
    self.settle(number)?;
    if !self.is_over && self.plan.setup.has_spool && self.rng.u8(..8) == 0 {
      self.coverage.count("crashes within the first operations");
      for _ in 0..self.rng.u8(..5) {
        self.perform_first(number, 1)?;
      }
      return self.kill(number);
    }
    self.perform_first(number, usize::MAX)?;
    if let Some(process) = self.processes.get_mut(&number) {
      process.is_disk_busy = false;
    }
    self.settle(number)
  }

  pub(crate) fn shutdown(&mut self, number: usize, timeout: Duration) -> Checked {
    let (now, deadline) = (self.clock(), self.now + timeout);
    let loses_masking = self.plan.setup.masks && !self.is_over && self.rng.u8(..3) == 0;
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if process.exporter.has_ended() {
      return Ok(());
    }
    self.coverage.count("shutdowns");
    if self.rng.u8(..3) == 0 {
      self.coverage.count("deliveries before the exit");
      let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
      process.reference.begin_exit(now);
      let ticket = process.exporter.deliver_before_exit(deadline, false, now);
      process.close_at = Some(process.close_at.map_or(deadline, |at| at.min(deadline)));
      let open = Vec::new();
      let delivery =
        Ticket { deadline, is_natural: false, may_leave: true, before, attachments, open };
      process.tickets.insert(ticket, delivery);
    }
    let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
    let rows = process.reference.close_all(now);
    process.shutdown_at.get_or_insert(self.now);
    self.produced(number, rows);
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let ticket = process.exporter.shutdown(deadline, now);
    let is_natural = self.is_over && timeout == NATURAL;
    let open = Vec::new();
    process
      .tickets
      .insert(ticket, Ticket { deadline, is_natural, may_leave: false, before, attachments, open });
    if loses_masking {
      self.coverage.count("masking unavailable at shutdown");
      process.exporter.set_masking(Masking::Unavailable);
      // What is not masked yet is sent without its content.
      self.has_garbage = true;
      self.history.altered.extend(process.touched.iter().copied());
    }
    self.settle(number)
  }

  pub(crate) fn flush(&mut self, number: usize, timeout: Duration) -> Checked {
    let (now, deadline) = (self.clock(), self.now + timeout);
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    self.coverage.count("flushes");
    let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
    let open = process.open(now);
    let ticket = process.exporter.flush(deadline, now);
    let flush = Ticket { deadline, is_natural: false, may_leave: false, before, attachments, open };
    process.tickets.insert(ticket, flush);
    self.settle(number)
  }

  /// A process is gone.
  pub(crate) fn forget(&mut self, number: usize) {
    for slot in &mut self.slots {
      if *slot == Some(number) {
        *slot = None;
      }
    }
  }
}

fn accepted_attachments(process: &Process) -> u64 {
  process.account.counters.stats().attachments.accepted
}

/// The rows that a process has produced, and how many states each has.
fn before(history: &History, process: &Process) -> Vec<(RowId, usize)> {
  let states = |id| history.spans.get(id).map_or(0, |span| span.states.len());
  process.touched.iter().map(|id| (*id, states(id))).collect()
}
