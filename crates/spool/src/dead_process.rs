//! Dead processes whose locks this process holds, and the adoption of their files.

use std::{
  collections::{BTreeMap, VecDeque},
  io,
  path::Path,
  vec,
};

use super::{
  file::Header,
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

/// A segment of a dead process.
pub struct OrphanedSegment {
  pub header: Header,
  pub id: Id,
  pub number: u64,
  pub bytes: u64,
}

/// An adoption that takes several steps. Its dead processes stay locked meanwhile.
pub struct Adoption<L> {
  /// The other processes, each with what is known of it if it is dead.
  pub others: BTreeMap<Id, Option<DeadProcess<L>>>,
  /// The files that are not examined yet.
  pub names: vec::IntoIter<Name>,
  /// The segments that are not taken over yet: in their order, once every file is examined.
  pub found: VecDeque<OrphanedSegment>,
  /// The snapshots.
  pub snapshots: Vec<Vec<u8>>,
  /// Whether a segment cannot be adopted now.
  pub fails: bool,
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
