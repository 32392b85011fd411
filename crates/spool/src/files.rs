//! What the spool asks of a file system. A seam: tests put one in its place that fails when told.

use std::{io, path::Path};

/// The operations, each of which happens wholly or not at all, but for [`write`](Self::write).
///
/// Errors keep the kinds of the standard library; the spool relies on `NotFound`.
pub trait Files {
  /// A lock that is held until this is dropped.
  type Lock;

  /// Creates the directory, and those above it, for its owner alone.
  fn create_dir(&self, dir: &Path) -> io::Result<()>;
  /// The names in a directory. Names that are no UTF-8 are left out: they are nobody's here.
  fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
  /// The first `most` bytes of a file, and what else there is to know without reading it.
  fn look(&self, path: &Path, most: usize) -> io::Result<Look>;
  fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
  /// Writes the parts one after the other into a new file that only its owner can read, and to the
  /// disk if `sync`. May leave a part of a file behind when it fails.
  fn write(&self, path: &Path, parts: [&[u8]; 2], sync: bool) -> io::Result<()>;
  /// Replaces what is at `to`.
  fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
  fn remove(&self, path: &Path) -> io::Result<()>;
  /// Writes the directory's names to the disk.
  fn sync_dir(&self, dir: &Path) -> io::Result<()>;
  /// Locks the file, which is created if need be; `None` when somebody has it.
  fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;
}

/// What can be seen of a file at a glance.
#[derive(Debug)]
pub struct Look {
  /// How it begins.
  pub start: Vec<u8>,
  /// Its length in bytes.
  pub bytes: u64,
  /// When it was written, milliseconds since the epoch.
  pub modified: i64,
}

/// Removing what is not there has succeeded.
pub fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
  match result {
    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
    _ => Ok(()),
  }
}

/// `None` when the file is gone.
pub fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
  match result {
    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
    result => result.map(Some),
  }
}
