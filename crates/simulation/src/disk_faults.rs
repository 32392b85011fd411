//! The faults of the disk: slow, full, denied or failing operations, and damaged segments.

use std::{io::ErrorKind, time::Duration};

use spool::{Completion, Kind, Name, memory::Fault};

use crate::{
  on_disk::path,
  plan::FaultKind,
  world::{Checked, World},
};

impl World {
  /// How long the next operation takes.
  pub(crate) fn disk_delay(&mut self) -> Duration {
    if let Some(fault) = self.fault(|fault| matches!(fault, FaultKind::DiskSlow(_))) {
      self.coverage.count(fault.name());
      let FaultKind::DiskSlow(most) = fault else { return Duration::ZERO };
      return Duration::from_micros(self.rng.u64(1..=most * 1000));
    }
    match self.plan.setup.disk_micros {
      0 => Duration::ZERO,
      most => Duration::from_micros(self.rng.u64(1..=most)),
    }
  }

  /// Damages a segment.
  pub(crate) fn damage(&mut self) -> Checked {
    let names: Vec<Name> =
      self.names().into_iter().filter(|name| matches!(name.kind, Kind::Segment(_))).collect();
    if names.is_empty() {
      return Ok(());
    }
    let name = names[self.rng.usize(..names.len())];
    let path = path(name);
    let rows = self.rows_in(&path);
    self.history.excused.extend(rows.iter().map(|(id, _)| *id));
    self.coverage.count(FaultKind::Damage.name());
    self.note(|| format!("{name} is damaged"));
    let (at, is_cut) = (self.rng.usize(..1 << 20), self.rng.u8(..3) == 0);
    let mut disk = self.disk.disk.borrow_mut();
    if let Ok(inode) = disk.find(&path)
      && let Some(content) = disk.inodes.get_mut(inode)
      && !content.bytes.is_empty()
    {
      let at = at % content.bytes.len();
      if is_cut {
        content.bytes.truncate(at);
      } else {
        content.bytes[at] ^= 0x55;
      }
    }
    drop(disk);
    self.processes.values_mut().for_each(|process| process.has_disk_failed = true);
    Ok(())
  }

  /// Begins the faults of the whole disk.
  pub(crate) fn set_disk_faults(&mut self) {
    let is_full = self.fault(|fault| *fault == FaultKind::DiskFull).is_some();
    let is_denied = self.fault(|fault| *fault == FaultKind::DiskDenied).is_some();
    let now = self.clock().unix_ms;
    let mut disk = self.disk.disk.borrow_mut();
    (disk.is_full, disk.is_denied, disk.now) = (is_full, is_denied, now);
  }

  /// Ends the faults of the whole disk.
  pub(crate) fn clear_disk_faults(&mut self) {
    let mut disk = self.disk.disk.borrow_mut();
    (disk.is_full, disk.is_denied) = (false, false);
  }

  /// Arms the fault of the next operation of a process.
  pub(crate) fn arm_disk(&mut self, number: usize) {
    self.set_disk_faults();
    let wanted =
      |fault: &FaultKind| matches!(fault, FaultKind::DiskFails(_) | FaultKind::DiskTears(_));
    let Some(fault) = self.fault(wanted) else { return };
    let (after, kind) = (self.rng.u32(..3), self.rng.usize(..4));
    let Some(process) = self.processes.get(&number) else { return };
    match fault {
      FaultKind::DiskFails(one_in) if self.rng.u32(..one_in) == 0 => {
        let kinds = [
          ErrorKind::PermissionDenied,
          ErrorKind::StorageFull,
          ErrorKind::TimedOut,
          ErrorKind::Interrupted,
        ];
        process.files.arm(after, Fault::Error(kinds[kind]));
      }
      FaultKind::DiskTears(one_in) if self.rng.u32(..one_in) == 0 => {
        process.files.arm(after, Fault::Tear(self.rng.usize(..200)));
      }
      _ => {}
    }
  }

  /// Ends the fault of an operation. Returns whether the operation has failed.
  pub(crate) fn disarm_disk(&mut self, number: usize, completion: &Completion) -> bool {
    let mut faults: Vec<&'static str> = Vec::new();
    {
      let disk = self.disk.disk.borrow();
      if disk.is_full {
        faults.push(FaultKind::DiskFull.name());
      }
      if disk.is_denied {
        faults.push(FaultKind::DiskDenied.name());
      }
    }
    self.clear_disk_faults();
    let armed =
      self.fault(|fault| matches!(fault, FaultKind::DiskFails(_) | FaultKind::DiskTears(_)));
    let Some(process) = self.processes.get_mut(&number) else { return false };
    if let Some(fault) = armed
      && !process.files.is_armed()
    {
      faults.push(fault.name());
    }
    process.files.disarm();
    let is_error = match completion {
      Completion::Adopted(adopted) => adopted.error.is_some(),
      Completion::Written(result) => result.is_err(),
      Completion::Content(result) => result.is_err(),
      Completion::Done(result) => result.is_err(),
    };
    if is_error {
      faults.iter().for_each(|name| self.coverage.count(name));
      process.has_disk_failed = true;
    }
    is_error
  }
}
