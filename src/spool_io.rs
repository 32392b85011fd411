//! The spool's [`Files`] on the file system of the machine.

pub mod private;

use std::{
  fs::{self, File},
  io::{self, Read, Write},
  path::Path,
  time::UNIX_EPOCH,
};

use export::config::SpoolSettings;
use spool::{FileHead, Files, Id, Options, Spool};

/// The most attempts to lock a new id for this process.
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

/// A lock on a file. The operating system releases it when the process ends, however it ends.
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
    builder.create(dir).map_err(|error| context(dir, "be created", &error))?;
    private::check_dir(dir).map_err(|error| context(dir, "be used", &error))
  }

  fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
    let names = || -> io::Result<_> {
      fs::read_dir(dir)?
        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
        .collect()
    };
    names().map_err(|error| context(dir, "be listed", &error))
  }

  fn read_head(&self, path: &Path, most: usize) -> io::Result<FileHead> {
    let read_start = || {
      let file = private::open(path)?;
      let metadata = file.metadata()?;
      let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
      let mut start = Vec::with_capacity(most);
      file.take(most as u64).read_to_end(&mut start)?;
      let modified = i64::try_from(modified.as_millis()).unwrap_or(i64::MAX);
      Ok(FileHead { start, bytes: metadata.len(), modified })
    };
    read_start().map_err(|error| context(path, "be read", &error))
  }

  fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
    let read = || {
      let mut content = Vec::new();
      private::open(path)?.take(private::MAX_FILE_BYTES).read_to_end(&mut content)?;
      Ok(content)
    };
    read().map_err(|error| context(path, "be read", &error))
  }

  fn write(&self, path: &Path, parts: [&[u8]; 2], sync: bool) -> io::Result<()> {
    let write = || {
      let mut file = match private::create(path) {
        // A write that failed has left it, or someone has planted it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
          fs::remove_file(path)?;
          private::create(path)?
        }
        created => created?,
      };
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
      let file = private::open_lock(path)?;
      match file.try_lock() {
        Ok(()) => Ok(Some(DiskLock { _file: file })),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
      }
    };
    lock().map_err(|error| context(path, "be locked", &error))
  }
}

/// Adds the path and the operation to an error.
fn context(path: &Path, what: &str, error: &io::Error) -> io::Error {
  io::Error::new(error.kind(), format!("{} cannot {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
