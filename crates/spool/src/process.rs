//! What one process keeps in the directory: its payloads, and the record of what it has open.

use std::{
  collections::BTreeMap,
  io,
  path::{Path, PathBuf},
};

use thiserror::Error;

use super::{
  dead::Dead,
  file::{self, DecodeError, Header},
  files::{Files, gone_is_fine},
  name::{Id, Kind, Name},
};

/// Where and how.
#[derive(Clone, Debug)]
pub struct Options {
  /// The directory, which is created if need be.
  pub dir: PathBuf,
  /// This process, on its destination.
  pub id: Id,
  /// What dead processes left is removed when it is older than this many milliseconds.
  pub max_age_ms: i64,
  /// Whether what was written survives the machine, too.
  pub fsync: bool,
}

/// A payload in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
  /// Its number among the payloads of this process. They are delivered in this order.
  pub number: u64,
  /// How many rows it has.
  pub rows: u32,
  /// How much of the disk it takes, in bytes.
  pub bytes: u64,
  /// When it was written, milliseconds since the epoch; not when it was adopted.
  pub created: i64,
}

impl Entry {
  /// How many bytes its content has.
  pub fn content_bytes(&self) -> u64 {
    self.bytes.saturating_sub(Header::LENGTH as u64)
  }
}

/// Why a payload cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
  /// It will never be read. To be put out of the way by [`Spool::quarantine`].
  #[error("a payload in the spool is damaged: {0}")]
  Damaged(#[from] DecodeError),
  /// Somebody removed the file. To be forgotten by [`Spool::remove`].
  #[error("a payload has vanished from the spool")]
  Gone,
  /// It may be read another time.
  #[error(transparent)]
  Io(io::Error),
}

/// This process's part of the directory.
///
/// Dropped without [`finish`](Self::finish), it leaves what a sudden death would leave.
pub struct Spool<F: Files> {
  pub(super) files: F,
  pub(super) options: Options,
  lock: F::Lock,
  last_number: u64,
  /// The payloads that are ours to deliver, and their bytes.
  held: BTreeMap<u64, u64>,
  bytes: u64,
  has_record: bool,
  /// The dead whose records `adopt` gave, until they are forgotten.
  pub(super) mourned: Vec<Dead<F::Lock>>,
  /// When the whole directory was last looked through for what is too old.
  pub(super) swept_at: Option<i64>,
}

impl<F: Files> Spool<F> {
  /// Opens the directory for this process.
  ///
  /// # Errors
  /// When the directory cannot be created or locked in, and `AlreadyExists` when a process of that id was
  /// there before: another random number will do.
  pub fn open(options: Options, files: F) -> io::Result<Self> {
    files.create_dir(&options.dir)?;
    if files.look(&path(&options, Kind::Lock), 0).is_ok() {
      return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is taken", options.id)));
    }
    let lock = claim(&files, &options)?;
    Ok(Self {
      files,
      options,
      lock,
      last_number: 0,
      held: BTreeMap::new(),
      bytes: 0,
      has_record: false,
      mourned: Vec::new(),
      swept_at: None,
    })
  }

  /// Whether processes, living or dead, have anything there for this destination.
  pub fn any(files: &F, dir: &Path, destination: u64) -> bool {
    let names = files.list(dir).unwrap_or_default();
    names.iter().filter_map(|name| name.parse::<Name>().ok()).any(|name| {
      name.id.destination == destination && matches!(name.kind, Kind::Record | Kind::Rows(_))
    })
  }

  /// Keeps a payload of `rows` rows. `now` is in milliseconds since the epoch.
  ///
  /// # Errors
  /// Those of the file system, a full disk among them. The payload is then not kept.
  pub fn put(&mut self, content: &[u8], rows: u32, now: i64) -> io::Result<Entry> {
    let number = self.next_number();
    let kind = Kind::Rows(number);
    if let Err(error) = self.replace(kind, Kind::Partial(Some(number)), content, rows, now) {
      // Whoever is told that it was not kept sends it from memory. It must not come a second time.
      let removed = gone_is_fine(self.files.remove(&self.path(kind)));
      return Err(removed.err().unwrap_or(error));
    }
    let bytes = (Header::LENGTH + content.len()) as u64;
    self.hold(number, bytes);
    Ok(Entry { number, rows, bytes, created: now })
  }

  /// The content of a payload.
  pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, ReadError> {
    let mut bytes = self.files.read(&self.path(Kind::Rows(entry.number))).map_err(|error| {
      match error.kind() {
        io::ErrorKind::NotFound => ReadError::Gone,
        _ => ReadError::Io(error),
      }
    })?;
    file::decode(&bytes)?;
    bytes.drain(..Header::LENGTH);
    Ok(bytes)
  }

