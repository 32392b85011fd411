//! The open spans of the process and who lies below whom.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{activity::Activity, log::Logs, operation::Told, workflow::HandedDown};
use braintrust_row::time;
use braintrust_row::{Json, Row, SpanId, SpanRef, SpanType};

/// The place of a span: its identity, and the span it lies below.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
  pub span: SpanRef,
  pub parent: Parent,
}

/// What a span lies below.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parent {
  /// Nothing: the span is the root of its trace.
  None,
  /// A span. Its activity is usually open; after a crash it may have been another process's.
  Span(Activity, SpanRef),
  /// A span that is not followed: the application's, or another program's.
  Beyond(SpanId),
  /// Only the process that opened the span knew.
  Unknown,
}

/// How a span looks, the same in each of its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Look {
  /// `None` when only the start of the span, which was not seen, tells it.
  pub name: Option<String>,
  /// `None` for a span of the application's that has no type.
  pub kind: Option<SpanType>,
}

impl Look {
  pub fn new(kind: SpanType, name: String) -> Self {
    Self { name: Some(name), kind: Some(kind) }
  }
}

/// When a span began, milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Start {
  /// Then.
  At(i64),
  /// Before this process had to do with it, whose rows must not tell another time. Its part of the
  /// span began then.
  Earlier(i64),
}

impl Start {
  pub fn time(self) -> i64 {
    match self {
      Self::At(time) | Self::Earlier(time) => time,
    }
  }
}

/// An open span.
#[derive(Serialize, Deserialize)]
pub struct Open {
  pub place: Place,
  /// `None` for an operation that has no span of its own: what it does shows below its parent.
  pub look: Option<Look>,
  pub start: Start,
  /// Of a span that another process left open: when that process was last known to live.
  pub left_at: Option<i64>,
  /// Whether its start event never came to this process.
  pub unseen: bool,
  /// What its parts told an operation.
  pub told: Told,
  /// Of a turn on 0.x, whose event comes after its tools: when the model had answered.
  pub answered: Option<i64>,
  /// Of a call of the `task` tool: the fingerprint of what it delegates.
  pub delegates: Option<u64>,
  /// Of a run: what its operations repeat, so that they are found by it.
  pub handed_down: HandedDown,
  #[serde(skip)]
  pub logs: Logs,
  #[serde(skip)]
  children: Vec<Activity>,
}

