//! The names of files: whose a file is, and what it is.
//!
//! A name has one spelling. Whatever is spelled otherwise is not ours and is left alone.

use std::{
  fmt,
  path::{Path, PathBuf},
  str::FromStr,
};

/// One process on one destination. No two have ever the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
  /// Where its rows go: a fingerprint of server and project. Others leave its files alone.
  pub destination: u64,
  /// The process, for those who look into the directory.
  pub pid: u32,
  /// What tells processes with the same number apart.
  pub random: u32,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
  /// Locked for as long as the process lives.
  Lock,
  /// A lock file that its process is about to rename.
  Unborn,
  /// The record of what the process has open.
  Record,
  /// A payload.
  Rows(u64),
  /// A payload, or the record, that is being written.
  Partial(Option<u64>),
  /// A payload, or the record, that was found damaged.
  Damaged(Option<u64>),
}

/// A file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
  pub id: Id,
  pub kind: Kind,
}

/// It is nothing of ours.
#[derive(Debug)]
pub struct Foreign;

impl Name {
  /// Whether nobody reads the file, so that it can only get too old.
  pub(super) fn is_litter(self) -> bool {
    matches!(self.kind, Kind::Unborn | Kind::Damaged(_))
  }

  /// Where the file is.
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
      Kind::Unborn => (None, "new"),
      Kind::Record => (None, "open"),
      Kind::Rows(number) => (Some(number), "rows"),
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
  type Err = Foreign;

  fn from_str(text: &str) -> Result<Self, Foreign> {
    let name = read(text).ok_or(Foreign)?;
    // `+7` and `007` are numbers, too.
    if name.to_string() == text { Ok(name) } else { Err(Foreign) }
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
    ("new", None) => Kind::Unborn,
    ("open", None) => Kind::Record,
    ("rows", Some(number)) => Kind::Rows(number),
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
      (Kind::Unborn, "000000000000feed-4711-0000beef.new"),
      (Kind::Record, "000000000000feed-4711-0000beef.open"),
      (Kind::Rows(7), "000000000000feed-4711-0000beef-0000000007.rows"),
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
  fn whatever_is_spelled_otherwise_is_not_ours() {
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
