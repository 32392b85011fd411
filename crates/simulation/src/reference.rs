//! The same translation a second time: which states the rows should have.
//!
//! This file alone knows the translator. It follows what the exporter does with each event, and so knows the rows
//! that the exporter enqueues.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use braintrust_row::{Row, RowId, write_row};
use export::{Now, config::Settings};
use translate::Translator;

use crate::view::{Leaf, read_row};

/// How long the spans of an ended process wait for an attempt that resumes them.
const RESUME_WITHIN: Duration = Duration::from_secs(120);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
  /// It is translated.
  Translated,
  /// Its span has no room.
  Refused,
  /// It is not an event.
  Unreadable,
}

/// A translator beside the exporter's.
pub struct Reference {
  settings: Arc<Settings>,
  translator: Translator,
  orphans: VecDeque<Duration>,
  exit_began: Option<i64>,
}

/// A row with its leaves.
pub type Produced = (RowId, Vec<Leaf>);

impl Reference {
  /// A translator that knows no event.
  pub fn new(settings: Arc<Settings>) -> Self {
    let translator = Translator::new(settings.translation);
    Self { settings, translator, orphans: VecDeque::new(), exit_began: None }
  }

  /// The rows of an event.
  pub fn event(&mut self, text: &str, fate: Fate, now: Now) -> Vec<Produced> {
    let text = translate::without_payloads(text);
    let Ok(mut event) = flue_event::decode(&text, now.unix_ms) else { return Vec::new() };
    event.apply_content_policy(self.settings.content);
    match fate {
      Fate::Translated => {
        let rows = self.translator.translate(&event);
        self.produced(rows)
      }
      Fate::Refused => {
        self.translator.ignore(&event);
        Vec::new()
      }
      Fate::Unreadable => Vec::new(),
    }
  }

  /// What was restored is on the disk or delivered.
  pub fn note_adoption_is_safe(&mut self) {
    self.translator.note_adoption_is_safe();
  }

  /// Restores the spans of an ended process. Returns the rows that close them.
  pub fn restore(&mut self, snapshots: &[Vec<u8>], now: Now) -> Vec<Produced> {
    let mut rows = Vec::new();
    for snapshot in snapshots {
      // A damaged one restores nothing, in both translators.
      rows.extend(self.translator.restore(snapshot).unwrap_or_default());
    }
    if !snapshots.is_empty() {
      let left_by = now.unix_ms.saturating_sub(RESUME_WITHIN.as_millis() as i64);
      rows.extend(self.translator.drop_settled(now.unix_ms, left_by));
      self.orphans.push_back(now.elapsed + RESUME_WITHIN);
    }
    self.produced(rows)
  }

  /// The rows below the orphaned spans that are dropped now.
  pub fn drop_orphaned(&mut self, now: Now) -> Vec<Produced> {
    if self.orphans.front().is_none_or(|due| *due > now.elapsed) {
      return Vec::new();
    }
    self.orphans.pop_front();
    let left_by = match self.orphans.is_empty() {
      true => i64::MAX,
      false => now.unix_ms.saturating_sub(RESUME_WITHIN.as_millis() as i64),
    };
    let rows = self.translator.drop_orphaned(now.unix_ms, left_by);
    self.produced(rows)
  }

  /// The process begins to end.
  pub fn begin_exit(&mut self, now: Now) {
    self.exit_began.get_or_insert(now.unix_ms);
  }

  /// The rows of all open spans, which end.
  pub fn close_all(&mut self, now: Now) -> Vec<Produced> {
    let rows = self.translator.close_all(self.exit_began.unwrap_or(now.unix_ms));
    self.produced(rows)
  }

  /// The snapshot that the exporter should write.
  pub fn snapshot(&self, now: Now) -> Option<Vec<u8>> {
    self.translator.snapshot(now.unix_ms, true)
  }

  /// How many spans are open.
  pub fn open_spans(&self) -> usize {
    self.translator.open_spans()
  }

  fn produced(&self, rows: Vec<Row>) -> Vec<Produced> {
    let redacted = |mut row: Row| {
      if let Some(redactor) = &self.settings.redactor {
        redactor.row(&mut row);
      }
      produce(&row)
    };
    rows.into_iter().filter_map(redacted).collect()
  }
}

/// The spans of a snapshot.
pub fn open_in(snapshot: &[u8]) -> Vec<RowId> {
  let mut translator = Translator::default();
  // A damaged one has none.
  let _rows = translator.restore(snapshot);
  translator.adopted().map(|span| span.row).collect()
}

fn produce(row: &Row) -> Option<Produced> {
  let mut body = Vec::new();
  write_row(&mut body, row, &[]);
  let text = String::from_utf8(body).ok()?;
  read_row(&serde_json::from_str(&crate::conversation::mask(&text)).ok()?)
}