impl Open {
  /// A row of this span, with its identity filled in.
  fn row(&self) -> Option<Row> {
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
  fn end_row(&self, at: i64) -> Option<Row> {
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
  fn interrupted(&self, at: i64) -> Option<Row> {
    let mut row = self.end_row(self.left_at.map_or(at, |left| left.min(at)))?;
    row.fact("flue.interrupted", Some(Json::of(&true)));
    Some(row)
  }
}

/// How many spans may be open. A process that has more has lost the ends of most.
const MOST_OPEN: usize = 16_384;
/// How many are closed at once when there are more.
const SHED: usize = MOST_OPEN / 8;

/// How many ended spans are remembered, so that an end that is told twice is heard once.
const REMEMBERED: usize = 4096;

/// How deep a running tool is looked for. Flue delegates to a depth of four.
const DEEPEST: usize = 100;

/// All open spans, and those that have lately ended.
#[derive(Default)]
pub struct Tree {
  open: HashMap<Activity, Open>,
  /// Spans that have had their own end: whatever is said of them is a repetition.
  finished: Recent,
  /// Spans whose own end may still come.
  interrupted: Recent,
}

/// Activities, the latest ones for sure.
#[derive(Default)]
struct Recent {
  latest: HashSet<Activity>,
  before: HashSet<Activity>,
}

impl Recent {
  fn insert(&mut self, activity: Activity) {
    if self.latest.len() >= REMEMBERED {
      self.before = std::mem::take(&mut self.latest);
    }
    self.latest.insert(activity);
  }

  fn remove(&mut self, activity: &Activity) {
    self.latest.remove(activity);
    self.before.remove(activity);
  }

  fn contains(&self, activity: &Activity) -> bool {
    self.latest.contains(activity) || self.before.contains(activity)
  }
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

  pub fn iter(&self) -> impl Iterator<Item = (&Activity, &Open)> {
    self.open.iter()
  }

  /// Opens a span and gives its first row, to be filled. Opening what is open already repeats its row:
  /// the first start stays.
  pub fn open(
    &mut self,
    activity: Activity,
    place: Place,
    look: Option<Look>,
    start: Start,
  ) -> Option<Row> {
    if self.has_ended(&activity) {
      return None;
    }
    if let Some(known) = self.open.get(&activity) {
      return known.row();
    }
    self.open_anew(activity, place, look, start)
  }

  fn open_anew(
    &mut self,
    activity: Activity,
    place: Place,
    look: Option<Look>,
    start: Start,
  ) -> Option<Row> {
    let span = Open {
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
    };
    let row = span.row();
    self.insert(activity, span);
    row
  }

  /// Opens a span whose start never came, if it is not open and has not had its own end.
  pub fn open_unseen(
    &mut self,
    activity: Activity,
    place: Place,
    look: Look,
    start: Start,
  ) -> Option<Row> {
    if self.open.contains_key(&activity) || self.has_finished(&activity) {
      return None;
    }
    let row = self.open_anew(activity.clone(), place, Some(look), start)?;
    self.get_mut(&activity)?.unseen = true;
    Some(row)
  }

  /// Takes in an open span as it is.
  pub fn insert(&mut self, activity: Activity, span: Open) {
    if let Parent::Span(parent, _) = &span.place.parent
      && let Some(parent) = self.open.get_mut(parent)
    {
      parent.children.push(activity.clone());
    }
    self.open.insert(activity, span);
  }

  /// Closes a span and what is open below it. Gives the span's last row, to be filled; those of its
  /// interrupted descendants go to `rows`. `None` when the span is not open or has no look.
  pub fn close(&mut self, activity: &Activity, at: i64, rows: &mut Vec<Row>) -> Option<Row> {
    if self.open.contains_key(activity) {
      self.finished.insert(activity.clone());
    }
    self.close_open_ended(activity, at, rows)
  }

  /// The same for a span of which more may be said.
  pub fn close_open_ended(
    &mut self,
    activity: &Activity,
    at: i64,
    rows: &mut Vec<Row>,
  ) -> Option<Row> {
    let span = self.remove(activity)?;
    self.interrupt_below(&span, at, rows);
    span.end_row(at)
  }

  /// Whatever is said of the span from now on is passed over.
  pub fn pass_over(&mut self, activity: Activity) {
    self.finished.insert(activity);
  }

  /// When too many spans are open, closes those that began first and have nothing open below them: their
  /// ends will hardly come.
  pub fn shed(&mut self, at: i64, rows: &mut Vec<Row>) {
    if self.open.len() <= MOST_OPEN {
      return;
    }
    // The leaves, and behind them the others, of which the innermost began last.
    let mut candidates: Vec<_> = self
      .open
      .iter()
      .map(|(activity, span)| match (span.start.time(), span.children.is_empty()) {
        (start, true) => ((0, start), activity.clone()),
        (start, false) => ((1, -start), activity.clone()),
      })
      .collect();
    candidates.sort_unstable_by_key(|(order, _)| *order);
    for (_, activity) in candidates {
      if self.open.len() <= MOST_OPEN - SHED {
        break;
      }
      self.interrupt(&activity, at, rows);
    }
  }

  /// Whether the span has had its own end: whatever is said of it now is a repetition.
  pub fn has_finished(&self, activity: &Activity) -> bool {
    self.finished.contains(activity)
  }

  /// Whether the span has been closed in any way: a start of it now is a repetition.
  pub fn has_ended(&self, activity: &Activity) -> bool {
    self.has_finished(activity) || self.interrupted.contains(activity)
  }

  /// A span that was interrupted goes on.
  pub fn resume(&mut self, activity: &Activity) {
    self.interrupted.remove(activity);
  }

  /// Closes a span whose own end will not come, and what is open below it.
  pub fn interrupt(&mut self, activity: &Activity, at: i64, rows: &mut Vec<Row>) {
    if let Some(span) = self.remove(activity) {
      self.interrupt_below(&span, at, rows);
      self.interrupted.insert(activity.clone());
      rows.extend(span.interrupted(at));
    }
  }

  /// Closes everything.
  pub fn interrupt_all(&mut self, at: i64) -> Vec<Row> {
    self.open.drain().filter_map(|(_, span)| span.interrupted(at)).collect()
  }

  /// A root goes on as another operation, because a new attempt began: what the dead attempt left open
  /// closes. Tasks stay open: a new attempt resumes them, and reports no more than their end.
  pub fn go_on(&mut self, dead: &Activity, alive: Activity, at: i64, rows: &mut Vec<Row>) {
    let Some(mut span) = self.open.remove(dead) else { return };
    let mut tasks = Vec::new();
    self.interrupt_attempt(&span, at, rows, &mut tasks);
    span.children = tasks;
    span.left_at = None;
    self.finished.insert(dead.clone());
    self.open.insert(alive, span);
  }

  fn remove(&mut self, activity: &Activity) -> Option<Open> {
    let span = self.open.remove(activity)?;
    if let Parent::Span(parent, _) = &span.place.parent
      && let Some(parent) = self.open.get_mut(parent)
    {
      let place = parent.children.iter().position(|child| child == activity);
      place.map(|place| parent.children.remove(place));
    }
    Some(span)
  }

  // Without recursion: where ends never come, spans may lie as deep as there are events.
  fn interrupt_below(&mut self, span: &Open, at: i64, rows: &mut Vec<Row>) {
    let mut below = span.children.clone();
    while let Some(activity) = below.pop() {
      let Some(child) = self.open.remove(&activity) else { continue };
      below.extend_from_slice(&child.children);
      self.interrupted.insert(activity);
      rows.extend(child.interrupted(at));
    }
  }

  fn interrupt_attempt(
    &mut self,
    span: &Open,
    at: i64,
    rows: &mut Vec<Row>,
    tasks: &mut Vec<Activity>,
  ) {
    let mut below = span.children.clone();
    while let Some(activity) = below.pop() {
      let Some(mut child) = self.open.remove(&activity) else { continue };
      below.append(&mut child.children);
      if matches!(activity, Activity::Task(_)) {
        self.open.insert(activity.clone(), child);
        tasks.push(activity);
      } else {
        self.interrupted.insert(activity);
        rows.extend(child.interrupted(at));
      }
    }
  }

  /// The tool call that runs now at or below `activity`: the innermost, and of several the latest.
  pub fn running_tool(&self, activity: &Activity) -> Option<(Activity, SpanRef)> {
    self.running_tool_within(activity, DEEPEST)
  }

  fn running_tool_within(&self, activity: &Activity, depth: usize) -> Option<(Activity, SpanRef)> {
    let span = self.open.get(activity)?;
    let children = span.children.iter().rev().filter(|_| depth > 0);
    let below = children.into_iter().find_map(|child| self.running_tool_within(child, depth - 1));
    below.or_else(|| {
      matches!(activity, Activity::Tool { .. }).then(|| (activity.clone(), span.place.span))
    })
  }

  /// The open call of the `task` tool below `activity` that delegates just this and has not started its
  /// task yet.
  pub fn delegating_tool(
    &self,
    activity: &Activity,
    delegates: u64,
  ) -> Option<(Activity, SpanRef)> {
    let children = self.open.get(activity)?.children.iter();
    children.filter_map(|child| Some((child, self.open.get(child)?))).find_map(|(child, span)| {
      let free = span.children.is_empty() && span.delegates == Some(delegates);
      free.then(|| (child.clone(), span.place.span))
    })
  }

  /// Whether the span and all above it were left by another process and nobody has gone on with them.
  pub fn is_forsaken(&self, span: &Open) -> bool {
    let mut span = span;
    // Two processes may have told of a circle: it is gone through once.
    for _ in 0..self.open.len() {
      if span.left_at.is_none() {
        return false;
      }
      let above = match &span.place.parent {
        Parent::Span(parent, _) => self.open.get(parent),
        Parent::None | Parent::Beyond(_) | Parent::Unknown => None,
      };
      let Some(above) = above else { return true };
      span = above;
    }
    true
  }
}
