//! What others left: payloads and records of the dead are taken over, what is too old is removed.
//!
//! A process is dead when its lock can be had, and so its files belong to whoever has the lock. Its
//! payloads become ours by being renamed, its record is read, and its lock is removed last: whenever an
//! heir dies, each file is either still the dead's or already the heir's, and found again.

use std::{
  collections::{BTreeMap, BTreeSet},
  io,
};

use super::{
  dead::Dead,
  file::{self, Header},
  files::{Files, gone_is_fine, unless_gone},
  name::{Id, Kind, Name},
  process::{Entry, Spool},
};

/// How often the files of other destinations, and what was put aside, are looked at: they can only get
/// too old.
const SWEEP_EVERY_MS: i64 = 60 * 60 * 1000;

/// What was found.
#[derive(Debug, Default)]
pub struct Adopted {
  /// Payloads that are ours to deliver now, the oldest first.
  pub payloads: Vec<Entry>,
  /// The records of the dead. They are found again, by others, until [`Spool::forget`].
  pub records: Vec<Vec<u8>>,
  /// What was put aside because it is damaged.
  pub damaged: Tally,
  /// What was removed because it is too old, whatever its destination.
  pub expired: Tally,
  /// The first thing that went wrong. What it concerns is left for the next time.
  pub trouble: Option<io::Error>,
}

/// Files, and the rows in them as far as their headers can be read. A record has no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
  pub files: u64,
  pub rows: u64,
}

/// A payload of a dead process.
struct Found {
  header: Header,
  id: Id,
  number: u64,
  bytes: u64,
}

/// What is to become of a file.
enum Judgement {
  Keep(Header, u64),
  PutAside { rows: u32 },
  Expire { rows: u32 },
}

/// What became of a file.
enum Outcome {
  /// There is nothing to do: it is gone, or it is no content.
  Nothing,
  /// It stays where it is, for others.
  Stays,
  /// A payload that is ours to take over.
  Payload(Found),
  /// The content of the record, which stays until it is forgotten.
  Record(Vec<u8>),
  /// It was put aside.
  PutAside { rows: u32 },
  /// It was removed.
  Expired { rows: u32 },
}

impl Tally {
  fn add(&mut self, rows: u32) {
    self.files += 1;
    self.rows += u64::from(rows);
  }
}

impl Adopted {
  fn note<T>(&mut self, result: io::Result<T>) -> Option<T> {
    result.map_err(|error| self.trouble.get_or_insert(error)).ok()
  }
}

