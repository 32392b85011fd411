//! The file system that the spool needs. Hosts implement it; `memory` is the implementation for tests.

use std::{io, path::Path};

/// Operations of a file system. Each happens as a whole or not at all, except [`write`](Self::write).
///
/// Errors have the kinds of the standard library. The spool relies on `NotFound`.
pub trait Files {
  /// A lock that is held until it is dropped.
  type Lock;

  /// Creates the directory and its ancestors, accessible only by its owner.
  fn create_dir(&self, dir: &Path) -> io::Result<()>;
  /// The names in a directory. Names that are not UTF-8 are omitted.
  fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
  /// The first `most` bytes of a file, its length and its time.
  fn look(&self, path: &Path, most: usize) -> io::Result<Look>;
  /// The content of a file.
  fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
  /// Writes the parts one after the other into a new file that only its owner can read, and syncs it to the disk
  /// if `sync`. May leave a part of the file when it fails.
  fn write(&self, path: &Path, parts: [&[u8]; 2], sync: bool) -> io::Result<()>;
  /// Renames a file and replaces the one at `to`.
  fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
  /// Removes a file.
  fn remove(&self, path: &Path) -> io::Result<()>;
  /// Syncs the names in a directory to the disk.
  fn sync_dir(&self, dir: &Path) -> io::Result<()>;
  /// Locks a file, which is created if it does not exist. `None` when it is locked.
  fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;
}

/// The beginning and the attributes of a file.
#[derive(Debug)]
pub struct Look {
  /// Its first bytes.
  pub start: Vec<u8>,
  /// Its length in bytes.
  pub bytes: u64,
  /// When it was written last, milliseconds since the epoch.
  pub modified: i64,
}

/// Ignores `NotFound`: removing a missing file succeeds.
pub fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
  match result {
    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
    _ => Ok(()),
  }
}

/// `None` when the file does not exist.
pub fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
  match result {
    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
    result => result.map(Some),
  }
}
