//! Which traces are recorded: all rows of a trace follow one decision.
//!
//! It follows from the id of the trace, so that every process, attempt and host makes the same one, unless the application
//! has decided about the trace. If errors are kept, the rows of a trace that is left out wait here until all work in it
//! and all custom spans have ended: the first error in it releases them.

use std::{collections::HashSet, mem};

use braintrust_row::{Row, RowId, RowMap, Stage, TraceId};

use crate::config::Settings;

/// How many decisions that do not follow from an id are remembered: as many as there are open spans.
const MAX_DECISIONS: usize = 16_384;
/// How many of them are forgotten at once.
const FORGOTTEN: usize = MAX_DECISIONS / 8;
/// A decision is a number, whose order is the order in which decisions are forgotten: its remainder is the fate, above it
/// is when it was last used, and at the top whether the trace is open.
const FATES: u64 = 4;
const OPEN: u64 = 1 << 63;
/// The most rows that wait. Each is looked at when a trace ends.
const MAX_ROWS: usize = 4096;
/// Waiting rows take this part of the bound of queued bytes.
const PART: usize = 8;

/// What happens to the rows of a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
  Recorded,
  /// They wait for an error.
  Waiting,
  LeftOut,
}

/// The decisions about traces, and the rows that wait for an error.
pub struct Sampling {
  rate: f64,
  keeps_errors: bool,
  max_bytes: usize,
  /// The decisions that do not follow from the id of the trace, by that id. As numbers, for which the WebAssembly module
  /// has the code already.
  decisions: RowMap<u64>,
  /// How often one was used.
  uses: u64,
  waiting: Vec<Row>,
  bytes: usize,
}

impl Sampling {
  /// The decisions of these settings.
  pub fn new(settings: &Settings) -> Self {
    Self {
      rate: settings.sample_rate,
      keeps_errors: settings.keep_errors,
      max_bytes: settings.max_queue_bytes / PART,
      decisions: RowMap::default(),
      uses: 0,
      waiting: Vec::new(),
      bytes: 0,
    }
  }

  /// The bytes of memory of the rows that wait.
  pub fn memory_bytes(&self) -> usize {
    self.bytes
  }

  /// Whether the rows of a trace are sent.
  pub fn records(&self, trace: TraceId) -> bool {
    self.fate(trace) == Fate::Recorded
  }

  /// The application has decided about a trace.
  pub fn decide(&mut self, trace: TraceId, is_recorded: bool) {
    // An error may have released it since.
    if !self.decisions.contains_key(&trace.key()) {
      self.set(trace, if is_recorded { Fate::Recorded } else { self.unrecorded() });
    }
  }

  /// Another process has recorded these traces, whatever this one has decided. Returns their rows that wait.
  pub fn record(&mut self, traces: impl Iterator<Item = TraceId>) -> Vec<Row> {
    let mut released = Vec::new();
    for trace in traces {
      if !self.records(trace) {
        self.set(trace, Fate::Recorded);
        released.extend(self.take(trace));
      }
    }
    released
  }

  /// Takes the rows of one event, and returns those to be sent and how many spans and feedback rows are left out.
  pub fn sort(&mut self, rows: Vec<Row>) -> (Vec<Row>, usize) {
    if self.rate >= 1.0 && self.decisions.is_empty() {
      return (rows, 0);
    }
    let (mut sent, mut left_out) = (Vec::new(), 0);
    // An error releases what came with it, too.
    for row in &rows {
      let trace = row.span.trace;
      // Another attempt, another part of a caller's trace, or a custom span that begins later may fail.
      let begins = row.stage == Some(Stage::Begins) || begins_custom(row);
      if self.keeps_errors && begins && self.fate(trace) == Fate::LeftOut {
        self.set(trace, Fate::Waiting);
      }
      let has_error = row.error.as_ref().is_some_and(|error| !error.is_null());
      if has_error && self.fate(trace) == Fate::Waiting {
        self.set(trace, Fate::Recorded);
        sent.extend(self.take(trace));
      }
    }
    for row in rows {
      let (trace, stage) = (row.span.trace, row.stage);
      let mut is_open = stage.map(|stage| stage == Stage::Begins);
      match self.fate(trace) {
        Fate::Recorded => sent.push(row),
        Fate::LeftOut => left_out += count(&row),
        Fate::Waiting => {
          let ends = stage == Some(Stage::Ends) || (row.custom.is_some() && row.ends());
          self.bytes += row.memory_bytes();
          self.waiting.push(row);
          if ends && self.is_over(trace) {
            left_out += self.leave_out(trace);
            is_open = Some(false);
          }
        }
      }
      self.note_use(trace, is_open);
    }
    while self.bytes > self.max_bytes || self.waiting.len() > MAX_ROWS {
      let Some(oldest) = self.waiting.first().map(|row| row.span.trace) else { break };
      left_out += self.leave_out(oldest);
    }
    (sent, left_out)
  }

