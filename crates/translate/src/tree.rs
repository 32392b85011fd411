//! The open spans of the process, and which is whose parent.

use std::collections::HashMap;

use crate::{
  activity::Activity,
  open_span::{Closed, NewSpan, Open},
  placement::{ActivitySpan, Parent},
  recent::Recent,
};
use braintrust_row::Row;

/// How many spans may be open. A process that has more has lost the ends of most.
const MOST_OPEN: usize = 16_384;
/// How many are closed at once when there are more.
const SHED: usize = MOST_OPEN / 8;

/// How deep a running tool is looked for. Flue delegates to a depth of four.
const DEEPEST: usize = 100;

/// All open spans, and those that have ended recently.
#[derive(Default)]
pub struct Tree {
  open: HashMap<Activity, Open>,
  /// Spans that have had their own end: further events of them are duplicates.
  finished: Recent,
  /// Spans whose own end may still come.
  interrupted: Recent,
}

impl Tree {
  /// How many spans are open.
  pub fn len(&self) -> usize {
    self.open.len()
  }

  /// An open span.
  pub fn get(&self, activity: &Activity) -> Option<&Open> {
    self.open.get(activity)
  }

  /// An open span, to be changed.
  pub fn get_mut(&mut self, activity: &Activity) -> Option<&mut Open> {
    self.open.get_mut(activity)
  }

  /// All open spans, in no order.
  pub fn iter(&self) -> impl Iterator<Item = (&Activity, &Open)> {
    self.open.iter()
  }

  /// Opens a span. Returns its first row, to be filled; the same row again if the span is open already, for the
  /// first start stays. `None` if the span has ended or has no label.
  pub fn open(&mut self, span: NewSpan) -> Option<Row> {
    if self.has_ended(&span.activity) {
      return None;
    }
    match self.open.get(&span.activity) {
      Some(known) => known.row(),
      None => self.open_anew(span, false),
    }
  }

  /// Opens a span whose start never came. `None` if it is open, has had its own end, or has no label.
  pub fn open_unseen(&mut self, span: NewSpan) -> Option<Row> {
    if self.open.contains_key(&span.activity) || self.has_finished(&span.activity) {
      return None;
    }
    self.open_anew(span, true)
  }

  fn open_anew(&mut self, span: NewSpan, unseen: bool) -> Option<Row> {
    let NewSpan { activity, place, look, start } = span;
    let span = Open { unseen, ..Open::new(place, look, start) };
    let row = span.row();
    self.insert(activity, span);
    row
  }

  /// Adds an open span as it is.
  pub fn insert(&mut self, activity: Activity, span: Open) {
    if let Parent::Span(parent, _) = &span.place.parent
      && let Some(parent) = self.open.get_mut(parent)
    {
      parent.children.push(activity.clone());
    }
    self.open.insert(activity, span);
  }

  /// Closes a span, and interrupts its descendants. Further events of the span are duplicates.
  pub fn close(&mut self, activity: &Activity, at: i64) -> Closed {
    if self.open.contains_key(activity) {
      self.finished.insert(activity.clone());
    }
    self.close_open_ended(activity, at)
  }

  /// Closes a span that may still be updated, and interrupts its descendants.
  pub fn close_open_ended(&mut self, activity: &Activity, at: i64) -> Closed {
    match self.remove(activity) {
      Some(span) => Closed { interrupted: self.interrupt_below(&span, at), row: span.end_row(at) },
      None => Closed { interrupted: Vec::new(), row: None },
    }
  }

  /// Ignores all further events of a span.
  pub fn pass_over(&mut self, activity: Activity) {
    self.finished.insert(activity);
  }

  /// If too many spans are open, interrupts those that began first and have no open children: their ends
  /// are not likely to come.
  pub fn shed(&mut self, at: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    if self.open.len() <= MOST_OPEN {
      return rows;
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
      rows.extend(self.interrupt(&activity, at));
    }
    rows
  }

  /// Whether the span has had its own end: further events of it are duplicates.
  pub fn has_finished(&self, activity: &Activity) -> bool {
    self.finished.contains(activity)
  }

  /// Whether the span has been closed in any way: a further start of it is a duplicate.
  pub fn has_ended(&self, activity: &Activity) -> bool {
    self.has_finished(activity) || self.interrupted.contains(activity)
  }

  /// Lets a span that was interrupted be opened again.
  pub fn resume(&mut self, activity: &Activity) {
    self.interrupted.remove(activity);
  }

  /// Interrupts a span and its descendants. Returns their last rows.
  pub fn interrupt(&mut self, activity: &Activity, at: i64) -> Vec<Row> {
    let Some(span) = self.remove(activity) else { return Vec::new() };
    let mut rows = self.interrupt_below(&span, at);
    self.interrupted.insert(activity.clone());
    rows.extend(span.interrupted(at));
    rows
  }

  /// Interrupts everything. Returns the last rows.
  pub fn interrupt_all(&mut self, at: i64) -> Vec<Row> {
    self.open.drain().filter_map(|(_, span)| span.interrupted(at)).collect()
  }

  /// A root continues as another operation, because a new attempt began. What the previous attempt left open is
  /// interrupted, except tasks: a new attempt resumes them, and reports no more than their end.
  pub fn go_on(&mut self, dead: &Activity, alive: Activity, at: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(mut span) = self.open.remove(dead) else { return rows };
    let mut tasks = Vec::new();
    let mut below = std::mem::take(&mut span.children);
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
    span.children = tasks;
    span.left_at = None;
    self.finished.insert(dead.clone());
    self.open.insert(alive, span);
    rows
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

  // Without recursion: where ends never come, spans may be nested as deep as there are events.
  fn interrupt_below(&mut self, span: &Open, at: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut below = span.children.clone();
    while let Some(activity) = below.pop() {
      let Some(child) = self.open.remove(&activity) else { continue };
      below.extend_from_slice(&child.children);
      self.interrupted.insert(activity);
      rows.extend(child.interrupted(at));
    }
    rows
  }

  /// The tool call that runs at or below `activity`: the innermost, and of several the latest.
  pub fn running_tool(&self, activity: &Activity) -> Option<ActivitySpan> {
    self.running_tool_within(activity, DEEPEST)
  }

  fn running_tool_within(&self, activity: &Activity, depth: usize) -> Option<ActivitySpan> {
    let span = self.open.get(activity)?;
    let children = span.children.iter().rev().filter(|_| depth > 0);
    let below = children.into_iter().find_map(|child| self.running_tool_within(child, depth - 1));
    below.or_else(|| {
      matches!(activity, Activity::Tool { .. })
        .then(|| ActivitySpan { activity: activity.clone(), span: span.place.span })
    })
  }

  /// The open call of the `task` tool below `activity` that delegates just this and has not started its
  /// task yet.
  pub fn delegating_tool(&self, activity: &Activity, delegates: u64) -> Option<ActivitySpan> {
    let children = self.open.get(activity)?.children.iter();
    children.filter_map(|child| Some((child, self.open.get(child)?))).find_map(|(child, span)| {
      let free = span.children.is_empty() && span.delegates == Some(delegates);
      free.then(|| ActivitySpan { activity: child.clone(), span: span.place.span })
    })
  }

  /// Whether another process left the span and all its ancestors open, and this process has not continued any.
  pub fn is_forsaken(&self, span: &Open) -> bool {
    let mut span = span;
    // Two processes may have left a circle: it is gone through once.
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
