//! Adoption: segments and snapshots of dead processes are taken over, expired files are removed.
//!
//! A process is dead when its lock can be acquired, and the process that holds the lock owns its files. Adoption
//! renames the segments, reads the snapshot, and removes the lock file last. Each file is owned by exactly one
//! process at all times, so an adopting process may crash at any point.

use std::{collections::BTreeMap, io};

use super::{
  dead_process::DeadProcess,
  file::{self, Header},
  files::{Files, gone_is_fine, unless_gone},
  name::{Id, Kind, Name},
  process::{Segment, Spool},
};

/// How often files of other destinations and quarantined files are checked for expiry, in milliseconds.
const SWEEP_EVERY_MS: i64 = 60 * 60 * 1000;

/// The result of [`Spool::adopt`].
#[derive(Debug, Default)]
pub struct Adopted {
  /// The adopted segments, the oldest first.
  pub segments: Vec<Segment>,
  /// The snapshots of dead processes. Others adopt them again after a crash, until [`Spool::discard_snapshots`].
  pub snapshots: Vec<Vec<u8>>,
  /// The files that were quarantined because they are damaged.
  pub damaged: FileCounts,
  /// The files that were removed because they expired, of any destination.
  pub expired: FileCounts,
  /// How many of the damaged and expired segments have no readable header, or one without rows: their rows are in neither
  /// number.
  pub unreadable: u64,
  /// How many snapshots were quarantined because they are damaged.
  pub damaged_snapshots: u64,
  /// The first error. The files that it concerns are left for the next call.
  pub error: Option<io::Error>,
}

/// A number of files and of their rows, as far as headers can be read. A snapshot has no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
  pub files: u64,
  pub rows: u64,
}

/// A segment of a dead process.
struct OrphanedSegment {
  header: Header,
  id: Id,
  number: u64,
  bytes: u64,
}

/// What to do with a file, by its header. The rows are those that a readable header states.
enum FileAction {
  Keep(Header, u64),
  Quarantined { rows: Option<u32> },
  Expire { rows: Option<u32> },
}

/// What was done with a file.
enum Outcome {
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

impl FileCounts {
  /// Counts a file, and its rows if they are known: false if they are not.
  fn add(&mut self, rows: Option<u32>) -> bool {
    self.files += 1;
    self.rows += u64::from(rows.unwrap_or_default());
    rows.is_some()
  }
}

impl Adopted {
  fn note<T>(&mut self, result: io::Result<T>) -> Option<T> {
    result.map_err(|error| self.error.get_or_insert(error)).ok()
  }
}

impl<F: Files> Spool<F> {
  /// Adopts the segments and snapshots of dead processes of this destination, and removes expired files of dead
  /// processes of any destination. `now` is in milliseconds since the epoch. Without dead processes it costs one
  /// listing, and one lock attempt for each running process.
  ///
  /// Snapshots do not expire.
  pub fn adopt(&mut self, now: i64) -> Adopted {
    let mut adopted = Adopted::default();
    let Some(names) = adopted.note(self.list()).flatten() else { return adopted };
    if !names.contains(&Name { id: self.options.id, kind: Kind::Lock }) {
      adopted.note(self.claim_again());
    }
    let sweeps = self.swept_at.is_none_or(|at| now.saturating_sub(at) >= SWEEP_EVERY_MS);
    if sweeps {
      self.swept_at = Some(now);
      for name in names.iter().filter(|name| name.is_litter()) {
        adopted.note(self.sweep(*name, now));
      }
    }
    // The others, each with what is known of it once it is dead.
    let mut others = BTreeMap::new();
    for id in names.iter().filter(|name| self.examines(name, sweeps)).map(|name| name.id) {
      others.entry(id).or_insert_with(|| {
        let lock = adopted.note(self.files.lock(&self.path_of(id, Kind::Lock))).flatten()?;
        Some(DeadProcess { id, lock, has_snapshot: false, has_more: false })
      });
    }
    if others.values().all(Option::is_none) {
      return adopted;
    }
    // Before their locks were acquired, the processes may have written more files.
    let Some(names) = adopted.note(self.list()).flatten() else { return adopted };
    let mut found = Vec::new();
    for name in names {
      let Some(Some(dead)) = others.get_mut(&name.id) else { continue };
      match adopted.note(self.examine(name, now)) {
        Some(Outcome::Nothing) => {}
        Some(Outcome::Stays) | None => dead.has_more = true,
        Some(Outcome::Segment(segment)) => found.push(segment),
        Some(Outcome::Snapshot(content)) => {
          adopted.snapshots.push(content);
          dead.has_snapshot = true;
        }
        Some(Outcome::Quarantined { rows }) => {
          adopted.unreadable += u64::from(!adopted.damaged.add(rows));
        }
        Some(Outcome::QuarantinedSnapshot) => {
          adopted.damaged.files += 1;
          adopted.damaged_snapshots += 1;
        }
        Some(Outcome::Expired { rows }) => {
          adopted.unreadable += u64::from(!adopted.expired.add(rows));
        }
      }
    }
    found.sort_by_key(|found| (found.header.created, found.id, found.number));
    for found in found {
      match adopted.note(self.take_over(&found)) {
        Some(segment) => adopted.segments.extend(segment),
        None => {
          if let Some(Some(dead)) = others.get_mut(&found.id) {
            dead.has_more = true;
          }
        }
      }
    }
    for dead in others.into_values().flatten() {
      if dead.has_snapshot {
        self.pending_cleanup.push(dead);
      } else {
        adopted.note(dead.remove_lock(&self.files, &self.options.dir));
      }
    }
    adopted
  }

