//! Keeps the record of what is open, and inherits those of dead processes.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Shared, store::Store};
use crate::clock;
use braintrust_row::Row;
use export::report::Warning;
use translate::Translator;

/// How long what a dead process left open waits for somebody to go on with it. Flue recovers a
/// submission after about 45 seconds (a lease of 30 and a scan every 15).
const INHERITANCE: Duration = Duration::from_secs(120);

/// How much of what is open may be missing from the record when the process dies.
const RECORD_EVERY: Duration = Duration::from_millis(100);

/// When to try again after the record could not be written.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// The record, and when it is to be tended. Without a spool it does nothing.
#[derive(Default)]
pub struct Keeper {
  has_spool: bool,
  /// Whether names may hold what must not be kept.
  has_rules: bool,
  /// When the record must be written again: something may have opened or closed.
  due: Option<Instant>,
  /// When what was inherited is closed, each time that something was.
  inherited_until: VecDeque<Instant>,
  /// Whether the records of the dead stand beside ours still.
  mourns: bool,
}

impl Keeper {
  pub fn new(store: &Store, has_rules: bool) -> Self {
    Self { has_spool: store.is_open(), has_rules, ..Self::default() }
  }

  /// Lets the translator inherit what dead processes had open.
  pub fn inherit(
    &mut self,
    records: &[Vec<u8>],
    translator: &mut Translator,
    store: &mut Store,
    shared: &Shared,
  ) {
    if records.is_empty() {
      return;
    }
    for record in records {
      if let Err(error) = translator.restore(record) {
        let message = format!("The record of an earlier process is damaged: {error}.");
        shared.warnings.once(Warning::Spool, &message);
      }
    }
    self.inherited_until.push_back(Instant::now() + INHERITANCE);
    self.mourns = true;
    self.note_change();
    self.write(translator, store, shared);
  }

  /// Something may have opened or closed.
  pub fn note_change(&mut self) {
    if self.has_spool {
      self.due.get_or_insert_with(|| Instant::now() + RECORD_EVERY);
    }
  }

  /// Somebody waits for what was told until now to be safe.
  pub fn hurry(&mut self) {
    self.due = self.due.map(|_| Instant::now());
  }

  /// Whether the record must be written now.
  pub fn is_due(&self) -> bool {
    self.due.is_some_and(|due| due <= Instant::now())
  }

  /// The rows of what was inherited and nobody went on with, when that is due.
  pub fn close_forsaken(&mut self, translator: &mut Translator) -> Vec<Row> {
    if self.inherited_until.front().is_none_or(|until| *until > Instant::now()) {
      return Vec::new();
    }
    self.inherited_until.pop_front();
    self.note_change();
    let (now, waited) = (clock::now(), INHERITANCE.as_millis() as i64);
    translator.close_orphaned(now, now.saturating_sub(waited))
  }

  /// Writes the record, if it does not tell what is open.
  pub fn write(&mut self, translator: &Translator, store: &mut Store, shared: &Shared) {
    if self.due.take().is_none() {
      return;
    }
    let names = !self.has_rules && !shared.masks.are_wanted();
    if !store.record(translator.snapshot(clock::now(), names).as_deref(), shared) {
      self.due = Some(Instant::now() + WRITE_AGAIN);
    } else if std::mem::take(&mut self.mourns) {
      // Those of the dead go only when ours tells what they told.
      store.forget(shared);
    }
  }

  /// When there is something to tend.
  pub fn alarm(&self) -> Option<Instant> {
    [self.due, self.inherited_until.front().copied()].into_iter().flatten().min()
  }
}
