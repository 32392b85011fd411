//! The real file system, as the spool asks for it.

use std::{
  fs::{self, File, OpenOptions},
  io::{self, Read, Write},
  path::Path,
  time::UNIX_EPOCH,
};

use export::config::SpoolSettings;
use spool::{Files, Id, Look, Options, Spool};

/// How often another random number is drawn for the name of this process.
const MAX_DRAWS: usize = 8;

/// Opens the spool of this process.
///
/// # Errors
/// When the directory cannot be created or locked in.
pub fn open(settings: &SpoolSettings, destination: u64) -> io::Result<Spool<DiskFiles>> {
  let mut draw = 0;
  loop {
    draw += 1;
    let options = Options {
      dir: settings.dir.clone(),
      id: Id { destination, pid: std::process::id(), random: fastrand::u32(..) },
      max_age_ms: settings.max_age_ms,
      fsync: settings.fsync,
    };
    match Spool::open(options, DiskFiles) {
      Err(error) if error.kind() == io::ErrorKind::AlreadyExists && draw < MAX_DRAWS => {}
      opened => return opened,
    }
  }
}

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

/// A lock on a real file. Closing the file gives it back, however the process ends.
#[derive(Debug)]
pub struct DiskLock {
  _file: File,
}

impl Files for DiskFiles {
  type Lock = DiskLock;

  fn create_dir(&self, dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| context(dir, "be created", &error))
  }

  fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
    let names = || -> io::Result<_> {
      fs::read_dir(dir)?
        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
        .collect()
    };
    names().map_err(|error| context(dir, "be listed", &error))
  }

  fn look(&self, path: &Path, most: usize) -> io::Result<Look> {
    let look = || {
      let file = File::open(path)?;
      let metadata = file.metadata()?;
      let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
      let mut start = Vec::with_capacity(most);
      file.take(most as u64).read_to_end(&mut start)?;
      let modified = i64::try_from(modified.as_millis()).unwrap_or(i64::MAX);
      Ok(Look { start, bytes: metadata.len(), modified })
    };
    look().map_err(|error| context(path, "be read", &error))
  }

  fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| context(path, "be read", &error))
  }

  fn write(&self, path: &Path, parts: [&[u8]; 2], sync: bool) -> io::Result<()> {
    let write = || {
      let mut file = private().truncate(true).open(path)?;
      for part in parts {
        file.write_all(part)?;
      }
      if sync { file.sync_all() } else { Ok(()) }
    };
    write().map_err(|error| context(path, "be written", &error))
  }

  fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(|error| context(from, "be renamed", &error))
  }

  fn remove(&self, path: &Path) -> io::Result<()> {
    fs::remove_file(path).map_err(|error| context(path, "be removed", &error))
  }

  #[cfg(unix)]
  fn sync_dir(&self, dir: &Path) -> io::Result<()> {
    File::open(dir)
      .and_then(|dir| dir.sync_all())
      .map_err(|error| context(dir, "be written to the disk", &error))
  }

  /// Directories cannot be opened here; the file system writes their names by itself.
  #[cfg(not(unix))]
  fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
    Ok(())
  }

  fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
    let lock = || {
      let file = private().truncate(false).open(path)?;
      match file.try_lock() {
        Ok(()) => Ok(Some(DiskLock { _file: file })),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
      }
    };
    lock().map_err(|error| context(path, "be locked", &error))
  }
}

/// Files that only their owner can read.
fn private() -> OpenOptions {
  let mut options = OpenOptions::new();
  options.read(true).write(true).create(true);
  #[cfg(unix)]
  std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
  options
}

/// Adds the path and the operation to an error.
fn context(path: &Path, what: &str, error: &io::Error) -> io::Error {
  io::Error::new(error.kind(), format!("{} cannot {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
