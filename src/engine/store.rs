//! The spool as the engine uses it: trouble with it is told once and never stops delivery.

use std::{fmt, io, time::Duration};

use tokio::time::Instant;

use super::Shared;
use export::config::SpoolSettings;
use export::report::Warning;
use spool::{Adopted, Entry, Id, Options, ReadError};

use crate::spool_io::DiskFiles;

type Spool = spool::Spool<DiskFiles>;
use crate::clock;

/// After the directory has failed, it is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// How often another random number is drawn for the name of this process.
const DRAWS: usize = 8;

/// The spool of this process, if there is one.
#[derive(Default)]
pub struct Store {
  spool: Option<Spool>,
  max_bytes: u64,
  /// Until when it is left alone.
  paused_until: Option<Instant>,
}

impl Store {
  /// Opens the directory, if one is set.
  pub fn open(settings: Option<&SpoolSettings>, destination: u64, shared: &Shared) -> Self {
    let Some(settings) = settings else { return Self::default() };
    match open(settings, destination) {
      Ok(spool) => Self { spool: Some(spool), max_bytes: settings.max_bytes, paused_until: None },
      Err(error) => {
        failed(shared, &format!("{} cannot be used: {error}", settings.dir.display()));
        Self::default()
      }
    }
  }

  /// Whether there is a directory.
  pub fn is_open(&self) -> bool {
    self.spool.is_some()
  }

  /// Whether so many bytes more may be kept.
  pub fn has_room(&self, bytes: usize) -> bool {
    self.spool.as_ref().is_some_and(|spool| spool.bytes() + bytes as u64 <= self.max_bytes)
  }

  /// Whether so many bytes more could be kept if what takes `removable` bytes of the disk made room.
  pub fn could_have_room(&self, bytes: usize, removable: u64) -> bool {
    let is_paused = self.paused_until.is_some_and(|until| Instant::now() < until);
    let kept = self.spool.as_ref().map_or(0, Spool::bytes).saturating_sub(removable);
    !is_paused && kept + bytes as u64 <= self.max_bytes
  }

  /// Keeps a payload. `None` when that cannot be: it is in memory only.
  pub fn put(&mut self, content: &[u8], rows: usize, shared: &Shared) -> Option<Entry> {
    if self.paused_until.is_some_and(|until| Instant::now() < until) {
      return None;
    }
    let rows = u32::try_from(rows).ok()?;
    let kept = self.spool.as_mut()?.put(content, rows, clock::now());
    self.paused_until = kept.is_err().then(|| Instant::now() + PAUSE);
    told(kept, "what waits cannot be kept", shared)
  }

  /// The content of a payload; `Err(false)` when it may be had later, `Err(true)` when never.
  pub fn read(&mut self, entry: &Entry, shared: &Shared) -> Result<Vec<u8>, bool> {
    let Some(spool) = &mut self.spool else { return Err(true) };
    let error = match spool.read(entry) {
      Ok(content) => return Ok(content),
      Err(error) => error,
    };
    failed(shared, &error.to_string());
    let put_aside = match error {
      ReadError::Io(_) => return Err(false),
      ReadError::Damaged(_) => spool.quarantine(entry),
      ReadError::Gone => spool.remove(entry),
    };
    told(put_aside, "a damaged file cannot be put aside", shared);
    Err(true)
  }

  /// The payload is settled.
  pub fn remove(&mut self, entry: &Entry, shared: &Shared) {
    if let Some(spool) = &mut self.spool {
      told(spool.remove(entry), "what was delivered cannot be removed", shared);
    }
  }

  /// Takes over what dead processes left.
  pub fn adopt(&mut self, shared: &Shared) -> Adopted {
    let Some(spool) = &mut self.spool else { return Adopted::default() };
    let mut adopted = spool.adopt(clock::now());
    if let Some(error) = adopted.trouble.take() {
      failed(shared, &format!("what an earlier process left cannot be taken over: {error}"));
    }
    adopted
  }

  /// What was open in the records that were adopted stands in ours now.
  pub fn forget(&mut self, shared: &Shared) {
    if let Some(spool) = &mut self.spool {
      told(spool.forget(), "the record of an earlier process cannot be removed", shared);
    }
  }

  /// Replaces the record of what is open; `None` is nothing. Whether that worked.
  pub fn record(&mut self, content: Option<&[u8]>, shared: &Shared) -> bool {
    let Some(spool) = &mut self.spool else { return false };
    let written = match content {
      Some(content) => spool.write_record(content, clock::now()),
      None => spool.clear_record(),
    };
    told(written, "the record of what is open cannot be written", shared).is_some()
  }

  /// The process ends. What it could not deliver stays for the next one.
  pub fn finish(&mut self, shared: &Shared) {
    if let Some(spool) = self.spool.take() {
      told(spool.finish(), "it cannot be tidied up", shared);
    }
  }
}

fn open(settings: &SpoolSettings, destination: u64) -> io::Result<Spool> {
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
      Err(error) if error.kind() == io::ErrorKind::AlreadyExists && draw < DRAWS => {}
      opened => return opened,
    }
  }
}

/// What came out, unless it failed, which is told.
fn told<T>(result: Result<T, impl fmt::Display>, what: &str, shared: &Shared) -> Option<T> {
  result.map_err(|error| failed(shared, &format!("{what}: {error}"))).ok()
}

fn failed(shared: &Shared, why: &str) {
  shared.warnings.once(Warning::Spool, &format!("The spool does not work: {why}."));
  shared.counters.failed(why.to_owned());
}
