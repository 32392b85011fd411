//! The files of one process: its segments, and the snapshot of its open spans.

use std::{collections::BTreeMap, io, path::PathBuf};

use thiserror::Error;

use super::{
  dead_process::{Adoption, DeadProcess},
  file::{self, DecodeError, Header},
  files::{Files, gone_is_fine},
  name::{Id, Kind, Name},
};

/// The most files that one step of an adoption examines and takes over: other operations wait for it.
const ADOPTION_STEP: usize = 1000;

/// The settings of a spool.
#[derive(Clone, Debug)]
pub struct Options {
  /// The directory, which is created if it does not exist.
  pub dir: PathBuf,
  /// The id of this process and its destination.
  pub id: Id,
  /// Files of dead processes that are older than this are removed. In milliseconds.
  pub max_age_ms: i64,
  /// Whether files are synced to the disk, so that they survive a crash of the machine.
  pub fsync: bool,
}

/// A segment: a file with rows to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
  /// The number among the segments of this process, in the order of their delivery.
  pub number: u64,
  /// The number of rows.
  pub rows: u32,
  /// The size of the file in bytes, header included.
  pub bytes: u64,
  /// When the segment was written, milliseconds since the epoch. Adoption does not change it.
  pub created: i64,
}

impl Segment {
  /// The length of the content in bytes.
  pub fn content_bytes(&self) -> u64 {
    self.bytes.saturating_sub(Header::LENGTH as u64)
  }
}

/// Why a segment cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
  /// The segment is damaged for good. The caller passes it to [`Spool::quarantine`].
  #[error("a segment in the spool is damaged: {0}")]
  Damaged(#[from] DecodeError),
  /// The file was removed by someone else. The caller passes the segment to [`Spool::remove`].
  #[error("a segment is missing from the spool")]
  Gone,
  /// The file system failed. A later read may succeed.
  #[error(transparent)]
  Io(io::Error),
}

/// A process's view of the directory.
///
/// Without [`close`](Self::close), dropping it leaves the files that a crash of the process would leave.
pub struct Spool<F: Files> {
  pub(super) files: F,
  pub(super) options: Options,
  lock: F::Lock,
  last_number: u64,
  /// The time of the latest segment. A wall clock that is set back does not change the order of adoption.
  pub(super) last_created: i64,
  /// The bytes of the segments that this process owns, by their numbers.
  held: BTreeMap<u64, u64>,
  bytes: u64,
  has_snapshot: bool,
  /// Whether a file that was not written as a whole could not be removed. The next process removes it.
  has_leftover: bool,
  /// The dead processes whose snapshots were adopted, until these are discarded.
  pub(super) pending_cleanup: Vec<DeadProcess<F::Lock>>,
  /// The adoption that takes further steps.
  pub(super) adoption: Option<Adoption<F::Lock>>,
  /// The most files that one step of an adoption examines and takes over.
  pub(super) adoption_step: usize,
  /// How many adoptions in succession have waited for a segment that cannot be adopted.
  pub(super) waits: u32,
  /// When the whole directory was last searched for expired files, milliseconds since the epoch.
  pub(super) swept_at: Option<i64>,
}

impl<F: Files> Spool<F> {
  /// Opens the directory for this process.
  ///
  /// # Errors
  /// Those of the file system, and `AlreadyExists` when the id was used before: the caller tries another random
  /// number.
  pub fn open(options: Options, files: F) -> io::Result<Self> {
    files.create_dir(&options.dir)?;
    if files.read_head(&path(&options, Kind::Lock), 0).is_ok() {
      return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is taken", options.id)));
    }
    let lock = claim(&files, &options)?;
    Ok(Self {
      files,
      options,
      lock,
      last_number: 0,
      last_created: i64::MIN,
      held: BTreeMap::new(),
      bytes: 0,
      has_snapshot: false,
      has_leftover: false,
      pending_cleanup: Vec::new(),
      adoption: None,
      adoption_step: ADOPTION_STEP,
      waits: 0,
      swept_at: None,
    })
  }

  /// Bounds the files that one step of an adoption examines and takes over. Default: 1,000.
  pub fn set_adoption_step(&mut self, files: usize) {
    self.adoption_step = files;
  }

  /// Writes a segment of `rows` rows. `now` is in milliseconds since the epoch.
  ///
  /// # Errors
  /// Those of the file system, such as `StorageFull`. The segment then does not exist.
  pub fn put(&mut self, content: &[u8], rows: u32, now: i64) -> io::Result<Segment> {
    let number = self.next_number();
    let kind = Kind::Segment(number);
    let created = now.max(self.last_created);
    self.last_created = created;
    if let Err(error) = self.replace(kind, Kind::Partial(Some(number)), content, rows, created) {
      // The caller sends the rows from memory instead, so the file must not be adopted later.
      let removed = self.remove_unfinished(kind);
      return Err(removed.err().unwrap_or(error));
    }
    let bytes = (Header::LENGTH + content.len()) as u64;
    self.hold(number, bytes);
    Ok(Segment { number, rows, bytes, created })
  }

