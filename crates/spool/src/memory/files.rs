//! The disk as one process sees it, and the faults of that process.

use std::{
  cell::{Cell, RefCell},
  fmt,
  io::{self, ErrorKind},
  path::{Path, PathBuf},
  rc::Rc,
};

use super::disk::{Content, Disk, Inode};
use crate::files::{Files, Look};

/// What happens at one operation of a process.
pub enum Fault {
  /// The process dies, before the operation or in the middle of a write, of which half is written.
  Crash,
  /// The operation fails with this kind of error. A write has written half of its bytes.
  Error(ErrorKind),
  /// A write stops after this many bytes and fails with `Interrupted`. Other operations fail.
  Tear(usize),
  /// The closure runs just before the operation, which then proceeds.
  Interrupt(Box<dyn FnOnce()>),
}

/// What a process did to a file that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
  /// The name was removed.
  Removed(Inode, PathBuf),
  /// The file got another name.
  Renamed(Inode, PathBuf, PathBuf),
  /// Another file was renamed to its name.
  Replaced(Inode, PathBuf),
}

/// The file system of one simulated process. Clones are handles of the same process.
#[derive(Clone, Default)]
pub struct MemoryFiles {
  /// The disk, which all processes share. A process must not run while it is borrowed.
  pub disk: Rc<RefCell<Disk>>,
  fault: Rc<RefCell<Option<(u32, Fault)>>>,
  is_dead: Rc<Cell<bool>>,
  changes: Rc<RefCell<Vec<Change>>>,
  operations: Rc<Cell<u32>>,
  locks: Rc<RefCell<Vec<(Inode, u64)>>>,
}

/// A lock on a file. It is released when this is dropped or its process is killed.
pub struct MemoryLock {
  disk: Rc<RefCell<Disk>>,
  inode: Inode,
  number: u64,
}

impl Drop for MemoryLock {
  fn drop(&mut self) {
    self.disk.borrow_mut().unlock(self.inode, self.number);
  }
}

impl fmt::Debug for MemoryFiles {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut fields = f.debug_struct("MemoryFiles");
    fields.field("operations", &self.operations).field("is_dead", &self.is_dead);
    fields.finish_non_exhaustive()
  }
}

impl MemoryFiles {
  /// A process on a new, empty disk.
  pub fn new() -> Self {
    Self::default()
  }

  /// Another process on the same disk.
  pub fn other_process(&self) -> Self {
    Self { disk: self.disk.clone(), ..Self::default() }
  }

  /// Arms a fault: it happens once, at the operation that follows `operations` others. It replaces a
  /// fault that is armed.
  pub fn arm(&self, operations: u32, fault: Fault) {
    *self.fault.borrow_mut() = Some((operations, fault));
  }

  /// Removes the fault that is armed.
  pub fn disarm(&self) {
    *self.fault.borrow_mut() = None;
  }

  /// Whether a fault is armed that has not happened yet.
  pub fn is_armed(&self) -> bool {
    self.fault.borrow().is_some()
  }

  /// Kills the process: its locks are released and each further operation of it fails. Its files stay.
  pub fn kill(&self) {
    self.is_dead.set(true);
    let mut disk = self.disk.borrow_mut();
    for (inode, lock) in self.locks.take() {
      disk.unlock(inode, lock);
    }
  }

  /// Whether the process was killed or has crashed. The locks of a crashed process are held until they
  /// are dropped or [`kill`](Self::kill) is called.
  pub fn has_crashed(&self) -> bool {
    self.is_dead.get()
  }

  /// How many operations the process has begun so far.
  pub fn operations(&self) -> u32 {
    self.operations.get()
  }

  /// What the process did to files since this was called last.
  pub fn take_changes(&self) -> Vec<Change> {
    self.changes.take()
  }

  /// The fault that happens at the operation that begins now.
  fn due_fault(&self) -> Option<Fault> {
    self.operations.set(self.operations.get() + 1);
    let mut fault = self.fault.borrow_mut();
    match &mut *fault {
      Some((left, _)) if *left > 0 => {
        *left -= 1;
        None
      }
      _ => fault.take().map(|(_, fault)| fault),
    }
  }

