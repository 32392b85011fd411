//! A dead process whose lock this process holds.

use std::{io, path::Path};

use super::{
  files::{Files, gone_is_fine},
  name::{Id, Kind, Name},
};

/// A dead process whose lock this process holds.
pub struct DeadProcess<L> {
  /// Its id.
  pub id: Id,
  /// Its lock.
  pub lock: L,
  /// Whether its snapshot was adopted.
  pub has_snapshot: bool,
  /// Whether files of it stay, so that the lock file must stay, too.
  pub has_more: bool,
}

impl<L> DeadProcess<L> {
  /// Removes the lock file, unless other files of the process stay.
  pub fn remove_lock(&self, files: &impl Files<Lock = L>, dir: &Path) -> io::Result<()> {
    // Held until the file is removed.
    let _held = &self.lock;
    if self.has_more {
      return Ok(());
    }
    gone_is_fine(files.remove(&Name { id: self.id, kind: Kind::Lock }.path(dir)))
  }
}
