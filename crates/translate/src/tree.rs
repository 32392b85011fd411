//! The open spans of the process, and which is whose parent.

use std::{collections::HashMap, sync::Arc};

use crate::{
  activity::Activity,
  open_span::{ClosedSpan, Evidence, NewSpan, OpenSpan, Updatable},
  placement::{ActivitySpan, Parent, SpanLabel, SpanPlacement},
  recent_ids::RecentIds,
};
use braintrust_row::{Row, RowId, SpanContext, TraceId, sort_by_key};

mod interruption;

/// The depth to which a running tool is searched. Flue delegates to a depth of four.
const MAX_DEPTH: usize = 100;

/// Why further events of a span are ignored.
#[derive(Clone, Copy, PartialEq)]
enum Finished {
  /// It has had its own end: they are duplicates.
  Ended,
  /// There was no room for it. Its own end has come since, at this time in milliseconds since the epoch, or not yet.
  Ignored(Option<i64>),
}

/// All open spans, and those that have ended recently.
#[derive(Default)]
pub struct Tree {
  /// What the current event gives to the spans of the work that it begins or moves, as [`OpenSpan::propagated`].
  pub propagated: Option<Arc<Row>>,
  open: HashMap<Activity, OpenSpan>,
  /// Spans of which further events are ignored.
  finished: RecentIds<Activity, Finished>,
  /// Rows of spans that have had their own end.
  ended_rows: RecentIds<RowId>,
  /// Spans whose own end may still come, operations and compactions that have ended, of which turns may still end, runs,
  /// of which log lines may still come, and spans that have ended without a start.
  updatable: RecentIds<Activity, Updatable>,
}

impl Tree {
  /// How many spans are open.
  pub fn len(&self) -> usize {
    self.open.len()
  }

  /// An open span.
  pub fn get(&self, activity: &Activity) -> Option<&OpenSpan> {
    self.open.get(activity)
  }

  /// An open span, to be changed.
  pub fn get_mut(&mut self, activity: &Activity) -> Option<&mut OpenSpan> {
    self.open.get_mut(activity)
  }

  /// The label of the open span of a row, to be changed; of several attempts at a root, that of each.
  pub fn labels_mut(&mut self, row: RowId) -> impl Iterator<Item = &mut SpanLabel> {
    let spans = self.open.values_mut().filter(move |span| span.placement.span.row == row);
    spans.filter_map(|span| span.label.as_mut())
  }

  /// All open spans, in no order.
  pub fn iter(&self) -> impl Iterator<Item = (&Activity, &OpenSpan)> {
    self.open.iter()
  }

  /// Opens a span. Returns its first row, to be filled; the same row again if the span is open already, for
  /// the first start stays. Of a span whose end came first, a row without the end. `None` if the span has ended after a
  /// start, or has no label.
  pub fn open(&mut self, span: NewSpan) -> Option<Row> {
    if self.has_ended(&span.activity) {
      return self.late_start(span);
    }
    match self.open.get_mut(&span.activity) {
      Some(known) => {
        // If it was adopted, this process continues it.
        known.left_at = None;
        known.row(&span.activity)
      }
      None => self.insert_new(span, false),
    }
  }

  /// Opens a span whose start never came. `None` if it is open, has had its own end, or has no label.
  pub fn open_implicit(&mut self, mut span: NewSpan) -> Option<Row> {
    if self.open.contains_key(&span.activity) || self.has_finished(&span.activity) {
      return None;
    }
    if let Some(placement) = self.updatable_placement(&span.activity) {
      span.placement = placement.clone();
    }
    let activity = span.activity.clone();
    let row = self.insert_new(span, true);
    let usage = self.updatable.get(&activity).and_then(|known| known.usage);
    if let Some(open) = self.open.get_mut(&activity) {
      open.turn_summary.usage = usage;
    }
    row
  }

  fn insert_new(&mut self, span: NewSpan, implicit: bool) -> Option<Row> {
    let NewSpan { activity, placement, label, start } = span;
    // What is nearer counts: an event within the work repeats what its caller gives.
    let parent = placement.parent.activity().and_then(|parent| self.open.get(parent));
    let inherited = parent.and_then(|parent| parent.propagated.clone());
    let propagated = inherited.or_else(|| self.propagated.clone());
    let span = OpenSpan { implicit, propagated, ..OpenSpan::new(placement, label, start) };
    let row = span.first_row(&activity);
    self.insert(activity, span);
    row
  }

  /// Puts an open span in the place of the one that is open for the same activity, if there is one.
  pub fn replace(&mut self, activity: Activity, mut span: OpenSpan) {
    span.children = self.remove(&activity).map(|known| known.children).unwrap_or_default();
    self.insert(activity, span);
  }

