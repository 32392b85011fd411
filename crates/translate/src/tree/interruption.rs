//! Spans whose own end never came, or came before their start.

use super::{Finished, Tree};
use crate::{
  activity::Activity,
  open_span::{Evidence, LateUsage, NewSpan, OpenSpan, TurnSummary, Updatable},
  placement::{SpanPlacement, Start},
  span_logs::SpanLogs,
  submissions::Submissions,
  usage,
};
use braintrust_row::{Row, SpanContext, sort_by_key};
use flue_event::Usage;

/// How many spans may be open. If there are more, the ends of most were lost.
const MAX_OPEN: usize = 16_384;
/// How many are closed at once when there are more.
const EVICTED: usize = MAX_OPEN / 8;

impl Tree {
  /// Where a closed span that may still be updated is, if that is below another one.
  pub fn updatable_placement(&self, activity: &Activity) -> Option<&SpanPlacement> {
    self.closed_placement(activity).filter(|_| !self.is_closed_wrapper(activity))
  }

  /// The same, or where the parent of a closed operation without a span of its own is: the parent of what begins in it.
  pub fn closed_placement(&self, activity: &Activity) -> Option<&SpanPlacement> {
    let placement = &self.updatable.get(activity)?.placement;
    placement.parent.activity().map(|_| placement)
  }

  /// Whether the activity is a closed operation without a span of its own, whose end may still come.
  pub fn is_closed_wrapper(&self, activity: &Activity) -> bool {
    self.updatable.get(activity).is_some_and(|known| !known.has_span)
  }

  /// The row of a start that comes after the end of its span.
  pub(super) fn late_start(&mut self, span: NewSpan) -> Option<Row> {
    let known = self.updatable.get_mut(&span.activity)?;
    let start = span.start.time().min(known.awaits_start.take()?);
    let known = known.placement.clone();
    // The start may have the parent that the end does not state.
    let placement = if known.span == span.placement.span { span.placement } else { known };
    let mut row = OpenSpan::new(placement, span.label, Start::At(start)).row(&span.activity)?;
    row.stage = None;
    Some(row)
  }

  /// Another span of the activity begins: what is known of the closed one stays under another name.
  pub fn rename_updatable(&mut self, activity: &Activity, name: Activity) {
    if let Some(known) = self.updatable.remove(activity) {
      self.updatable.set(name, known);
    }
  }

  /// The log lines of a span that has ended, after its end.
  pub fn late_logs(&mut self, activity: &Activity) -> Option<&mut SpanLogs> {
    self.updatable.get_mut(activity).map(|known| &mut known.late_logs)
  }

  /// Adds the usage of a turn to an operation or a compaction that was interrupted or has ended before the turn. `None` if
  /// that is not known.
  pub fn add_late_usage(&mut self, activity: &Activity, more: &Usage) -> Option<LateUsage> {
    let known = self.updatable.get_mut(activity)?;
    usage::add(&mut known.usage, Some(*more));
    let span = known.has_span.then_some(known.placement.span)?;
    Some(LateUsage { span, of_turns: known.usage?, reported: known.reported })
  }

  pub(super) fn note_updatable(&mut self, activity: Activity, span: OpenSpan, ended_at: i64) {
    let awaits_start = span.implicit.then(|| span.start.time());
    let (placement, has_span) = (span.placement, span.label.is_some());
    let TurnSummary { usage, reported, .. } = span.turn_summary;
    let late_logs = SpanLogs::after(&span.logs, ended_at);
    let known = Updatable { placement, has_span, usage, reported, awaits_start, late_logs };
    self.updatable.set(activity, known);
  }

  /// If too many spans are open, interrupts those that began first and have no open children: their ends
  /// are not likely to come.
  pub fn evict(&mut self, at: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    if self.open.len() <= MAX_OPEN {
      return rows;
    }
    // The leaves, followed by the others, of which the innermost began last.
    let order = |span: &OpenSpan| match (span.start.time(), span.children.is_empty()) {
      (start, true) => (0, start.abs_diff(i64::MIN)),
      (start, false) => (1, start.abs_diff(i64::MAX)),
    };
    let candidates = self.open.iter().map(|(activity, span)| (order(span), activity.clone()));
    let mut candidates: Vec<_> = candidates.collect();
    sort_by_key(&mut candidates, |(order, _)| *order);
    for (_, activity) in candidates {
      if self.open.len() <= MAX_OPEN - EVICTED {
        break;
      }
      rows.extend(self.interrupt(&activity, Evidence::Clock(at)));
    }
    rows
  }

  /// Interrupts a span and its descendants. Returns their last rows.
  pub fn interrupt(&mut self, activity: &Activity, evidence: Evidence) -> Vec<Row> {
    let Some(span) = self.remove(activity) else { return Vec::new() };
    let mut rows = self.interrupt_descendants(&span, evidence);
    rows.extend(span.interrupted(activity, evidence));
    self.note_updatable(activity.clone(), span, evidence.at());
    rows
  }