  /// Reads the content of a segment.
  pub fn read(&self, segment: &Segment) -> Result<Vec<u8>, ReadError> {
    let mut bytes =
      self.files.read(&self.path(Kind::Segment(segment.number))).map_err(|error| {
        match error.kind() {
          io::ErrorKind::NotFound => ReadError::Gone,
          _ => ReadError::Io(error),
        }
      })?;
    file::decode(&bytes)?;
    bytes.drain(..Header::LENGTH);
    Ok(bytes)
  }

  /// Removes a segment that is delivered or lost for good. A missing file is not an error.
  ///
  /// # Errors
  /// When the file cannot be removed. The process keeps the segment, and another one adopts it after a crash.
  pub fn remove(&mut self, segment: &Segment) -> io::Result<()> {
    gone_is_fine(self.files.remove(&self.path(Kind::Segment(segment.number))))?;
    self.release(segment);
    Ok(())
  }

  /// Renames a damaged segment, which is kept for inspection until it expires.
  ///
  /// # Errors
  /// When the file cannot be renamed. The process keeps the segment.
  pub fn quarantine(&mut self, segment: &Segment) -> io::Result<()> {
    let aside = self.path(Kind::Damaged(Some(segment.number)));
    gone_is_fine(self.files.rename(&self.path(Kind::Segment(segment.number)), &aside))?;
    self.release(segment);
    Ok(())
  }

  /// The bytes of all segments of this process, adopted ones included.
  pub fn bytes(&self) -> u64 {
    self.bytes
  }

  /// The number of segments of this process, adopted ones included.
  pub fn segments(&self) -> usize {
    self.held.len()
  }

  /// Replaces the snapshot of open spans. A crash leaves either the old one or the new one.
  pub fn write_snapshot(&mut self, content: &[u8], now: i64) -> io::Result<()> {
    self.has_snapshot = true;
    self.replace(Kind::Snapshot, Kind::Partial(None), content, 0, now)
  }

  /// Removes the snapshot of open spans.
  pub fn clear_snapshot(&mut self) -> io::Result<()> {
    if self.has_snapshot {
      gone_is_fine(self.files.remove(&self.path(Kind::Snapshot)))?;
      self.has_snapshot = false;
    }
    Ok(())
  }

  /// Removes the lock file, unless other files are left for the next process. The lock is held until the spool is
  /// dropped, so that a process that gets it finds no files.
  pub fn close(&mut self) -> io::Result<()> {
    if self.has_snapshot || self.has_leftover || !self.held.is_empty() {
      return Ok(());
    }
    gone_is_fine(self.files.remove(&self.path(Kind::Lock)))
  }

  /// Creates and locks the lock file again after someone removed it. Without it, others adopt our files.
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

  fn release(&mut self, segment: &Segment) {
    self.bytes -= self.held.remove(&segment.number).unwrap_or(0);
  }

  /// Writes a file under a temporary name and renames it. A missing directory is created again.
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

  fn try_replace(&mut self, kind: Kind, partial: Kind, parts: [&[u8]; 2]) -> io::Result<()> {
    let (to, from) = (self.path(kind), self.path(partial));
    let sync = self.options.fsync;
    let replaced = self
      .files
      .write(&from, parts, sync)
      .and_then(|()| self.files.rename(&from, &to))
      .and_then(|()| if sync { self.files.sync_dir(&self.options.dir) } else { Ok(()) });
    if replaced.is_err() && self.remove_unfinished(partial).is_err() {
      // The first error is the one to report.
    }
    replaced
  }

  /// Removes a file after its writing failed.
  fn remove_unfinished(&mut self, kind: Kind) -> io::Result<()> {
    let removed = gone_is_fine(self.files.remove(&self.path(kind)));
    self.has_leftover |= removed.is_err();
    removed
  }
}

/// Creates and locks the lock file. It is renamed to its final name afterwards, so that the lock file of a
/// running process is always locked.
fn claim<F: Files>(files: &F, options: &Options) -> io::Result<F::Lock> {
  let pending = path(options, Kind::PendingLock);
  let lock = files.lock(&pending)?;
  let lock = lock.ok_or_else(|| io::Error::other(format!("{} is locked", pending.display())))?;
  files.rename(&pending, &path(options, Kind::Lock))?;
  Ok(lock)
}

fn path(options: &Options, kind: Kind) -> PathBuf {
  Name { id: options.id, kind }.path(&options.dir)
}
