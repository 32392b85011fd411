//! A file system in memory, which several processes share and in which everything can go wrong.

use std::{
  cell::{Cell, RefCell},
  collections::BTreeMap,
  io::{self, ErrorKind},
  path::{Path, PathBuf},
  rc::Rc,
};

use crate::files::{Files, Look};

/// A file, whatever its name is at the moment.
pub type Inode = usize;

/// One file.
#[derive(Clone)]
pub struct Content {
  pub bytes: Vec<u8>,
  pub modified: i64,
  is_locked: bool,
}

/// What happens at one of a process's operations, counted from now.
pub enum Fault {
  /// The process dies, before the operation or in the midst of it.
  Crash,
  /// The operation fails.
  Error,
  /// Somebody else does something just before.
  Interrupt(Box<dyn FnOnce()>),
}

/// What a process did to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
  Removed(Inode, PathBuf),
  Renamed(Inode, PathBuf, PathBuf),
  /// Another file took its name.
  Replaced(Inode, PathBuf),
}

#[derive(Default)]
pub struct World {
  pub has_dir: bool,
  pub now: i64,
  pub is_full: bool,
  pub is_denied: bool,
  pub names: BTreeMap<PathBuf, Inode>,
  pub inodes: Vec<Content>,
}

/// The file system as one process sees it.
#[derive(Clone, Default)]
pub struct FakeFiles {
  pub world: Rc<RefCell<World>>,
  fault: Rc<RefCell<Option<(u32, Fault)>>>,
  is_dead: Rc<Cell<bool>>,
  changes: Rc<RefCell<Vec<Change>>>,
  operations: Rc<Cell<u32>>,
}

/// A lock in memory.
pub struct FakeLock {
  world: Rc<RefCell<World>>,
  inode: Inode,
}

impl Drop for FakeLock {
  fn drop(&mut self) {
    self.world.borrow_mut().inodes[self.inode].is_locked = false;
  }
}

impl World {
  fn create(&mut self, path: &Path) -> io::Result<Inode> {
    if let Some(inode) = self.names.get(path) {
      return Ok(*inode);
    }
    if !self.has_dir {
      return Err(ErrorKind::NotFound.into());
    }
    if self.is_full {
      return Err(ErrorKind::StorageFull.into());
    }
    self.inodes.push(Content { bytes: Vec::new(), modified: self.now, is_locked: false });
    self.names.insert(path.to_owned(), self.inodes.len() - 1);
    Ok(self.inodes.len() - 1)
  }

  /// Puts a file there that no process wrote.
  pub fn add(&mut self, path: &Path, bytes: &[u8]) -> Inode {
    let inode = self.create(path).unwrap();
    self.inodes[inode].bytes = bytes.to_vec();
    inode
  }

  pub fn find(&self, path: &Path) -> io::Result<Inode> {
    self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
  }
}

impl FakeFiles {
  /// The same file system, seen by another process.
  pub fn other_process(&self) -> Self {
    Self { world: self.world.clone(), ..Self::default() }
  }

  /// Lets it happen at the operation after `operations` others.
  pub fn arm(&self, operations: u32, fault: Fault) {
    *self.fault.borrow_mut() = Some((operations, fault));
  }

  /// What did not happen will not.
  pub fn disarm(&self) {
    *self.fault.borrow_mut() = None;
  }

  /// Whether it has yet to happen.
  pub fn is_armed(&self) -> bool {
    self.fault.borrow().is_some()
  }

  pub fn has_crashed(&self) -> bool {
    self.is_dead.get()
  }

  /// How many there were so far.
  pub fn operations(&self) -> u32 {
    self.operations.get()
  }

  /// What this process did to files since it was asked last.
  pub fn take_changes(&self) -> Vec<Change> {
    self.changes.take()
  }

