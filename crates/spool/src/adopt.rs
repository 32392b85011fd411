//! Adoption: segments and snapshots of dead processes are taken over, expired files are removed.
//!
//! A process is dead when its lock can be acquired, and the process that holds the lock owns its files. Adoption
//! renames the segments, reads the snapshot, and removes the lock file last. Each file is owned by exactly one
//! process at all times, so an adopting process may crash at any point.

use std::{
  collections::{BTreeMap, VecDeque},
  io,
};

use super::{
  dead_process::{Adoption, DeadProcess, OrphanedSegment},
  examine::Outcome,
  file::Header,
  files::{Files, gone_is_fine, unless_gone},
  name::{Kind, Name},
  process::{Segment, Spool},
};

/// How often files of other destinations and quarantined files are checked for expiry, in milliseconds.
const SWEEP_EVERY_MS: u64 = 60 * 60 * 1000;
/// The most dead processes whose files one adoption takes: each lock is a descriptor of the application. The next one
/// takes others.
const MAX_PROCESSES: usize = 256;

/// How many adoptions in succession wait for a segment that cannot be adopted: rows of the same spans may be in it and in
/// later ones. Then these are adopted without it.
const MAX_WAITS: u32 = 3;

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
  /// Whether the adoption takes further calls.
  pub has_more: bool,
  /// The first error. The files that it concerns are left for the next call.
  pub error: Option<io::Error>,
}

/// A number of files and of their rows, as far as headers can be read. A snapshot has no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
  pub files: u64,
  pub rows: u64,
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
  /// One call examines or renames a bounded number of files, and [`Adopted::has_more`] asks for the next one. The
  /// snapshots come last, after all segments. Snapshots do not expire. What follows a segment that cannot be adopted
  /// stays with it, for a few calls.
  pub fn adopt(&mut self, now: i64) -> Adopted {
    let mut adopted = Adopted::default();
    let begun = self.adoption.take();
    let Some(mut adoption) = begun.or_else(|| self.begin_adoption(&mut adopted, now)) else {
      return adopted;
    };
    let mut left = self.adoption_step;
    while left > 0
      && let Some(name) = adoption.names.next()
    {
      left -= 1;
      self.examine_for(&mut adoption, name, &mut adopted, now);
    }
    let may_wait = self.waits < MAX_WAITS;
    while left > 0
      && !(may_wait && adoption.fails)
      && let Some(found) = adoption.found.pop_front()
    {
      left -= 1;
      match adopted.note(self.take_over(&found)) {
        Some(segment) => adopted.segments.extend(segment),
        None => {
          adoption.fails = true;
          if let Some(Some(dead)) = adoption.others.get_mut(&found.id) {
            dead.has_more = true;
          }
        }
      }
    }
    if may_wait && adoption.fails && adoption.names.len() == 0 {
      self.waits += 1;
      return adopted;
    }
    if adoption.names.len() + adoption.found.len() > 0 {
      self.adoption = Some(adoption);
      adopted.has_more = true;
      return adopted;
    }
    if !adoption.fails {
      self.waits = 0;
    }
    adopted.snapshots = adoption.snapshots;
    for dead in adoption.others.into_values().flatten() {
      if dead.has_snapshot {
        self.pending_cleanup.push(dead);
      } else {
        adopted.note(dead.remove_lock(&self.files, &self.options.dir));
      }
    }
    adopted
  }

  /// Locks the dead processes, as many as may be locked at once, and lists their files. `None`: there are none.
  fn begin_adoption(&mut self, adopted: &mut Adopted, now: i64) -> Option<Adoption<F::Lock>> {
    let names = adopted.note(self.list()).flatten()?;
    if !names.contains(&Name { id: self.options.id, kind: Kind::Lock }) {
      adopted.note(self.claim_again());
    }
    // The clock may have been set back since.
    let sweeps = self.swept_at.is_none_or(|at| now.abs_diff(at) >= SWEEP_EVERY_MS);
    if sweeps {
      self.swept_at = Some(now);
      for name in names.iter().filter(|name| name.is_litter()) {
        adopted.note(self.sweep(*name, now));
      }
    }
    let mut others = BTreeMap::new();
    let mut locked = 0;
    for id in names.iter().filter(|name| self.examines(name, sweeps)).map(|name| name.id) {
      others.entry(id).or_insert_with(|| {
        if locked == MAX_PROCESSES {
          return None;
        }
        let lock = adopted.note(self.files.lock(&self.path_of(id, Kind::Lock))).flatten()?;
        locked += 1;
        Some(DeadProcess { id, lock, has_snapshot: false, has_more: false })
      });
    }
    if others.values().all(Option::is_none) {
      return None;
    }
    // Before their locks were acquired, the processes may have written more files.
    let mut names = adopted.note(self.list()).flatten()?;
    names.retain(|name| others.get(&name.id).is_some_and(Option::is_some));
    let (names, found) = (names.into_iter(), VecDeque::new());
    Some(Adoption { others, names, found, snapshots: Vec::new(), fails: false })
  }

  /// Handles a file of a dead process.
  fn examine_for(
    &self,
    adoption: &mut Adoption<F::Lock>,
    name: Name,
    adopted: &mut Adopted,
    now: i64,
  ) {
    let Some(Some(dead)) = adoption.others.get_mut(&name.id) else { return };
    match adopted.note(self.examine(name, now)) {
      Some(Outcome::Nothing) => {}
      Some(Outcome::Stays) => dead.has_more = true,
      None => {
        let is_segment = matches!(name.kind, Kind::Segment(_));
        adoption.fails |= is_segment && name.id.destination == self.options.id.destination;
        dead.has_more = true;
      }
      Some(Outcome::Segment(segment)) => adoption.found.push_back(segment),
      Some(Outcome::Snapshot(content)) => {
        adoption.snapshots.push(content);
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
    if adoption.names.len() == 0 {
      let found = adoption.found.make_contiguous();
      found.sort_by_key(|found| (found.header.created, found.id, found.number));
    }
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

  /// Makes a segment of a dead process one of ours. `None` when someone removed it.
  fn take_over(&mut self, found: &OrphanedSegment) -> io::Result<Option<Segment>> {
    let number = self.next_number();
    let theirs = self.path_of(found.id, Kind::Segment(found.number));
    let renamed = unless_gone(self.files.rename(&theirs, &self.path(Kind::Segment(number))))?;
    Ok(renamed.map(|()| {
      self.hold(number, found.bytes);
      let Header { rows, created, .. } = found.header;
      // What this process writes comes later, whatever its clock shows.
      self.last_created = self.last_created.max(created);
      Segment { number, rows, bytes: found.bytes, created }
    }))
  }
}
