//! The listing of a spool directory, for `inspect` and `drain`.

use std::{
  fs::{self, TryLockError},
  io::{self, Read},
  path::Path,
  time::{Duration, UNIX_EPOCH},
};

use napi::{Error, Result, Status};
use napi_derive::napi;
use serde_json::{Value, json};
use spool::{
  Listing,
  inspect::{Segments, Share, inspect},
};

use crate::spool_io::private;

/// Lists a spool directory: numbers, sizes and ages, without content. Read-only. Throws when the directory or a
/// file in it cannot be read.
#[napi(catch_unwind, ts_return_type = "JsonString<SpoolListing>")]
pub fn inspect_spool(dir: String) -> Result<String> {
  let listing = list(Path::new(&dir))
    .map_err(|error| Error::new(Status::GenericFailure, format!("{dir}: {error}")))?;
  let shares: Vec<Value> = listing.shares.iter().map(share).collect();
  Ok(json!({ "directory": dir, "shares": shares, "foreign": listing.foreign }).to_string())
}

fn list(dir: &Path) -> io::Result<Listing> {
  let names: Vec<String> = fs::read_dir(dir)?
    .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
    .collect::<io::Result<_>>()?;
  inspect(names, |name| read(&dir.join(name)), |name| is_locked(&dir.join(name)))
}

/// Reads a file, which may be that of an application of another user.
fn read(path: &Path) -> io::Result<Vec<u8>> {
  let in_path =
    |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
  let mut content = Vec::new();
  let mut file = private::open_of_any_user(path).map_err(in_path)?;
  file.read_to_end(&mut content).map_err(in_path)?;
  Ok(content)
}

/// Whether a process holds the lock. Creates no file; the shared lock is released at once.
fn is_locked(path: &Path) -> bool {
  let Ok(file) = private::open_of_any_user(path) else { return false };
  matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn share(share: &Share) -> Value {
  let processes: Vec<Value> = share
    .processes
    .iter()
    .map(|process| json!({ "pid": process.pid, "runs": process.runs }))
    .collect();
  json!({
    "destination": format!("{:016x}", share.destination),
    "waiting": segments(&share.waiting),
    "damaged": segments(&share.damaged),
    "unfinished": share.unfinished,
    "openRecords": share.open_records,
    "processes": processes,
  })
}

fn segments(segments: &Segments) -> Value {
  let Segments { files, rows, bytes, oldest, newest } = segments;
  let [oldest, newest] = [oldest, newest].map(|millis| millis.and_then(date));
  json!({ "files": files, "rows": rows, "bytes": bytes, "oldest": oldest, "newest": newest })
}

/// An ISO date, as JavaScript's `toISOString` writes it. `None` outside of the years 1970 to 9999.
fn date(millis: i64) -> Option<String> {
  const END: u64 = 253_402_300_800_000;
  let millis = u64::try_from(millis).ok().filter(|millis| *millis < END)?;
  let at = UNIX_EPOCH + Duration::from_millis(millis);
  Some(humantime::format_rfc3339_millis(at).to_string())
}

#[cfg(test)]
mod tests {
  use super::date;

  #[test]
  fn dates_are_those_of_javascript() {
    assert_eq!(date(1_795_417_364_633).as_deref(), Some("2026-11-23T07:02:44.633Z"));
    assert_eq!(date(253_402_300_799_999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
    assert_eq!((date(-1), date(253_402_300_800_000), date(i64::MAX)), (None, None, None));
  }
}