  /// Adds an open span as it is.
  pub fn insert(&mut self, activity: Activity, span: OpenSpan) {
    if let Some(parent) = span.placement.parent.activity()
      && let Some(parent) = self.open.get_mut(parent)
    {
      parent.children.push(activity.clone());
      if span.left_at.is_none() && parent.left_at.is_some() {
        self.note_continued(&span);
      }
    }
    self.open.insert(activity, span);
  }

  /// Work in a span begins or ends here: this process continues what is above it.
  fn note_continued(&mut self, span: &OpenSpan) {
    let mut above = span.placement.parent.activity().cloned();
    while let Some(parent) = above.and_then(|activity| self.open.get_mut(&activity))
      && parent.left_at.take().is_some()
    {
      above = parent.placement.parent.activity().cloned();
    }
  }

  /// Closes a span, and interrupts its descendants. Further events of the span are duplicates.
  pub fn close(&mut self, activity: &Activity, at: i64) -> ClosedSpan {
    if self.open.contains_key(activity) {
      self.finished.set(activity.clone(), Finished::Ended);
    } else if let Some(Finished::Ignored(ended_at)) = self.finished.get_mut(activity) {
      ended_at.get_or_insert(at);
    }
    self.close_updatable(activity, at)
  }

  /// Closes a span that may still be updated, and interrupts its descendants.
  pub fn close_updatable(&mut self, activity: &Activity, at: i64) -> ClosedSpan {
    match self.remove(activity) {
      Some(span) => {
        // The attempts at a root share its row.
        let is_below = span.placement.parent.activity().is_some();
        if is_below || !matches!(activity, Activity::Operation(_)) {
          self.note_ended(span.placement.span.row);
        }
        if span.left_at.is_some() {
          self.note_continued(&span);
        }
        let interrupted = self.interrupt_descendants(&span, Evidence::Event(at));
        let row = span.end_row(activity, at);
        if span.implicit
          || matches!(activity, Activity::Run(_) | Activity::Operation(_) | Activity::Compaction(_))
        {
          self.note_updatable(activity.clone(), span, at);
        }
        ClosedSpan { interrupted, row }
      }
      None => ClosedSpan { interrupted: Vec::new(), row: None },
    }
  }

  /// Remembers that the span of a row has had its own end.
  pub fn note_ended(&mut self, row: RowId) {
    self.ended_rows.insert(row);
  }

  /// Ignores all further events of a span, whose own end has come at `ended_at`, if it has.
  pub fn ignore(&mut self, activity: Activity, ended_at: Option<i64>) {
    self.finished.set(activity, Finished::Ignored(ended_at));
  }

  /// Lets a span be opened that was ignored: something begins in it. Returns when its own end came, if it has.
  pub fn readmit(&mut self, activity: &Activity) -> Option<i64> {
    let Some(&Finished::Ignored(ended_at)) = self.finished.get(activity) else { return None };
    self.finished.remove(activity);
    ended_at
  }

  /// Whether the span is ignored.
  pub fn is_ignored(&self, activity: &Activity) -> bool {
    matches!(self.finished.get(activity), Some(Finished::Ignored(_)))
  }

  /// Whether the span has had its own end here, which was not ignored.
  pub fn has_own_end(&self, activity: &Activity) -> bool {
    self.finished.get(activity) == Some(&Finished::Ended)
  }

  /// Whether further events of the span are ignored.
  pub fn has_finished(&self, activity: &Activity) -> bool {
    self.finished.contains(activity)
  }

  /// Whether the span of a row, which is not the root of a submission, has had its own end.
  pub fn has_ended_row(&self, row: RowId) -> bool {
    self.ended_rows.contains(&row)
  }

  /// Whether the span has been closed in any way: a further start of it is a duplicate.
  pub fn has_ended(&self, activity: &Activity) -> bool {
    self.has_finished(activity) || self.updatable.contains(activity)
  }

  /// Lets a span that was interrupted be opened again.
  pub fn resume(&mut self, activity: &Activity) {
    self.updatable.remove(activity);
  }

  /// A root continues as another operation, because a new attempt began. What the previous attempt left
  /// open is interrupted, except tasks: a new attempt resumes them, and reports no more than their end.
  pub fn resume_attempt(&mut self, previous: &Activity, next: Activity, at: i64) -> Vec<Row> {
    let Some(mut span) = self.open.remove(previous) else { return Vec::new() };
    let (tasks, rows) = self.interrupt_attempt(&mut span, Evidence::Event(at));
    span.children = tasks;
    span.left_at = None;
    self.finished.set(previous.clone(), Finished::Ended);
    self.open.insert(next, span);
    rows
  }

