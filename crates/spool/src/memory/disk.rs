//! The files, and the faults that concern every process.

use std::{
  collections::BTreeMap,
  io::{self, ErrorKind},
  path::{Path, PathBuf},
};

/// The identity of a file, which renaming does not change: an index into [`Disk::inodes`].
pub type Inode = usize;

/// One file. It stays in [`Disk::inodes`] after its name is removed.
#[derive(Clone, Debug)]
pub struct Content {
  /// The bytes of the file.
  pub bytes: Vec<u8>,
  /// When it was written last, by [`Disk::now`], in milliseconds since the epoch.
  pub modified: i64,
  /// The number of the lock that is held on it.
  pub(super) lock: Option<u64>,
}

/// A disk with one directory.
#[derive(Clone, Debug, Default)]
pub struct Disk {
  /// Whether the directory exists. Without it nothing can be listed or created. Default: `false`.
  pub has_dir: bool,
  /// The time that files get when they are written, in milliseconds since the epoch. Default: 0.
  pub now: i64,
  /// Whether the disk is full: creating and renaming fail with `StorageFull`, and writing fails with it
  /// after half of the bytes. Reading and removing work. Default: `false`.
  pub is_full: bool,
  /// Whether every operation fails with `PermissionDenied`. Default: `false`.
  pub is_denied: bool,
  /// How many bytes fit on the disk. A write that exceeds it writes what fits and fails with
  /// `StorageFull`. Default: `None`, no limit.
  pub capacity: Option<u64>,
  /// The names in the directory.
  pub names: BTreeMap<PathBuf, Inode>,
  /// All files that ever existed.
  pub inodes: Vec<Content>,
  written: u64,
  locks: u64,
}

impl Disk {
  /// The file at `path`.
  ///
  /// # Errors
  /// `NotFound`.
  pub fn find(&self, path: &Path) -> io::Result<Inode> {
    self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
  }

  /// The content of the file at `path`.
  ///
  /// # Errors
  /// `NotFound`.
  pub fn content(&self, path: &Path) -> io::Result<&Content> {
    self.inodes.get(self.find(path)?).ok_or_else(|| ErrorKind::NotFound.into())
  }

  /// Puts a file there that no process wrote, or replaces its bytes.
  ///
  /// # Errors
  /// `NotFound` when there is no directory, `StorageFull` when the disk is full.
  pub fn add(&mut self, path: &Path, bytes: &[u8]) -> io::Result<Inode> {
    let inode = self.create(path)?;
    if let Some(content) = self.inodes.get_mut(inode) {
      content.bytes = bytes.to_vec();
    }
    Ok(inode)
  }

  /// How many bytes the files that have a name take together.
  pub fn bytes(&self) -> u64 {
    let contents = self.names.values().filter_map(|inode| self.inodes.get(*inode));
    contents.map(|content| content.bytes.len() as u64).sum()
  }

  /// How many bytes processes have written so far, those of removed and torn files included.
  pub fn bytes_written(&self) -> u64 {
    self.written
  }

  /// The file at `path`, which is created if need be.
  pub(super) fn create(&mut self, path: &Path) -> io::Result<Inode> {
    if let Some(inode) = self.names.get(path) {
      return Ok(*inode);
    }
    if !self.has_dir {
      return Err(ErrorKind::NotFound.into());
    }
    if self.is_full {
      return Err(ErrorKind::StorageFull.into());
    }
    self.inodes.push(Content { bytes: Vec::new(), modified: self.now, lock: None });
    self.names.insert(path.to_owned(), self.inodes.len() - 1);
    Ok(self.inodes.len() - 1)
  }

  /// Replaces the bytes of the file at `path`, which is created if need be, by at most `most` bytes of
  /// `bytes`.
  ///
  /// # Errors
  /// `NotFound` when there is no directory. `StorageFull` when not all of them fit; the file is then
  /// there with a part of them.
  pub(super) fn write(&mut self, path: &Path, bytes: &[u8], most: usize) -> io::Result<()> {
    // A full disk has room for a name.
    let is_full = std::mem::take(&mut self.is_full);
    let created = self.create(path);
    self.is_full = is_full;
    let inode = created?;
    let others = self.bytes() - self.inodes.get(inode).map_or(0, |file| file.bytes.len() as u64);
    let room = match self.capacity {
      _ if is_full => bytes.len() / 2,
      Some(capacity) => usize::try_from(capacity.saturating_sub(others)).unwrap_or(usize::MAX),
      None => usize::MAX,
    };
    let written = bytes.get(..most.min(room)).unwrap_or(bytes);
    self.written += written.len() as u64;
    if let Some(content) = self.inodes.get_mut(inode) {
      content.bytes = written.to_vec();
      content.modified = self.now;
    }
    if is_full || room < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
  }

  /// Locks a file and returns the number of the lock, or `None` when it is locked.
  pub(super) fn lock(&mut self, inode: Inode) -> Option<u64> {
    let content = self.inodes.get_mut(inode)?;
    if content.lock.is_some() {
      return None;
    }
    self.locks += 1;
    content.lock = Some(self.locks);
    content.lock
  }

  /// Releases a lock. One that was released before is not touched.
  pub(super) fn unlock(&mut self, inode: Inode, lock: u64) {
    if let Some(content) = self.inodes.get_mut(inode)
      && content.lock == Some(lock)
    {
      content.lock = None;
    }
  }
}
