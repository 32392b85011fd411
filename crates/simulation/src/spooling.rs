//! The operations on the spool, and the end of a process in the middle of one.

use std::{mem, time::Duration};

use spool::{Completion, Kind, Name, Operation, Spool, memory::Fault};

use crate::{
  host::Pending,
  plan::FaultKind,
  world::{Checked, Event, World},
};

/// How long a row or a change of what is open may be missing on a disk that works.
const CHECKPOINT: Duration = Duration::from_millis(250);

impl World {
  /// Takes the operations that a process asks for. Whether some were performed.
  pub(crate) fn poll_spool(&mut self, number: usize) -> Result<bool, crate::finding::Finding> {
    let mut was_written = false;
    while let Some(process) = self.processes.get_mut(&number)
      && let Some((id, operation)) = process.exporter.poll_spool()
    {
      was_written |= matches!(operation, Operation::Write { .. });
      process.operations.push_back(Pending { id, operation, since: self.now });
    }
    if was_written {
      self.check_spool_bound(number)?;
    }
    let Some(process) = self.processes.get(&number) else { return Ok(false) };
    if process.operations.is_empty() || process.is_disk_busy {
      return Ok(false);
    }
    let delay = self.disk_delay();
    if delay.is_zero() {
      let count = self.processes[&number].operations.len();
      for _ in 0..count {
        self.perform_next(number)?;
      }
      return Ok(true);
    }
    self.schedule_operation(number, delay);
    Ok(false)
  }

  /// The host contract: the first operations are performed before there are events. At most `most` here.
  pub(crate) fn perform_first(&mut self, number: usize, most: usize) -> Checked {
    for _ in 0..most {
      if self.processes.get(&number).is_none_or(|process| process.operations.is_empty()) {
        break;
      }
      self.perform_next(number)?;
      self.settle(number)?;
    }
    Ok(())
  }

  fn schedule_operation(&mut self, number: usize, delay: Duration) {
    if let Some(process) = self.processes.get_mut(&number) {
      process.is_disk_busy = true;
      self.schedule(self.now + delay, Event::Operation(number));
    }
  }

  pub(crate) fn complete_operation(&mut self, number: usize) -> Checked {
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    process.is_disk_busy = false;
    self.perform_next(number)?;
    self.settle(number)
  }

  /// Performs an operation and gives its completion to the exporter.
  fn perform_next(&mut self, number: usize) -> Checked {
    let now = self.clock();
    let Some((id, completion)) = self.perform(number)? else { return Ok(()) };
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if let Completion::Adopted(adopted) = &completion
      && !process.exporter.has_ended()
    {
      if process.exporter.is_adoption_safe() {
        process.reference.note_adoption_is_safe();
      }
      let interrupted = process.reference.restore(&adopted.snapshots, now);
      self.coverage.add("adopted spans closed", interrupted.len() as u64);
      self.produced(number, interrupted);
    }
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let adopts =
      matches!(&completion, Completion::Adopted(adopted) if !adopted.segments.is_empty());
    process.exporter.handle_spool(id, completion, now);
    if adopts {
      process.adopted_bytes = process.exporter.spool_bytes();
    }
    Ok(())
  }

