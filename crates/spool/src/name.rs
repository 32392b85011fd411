//! The names of files: the process that owns a file, and its kind.
//!
//! A name has one spelling. Files with other names are not spool files and are never touched.

use std::{
  fmt,
  path::{Path, PathBuf},
  str::FromStr,
};

/// The id of a process for one destination. It is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
  /// A fingerprint of server, project and key that the rows go to. Processes with another one do not adopt them.
  pub destination: u64,
  /// The process id, for people who inspect the directory.
  pub pid: u32,
  /// A random number that distinguishes processes with the same process id.
  pub random: u32,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
  /// The lock file, which is locked while the process runs.
  Lock,
  /// A lock file that its process has not renamed to its final name yet.
  PendingLock,
  /// The snapshot of the open spans of the process.
  Snapshot,
  /// A segment, by its number.
  Segment(u64),
  /// A segment, by its number, or the snapshot that is being written.
  Partial(Option<u64>),
  /// A segment, by its number, or the snapshot that is damaged.
  Damaged(Option<u64>),
}

/// A file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
  /// The process that owns the file.
  pub id: Id,
  /// What the file is.
  pub kind: Kind,
}

/// The name is not that of a spool file.
#[derive(Debug)]
pub struct NotSpoolFile;

impl Name {
  /// Whether no process reads the file, so that it is only removed when it expires.
  pub(super) fn is_litter(self) -> bool {
    matches!(self.kind, Kind::PendingLock | Kind::Damaged(_))
  }

  /// The path of the file in `dir`.
  pub(super) fn path(self, dir: &Path) -> PathBuf {
    dir.join(self.to_string())
  }
}

impl fmt::Display for Id {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Self { destination, pid, random } = self;
    write!(f, "{destination:016x}-{pid}-{random:08x}")
  }
}

impl fmt::Display for Name {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (number, ending) = match self.kind {
      Kind::Lock => (None, "lock"),
      Kind::PendingLock => (None, "new"),
      Kind::Snapshot => (None, "open"),
      Kind::Segment(number) => (Some(number), "rows"),
      Kind::Partial(number) => (number, "tmp"),
      Kind::Damaged(number) => (number, "damaged"),
    };
    match number {
      Some(number) => write!(f, "{}-{number:010}.{ending}", self.id),
      None => write!(f, "{}.{ending}", self.id),
    }
  }
}

impl FromStr for Name {
  type Err = NotSpoolFile;

  fn from_str(text: &str) -> Result<Self, NotSpoolFile> {
    let name = read(text).ok_or(NotSpoolFile)?;
    // `+7` and `007` are parsed as numbers, too.
    if name.to_string() == text { Ok(name) } else { Err(NotSpoolFile) }
  }
}

fn read(text: &str) -> Option<Name> {
  let (stem, ending) = text.rsplit_once('.')?;
  let mut parts = stem.split('-');
  let id = Id {
    destination: u64::from_str_radix(parts.next()?, 16).ok()?,
    pid: parts.next()?.parse().ok()?,
    random: u32::from_str_radix(parts.next()?, 16).ok()?,
  };
  let number = parts.next().map(str::parse).transpose().ok()?;
  let kind = match (ending, number) {
    ("lock", None) => Kind::Lock,
    ("new", None) => Kind::PendingLock,
    ("open", None) => Kind::Snapshot,
    ("rows", Some(number)) => Kind::Segment(number),
    ("tmp", number) => Kind::Partial(number),
    ("damaged", number) => Kind::Damaged(number),
    _ => return None,
  };
  parts.next().is_none().then_some(Name { id, kind })
}

#[cfg(test)]
mod tests {
  use super::*;

  const ID: Id = Id { destination: 0xfeed, pid: 4711, random: 0xbeef };

  #[test]
  fn every_kind_of_file_has_one_name() {
    let kinds = [
      (Kind::Lock, "000000000000feed-4711-0000beef.lock"),
      (Kind::PendingLock, "000000000000feed-4711-0000beef.new"),
      (Kind::Snapshot, "000000000000feed-4711-0000beef.open"),
      (Kind::Segment(7), "000000000000feed-4711-0000beef-0000000007.rows"),
      (Kind::Partial(None), "000000000000feed-4711-0000beef.tmp"),
      (Kind::Partial(Some(7)), "000000000000feed-4711-0000beef-0000000007.tmp"),
      (Kind::Damaged(None), "000000000000feed-4711-0000beef.damaged"),
      (Kind::Damaged(Some(7)), "000000000000feed-4711-0000beef-0000000007.damaged"),
    ];
    for (kind, text) in kinds {
      let name = Name { id: ID, kind };
      assert_eq!(name.to_string(), text);
      assert_eq!(text.parse::<Name>().ok(), Some(name));
    }
  }

  #[test]
  fn other_spellings_are_not_spool_files() {
    for text in [
      "",
      ".rows",
      "notes.txt",
      "feed-4711-beef.lock",
      "000000000000FEED-4711-0000beef.lock",
      "000000000000feed-+4711-0000beef.lock",
      "000000000000feed-04711-0000beef.lock",
      "000000000000feed-99999999999-0000beef.lock",
      "000000000000feed-4711-0000beef.rows",
      "000000000000feed-4711-0000beef-7.rows",
      "000000000000feed-4711-0000beef-0000000007.open",
      "000000000000feed-4711-0000beef-0000000007-1.rows",
      "000000000000feed-4711-0000beef-0000000007.rows.gz",
    ] {
      assert!(text.parse::<Name>().is_err(), "{text}");
    }
  }
}
