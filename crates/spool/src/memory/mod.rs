//! A file system in memory, for tests and simulations (cargo feature `memory`).
//!
//! A [`Disk`] holds files. It is shared by any number of simulated processes, each of which sees it
//! through its own [`MemoryFiles`] and is an implementation of [`Files`](crate::Files). The disk
//! survives the death of a process; the locks of the process do not. Everything is deterministic:
//! time is a field of the disk, and a fault happens at the operation it is armed for.
//!
//! ```
//! use spool::{Id, Options, Spool, memory::{Fault, MemoryFiles}};
//!
//! let files = MemoryFiles::new();
//! let id = Id { destination: 1, pid: 1, random: 1 };
//! let options = Options { dir: "/spool".into(), id, max_age_ms: 1000, fsync: false };
//! let mut spool = Spool::open(options, files.clone())?;
//! files.arm(0, Fault::Tear(10));
//! assert!(spool.put(b"rows", 1, 0).is_err(), "only ten bytes of the file are written");
//! files.kill();
//! assert!(spool.put(b"rows", 1, 0).is_err(), "the process is dead");
//! let next_process = files.other_process();
//! # Ok::<(), std::io::Error>(())
//! ```

mod disk;
mod files;

pub use disk::{Content, Disk, Inode};
pub use files::{Change, Fault, MemoryFiles, MemoryLock};

#[cfg(test)]
mod tests {
  use std::{io::ErrorKind, path::Path};

  use super::*;
  use crate::Files;

  fn files() -> MemoryFiles {
    let files = MemoryFiles::new();
    files.create_dir(Path::new("/d")).unwrap();
    files
  }

  #[test]
  fn a_torn_write_leaves_its_first_bytes() {
    let (files, path) = (files(), Path::new("/d/a"));
    files.arm(0, Fault::Tear(5));
    let error = files.write(path, [b"abc", b"def"], false).unwrap_err();
    assert_eq!(
      (error.kind(), files.read(path).unwrap()),
      (ErrorKind::Interrupted, b"abcde".into())
    );
    files.arm(0, Fault::Crash);
    assert!(files.write(path, [b"123", b"456"], false).is_err());
    assert_eq!(files.other_process().read(path).unwrap(), b"123", "a crash leaves half of it");
    assert!(files.read(path).is_err(), "the process is dead");
    assert_eq!((files.disk.borrow().bytes(), files.disk.borrow().bytes_written()), (3, 8));
  }

  #[test]
  fn a_write_beyond_the_capacity_leaves_what_fits() {
    let (files, path) = (files(), Path::new("/d/a"));
    files.disk.borrow_mut().capacity = Some(10);
    files.write(path, [b"12345678", b""], false).unwrap();
    files.write(path, [b"1234", b"56789"], false).unwrap();
    let other = Path::new("/d/b");
    let error = files.write(other, [b"ab", b""], false).unwrap_err();
    assert_eq!((error.kind(), files.read(other).unwrap()), (ErrorKind::StorageFull, b"a".into()));
    files.remove(path).unwrap();
    files.write(other, [b"ab", b""], false).unwrap();
  }

  #[test]
  fn killing_a_process_releases_its_locks_and_no_others() {
    let (files, path) = (files(), Path::new("/d/lock"));
    let first = files.lock(path).unwrap().unwrap();
    let other = files.other_process();
    assert!(other.lock(path).unwrap().is_none());
    files.kill();
    let second = other.lock(path).unwrap();
    drop(first);
    assert!(second.is_some() && other.lock(path).unwrap().is_none());
    drop(second);
    assert!(other.lock(path).unwrap().is_some());
  }

  #[test]
  fn an_armed_error_happens_once_and_has_its_kind() {
    let files = files();
    files.arm(1, Fault::Error(ErrorKind::PermissionDenied));
    assert!(files.list(Path::new("/d")).is_ok());
    assert_eq!(files.list(Path::new("/d")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(files.list(Path::new("/d")).is_ok());
  }
}
