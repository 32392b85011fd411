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
    let Some(names) = self.list(&mut adopted) else { return adopted };
    if !names.contains(&Name { id: self.options.id, kind: Kind::Lock }) {
      let claimed = self.claim_again();
      adopted.note(claimed);
    }
    let sweeps = self.swept_at.is_none_or(|at| now.saturating_sub(at) >= SWEEP_EVERY_MS);
    if sweeps {
      self.swept_at = Some(now);
      self.sweep_litter(&names, now, &mut adopted);
    }
    let mut dead = self.lock_dead(&names, sweeps, &mut adopted);
    if dead.is_empty() {
      return adopted;
    }
    // Until we had their locks they may have lived, and written.
    let Some(names) = self.list(&mut adopted) else { return adopted };
    let mut found = Vec::new();
    for name in names {
      if let Some(dead) = dead.get_mut(&name.id) {
        let examined = self.examine(name, dead, now, &mut found, &mut adopted);
        dead.has_more |= adopted.note(examined).is_none();
      }
    }
    found.sort_by_key(|found| (found.header.created, found.id, found.number));
    for found in found {
      self.take_over(&found, &mut dead, &mut adopted);
    }
    for dead in dead.into_values() {
      if dead.has_record {
        self.mourned.push(dead);
      } else {
        let buried = dead.bury(&self.files, &self.options.dir);
        adopted.note(buried);
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

  fn list(&self, adopted: &mut Adopted) -> Option<Vec<Name>> {
    match self.files.list(&self.options.dir) {
      Ok(names) => Some(names.iter().filter_map(|name| name.parse().ok()).collect()),
      // The directory is made again when there is something to put.
      Err(error) if error.kind() == io::ErrorKind::NotFound => None,
      Err(error) => adopted.note(Err(error)),
    }
  }

  /// The dead whose files concern us, and their locks.
  fn lock_dead(
    &self,
    names: &[Name],
    sweeps: bool,
    adopted: &mut Adopted,
  ) -> BTreeMap<Id, Dead<F::Lock>> {
    let ours = self.options.id;
    let others: BTreeSet<Id> = names
      .iter()
      .filter(|name| !matches!(name.kind, Kind::Unborn | Kind::Damaged(_)))
      .map(|name| name.id)
      .filter(|id| *id != ours && (sweeps || id.destination == ours.destination))
      .collect();
    let mut dead = BTreeMap::new();
    for id in others {
      let lock = adopted.note(self.files.lock(&self.path_of(id, Kind::Lock))).flatten();
      if let Some(lock) = lock {
        dead.insert(id, Dead { id, lock, has_record: false, has_more: false });
      }
    }
    dead
  }

  /// Decides on a file of a dead process, and does all but take payloads over.
  fn examine(
    &self,
    name: Name,
    dead: &mut Dead<F::Lock>,
    now: i64,
    found: &mut Vec<Found>,
    adopted: &mut Adopted,
  ) -> io::Result<()> {
    let Name { id, kind } = name;
    let path = self.path_of(id, kind);
    let concerns_us = id.destination == self.options.id.destination;
    match kind {
      Kind::Partial(_) => gone_is_fine(self.files.remove(&path)),
      Kind::Record if concerns_us => {
        let Some(bytes) = unless_gone(self.files.read(&path))? else { return Ok(()) };
        match file::decode(&bytes) {
          Ok((_, content)) => {
            adopted.records.push(content.to_vec());
            dead.has_record = true;
            Ok(())
          }
          Err(_) => self.put_aside(name, 0, adopted),
        }
      }
      Kind::Record | Kind::Rows(_) => match self.judge(name, now)? {
        None => Ok(()),
        Some(Judgement::Expire { rows }) => self.expire(name, rows, adopted),
        Some(_) if !concerns_us => {
          dead.has_more = true;
          Ok(())
        }
        Some(Judgement::PutAside { rows }) => self.put_aside(name, rows, adopted),
        Some(Judgement::Keep(header, bytes)) => {
          if let Kind::Rows(number) = kind {
            found.push(Found { header, id, number, bytes });
          }
          Ok(())
        }
      },
      Kind::Lock | Kind::Unborn | Kind::Damaged(_) => Ok(()),
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

  fn expire(&self, name: Name, rows: u32, adopted: &mut Adopted) -> io::Result<()> {
    if unless_gone(self.files.remove(&self.path_of(name.id, name.kind)))?.is_some() {
      adopted.expired.add(rows);
    }
    Ok(())
  }

  fn put_aside(&self, name: Name, rows: u32, adopted: &mut Adopted) -> io::Result<()> {
    let number = if let Kind::Rows(number) = name.kind { Some(number) } else { None };
    let aside = self.path_of(name.id, Kind::Damaged(number));
    let renamed = self.files.rename(&self.path_of(name.id, name.kind), &aside);
    if unless_gone(renamed)?.is_some() {
      adopted.damaged.add(rows);
    }
    Ok(())
  }

  fn take_over(
    &mut self,
    found: &Found,
    dead: &mut BTreeMap<Id, Dead<F::Lock>>,
    adopted: &mut Adopted,
  ) {
    let number = self.next_number();
    let theirs = self.path_of(found.id, Kind::Rows(found.number));
    let renamed = unless_gone(self.files.rename(&theirs, &self.path(Kind::Rows(number))));
    match adopted.note(renamed) {
      Some(Some(())) => {
        self.hold(number, found.bytes);
        let Header { rows, created, .. } = found.header;
        adopted.payloads.push(Entry { number, rows, bytes: found.bytes, created });
      }
      // Somebody took it who has no right to: not we, at any rate.
      Some(None) => {}
      None => {
        if let Some(dead) = dead.get_mut(&found.id) {
          dead.has_more = true;
        }
      }
    }
  }

  /// Removes what nobody will ask for any more: damaged files, which were counted when they were put
  /// aside, and locks whose process died in the moment of making them.
  fn sweep_litter(&self, names: &[Name], now: i64, adopted: &mut Adopted) {
    for name in names {
      if !matches!(name.kind, Kind::Unborn | Kind::Damaged(_)) {
        continue;
      }
      let path = self.path_of(name.id, name.kind);
      let look = adopted.note(unless_gone(self.files.look(&path, 0))).flatten();
      if look.is_some_and(|look| self.is_too_old(look.modified, now)) {
        adopted.note(gone_is_fine(self.files.remove(&path)));
      }
    }
  }
}
