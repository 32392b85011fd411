//! The state of one open span.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
  activity::Activity,
  outcome,
  placement::{Parent, SpanLabel, SpanPlacement, Start},
  run_metadata::RunMetadata,
  span_logs::SpanLogs,
  usage::{self, PURPOSE},
};
use braintrust_row::{CustomFields, Json, Row, SpanContext, Stage, time};
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
  /// Whether it was closed as interrupted when it was adopted. Its own end may come.
  #[serde(skip)]
  pub is_adopted: bool,
  /// Whether the row that did so is on the disk or delivered: the next process that adopts it need not write it again.
  #[serde(default, rename = "closed", skip_serializing_if = "std::ops::Not::not")]
  pub is_safely_closed: bool,
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
  /// The fields that a span of the application's gives to all its descendants: content, which no snapshot has.
  #[serde(skip)]
  pub propagated: Option<Arc<Row>>,
  /// Its log lines.
  #[serde(skip)]
  pub logs: SpanLogs,
  /// The open spans whose parent it is, in the order of their starts.
  #[serde(skip)]
  pub children: Vec<Activity>,
}

/// What shows that a span was interrupted, and when, in milliseconds since the epoch.
#[derive(Clone, Copy)]
pub enum Evidence {
  /// An event: the span has not run on after it.
  Event(i64),
  /// The clock of this process, which has closed adopted spans already.
  Clock(i64),
}

impl Evidence {
  /// Its time.
  pub fn at(self) -> i64 {
    let (Self::Event(at) | Self::Clock(at)) = self;
    at
  }
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
  /// What Flue has reported for the operation or the compaction, at its end.
  #[serde(skip)]
  pub reported: Option<Usage>,
}

/// Of a closed span that may still be updated: what later events of it do not state.
pub struct Updatable {
  /// Where it is; of an operation without a span of its own, where its parent is.
  pub placement: SpanPlacement,
  /// Whether it has a span of its own.
  pub has_span: bool,
  /// Of an operation or a compaction: the usage of its turns so far.
  pub usage: Option<Usage>,
  /// Of an operation or a compaction: what Flue has reported for it.
  pub reported: Option<Usage>,
  /// Of a span whose start never came: when it began, milliseconds since the epoch, as far as its end states that.
  pub awaits_start: Option<i64>,
  /// The log lines after its end. Those before it are not kept.
  pub late_logs: SpanLogs,
}

/// The usage of an operation or a compaction that was interrupted or has ended, with that of a turn that ends later.
pub struct LateUsage {
  /// Of the operation or the compaction.
  pub span: SpanContext,
  /// Of its turns so far.
  pub of_turns: Usage,
  /// What Flue has reported for it.
  pub reported: Option<Usage>,
}

impl LateUsage {
  /// The row that states it.
  pub fn into_row(self) -> Row {
    let mut row = Row::of(self.span);
    usage::write_larger(&mut row, self.reported, Some(self.of_turns));
    row
  }
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
      is_safely_closed: false,
      implicit: false,
      turn_summary: TurnSummary::default(),
      responded_at: None,
      delegation: None,
      run_metadata: RunMetadata::default(),
      has_ended_child: false,
      propagated: None,
      logs: SpanLogs::default(),
      children: Vec::new(),
    }
  }

  /// Names a span as its end does, if its name still is the one of a span whose start states none.
  pub fn name_unless_known(&mut self, unknown: &str, name: impl FnOnce() -> Option<String>) {
    if let Some(label) = &mut self.label
      && label.name.as_deref() == Some(unknown)
    {
      label.name = name().or(label.name.take());
    }
  }

  /// The first row of this span, with what a span of the application's gives it. `None` without a label.
  pub fn first_row(&self, activity: &Activity) -> Option<Row> {
    let mut row = self.row(activity)?;
    if let Some(propagated) = &self.propagated {
      row.merge(propagated.as_ref().clone());
    }
    Some(row)
  }

  /// A row of this span with its identity, label and start. `None` without a label.
  pub fn row(&self, activity: &Activity) -> Option<Row> {
    let label = self.label.clone()?;
    let mut row = Row::of(self.placement.span);
    row.is_root = self.placement.is_root(activity);
    row.stage = self.placement.is_work(activity).then_some(Stage::Begins);
    row.name = label.name;
    row.kind = label.kind;
    row.custom = self.purpose();
    row.parent = match &self.placement.parent {
      Parent::Span(_, parent) => Some(parent.span()),
      Parent::Remote(parent) | Parent::Within(parent) => Some(*parent),
      Parent::None | Parent::Unknown => None,
    };
    self.start.write(&mut row);
    Some(row)
  }

  /// The purpose that a span of the application's gives it: the cost depends on that.
  fn purpose(&self) -> Option<Box<CustomFields>> {
    let purpose = self.propagated.as_ref()?.custom.as_ref()?.attributes.get(PURPOSE)?.clone();
    let mut fields = Box::<CustomFields>::default();
    fields.attributes.insert(PURPOSE.into(), purpose);
    Some(fields)
  }

  /// A row that ends the span. A span never ends before it starts.
  pub fn end_row(&self, activity: &Activity, at: i64) -> Option<Row> {
    let mut row = self.row(activity)?;
    row.stage = row.stage.map(|_| Stage::Ends);
    row.set_metric("end", Some(time::seconds(at.max(self.start.time()))));
    self.logs.write(&mut row, ["flue.logs", "flue.logs_dropped"]);
    if self.implicit || self.is_adopted {
      row.set_metadata("flue.interrupted", Some(Json::of(&false)));
    }
    if self.implicit {
      // Another process may have closed it as failed or cancelled; it has ended well since.
      row.error = Some(Json::null());
      outcome::write_cancelled(&mut row, false);
    }
    Some(row)
  }

  /// A row that ends the span although its own end never came, at a time that `evidence` gives. `None` if the row that
  /// closed it when it was adopted has no later end.
  pub fn interrupted(&self, activity: &Activity, evidence: Evidence) -> Option<Row> {
    let at = match (evidence, self.left_at) {
      (Evidence::Event(at), Some(left)) if left <= at => return None,
      (Evidence::Clock(_), Some(_)) => return None,
      (Evidence::Event(at) | Evidence::Clock(at), _) => at,
    };
    self.interruption(activity, at)
  }

  /// A row that ends the span although its own end never came.
  pub fn interruption(&self, activity: &Activity, at: i64) -> Option<Row> {
    let mut row = self.end_row(activity, at)?;
    row.set_metadata("flue.interrupted", Some(Json::of(&true)));
    if let Some(usage) = &self.turn_summary.usage {
      usage::write(&mut row, usage);
    }
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
