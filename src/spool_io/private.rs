//! Files and directories that are this user's alone.
//!
//! Whoever can write to the directory could plant a link to another file, a FIFO that nobody writes to, or an endless
//! device. So opening follows no link and waits for nothing, and only regular files of this user are read.

#[cfg(unix)]
use std::{
  fs::{self, Permissions},
  os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
};
use std::{
  fs::{File, OpenOptions},
  io,
  path::Path,
};

#[cfg(unix)]
use rustix::{fs::OFlags, io::Errno, process::geteuid};

/// The largest file that is read, in bytes. A segment holds one request, and a snapshot no content.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Opens a file to be read.
///
/// # Errors
/// Those of the file system, and `InvalidInput` for what is not a regular file of this user of that size at most.
pub fn open(path: &Path) -> io::Result<File> {
  limited(own(OpenOptions::new().read(true), path)?)
}

/// Opens a file of any user to be read.
///
/// # Errors
/// Those of the file system, and `InvalidInput` for what is not a regular file of that size at most.
pub fn open_of_any_user(path: &Path) -> io::Result<File> {
  limited(regular(OpenOptions::new().read(true), path)?)
}

fn limited(file: File) -> io::Result<File> {
  if file.metadata()?.len() > MAX_FILE_BYTES {
    return Err(invalid("it is too large for a spool file"));
  }
  Ok(file)
}

/// Opens a file to be written that does not exist.
///
/// # Errors
/// Those of the file system, and `AlreadyExists`.
pub fn create(path: &Path) -> io::Result<File> {
  own(writable().create_new(true), path)
}

/// Opens a file to be locked, which is created if it does not exist.
///
/// # Errors
/// As for [`open`].
pub fn open_lock(path: &Path) -> io::Result<File> {
  own(writable().create(true).truncate(false), path)
}

fn writable() -> OpenOptions {
  let mut options = OpenOptions::new();
  options.read(true).write(true);
  #[cfg(unix)]
  options.mode(0o600);
  options
}

fn invalid(why: &str) -> io::Error {
  io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

/// The permissions of the group and of all others to write.
#[cfg(unix)]
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// The mode of directories that users share, such as `/tmp`: each may remove only files of their own.
#[cfg(unix)]
const STICKY: u32 = 0o1000;

/// Opens a regular file of this user.
#[cfg(unix)]
fn own(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
  let file = regular(options, path)?;
  if file.metadata()?.uid() != geteuid().as_raw() {
    return Err(invalid("it belongs to another user"));
  }
  Ok(file)
}

/// Opens a regular file, without waiting for the other end of a FIFO.
#[cfg(unix)]
fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
  let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
  let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
    match Errno::from_io_error(&error) {
      Some(Errno::LOOP) => invalid("it is a symbolic link"),
      _ => error,
    }
  })?;
  if file.metadata()?.is_file() { Ok(file) } else { Err(invalid("it is not a regular file")) }
}

/// Makes the directory one to which only this user can write.
///
/// # Errors
/// `PermissionDenied` when others can write to it and it is not this user's, or is used for more than the spool.
#[cfg(unix)]
pub fn check_dir(dir: &Path) -> io::Result<()> {
  let metadata = fs::metadata(dir)?;
  let is_ours = metadata.uid() == geteuid().as_raw();
  let others_write = metadata.mode() & WRITABLE_BY_OTHERS != 0;
  let is_sticky = metadata.mode() & STICKY != 0;
  if is_ours && others_write && !is_sticky && holds_only_spool_files(dir)? {
    return fs::set_permissions(dir, Permissions::from_mode(0o700));
  }
  // Root may write to any directory anyway.
  if others_write || (!is_ours && metadata.uid() != 0) {
    let why = "other users can write to it; name a directory in it, which is then created for this user alone";
    return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
  }
  Ok(())
}

/// Whether nobody uses the directory for anything else.
#[cfg(unix)]
fn holds_only_spool_files(dir: &Path) -> io::Result<bool> {
  for entry in fs::read_dir(dir)? {
    let name = entry?.file_name();
    if name.to_str().is_none_or(|name| name.parse::<spool::Name>().is_err()) {
      return Ok(false);
    }
  }
  Ok(true)
}

/// Links need privileges here, and files have no owner that decides who may write.
#[cfg(not(unix))]
fn own(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
  regular(options, path)
}

#[cfg(not(unix))]
fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
  let file = options.open(path)?;
  if file.metadata()?.is_file() { Ok(file) } else { Err(invalid("it is not a regular file")) }
}

/// Access control lists decide here who may write.
#[cfg(not(unix))]
pub fn check_dir(_dir: &Path) -> io::Result<()> {
  Ok(())
}
