//! The open spans of the process and who lies below whom.

use std::collections::HashMap;

use crate::{
  clock,
  event::Usage,
  span::{Json, Row, SpanRef, SpanType},
};

/// What an open span stands for, named by Flue's ids. Tool-call ids repeat between agents, so a call is
/// named together with its turn (else its operation, else its run).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
  Run(String),
  Operation(String),
  Turn(String),
  Tool {
    scope: String,
    call: String,
  },
  Task(String),
  /// By the operation it serves: compactions of one operation never overlap.
  Compaction(String),
}

/// The place of a span: its identity, and the span it lies below.
#[derive(Clone, Debug)]
pub struct Place {
  pub span: SpanRef,
  pub parent: Parent,
}

/// What a span lies below.
#[derive(Clone, Debug)]
pub enum Parent {
  /// Nothing: the span is the root of its trace.
  None,
  /// A span. Its activity is usually open; after a crash it may have been another process's.
  Span(Activity, SpanRef),
}

/// How a span looks, the same in each of its rows.
#[derive(Clone, Debug)]
pub struct Look {
  pub name: String,
  pub kind: SpanType,
}

/// An open span.
pub struct Open {
  pub place: Place,
  /// `None` for an operation that has no span of its own: what it does shows below its parent.
  pub look: Option<Look>,
  /// Milliseconds since the epoch.
  pub start: i64,
  /// Of an operation: the sum of what its own turns used.
  pub used: Option<Usage>,
  /// Of an operation: what its last turn put out.
  pub last_output: Option<Json>,
  children: Vec<Activity>,
}

impl Open {
  /// A row of this span, with its identity filled in.
  fn row(&self) -> Option<Row> {
    let look = self.look.clone()?;
    let mut row = Row {
      span: self.place.span,
      parent: match &self.place.parent {
        Parent::Span(_, span) => Some(span.span()),
        Parent::None => None,
      },
      created: self.start,
      name: look.name,
      kind: look.kind,
      input: None,
      output: None,
      error: None,
      metadata: Default::default(),
      metrics: Default::default(),
    };
    row.metric("start", Some(clock::seconds(self.start)));
    Some(row)
  }

  /// A row that ends the span. A span never ends before it starts.
  fn end_row(&self, at: i64) -> Option<Row> {
    let mut row = self.row()?;
    row.metric("end", Some(clock::seconds(at.max(self.start))));
    Some(row)
  }
}

/// All open spans.
#[derive(Default)]
pub struct Tree {
  open: HashMap<Activity, Open>,
}

impl Tree {
  pub fn len(&self) -> usize {
    self.open.len()
  }

  pub fn get(&self, activity: &Activity) -> Option<&Open> {
    self.open.get(activity)
  }

  pub fn get_mut(&mut self, activity: &Activity) -> Option<&mut Open> {
    self.open.get_mut(activity)
  }

  /// Opens a span and gives its first row, to be filled. Opening what is open already repeats its row:
  /// the first start stays.
  pub fn open(
    &mut self,
    activity: Activity,
    place: Place,
    look: Option<Look>,
    start: i64,
  ) -> Option<Row> {
    if let Some(known) = self.open.get(&activity) {
      return known.row();
    }
    if let Parent::Span(parent, _) = &place.parent
      && let Some(parent) = self.open.get_mut(parent)
    {
      parent.children.push(activity.clone());
    }
    let span = Open {
      place,
      look,
      start,
      used: None,
      last_output: None,
      children: Vec::new(),
    };
    let row = span.row();
    self.open.insert(activity, span);
    row
  }

  /// Closes a span and what is open below it. Gives the span's last row, to be filled; those of its
  /// interrupted descendants go to `rows`. `None` when the span is not open or has no look.
  pub fn close(&mut self, activity: &Activity, at: i64, rows: &mut Vec<Row>) -> Option<Row> {
    let span = self.open.remove(activity)?;
    if let Parent::Span(parent, _) = &span.place.parent
      && let Some(parent) = self.open.get_mut(parent)
    {
      parent.children.retain(|child| child != activity);
    }
    self.interrupt_below(&span, at, rows);
    span.end_row(at)
  }

  /// Closes everything.
  pub fn close_all(&mut self, at: i64) -> Vec<Row> {
    self
      .open
      .drain()
      .filter_map(|(_, span)| interrupted(&span, at))
      .collect()
  }

  fn interrupt_below(&mut self, span: &Open, at: i64, rows: &mut Vec<Row>) {
    for child in &span.children {
      if let Some(child) = self.open.remove(child) {
        self.interrupt_below(&child, at, rows);
        rows.extend(interrupted(&child, at));
      }
    }
  }

  /// The tool call that runs now at or below `activity`: the innermost, and of several the latest.
  pub fn running_tool(&self, activity: &Activity) -> Option<(Activity, SpanRef)> {
    let span = self.open.get(activity)?;
    let below = span
      .children
      .iter()
      .rev()
      .find_map(|child| self.running_tool(child));
    below.or_else(|| {
      matches!(activity, Activity::Tool { .. }).then(|| (activity.clone(), span.place.span))
    })
  }
}

fn interrupted(span: &Open, at: i64) -> Option<Row> {
  let mut row = span.end_row(at)?;
  row.fact("flue.interrupted", Some(Json::of(&true)));
  Some(row)
}
