//! The state of one open span.

use serde::{Deserialize, Serialize};

use crate::{
  activity::Activity,
  outcome,
  placement::{Parent, SpanLabel, SpanPlacement, Start},
  run_metadata::RunMetadata,
  span_logs::SpanLogs,
};
use braintrust_row::{Json, Row, time};
use flue_event::Usage;

/// A span to be opened.
pub struct NewSpan {
  /// The activity that it stands for.
  pub activity: Activity,
  /// Its identity and parent.
  pub placement: SpanPlacement,
  /// Its name and type. `None` for an operation without a span of its own: its children become those of its
  /// parent.
  pub label: Option<SpanLabel>,
  /// When it began.
  pub start: Start,
}

/// An open span. The names of its members in a snapshot are those of the first release.
#[derive(Serialize, Deserialize)]
pub struct OpenSpan {
  /// Its identity and parent.
  #[serde(rename = "place")]
  pub placement: SpanPlacement,
  /// Its name and type. `None` for an operation without a span of its own: its children become those of its
  /// parent.
  #[serde(rename = "look")]
  pub label: Option<SpanLabel>,
  /// When it began.
  pub start: Start,
  /// Of a span that another process left open: when that process last wrote it down, milliseconds since the
  /// epoch.
  pub left_at: Option<i64>,
  /// Whether this process has closed it as interrupted, because another process left it open. Its own end may come.
  #[serde(skip)]
  pub is_adopted: bool,
  /// Whether its start event never came to this process.
  #[serde(rename = "unseen")]
  pub implicit: bool,
  /// Of an operation: the summary of its turns.
  #[serde(rename = "told")]
  pub turn_summary: TurnSummary,
  /// Of a turn on 0.x, whose end event follows its tools: when the model had responded, milliseconds since
  /// the epoch.
  #[serde(rename = "answered")]
  pub responded_at: Option<i64>,
  /// Of a call of the `task` tool: the fingerprint of what it delegates.
  #[serde(rename = "delegates")]
  pub delegation: Option<u64>,
  /// Of a run: what its operations repeat.
  #[serde(rename = "handed_down")]
  pub run_metadata: RunMetadata,
  /// Whether a child of it has ended.
  #[serde(skip)]
  pub has_ended_child: bool,
  /// Its log lines.
  #[serde(skip)]
  pub logs: SpanLogs,
  /// The open spans whose parent it is, in the order of their starts.
  #[serde(skip)]
  pub children: Vec<Activity>,
}

/// A summary of an operation's turns, for those releases and cases in which its own end has none.
#[derive(Default, Serialize, Deserialize)]
pub struct TurnSummary {
  /// The sum of their usage.
  #[serde(rename = "used")]
  pub usage: Option<Usage>,
  /// Whether the first of them has written the operation's input.
  #[serde(rename = "asked")]
  pub has_input: bool,
  /// The text of the last response.
  #[serde(skip)]
  pub output: Option<Json>,
}

impl OpenSpan {
  /// A span that has just been opened.
  pub fn new(placement: SpanPlacement, label: Option<SpanLabel>, start: Start) -> Self {
    Self {
      placement,
      label,
      start,
      left_at: None,
      is_adopted: false,
      implicit: false,
      turn_summary: TurnSummary::default(),
      responded_at: None,
      delegation: None,
      run_metadata: RunMetadata::default(),
      has_ended_child: false,
      logs: SpanLogs::default(),
      children: Vec::new(),
    }
  }

  /// A row of this span with its identity, label and start. `None` without a label.
  pub fn row(&self, activity: &Activity) -> Option<Row> {
    let label = self.label.clone()?;
    let mut row = Row::of(self.placement.span);
    row.is_root = self.placement.is_root(activity);
    row.name = label.name;
    row.kind = label.kind;
    row.parent = match &self.placement.parent {
      Parent::Span(_, parent) => Some(parent.span()),
      Parent::Remote(parent) | Parent::Within(parent) => Some(*parent),
      Parent::None | Parent::Unknown => None,
    };
    if let Start::At(start) = self.start {
      row.created = Some(start);
      row.set_metric("start", Some(time::seconds(start)));
    }
    Some(row)
  }

  /// A row that ends the span. A span never ends before it starts.
  pub fn end_row(&self, activity: &Activity, at: i64) -> Option<Row> {
    let mut row = self.row(activity)?;
    row.set_metric("end", Some(time::seconds(at.max(self.start.time()))));
    self.logs.write(&mut row);
    if self.implicit || self.is_adopted {
      // It may have been closed as interrupted, failed or cancelled; it has ended well since.
      row.set_metadata("flue.interrupted", Some(Json::of(&false)));
      row.error = Some(Json::null());
      outcome::write_cancelled(&mut row, false);
    }
    Some(row)
  }

  /// A row that ends the span although its own end never came, at `at` or when its process left it, whichever is
  /// earlier. `None` if that was written when it was adopted.
  pub fn interrupted(&self, activity: &Activity, at: i64) -> Option<Row> {
    if self.is_adopted && self.left_at.is_some_and(|left| left <= at) {
      return None;
    }
    let mut row = self.end_row(activity, self.left_at.map_or(at, |left| left.min(at)))?;
    row.set_metadata("flue.interrupted", Some(Json::of(&true)));
    Some(row)
  }
}

/// The rows of closing a span.
pub struct ClosedSpan {
  /// The last rows of its descendants, which are interrupted.
  pub interrupted: Vec<Row>,
  /// Its own last row, to be filled. `None` if it was not open or has no label.
  pub row: Option<Row>,
}

impl ClosedSpan {
  /// All rows, the span's own last.
  pub fn into_rows(self) -> Vec<Row> {
    let mut rows = self.interrupted;
    rows.extend(self.row);
    rows
  }
}