impl<F: Files> Spool<F> {
  /// Takes over what dead processes of this destination left, and removes what dead processes of any
  /// left too long ago. `now` is in milliseconds since the epoch. Cheap where there is nothing new: one
  /// listing, and one attempt at each living sibling's lock.
  ///
  /// Records are handed out whatever their age: what they tell is true, and told once.
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
    let mut dead = BTreeMap::new();
    for id in self.others(&names, sweeps) {
      let lock = self.files.lock(&self.path_of(id, Kind::Lock));
      if let Some(lock) = adopted.note(lock).flatten() {
        dead.insert(id, Dead { id, lock, has_record: false, has_more: false });
      }
    }
    if dead.is_empty() {
      return adopted;
    }
    // Until we had their locks they may have lived, and written.
    let Some(names) = adopted.note(self.list()).flatten() else { return adopted };
    let mut found = Vec::new();
    for name in names {
      let Some(dead) = dead.get_mut(&name.id) else { continue };
      match adopted.note(self.examine(name, now)) {
        Some(Outcome::Nothing) => {}
        Some(Outcome::Stays) | None => dead.has_more = true,
        Some(Outcome::Payload(payload)) => found.push(payload),
        Some(Outcome::Record(content)) => {
          adopted.records.push(content);
          dead.has_record = true;
        }
        Some(Outcome::PutAside { rows }) => adopted.damaged.add(rows),
        Some(Outcome::Expired { rows }) => adopted.expired.add(rows),
      }
    }
    found.sort_by_key(|found| (found.header.created, found.id, found.number));
    for found in found {
      match adopted.note(self.take_over(&found)) {
        Some(entry) => adopted.payloads.extend(entry),
        None => {
          if let Some(dead) = dead.get_mut(&found.id) {
            dead.has_more = true;
          }
        }
      }
    }
    for dead in dead.into_values() {
      if dead.has_record {
        self.mourned.push(dead);
      } else {
        adopted.note(dead.bury(&self.files, &self.options.dir));
      }
    }
    adopted
  }

  /// What the records told stands in ours now: those of the dead go.
  ///
  /// # Errors
  /// When one cannot be removed. It is tried again the next time, and not handed out meanwhile.
  pub fn forget(&mut self) -> io::Result<()> {
    while let Some(dead) = self.mourned.last() {
      gone_is_fine(self.files.remove(&self.path_of(dead.id, Kind::Record)))?;
      dead.bury(&self.files, &self.options.dir)?;
      self.mourned.pop();
    }
    Ok(())
  }

  /// The names of our files and of others'; `None` when there is no directory. It is made again when there
  /// is something to put.
  fn list(&self) -> io::Result<Option<Vec<Name>>> {
    let names = unless_gone(self.files.list(&self.options.dir))?;
    Ok(names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()))
  }

  /// The other processes whose files concern us.
  fn others(&self, names: &[Name], sweeps: bool) -> BTreeSet<Id> {
    let ours = self.options.id;
    let others = names.iter().filter(|name| !name.is_litter()).map(|name| name.id);
    others.filter(|id| *id != ours && (sweeps || id.destination == ours.destination)).collect()
  }

  /// Decides on a file of a dead process, and does all but take payloads over.
  fn examine(&self, name: Name, now: i64) -> io::Result<Outcome> {
    let Name { id, kind } = name;
    let path = self.path_of(id, kind);
    let concerns_us = id.destination == self.options.id.destination;
    match kind {
      Kind::Partial(_) => gone_is_fine(self.files.remove(&path)).map(|()| Outcome::Nothing),
      Kind::Record if concerns_us => {
        let Some(bytes) = unless_gone(self.files.read(&path))? else { return Ok(Outcome::Nothing) };
        match file::decode(&bytes) {
          Ok((_, content)) => Ok(Outcome::Record(content.to_vec())),
          Err(_) => self.put_aside(name, 0),
        }
      }
      Kind::Record | Kind::Rows(_) => match self.judge(name, now)? {
        None => Ok(Outcome::Nothing),
        Some(Judgement::Expire { rows }) => self.expire(name, rows),
        Some(_) if !concerns_us => Ok(Outcome::Stays),
        Some(Judgement::PutAside { rows }) => self.put_aside(name, rows),
        Some(Judgement::Keep(header, bytes)) => Ok(match kind {
          Kind::Rows(number) => Outcome::Payload(Found { header, id, number, bytes }),
          _ => Outcome::Nothing,
        }),
      },
      Kind::Lock | Kind::Unborn | Kind::Damaged(_) => Ok(Outcome::Nothing),
    }
  }

  /// Judges a file by its header; `None` when it is gone. Content is judged when it is read.
  fn judge(&self, name: Name, now: i64) -> io::Result<Option<Judgement>> {
    let look = self.files.look(&self.path_of(name.id, name.kind), Header::LENGTH);
    let Some(look) = unless_gone(look)? else { return Ok(None) };
    let header = Header::decode(&look.start).ok();
    let created = header.map_or(look.modified, |header| header.created);
    let rows = header.map_or(0, |header| header.rows);
    Ok(Some(match header {
      _ if self.is_too_old(created, now) => Judgement::Expire { rows },
      Some(header) if header.check_length(look.bytes).is_ok() => {
        Judgement::Keep(header, look.bytes)
      }
      _ => Judgement::PutAside { rows },
    }))
  }

  fn is_too_old(&self, created: i64, now: i64) -> bool {
    now.saturating_sub(created) > self.options.max_age_ms
  }

  fn expire(&self, name: Name, rows: u32) -> io::Result<Outcome> {
    let removed = unless_gone(self.files.remove(&self.path_of(name.id, name.kind)))?;
    Ok(removed.map_or(Outcome::Nothing, |()| Outcome::Expired { rows }))
  }

  fn put_aside(&self, name: Name, rows: u32) -> io::Result<Outcome> {
    let number = if let Kind::Rows(number) = name.kind { Some(number) } else { None };
    let aside = self.path_of(name.id, Kind::Damaged(number));
    let renamed = unless_gone(self.files.rename(&self.path_of(name.id, name.kind), &aside))?;
    Ok(renamed.map_or(Outcome::Nothing, |()| Outcome::PutAside { rows }))
  }

  /// Makes a payload of a dead process ours. `None` when somebody took it who has no right to.
  fn take_over(&mut self, found: &Found) -> io::Result<Option<Entry>> {
    let number = self.next_number();
    let theirs = self.path_of(found.id, Kind::Rows(found.number));
    let renamed = unless_gone(self.files.rename(&theirs, &self.path(Kind::Rows(number))))?;
    Ok(renamed.map(|()| {
      self.hold(number, found.bytes);
      let Header { rows, created, .. } = found.header;
      Entry { number, rows, bytes: found.bytes, created }
    }))
  }

  /// Removes what nobody will ask for any more: a damaged file, which was counted when it was put aside, or
  /// a lock whose process died in the moment of making it.
  fn sweep(&self, name: Name, now: i64) -> io::Result<()> {
    let path = self.path_of(name.id, name.kind);
    match unless_gone(self.files.look(&path, 0))? {
      Some(look) if self.is_too_old(look.modified, now) => gone_is_fine(self.files.remove(&path)),
      _ => Ok(()),
    }
  }
}
