//! Everything that is remembered between two events, and which span the ids of an event lie in.

use crate::{
  activity::Activity, conversation::Conversations, history::Histories, identity, options::Options,
  placement::ActivitySpan, submissions::Submissions, tree::Tree,
};
use braintrust_row::TraceId;
use flue_event::Ids;

/// Everything that is remembered between two events.
#[derive(Default)]
pub struct State {
  /// What the user chose.
  pub options: Options,
  /// The open spans.
  pub tree: Tree,
  /// The submissions under way.
  pub submissions: Submissions,
  /// The previous turn of each conversation whose requests are complete.
  pub histories: Histories,
  /// The conversations whose requests hold only what is new.
  pub conversations: Conversations,
}

impl State {
  /// The span of the run of these ids.
  pub fn run_span(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let activity = Activity::run(ids)?;
    // Its trace may be its caller's.
    let open = self.tree.get(&activity).map(|open| open.place.span);
    let span = open.unwrap_or_else(|| identity::run(ids.run.as_deref().unwrap_or_default()));
    Some(ActivitySpan { activity, span })
  }

  /// The delegated task that encloses the event.
  pub fn enclosing_task(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let activity = Activity::task(ids)?;
    let span = match self.tree.get(&activity) {
      Some(open) => open.place.span,
      // Another process opened it: its identity is known all the same.
      None => identity::task(self.trace(ids), ids.task.as_deref()?),
    };
    Some(ActivitySpan { activity, span })
  }

  /// The parent of the turns, tools and compactions of these ids: the operation, else the run, else the task.
  pub fn enclosing(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let Some(operation) = ids.operation.as_deref() else {
      return self.run_span(ids).or_else(|| self.enclosing_task(ids));
    };
    let activity = Activity::Operation(operation.to_owned());
    let span = match self.tree.get(&activity) {
      Some(open) => open.place.span,
      None if self.submissions.is_root(ids, operation) => self.submissions.root(ids)?,
      None => identity::operation(self.trace(ids), operation),
    };
    Some(ActivitySpan { activity, span })
  }

  /// The trace of an event whose enclosing span is not open.
  pub fn trace(&self, ids: &Ids<'_>) -> TraceId {
    self
      .run_span(ids)
      .map(|run| run.span)
      .or_else(|| self.submissions.root(ids))
      .or_else(|| Submissions::identity(ids))
      .unwrap_or_else(|| identity::lone_operation(ids.operation.as_deref().unwrap_or_default()))
      .trace
  }

  /// The span of an activity, if it is open.
  pub fn open_span(&self, activity: Activity) -> Option<ActivitySpan> {
    let span = self.tree.get(&activity)?.place.span;
    Some(ActivitySpan { activity, span })
  }
}
