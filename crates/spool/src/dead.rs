//! A dead process whose lock we hold.

use std::{io, path::Path};

use super::{
  files::{Files, gone_is_fine},
  name::{Id, Kind, Name},
};

/// A dead process whose lock we hold.
pub struct Dead<L> {
  pub id: Id,
  pub lock: L,
  /// Whether its record was read.
  pub has_record: bool,
  /// Whether files of it stay where they are, so that the lock must stay, too.
  pub has_more: bool,
}

impl<L> Dead<L> {
  /// Removes the lock of a dead process that left nothing else.
  pub fn bury(&self, files: &impl Files<Lock = L>, dir: &Path) -> io::Result<()> {
    // Held until the file is gone.
    let _held = &self.lock;
    if self.has_more {
      return Ok(());
    }
    gone_is_fine(files.remove(&Name { id: self.id, kind: Kind::Lock }.path(dir)))
  }
}
