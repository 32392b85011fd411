//! The record of a process: one small file, replaced as a whole, that tells what the process has open.
//!
//! ```text
//! <dir>/<id>.lock   locked for as long as the process lives
//! <dir>/<id>.open   the record; written as <id>.tmp and renamed
//! ```
//!
//! A record whose lock can be had belongs to a dead process. Whoever gets the lock inherits it.

use std::{
  fs::{self, File, OpenOptions},
  io::{self, Write},
  path::{Path, PathBuf},
};

/// The record of this process.
pub struct Record {
  path: PathBuf,
  lock: Lock,
}

/// What dead processes left, until it is forgotten.
pub struct Inheritance {
  /// The records' contents.
  pub records: Vec<Vec<u8>>,
  locks: Vec<(Lock, PathBuf)>,
}

/// A lock file that we hold.
struct Lock {
  path: PathBuf,
  // Held open: closing it gives the lock back.
  _file: File,
}

impl Lock {
  /// Takes the lock; `None` when somebody has it.
  fn take(path: PathBuf) -> io::Result<Option<Self>> {
    let file = private().create(true).truncate(false).open(&path)?;
    match file.try_lock() {
      Ok(()) => Ok(Some(Self { path, _file: file })),
      Err(fs::TryLockError::WouldBlock) => Ok(None),
      Err(fs::TryLockError::Error(error)) => Err(error),
    }
  }
}

impl Record {
  /// Opens the directory for this process, which `id` names, and takes what dead processes left there.
  pub fn open(dir: &Path, id: &str) -> io::Result<(Self, Inheritance)> {
    create_private(dir)?;
    let lock = Lock::take(dir.join(format!("{id}.lock")))?;
    let lock = lock.ok_or_else(|| io::Error::other(format!("{id}.lock is taken")))?;
    let path = dir.join(format!("{id}.open"));
    let inheritance = inherit(dir, &path)?;
    Ok((Self { path, lock }, inheritance))
  }

  /// Whether processes, living or dead, have records there.
  pub fn any(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().extension().is_some_and(|end| end == "open"))
  }

  /// Replaces the record. Either the old one or the new one is found, never half of one.
  pub fn write(&self, content: &[u8]) -> io::Result<()> {
    let temporary = self.path.with_extension("tmp");
    private().create(true).truncate(true).open(&temporary)?.write_all(content)?;
    fs::rename(&temporary, &self.path)
  }

  /// Nothing is open any more.
  pub fn clear(&self) -> io::Result<()> {
    remove(&self.path)
  }

  /// The process ends. A record that was written is left for the next one.
  pub fn finish(self) -> io::Result<()> {
    if self.path.exists() { Ok(()) } else { remove(&self.lock.path) }
  }
}

impl Inheritance {
  /// The records stand in ours now: those of the dead go.
  pub fn forget(self) -> io::Result<()> {
    for (lock, record) in self.locks {
      remove(&record)?;
      remove(&lock.path)?;
    }
    Ok(())
  }
}

fn inherit(dir: &Path, ours: &Path) -> io::Result<Inheritance> {
  let mut inheritance = Inheritance { records: Vec::new(), locks: Vec::new() };
  for entry in fs::read_dir(dir)? {
    let path = entry?.path();
    if path == ours || path.extension().is_none_or(|extension| extension != "open") {
      continue;
    }
    let Some(lock) = Lock::take(path.with_extension("lock"))? else { continue };
    match fs::read(&path) {
      Ok(content) => {
        inheritance.records.push(content);
        inheritance.locks.push((lock, path));
      }
      // Another heir was faster.
      Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&lock.path)?,
      Err(error) => return Err(error),
    }
  }
  Ok(inheritance)
}

fn remove(path: &Path) -> io::Result<()> {
  match fs::remove_file(path) {
    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
    _ => Ok(()),
  }
}

/// Files that only their owner can read.
fn private() -> OpenOptions {
  let mut options = OpenOptions::new();
  options.read(true).write(true);
  #[cfg(unix)]
  std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
  options
}

fn create_private(dir: &Path) -> io::Result<()> {
  let mut builder = fs::DirBuilder::new();
  builder.recursive(true);
  #[cfg(unix)]
  std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
  builder.create(dir)
}

#[cfg(test)]
mod tests {
  use super::*;

  fn open(dir: &Path, id: &str) -> (Record, Inheritance) {
    Record::open(dir, id).unwrap()
  }

  #[test]
  fn the_next_process_finds_the_last_record_of_the_dead_and_not_that_of_the_living() {
    let dir = tempfile::tempdir().unwrap();
    let (dead, _) = open(dir.path(), "dead");
    dead.write(b"first").unwrap();
    dead.write(b"second").unwrap();
    let (alive, found) = open(dir.path(), "alive");
    assert!(found.records.is_empty());
    alive.write(b"busy").unwrap();

    drop(dead);
    let (_next, found) = open(dir.path(), "next");
    assert_eq!(found.records, [b"second".to_vec()]);
    let (_other, none) = open(dir.path(), "other");
    assert!(none.records.is_empty(), "two inherit the same");
    found.forget().unwrap();
    assert!(!dir.path().join("dead.open").exists());
    assert!(!dir.path().join("dead.lock").exists());
  }

  #[test]
  fn what_was_not_forgotten_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let (dead, _) = open(dir.path(), "dead");
    dead.write(b"open").unwrap();
    drop(dead);
    let (heir, found) = open(dir.path(), "heir");
    assert_eq!(found.records.len(), 1);
    drop((heir, found));
    assert_eq!(open(dir.path(), "next").1.records, [b"open".to_vec()]);
  }

  #[test]
  fn a_process_with_nothing_open_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (record, _) = open(dir.path(), "tidy");
    record.write(b"open").unwrap();
    record.clear().unwrap();
    record.finish().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
  }

  #[cfg(unix)]
  #[test]
  fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let (record, _) = open(&spool, "ours");
    record.write(b"open").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&spool), 0o700);
    assert_eq!(mode(&spool.join("ours.open")), 0o600);
  }
}