  /// Closes the spans that another process left open as interrupted, each once. They stay, to be continued, except
  /// attempts at roots that are not the latest: that one has the end, and the tasks.
  pub fn adopt(&mut self, submissions: &Submissions) -> Vec<Row> {
    let (mut rows, mut superseded) = (Vec::new(), Vec::new());
    for (activity, span) in &mut self.open {
      let Some(left_at) = span.left_at else { continue };
      if let Some(latest) = superseding(activity, span, submissions) {
        superseded.push((activity.clone(), latest, left_at));
      } else if !span.is_adopted {
        rows.extend(span.interruption(activity, left_at));
        span.is_adopted = true;
      }
    }
    for (activity, latest, left_at) in superseded {
      let Some(mut span) = self.open.remove(&activity) else { continue };
      let (tasks, interrupted) = self.interrupt_attempt(&mut span, Evidence::Clock(left_at));
      rows.extend(interrupted);
      if let Some(latest) = self.open.get_mut(&latest) {
        latest.children.extend(tasks);
      }
      self.finished.set(activity, Finished::Ended);
    }
    rows
  }

  /// The rows that close adopted spans are on the disk or delivered.
  pub fn note_adoption_is_safe(&mut self) {
    for span in self.open.values_mut() {
      span.is_safely_closed |= span.is_adopted && span.left_at.is_some();
    }
  }

  /// The spans that other processes left open, and that this one has not continued.
  pub fn adopted(&self) -> impl Iterator<Item = SpanContext> {
    let adopted = self.open.values().filter(|span| span.left_at.is_some() && span.label.is_some());
    adopted.map(|span| span.placement.span)
  }

  /// Interrupts everything. Returns the last rows.
  pub fn interrupt_all(&mut self, at: i64) -> Vec<Row> {
    let interrupted =
      |(activity, span): (Activity, OpenSpan)| span.interrupted(&activity, Evidence::Clock(at));
    self.open.drain().filter_map(interrupted).collect()
  }

  /// Drops the spans of processes that left them at `left_by` or before, and that this process has not continued: they
  /// are closed. Returns the last rows of what is open below them.
  pub fn drop_orphaned(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    self.drop_left(at, left_by, &|_| true)
  }

  /// The same of those whose last rows an earlier process has delivered, or written to the disk.
  pub fn drop_settled(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    self.drop_left(at, left_by, &|span| span.is_safely_closed)
  }

  fn drop_left(
    &mut self,
    at: i64,
    left_by: i64,
    is_wanted: &dyn Fn(&OpenSpan) -> bool,
  ) -> Vec<Row> {
    let is_left = |span: &OpenSpan| span.left_at.is_some_and(|left_at| left_at <= left_by);
    let is_dropped = |span: &OpenSpan| is_left(span) && is_wanted(span) && self.is_orphaned(span);
    let orphaned = self.open.iter().filter(|(_, span)| is_dropped(span));
    let orphaned: Vec<Activity> = orphaned.map(|(activity, _)| activity.clone()).collect();
    let mut rows = Vec::new();
    for activity in orphaned {
      rows.extend(self.interrupt(&activity, Evidence::Clock(at)));
    }
    rows
  }

  // Without recursion: where ends never come, spans may be nested as deep as there are events.
  pub(super) fn interrupt_descendants(&mut self, span: &OpenSpan, evidence: Evidence) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut descendants = span.children.clone();
    while let Some(activity) = descendants.pop() {
      let Some(child) = self.open.remove(&activity) else { continue };
      descendants.extend_from_slice(&child.children);
      rows.extend(child.interrupted(&activity, evidence));
      self.note_updatable(activity, child, evidence.at());
    }
    rows
  }

  /// Whether another process left the span and all its ancestors open, and this process has not continued
  /// any.
  fn is_orphaned(&self, span: &OpenSpan) -> bool {
    let mut span = span;
    // Snapshots of two processes may form a cycle: the number of steps is bounded.
    for _ in 0..self.open.len() {
      if span.left_at.is_none() {
        return false;
      }
      let parent = span.placement.parent.activity().and_then(|parent| self.open.get(parent));
      let Some(parent) = parent else { return true };
      span = parent;
    }
    true
  }
}

/// The latest attempt at a root, of which the span that another process left open is an earlier one.
fn superseding(
  activity: &Activity,
  span: &OpenSpan,
  submissions: &Submissions,
) -> Option<Activity> {
  let Activity::Operation(operation) = activity else { return None };
  // A root has no parent here.
  if span.placement.parent.activity().is_some() {
    return None;
  }
  let latest = submissions.latest_operation(span.placement.span.row)?;
  (latest != operation).then(|| Activity::Operation(latest.to_owned()))
}