  /// An operation begins. The error is what comes of it.
  fn begin(&self) -> io::Result<()> {
    self.operations.set(self.operations.get() + 1);
    let fault = {
      let mut fault = self.fault.borrow_mut();
      match &mut *fault {
        Some((left, _)) if *left > 0 => {
          *left -= 1;
          None
        }
        _ => fault.take(),
      }
    };
    match fault {
      Some((_, Fault::Crash)) => self.is_dead.set(true),
      Some((_, Fault::Error)) => return Err(io::Error::other("it fails")),
      Some((_, Fault::Interrupt(happens))) => happens(),
      None => {}
    }
    if self.is_dead.get() {
      return Err(io::Error::other("the process is dead"));
    }
    if self.world.borrow().is_denied { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) }
  }
}

impl Files for FakeFiles {
  type Lock = FakeLock;

  fn create_dir(&self, _dir: &Path) -> io::Result<()> {
    self.begin()?;
    self.world.borrow_mut().has_dir = true;
    Ok(())
  }

  fn list(&self, _dir: &Path) -> io::Result<Vec<String>> {
    self.begin()?;
    let world = self.world.borrow();
    if !world.has_dir {
      return Err(ErrorKind::NotFound.into());
    }
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    Ok(world.names.keys().map(name).collect())
  }

  fn look(&self, path: &Path, most: usize) -> io::Result<Look> {
    self.begin()?;
    let world = self.world.borrow();
    let Content { bytes, modified, .. } = &world.inodes[world.find(path)?];
    let start = bytes[..most.min(bytes.len())].to_vec();
    Ok(Look { start, bytes: bytes.len() as u64, modified: *modified })
  }

  fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
    self.begin()?;
    let world = self.world.borrow();
    Ok(world.inodes[world.find(path)?].bytes.clone())
  }

  fn write(&self, path: &Path, parts: [&[u8]; 2], _sync: bool) -> io::Result<()> {
    let whole = parts.concat();
    let was_dead = self.is_dead.get();
    let begun = self.begin();
    if was_dead || self.world.borrow().is_denied {
      return begun;
    }
    let mut world = self.world.borrow_mut();
    let is_full = std::mem::take(&mut world.is_full);
    let created = world.create(path);
    world.is_full = is_full;
    let inode = created?;
    let begun = if is_full { Err(ErrorKind::StorageFull.into()) } else { begun };
    // What fails has written a part.
    let written = if begun.is_ok() { whole.len() } else { whole.len() / 2 };
    let modified = world.now;
    world.inodes[inode].bytes = whole[..written].to_vec();
    world.inodes[inode].modified = modified;
    begun
  }

  fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
    self.begin()?;
    let mut world = self.world.borrow_mut();
    let inode = world.find(from)?;
    if world.is_full {
      return Err(ErrorKind::StorageFull.into());
    }
    world.names.remove(from);
    let replaced = world.names.insert(to.to_owned(), inode);
    let mut changes = self.changes.borrow_mut();
    changes.push(Change::Renamed(inode, from.to_owned(), to.to_owned()));
    changes.extend(replaced.map(|inode| Change::Replaced(inode, to.to_owned())));
    Ok(())
  }

  fn remove(&self, path: &Path) -> io::Result<()> {
    self.begin()?;
    let inode = self.world.borrow_mut().names.remove(path).ok_or(ErrorKind::NotFound)?;
    self.changes.borrow_mut().push(Change::Removed(inode, path.to_owned()));
    Ok(())
  }

  fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
    self.begin()
  }

  fn lock(&self, path: &Path) -> io::Result<Option<FakeLock>> {
    self.begin()?;
    let inode = self.world.borrow_mut().create(path)?;
    // Between the two the file may have been removed, and another may bear its name.
    self.begin()?;
    let mut world = self.world.borrow_mut();
    if world.inodes[inode].is_locked {
      return Ok(None);
    }
    world.inodes[inode].is_locked = true;
    Ok(Some(FakeLock { world: self.world.clone(), inode }))
  }
}