  /// Performs the next operation of a process.
  fn perform(
    &mut self,
    number: usize,
  ) -> Result<Option<(u64, Completion)>, crate::finding::Finding> {
    let now = self.clock();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(None) };
    let Some(Pending { id, operation, .. }) = process.operations.pop_front() else {
      return Ok(None);
    };
    if process.spool.is_none() {
      return self.finding("no spool, no operations", format!("{operation:?}")).map(|()| None);
    }
    self.coverage.count("operations on the spool");
    // What finds nothing is not worth a line.
    if !matches!(operation, Operation::Adopt) {
      self.note(|| format!("process {number} performs {}", shown(&operation)));
    }
    let (content, entry) = match &operation {
      Operation::Write { content, .. } | Operation::WriteSnapshot(content) => {
        let content = content.clone();
        self.check_content(&String::from_utf8_lossy(&content), "the spool")?;
        (Some(content), None)
      }
      Operation::Remove(entry) | Operation::Quarantine(entry) => (None, Some(*entry)),
      _ => (None, None),
    };
    let is_snapshot = matches!(operation, Operation::WriteSnapshot(_));
    self.arm_disk(number);
    let Some(process) = self.processes.get_mut(&number) else { return Ok(None) };
    let Some(spool) = &mut process.spool else { return Ok(None) };
    let completion = spool.perform(operation, now.unix_ms);
    let has_failed = self.disarm_disk(number, &completion);
    if has_failed {
      self.note(|| format!("process {number}: {}", shown_completion(&completion)));
    }
    match (&completion, content, entry) {
      (Completion::Adopted(adopted), ..) => {
        if !adopted.segments.is_empty() || !adopted.snapshots.is_empty() {
          let (segments, snapshots) = (adopted.segments.len(), adopted.snapshots.len());
          self
            .note(|| format!("process {number} adopts {segments} segments, {snapshots} snapshots"));
        }
        self.coverage.add("segments adopted", adopted.segments.len() as u64);
        self.coverage.add("snapshots adopted", adopted.snapshots.len() as u64);
        let adopter =
          (adopted.error.is_none() && !has_failed && !adopted.has_more).then_some(number);
        let ended: Vec<usize> =
          self.adopters.iter().filter(|(_, by)| by.is_none()).map(|(ended, _)| *ended).collect();
        if adopter.is_some() {
          self.adopters.extend(ended.into_iter().map(|ended| (ended, adopter)));
        }
      }
      (Completion::Written(Err(_)), ..) => {
        let process = &self.processes[&number];
        let (id, held) = (process.id, process.spool.as_ref().map_or(0, Spool::segments));
        let is_ours = |name: &Name| name.id == id && matches!(name.kind, Kind::Segment(_));
        if self.names().iter().filter(|name| is_ours(name)).count() > held {
          let detail = "a segment is there although its write failed";
          return self.finding("a failed write leaves no segment", detail).map(|()| None);
        }
      }
      (Completion::Done(Ok(())), Some(snapshot), _) if is_snapshot => {
        self.check_snapshot(number, &snapshot)?;
      }
      (Completion::Done(result), _, Some(entry)) => {
        let process = self.processes.get_mut(&number);
        let before = process
          .map(|it| mem::replace(&mut it.unremoved, result.is_err().then_some(entry.number)));
        if let Some(other) = before.flatten().filter(|other| *other != entry.number) {
          let detail = format!("{} goes before {other}, whose removal has failed", entry.number);
          return self.finding("segments are removed in order", detail).map(|()| None);
        }
      }
      _ => {}
    }
    Ok(Some((id, completion)))
  }

  /// A process crashes, perhaps in the middle of an operation on the disk.
  pub(crate) fn kill(&mut self, number: usize) -> Checked {
    let Some(process) = self.processes.get(&number) else { return Ok(()) };
    self.coverage.count("crashes");
    if !process.flights.is_empty() {
      self.coverage.count("crashes with requests in flight");
    }
    let stable = process.operations.front().map_or(self.now, |pending| pending.since);
    if !process.operations.is_empty() {
      self.coverage.count("crashes with operations pending");
      let (performed, is_torn) = (self.rng.usize(..=process.operations.len()), self.rng.bool());
      for _ in 0..performed {
        // Nobody gets the completions: what adoption has removed is counted by nobody, either.
        if let Some((_, Completion::Adopted(adopted))) = self.perform(number)? {
          self.lost += adopted.expired.rows + adopted.damaged.rows;
        }
      }
      if is_torn && let Some(process) = self.processes.get_mut(&number) {
        self.coverage.count("crashes within an operation");
        process.files.arm(self.rng.u32(..3), Fault::Crash);
        let now = self.now.as_millis() as i64;
        if let (Some(spool), Some(pending)) = (&mut process.spool, process.operations.pop_front()) {
          let completion = spool.perform(pending.operation, now + crate::world::START);
          if let Completion::Adopted(adopted) = completion {
            self.lost += adopted.expired.rows + adopted.damaged.rows;
          }
        }
      }
    }
    if let Some(process) = self.processes.get(&number) {
      process.files.kill();
    }
    // A snapshot that is being written holds up the next one.
    let slowest = self.plan.faults.iter().map(|fault| match fault.kind {
      FaultKind::DiskSlow(millis) => Duration::from_millis(millis),
      _ => Duration::ZERO,
    });
    let slowest = slowest.max().unwrap_or_default();
    let slowest = slowest.max(Duration::from_micros(self.plan.setup.disk_micros));
    self.after_crash(number, stable.saturating_sub(CHECKPOINT + slowest * 4))
  }

  /// Removes a process, and keeps what it lost in the account of the world.
  pub(crate) fn gone(&mut self, number: usize) {
    let Some(process) = self.processes.remove(&number) else { return };
    process.files.kill();
    if process.unremoved.is_some() {
      // What is delivered and not removed comes back, perhaps after later states from memory.
      let again = self.segments(Some(process.id)).into_iter().flatten().map(|(id, _)| id);
      self.history.unordered.extend(again);
    }
    let stats = process.account.counters.stats();
    self.lost += crate::checks::lost_rows(&stats);
    self.cut += stats.cut;
    self.coverage.add("rows accepted", stats.accepted);
    self.coverage.add("rows lost", stats.lost.values().sum());
    self.adopters.insert(number, None);
    self.forget(number);
  }
}

fn shown(operation: &Operation) -> String {
  match operation {
    Operation::Write { content, rows } => {
      format!("a write of {rows} rows, {} bytes", content.len())
    }
    Operation::WriteSnapshot(content) => format!("a snapshot of {} bytes", content.len()),
    operation => format!("{operation:?}"),
  }
}

fn shown_completion(completion: &Completion) -> String {
  match completion {
    Completion::Content(Ok(content)) => format!("{} bytes are read", content.len()),
    completion => format!("{completion:?}"),
  }
}
