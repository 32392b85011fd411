//! Keeps the record of what is open, and takes over what dead processes left.

use std::{path::Path, time::Duration};

use tokio::time::Instant;

use super::Shared;
use crate::{
  clock,
  report::Warning,
  span::Row,
  spool::{DiskFiles, Id, Options, Spool},
  translate::Translator,
};

/// How much of what is open may be missing from the record when the process dies.
const RECORD_EVERY: Duration = Duration::from_millis(100);
/// How long what a dead process left open waits for somebody to go on with it. Flue recovers a
/// submission after about 45 seconds (a lease of 30 and a scan every 15).
const INHERITANCE: Duration = Duration::from_secs(120);
/// How long what a dead process left is worth having.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;
/// Records go to no server, so processes that report to different ones share them.
pub const DESTINATION: u64 = 0;

/// The record, and when it is to be tended. Without a directory it does nothing.
#[derive(Default)]
pub struct Keeper {
  spool: Option<Spool>,
  /// When the record must be written again.
  due: Option<Instant>,
  /// When what was inherited is closed.
  inherited_until: Option<Instant>,
}

impl Keeper {
  /// Begins the record of this process, and lets the translator inherit those of dead ones.
  pub fn open(dir: Option<&Path>, translator: &mut Translator, shared: &Shared) -> Self {
    let mut keeper = Self::default();
    let Some(dir) = dir else { return keeper };
    let options = Options {
      dir: dir.to_owned(),
      id: Id { destination: DESTINATION, pid: std::process::id(), random: fastrand::u32(..) },
      max_age_ms: MAX_AGE_MS,
      fsync: false,
    };
    match Spool::open(options, DiskFiles) {
      Ok(spool) => {
        keeper.spool = Some(spool);
        keeper.inherit(translator, shared);
      }
      Err(error) => failed(shared, &error.to_string()),
    }
    keeper
  }

  fn inherit(&mut self, translator: &mut Translator, shared: &Shared) {
    let Some(spool) = &mut self.spool else { return };
    let adopted = spool.adopt(clock::now());
    if let Some(error) = adopted.trouble {
      failed(shared, &error.to_string());
    }
    if adopted.records.is_empty() {
      return;
    }
    for record in &adopted.records {
      if let Err(error) = translator.inherit(record) {
        failed(shared, &format!("the record of an earlier process is damaged: {error}"));
      }
    }
    self.inherited_until = Some(Instant::now() + INHERITANCE);
    self.write(translator, shared);
    if let Some(spool) = &mut self.spool
      && let Err(error) = spool.forget()
    {
      failed(shared, &error.to_string());
    }
  }

  /// Something may have opened or closed.
  pub fn note_change(&mut self) {
    if self.spool.is_some() {
      self.due.get_or_insert_with(|| Instant::now() + RECORD_EVERY);
    }
  }

  /// Does what is due. Gives the rows of what was inherited and nobody went on with.
  pub fn tend(&mut self, translator: &mut Translator, shared: &Shared) -> Vec<Row> {
    let now = Instant::now();
    let mut rows = Vec::new();
    if self.inherited_until.is_some_and(|until| until <= now) {
      self.inherited_until = None;
      rows = translator.close_forsaken(clock::now());
      self.due = Some(now);
    }
    if self.due.is_some_and(|due| due <= now) {
      self.write(translator, shared);
    }
    rows
  }

  /// Writes the record now.
  pub fn write(&mut self, translator: &Translator, shared: &Shared) {
    let Some(spool) = &mut self.spool else { return };
    self.due = None;
    let now = clock::now();
    let written = match translator.remains(now) {
      Some(remains) => spool.write_record(&remains, now),
      None => spool.clear_record(),
    };
    if let Err(error) = written {
      failed(shared, &error.to_string());
    }
  }

  /// The process ends. What Flue may recover stays on record.
  pub fn end(&mut self, translator: &Translator, shared: &Shared) {
    self.write(translator, shared);
    if let Some(spool) = self.spool.take()
      && let Err(error) = spool.finish()
    {
      failed(shared, &error.to_string());
    }
  }

  /// When there is something to tend.
  pub fn alarm(&self) -> Option<Instant> {
    [self.due, self.inherited_until].into_iter().flatten().min()
  }
}

fn failed(shared: &Shared, why: &str) {
  shared.warn(Warning::Spool, &format!("The spool does not work: {why}."));
  shared.counters.failed(why.to_owned());
}