  /// Leaves out all that waits: delivery ends. Returns how many spans and feedback rows that are.
  pub fn leave_out_all(&mut self) -> usize {
    self.bytes = 0;
    count_waiting(&mem::take(&mut self.waiting))
  }

  fn fate(&self, trace: TraceId) -> Fate {
    match self.decisions.get(&trace.key()).map(|decision| decision % FATES) {
      Some(0) => Fate::Recorded,
      Some(1) => Fate::Waiting,
      Some(_) => Fate::LeftOut,
      // Feedback about a row of an unknown trace is not lost.
      None if trace == TraceId::UNKNOWN || trace.share() < self.rate => Fate::Recorded,
      None => self.unrecorded(),
    }
  }

  fn unrecorded(&self) -> Fate {
    if self.keeps_errors { Fate::Waiting } else { Fate::LeftOut }
  }

  fn set(&mut self, trace: TraceId, fate: Fate) {
    self.decisions.insert(trace.key(), fate as u64);
    self.note_use(trace, Some(true));
    if self.decisions.len() > MAX_DECISIONS {
      self.forget();
    }
  }

  /// The decision about a trace, if there is one, was used. A row with a stage states whether the trace is open.
  fn note_use(&mut self, trace: TraceId, is_open: Option<bool>) {
    if let Some(decision) = self.decisions.get_mut(&trace.key()) {
      self.uses += 1;
      let is_open = is_open.unwrap_or(*decision >= OPEN);
      *decision = self.uses * FATES + *decision % FATES + if is_open { OPEN } else { 0 };
    }
  }

  /// Forgets decisions about ended traces, then those that were not used for longest: a trace that was sent in part must
  /// not be left out from then on.
  fn forget(&mut self) {
    let mut decisions: Vec<u64> = self.decisions.values().copied().collect();
    decisions.sort_unstable();
    if let Some(first_kept) = decisions.get(FORGOTTEN) {
      self.decisions.retain(|_, decision| *decision >= *first_kept);
    }
  }

  /// Whether all work that began in a trace, as far as its rows wait, has ended, and all custom spans: these may outlast
  /// what they are in.
  fn is_over(&self, trace: TraceId) -> bool {
    let (mut work, mut custom) = (HashSet::new(), HashSet::new());
    for row in self.waiting.iter().filter(|row| row.span.trace == trace) {
      let id = row.span.row;
      match row.stage {
        Some(Stage::Begins) => work.insert(id),
        Some(Stage::Ends) => work.remove(&id),
        None if row.ends() => custom.remove(&id),
        None => begins_custom(row) && custom.insert(id),
      };
    }
    work.is_empty() && custom.is_empty()
  }

  /// Leaves the trace out for good. Returns how many of its spans and feedback rows waited.
  fn leave_out(&mut self, trace: TraceId) -> usize {
    self.set(trace, Fate::LeftOut);
    count_waiting(&self.take(trace))
  }

  /// Removes the rows of a trace that wait.
  fn take(&mut self, trace: TraceId) -> Vec<Row> {
    let mut taken = Vec::new();
    for row in mem::take(&mut self.waiting) {
      if row.span.trace == trace {
        self.bytes -= row.memory_bytes();
        taken.push(row);
      } else {
        self.waiting.push(row);
      }
    }
    taken
  }
}

/// Whether a row begins a span that has fields of the application's.
fn begins_custom(row: &Row) -> bool {
  row.custom.is_some() && row.created.is_some() && !row.ends()
}

/// Each span counts with the row that begins it, and each feedback.
fn count(row: &Row) -> usize {
  usize::from(row.has_feedback() || (row.created.is_some() && !row.ends()))
}

/// The same of rows that waited. A span of which only the end did counts, too: its start was sent before the decision about
/// its trace was forgotten.
fn count_waiting(rows: &[Row]) -> usize {
  let is_span = |row: &&Row| row.created.is_some() && !row.has_feedback();
  let spans: HashSet<RowId> = rows.iter().filter(is_span).map(|row| row.span.row).collect();
  spans.len() + rows.iter().filter(|row| row.has_feedback()).count()
}

#[cfg(test)]
mod tests;
