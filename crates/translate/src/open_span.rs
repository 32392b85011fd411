//! Everything that is remembered of one open span.

use serde::{Deserialize, Serialize};

use crate::{
  activity::Activity,
  handed_down::HandedDown,
  placement::{Look, Parent, Place, Start},
  span_logs::Logs,
};
use braintrust_row::{Json, Row, time};
use flue_event::Usage;

/// A span to be opened.
pub struct NewSpan {
  /// The activity that it stands for.
  pub activity: Activity,
  /// Its identity and parent.
  pub place: Place,
  /// Its name and type. `None` for an operation without a span of its own: its parts lie below its parent.
  pub look: Option<Look>,
  /// When it began.
  pub start: Start,
}

/// An open span.
#[derive(Serialize, Deserialize)]
pub struct Open {
  /// Its identity and parent.
  pub place: Place,
  /// Its name and type. `None` for an operation without a span of its own: its parts lie below its parent.
  pub look: Option<Look>,
  /// When it began.
  pub start: Start,
  /// Of a span that another process left open: when that process last wrote it down, milliseconds since the
  /// epoch.
  pub left_at: Option<i64>,
  /// Whether its start event never came to this process.
  pub unseen: bool,
  /// Of an operation: the summary of its turns.
  pub told: Told,
  /// Of a turn on 0.x, whose end event follows its tools: when the model had responded.
  pub answered: Option<i64>,
  /// Of a call of the `task` tool: the fingerprint of what it delegates.
  pub delegates: Option<u64>,
  /// Of a run: what its operations repeat.
  pub handed_down: HandedDown,
  /// Its log lines.
  #[serde(skip)]
  pub logs: Logs,
  /// The open spans whose parent it is, in the order of their starts.
  #[serde(skip)]
  pub children: Vec<Activity>,
}

/// A summary of an operation's turns, for those releases and cases in which its own end has none.
#[derive(Default, Serialize, Deserialize)]
pub struct Told {
  /// The sum of their usage.
  pub used: Option<Usage>,
  /// Whether the first of them has written the operation's input.
  pub asked: bool,
  /// The text of the last response.
  #[serde(skip)]
  pub answered: Option<Json>,
}

impl Open {
  /// A span that has just been opened.
  pub fn new(place: Place, look: Option<Look>, start: Start) -> Self {
    Self {
      place,
      look,
      start,
      left_at: None,
      unseen: false,
      told: Told::default(),
      answered: None,
      delegates: None,
      handed_down: HandedDown::default(),
      logs: Logs::default(),
      children: Vec::new(),
    }
  }

  /// A row of this span with its identity, label and start. `None` without a label.
  pub fn row(&self) -> Option<Row> {
    let look = self.look.clone()?;
    let mut row = Row::of(self.place.span);
    row.name = look.name;
    row.kind = look.kind;
    row.parent = match &self.place.parent {
      Parent::Span(_, parent) => Some(parent.span()),
      Parent::Beyond(parent) => Some(*parent),
      Parent::None | Parent::Unknown => None,
    };
    if let Start::At(start) = self.start {
      row.created = Some(start);
      row.metric("start", Some(time::seconds(start)));
    }
    Some(row)
  }

  /// A row that ends the span. A span never ends before it starts.
  pub fn end_row(&self, at: i64) -> Option<Row> {
    let mut row = self.row()?;
    row.metric("end", Some(time::seconds(at.max(self.start.time()))));
    self.logs.write(&mut row);
    if self.unseen {
      // Another process may have closed it as interrupted, or failed; it has ended well since.
      row.fact("flue.interrupted", Some(Json::of(&false)));
      row.error = Some(Json::null());
    }
    Some(row)
  }

  /// A row that ends the span although its own end never came.
  pub fn interrupted(&self, at: i64) -> Option<Row> {
    let mut row = self.end_row(self.left_at.map_or(at, |left| left.min(at)))?;
    row.fact("flue.interrupted", Some(Json::of(&true)));
    Some(row)
  }
}

/// A span that was closed.
pub struct Closed {
  /// The last rows of its descendants, which are interrupted.
  pub interrupted: Vec<Row>,
  /// Its own last row, to be filled. `None` if it was not open or has no label.
  pub row: Option<Row>,
}

impl Closed {
  /// All rows, the span's own last.
  pub fn into_rows(self) -> Vec<Row> {
    let mut rows = self.interrupted;
    rows.extend(self.row);
    rows
  }
}