  /// The payload is settled: it never comes back. One that is gone is fine.
  ///
  /// # Errors
  /// When the file cannot be removed. The payload then stays ours, and comes back if we die.
  pub fn remove(&mut self, entry: &Entry) -> io::Result<()> {
    gone_is_fine(self.files.remove(&self.path(Kind::Rows(entry.number))))?;
    self.release(entry);
    Ok(())
  }

  /// The payload is damaged: its file is put aside, for whoever wants to see it, until it is too old.
  ///
  /// # Errors
  /// When the file cannot be renamed. The payload then stays ours.
  pub fn quarantine(&mut self, entry: &Entry) -> io::Result<()> {
    let aside = self.path(Kind::Damaged(Some(entry.number)));
    gone_is_fine(self.files.rename(&self.path(Kind::Rows(entry.number)), &aside))?;
    self.release(entry);
    Ok(())
  }

  /// How many bytes our payloads take, those that were adopted included.
  pub fn bytes(&self) -> u64 {
    self.bytes
  }

  /// How many payloads are ours.
  pub fn entries(&self) -> usize {
    self.held.len()
  }

  /// Replaces the record of what the process has open. Either the old one or the new one is found,
  /// never half of one.
  pub fn write_record(&mut self, content: &[u8], now: i64) -> io::Result<()> {
    self.has_record = true;
    self.replace(Kind::Record, Kind::Partial(None), content, 0, now)
  }

  /// Nothing is open any more.
  pub fn clear_record(&mut self) -> io::Result<()> {
    if self.has_record {
      gone_is_fine(self.files.remove(&self.path(Kind::Record)))?;
      self.has_record = false;
    }
    Ok(())
  }

  /// The process ends. What it still has in the directory is left for the next one. To be dropped then: until that
  /// the lock is held, so that whoever gets it finds nothing.
  pub fn finish(&mut self) -> io::Result<()> {
    if self.has_record || !self.held.is_empty() {
      return Ok(());
    }
    gone_is_fine(self.files.remove(&self.path(Kind::Lock)))
  }

  /// Takes our lock anew. Somebody removed the file, and others think us dead.
  pub(super) fn claim_again(&mut self) -> io::Result<()> {
    self.lock = claim(&self.files, &self.options)?;
    Ok(())
  }

  pub(super) fn next_number(&mut self) -> u64 {
    self.last_number += 1;
    self.last_number
  }

  pub(super) fn hold(&mut self, number: u64, bytes: u64) {
    self.held.insert(number, bytes);
    self.bytes += bytes;
  }

  pub(super) fn path(&self, kind: Kind) -> PathBuf {
    path(&self.options, kind)
  }

  pub(super) fn path_of(&self, id: Id, kind: Kind) -> PathBuf {
    Name { id, kind }.path(&self.options.dir)
  }

  fn release(&mut self, entry: &Entry) {
    self.bytes -= self.held.remove(&entry.number).unwrap_or(0);
  }

  /// Writes a file beside its place and moves it there. A directory that is gone is made again.
  fn replace(
    &mut self,
    kind: Kind,
    partial: Kind,
    content: &[u8],
    rows: u32,
    now: i64,
  ) -> io::Result<()> {
    let header = Header::of(content, rows, now).encode();
    let parts = [&header[..], content];
    match self.try_replace(kind, partial, parts) {
      Err(error) if error.kind() == io::ErrorKind::NotFound => {
        self.files.create_dir(&self.options.dir)?;
        self.claim_again()?;
        self.try_replace(kind, partial, parts)
      }
      result => result,
    }
  }

  fn try_replace(&self, kind: Kind, partial: Kind, parts: [&[u8]; 2]) -> io::Result<()> {
    let (path, partial) = (self.path(kind), self.path(partial));
    let sync = self.options.fsync;
    let replaced = self
      .files
      .write(&partial, parts, sync)
      .and_then(|()| self.files.rename(&partial, &path))
      .and_then(|()| if sync { self.files.sync_dir(&self.options.dir) } else { Ok(()) });
    if replaced.is_err() && self.files.remove(&partial).is_err() {
      // It was never there, or whoever comes after us removes it.
    }
    replaced
  }
}

/// Makes our lock file and locks it. It gets its name only then, so that nobody ever finds the lock of
/// a living process free.
fn claim<F: Files>(files: &F, options: &Options) -> io::Result<F::Lock> {
  let unborn = path(options, Kind::Unborn);
  let lock = files.lock(&unborn)?;
  let lock = lock.ok_or_else(|| io::Error::other(format!("{} is locked", unborn.display())))?;
  files.rename(&unborn, &path(options, Kind::Lock))?;
  Ok(lock)
}

fn path(options: &Options, kind: Kind) -> PathBuf {
  Name { id: options.id, kind }.path(&options.dir)
}
