//! What is done with a file of a dead process, by its name and its header.

use std::io;

use super::{
  dead_process::OrphanedSegment,
  file::{self, Header},
  files::{Files, gone_is_fine, unless_gone},
  name::{Kind, Name},
  process::Spool,
};

/// What to do with a file, by its header. The rows are those that a readable header states.
enum FileAction {
  Keep(Header, u64),
  Quarantined { rows: Option<u32> },
  Expire { rows: Option<u32> },
}

/// What was done with a file.
pub enum Outcome {
  /// Nothing: the file is gone, or has no content.
  Nothing,
  /// The file stays for processes of its destination.
  Stays,
  /// The segment is to be adopted.
  Segment(OrphanedSegment),
  /// The snapshot was read. The file stays until it is discarded.
  Snapshot(Vec<u8>),
  /// The segment was quarantined.
  Quarantined { rows: Option<u32> },
  /// The snapshot was quarantined.
  QuarantinedSnapshot,
  /// The file was removed.
  Expired { rows: Option<u32> },
}

impl<F: Files> Spool<F> {
  /// Handles a file of a dead process. Segments are only found here; they are adopted later, in order.
  pub(super) fn examine(&self, name: Name, now: i64) -> io::Result<Outcome> {
    let Name { id, kind } = name;
    let path = self.path_of(id, kind);
    let concerns_us = id.destination == self.options.id.destination;
    match kind {
      Kind::Partial(_) => gone_is_fine(self.files.remove(&path)).map(|()| Outcome::Nothing),
      Kind::Snapshot if concerns_us => {
        let Some(bytes) = unless_gone(self.files.read(&path))? else { return Ok(Outcome::Nothing) };
        match file::decode(&bytes) {
          Ok((_, content)) => Ok(Outcome::Snapshot(content.to_vec())),
          Err(_) => Ok(match self.quarantine_file(name, None)? {
            Outcome::Quarantined { .. } => Outcome::QuarantinedSnapshot,
            outcome => outcome,
          }),
        }
      }
      Kind::Snapshot | Kind::Segment(_) => match self.decide(name, now)? {
        None => Ok(Outcome::Nothing),
        Some(FileAction::Expire { rows }) => self.expire(name, rows),
        Some(_) if !concerns_us => Ok(Outcome::Stays),
        Some(FileAction::Quarantined { rows }) => self.quarantine_file(name, rows),
        Some(FileAction::Keep(header, bytes)) => Ok(match kind {
          Kind::Segment(number) => Outcome::Segment(OrphanedSegment { header, id, number, bytes }),
          _ => Outcome::Nothing,
        }),
      },
      Kind::Lock | Kind::PendingLock | Kind::Damaged(_) => Ok(Outcome::Nothing),
    }
  }

  /// Decides what to do with a file by its header; `None` when it is gone. Content is checked when it is read.
  fn decide(&self, name: Name, now: i64) -> io::Result<Option<FileAction>> {
    let head = self.files.read_head(&self.path_of(name.id, name.kind), Header::LENGTH);
    let Some(head) = unless_gone(head)? else { return Ok(None) };
    let header = Header::decode(&head.start).ok();
    let created = header.map_or(head.modified, |header| header.created);
    // A snapshot has no rows.
    let rows = match name.kind {
      Kind::Segment(_) => header.map(|header| header.rows).filter(|rows| *rows > 0),
      _ => Some(0),
    };
    Ok(Some(match header {
      _ if self.is_too_old(created, now) => FileAction::Expire { rows },
      Some(header) if rows.is_some() && header.check_length(head.bytes).is_ok() => {
        FileAction::Keep(header, head.bytes)
      }
      _ => FileAction::Quarantined { rows },
    }))
  }

  fn is_too_old(&self, created: i64, now: i64) -> bool {
    now.saturating_sub(created) > self.options.max_age_ms
  }

  fn expire(&self, name: Name, rows: Option<u32>) -> io::Result<Outcome> {
    let removed = unless_gone(self.files.remove(&self.path_of(name.id, name.kind)))?;
    Ok(removed.map_or(Outcome::Nothing, |()| Outcome::Expired { rows }))
  }

  fn quarantine_file(&self, name: Name, rows: Option<u32>) -> io::Result<Outcome> {
    let number = if let Kind::Segment(number) = name.kind { Some(number) } else { None };
    let aside = self.path_of(name.id, Kind::Damaged(number));
    let renamed = unless_gone(self.files.rename(&self.path_of(name.id, name.kind), &aside))?;
    Ok(renamed.map_or(Outcome::Nothing, |()| Outcome::Quarantined { rows }))
  }

  /// Removes an expired file that no process reads: a quarantined one, which is already counted, or the lock file of
  /// a process that died while it created it.
  pub(super) fn sweep(&self, name: Name, now: i64) -> io::Result<()> {
    let path = self.path_of(name.id, name.kind);
    match unless_gone(self.files.read_head(&path, 0))? {
      Some(head) if self.is_too_old(head.modified, now) => gone_is_fine(self.files.remove(&path)),
      _ => Ok(()),
    }
  }
}