  /// Begins a write, which may fail after a part of it is written.
  fn begin_write(&self) -> Result<(), Failure> {
    let is_dead = self.is_dead.get();
    let fault = self.due_fault();
    let is_denied = self.disk.borrow().is_denied;
    let part = if is_dead || is_denied { Part::Nothing } else { Part::Half };
    match fault {
      _ if is_dead => return Err(Failure { error: dead(), part }),
      Some(Fault::Crash) => {
        self.is_dead.set(true);
        return Err(Failure { error: dead(), part });
      }
      Some(Fault::Error(kind)) => return Err(Failure { error: kind.into(), part }),
      Some(Fault::Tear(bytes)) => {
        return Err(Failure { error: ErrorKind::Interrupted.into(), part: Part::Bytes(bytes) });
      }
      Some(Fault::Interrupt(happens)) => happens(),
      None => {}
    }
    if self.is_dead.get() {
      return Err(Failure { error: dead(), part: Part::Nothing });
    }
    if self.disk.borrow().is_denied {
      return Err(Failure { error: ErrorKind::PermissionDenied.into(), part: Part::Nothing });
    }
    Ok(())
  }

  /// Begins an operation that happens as a whole or not at all.
  fn begin(&self) -> io::Result<()> {
    self.begin_write().map_err(|failure| failure.error)
  }
}

/// An operation that fails.
struct Failure {
  error: io::Error,
  part: Part,
}

/// What a write that fails has written.
enum Part {
  Nothing,
  Half,
  Bytes(usize),
}

fn dead() -> io::Error {
  io::Error::other("the process is dead")
}

impl Files for MemoryFiles {
  type Lock = MemoryLock;

  fn create_dir(&self, _dir: &Path) -> io::Result<()> {
    self.begin()?;
    self.disk.borrow_mut().has_dir = true;
    Ok(())
  }

  fn list(&self, _dir: &Path) -> io::Result<Vec<String>> {
    self.begin()?;
    let disk = self.disk.borrow();
    if !disk.has_dir {
      return Err(ErrorKind::NotFound.into());
    }
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    Ok(disk.names.keys().filter_map(name).collect())
  }

  fn look(&self, path: &Path, most: usize) -> io::Result<Look> {
    self.begin()?;
    let disk = self.disk.borrow();
    let Content { bytes, modified, .. } = disk.content(path)?;
    let start = bytes.get(..most).unwrap_or(bytes).to_vec();
    Ok(Look { start, bytes: bytes.len() as u64, modified: *modified })
  }

  fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
    self.begin()?;
    Ok(self.disk.borrow().content(path)?.bytes.clone())
  }

  fn write(&self, path: &Path, parts: [&[u8]; 2], _sync: bool) -> io::Result<()> {
    let bytes = parts.concat();
    let Err(Failure { error, part }) = self.begin_write() else {
      return self.disk.borrow_mut().write(path, &bytes, bytes.len());
    };
    let most = match part {
      Part::Nothing => return Err(error),
      Part::Half => bytes.len() / 2,
      Part::Bytes(most) => most,
    };
    self.disk.borrow_mut().write(path, &bytes, most).and(Err(error))
  }

  fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
    self.begin()?;
    let mut disk = self.disk.borrow_mut();
    let inode = disk.find(from)?;
    if disk.is_full {
      return Err(ErrorKind::StorageFull.into());
    }
    disk.names.remove(from);
    let replaced = disk.names.insert(to.to_owned(), inode);
    let mut changes = self.changes.borrow_mut();
    changes.push(Change::Renamed(inode, from.to_owned(), to.to_owned()));
    changes.extend(replaced.map(|inode| Change::Replaced(inode, to.to_owned())));
    Ok(())
  }

  fn remove(&self, path: &Path) -> io::Result<()> {
    self.begin()?;
    let inode = self.disk.borrow_mut().names.remove(path).ok_or(ErrorKind::NotFound)?;
    self.changes.borrow_mut().push(Change::Removed(inode, path.to_owned()));
    Ok(())
  }

  fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
    self.begin()
  }

  fn lock(&self, path: &Path) -> io::Result<Option<MemoryLock>> {
    self.begin()?;
    let inode = self.disk.borrow_mut().create(path)?;
    // Between opening and locking, the file may be removed and another one may get its name.
    self.begin()?;
    let Some(number) = self.disk.borrow_mut().lock(inode) else { return Ok(None) };
    self.locks.borrow_mut().push((inode, number));
    Ok(Some(MemoryLock { disk: self.disk.clone(), inode, number }))
  }
}