  /// Removes the adopted snapshots. To be called when the snapshot of this process includes them.
  ///
  /// # Errors
  /// When one cannot be removed. The next call tries again; it is not adopted again meanwhile.
  pub fn discard_snapshots(&mut self) -> io::Result<()> {
    while let Some(dead) = self.pending_cleanup.last() {
      gone_is_fine(self.files.remove(&self.path_of(dead.id, Kind::Snapshot)))?;
      dead.remove_lock(&self.files, &self.options.dir)?;
      self.pending_cleanup.pop();
    }
    Ok(())
  }

  /// The names of all spool files; `None` when the directory does not exist. Writing creates it again.
  fn list(&self) -> io::Result<Option<Vec<Name>>> {
    let names = unless_gone(self.files.list(&self.options.dir))?;
    Ok(names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()))
  }

  /// Whether a file is of another process whose files are examined: one of our destination, or any when it is time to
  /// sweep.
  fn examines(&self, name: &Name, sweeps: bool) -> bool {
    let (ours, id) = (self.options.id, name.id);
    !name.is_litter() && id != ours && (sweeps || id.destination == ours.destination)
  }

  /// Handles a file of a dead process. Segments are only found here; they are adopted later, in order.
  fn examine(&self, name: Name, now: i64) -> io::Result<Outcome> {
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

  /// Makes a segment of a dead process one of ours. `None` when someone removed it.
  fn take_over(&mut self, found: &OrphanedSegment) -> io::Result<Option<Segment>> {
    let number = self.next_number();
    let theirs = self.path_of(found.id, Kind::Segment(found.number));
    let renamed = unless_gone(self.files.rename(&theirs, &self.path(Kind::Segment(number))))?;
    Ok(renamed.map(|()| {
      self.hold(number, found.bytes);
      let Header { rows, created, .. } = found.header;
      Segment { number, rows, bytes: found.bytes, created }
    }))
  }

  /// Removes an expired file that no process reads: a quarantined one, which is already counted, or the lock file of
  /// a process that died while it created it.
  fn sweep(&self, name: Name, now: i64) -> io::Result<()> {
    let path = self.path_of(name.id, name.kind);
    match unless_gone(self.files.read_head(&path, 0))? {
      Some(head) if self.is_too_old(head.modified, now) => gone_is_fine(self.files.remove(&path)),
      _ => Ok(()),
    }
  }
}