  /// Interrupts what an attempt has left open, except tasks. Returns these, and the last rows of the others.
  fn interrupt_attempt(
    &mut self,
    attempt: &mut OpenSpan,
    evidence: Evidence,
  ) -> (Vec<Activity>, Vec<Row>) {
    let (mut tasks, mut rows) = (Vec::new(), Vec::new());
    let mut descendants = std::mem::take(&mut attempt.children);
    while let Some(activity) = descendants.pop() {
      let Some(mut child) = self.open.remove(&activity) else { continue };
      descendants.append(&mut child.children);
      if matches!(activity, Activity::Task(_)) {
        self.open.insert(activity.clone(), child);
        tasks.push(activity);
      } else {
        rows.extend(child.interrupted(&activity, evidence));
        self.note_updatable(activity, child, evidence.at());
      }
    }
    (tasks, rows)
  }

  /// The ids of the open spans of a trace, in no order.
  pub fn spans_of(&self, trace: TraceId) -> Vec<SpanContext> {
    self.in_trace(trace).map(|(_, span)| span.placement.span).collect()
  }

  /// The open spans of a trace, in no order.
  fn in_trace(&self, trace: TraceId) -> impl Iterator<Item = (&Activity, &OpenSpan)> {
    self.iter().filter(move |(_, span)| span.placement.span.trace == trace)
  }

  /// Moves the trace of an open root to the place of a caller. Returns the rows of its open spans with the new ids;
  /// `None` if the root is not open, or a span has ended: its rows would stay in the other trace.
  pub fn relocate(&mut self, root: &Activity, placement: SpanPlacement) -> Option<Vec<Row>> {
    let own = self.open.get(root)?.placement.span.trace;
    if self.in_trace(own).any(|(_, span)| span.has_ended_child) {
      return None;
    }
    let mut found: Vec<_> = self
      .in_trace(own)
      .map(|(activity, span)| (span.placement.span.row, activity.clone()))
      .collect();
    sort_by_key(&mut found, |(row, _)| row.halves());
    let trace = placement.span.trace;
    let mut rows = Vec::new();
    for (_, activity) in &found {
      let Some(span) = self.open.get_mut(activity) else { continue };
      span.placement.span.trace = trace;
      if let Parent::Span(_, parent) = &mut span.placement.parent {
        parent.trace = trace;
      }
      if activity == root {
        span.placement.parent = placement.parent.clone();
      }
      span.propagated = span.propagated.take().or_else(|| self.propagated.clone());
      rows.extend(span.first_row(activity));
    }
    Some(rows)
  }

  fn remove(&mut self, activity: &Activity) -> Option<OpenSpan> {
    let span = self.open.remove(activity)?;
    if let Some(parent) = span.placement.parent.activity()
      && let Some(parent) = self.open.get_mut(parent)
    {
      let position = parent.children.iter().position(|child| child == activity);
      position.map(|position| parent.children.remove(position));
      parent.has_ended_child = true;
    }
    Some(span)
  }

  /// The tool call that runs at or below `activity`: the innermost, and of several the latest. Those of the scope
  /// `beside` are not parents of each other.
  pub fn running_tool(&self, activity: &Activity, beside: &str) -> Option<ActivitySpan> {
    self.running_tool_at(activity, beside, MAX_DEPTH)
  }

  fn running_tool_at(
    &self,
    activity: &Activity,
    beside: &str,
    depth: usize,
  ) -> Option<ActivitySpan> {
    let span = self.open.get(activity)?;
    let mut children = span.children.iter().rev().filter(|_| depth > 0);
    let below = children.find_map(|child| self.running_tool_at(child, beside, depth - 1));
    below.or_else(|| {
      matches!(activity, Activity::Tool { scope, .. } if scope != beside)
        .then(|| ActivitySpan { activity: activity.clone(), span: span.placement.span })
    })
  }

  /// The open call of the `task` tool below `activity` that has not started its task yet, and delegates just this, if
  /// that is known.
  pub fn delegating_tool(
    &self,
    activity: &Activity,
    fingerprint: Option<u64>,
  ) -> Option<ActivitySpan> {
    let children = self.open.get(activity)?.children.iter();
    let spans = children.filter_map(|child| Some((child, self.open.get(child)?)));
    let is_it = |span: &OpenSpan| {
      let delegates = |own| fingerprint.is_none_or(|fingerprint| fingerprint == own);
      span.delegation.is_some_and(delegates) && span.children.is_empty()
    };
    // Of calls that delegate the same, one whose task has ended is not meant, unless another process may have run that.
    let (child, span) =
      spans.filter(|(_, span)| is_it(span)).min_by_key(|(_, span)| span.has_ended_child)?;
    Some(ActivitySpan { activity: child.clone(), span: span.placement.span })
  }
}
