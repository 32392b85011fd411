//! The state of a translation between two events, and the spans that the ids of an event refer to.

use crate::{
  activity::{Activity, call_scope},
  conversations::Conversations,
  early_ends::EarlyEnds,
  identity,
  options::Options,
  outcome,
  placement::ActivitySpan,
  previous_inputs::PreviousInputs,
  submissions::Submissions,
  tool_calls::ToolCalls,
  tree::Tree,
};
use braintrust_row::{RowMap, SpanContext, TraceId};
use flue_event::{Ids, Outcome};

/// The state of a translation between two events.
#[derive(Default)]
pub struct State {
  /// The user's options.
  pub options: Options,
  /// The open spans.
  pub tree: Tree,
  /// The tool calls, of which several may have one id.
  pub tool_calls: ToolCalls,
  /// The ends of compactions whose starts have not come.
  pub early_ends: EarlyEnds,
  /// Whether the current event is a log line that no span shows: none of its work is known.
  pub has_lost_line: bool,
  /// The open submissions.
  pub submissions: Submissions,
  /// The messages of each conversation's previous turn, if its requests arrive complete.
  pub previous_inputs: PreviousInputs,
  /// The conversations whose requests arrive as deltas.
  pub conversations: Conversations,
  /// The traces of callers, by those that the called runs and submissions would have of their own: JavaScript may know
  /// only these.
  aliases: RowMap<TraceId>,
}

/// How many aliases are remembered. All are forgotten when there are more: JavaScript knows the callers that this process
/// has named.
const MAX_ALIASES: usize = 16_384;

impl State {
  /// A state without open spans.
  pub fn new(options: Options) -> Self {
    Self { options, ..Self::default() }
  }

  /// The span of the run of these ids.
  pub fn run_span(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let activity = Activity::run(ids)?;
    let open = self.tree.get(&activity).map(|open| open.placement.span);
    let span =
      open.unwrap_or_else(|| self.placed(identity::run(ids.run.as_deref().unwrap_or_default())));
    Some(ActivitySpan { activity, span })
  }

  /// The delegated task that encloses the event.
  pub fn enclosing_task(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let activity = Activity::task(ids)?;
    let span = match self.tree.get(&activity) {
      Some(open) => open.placement.span,
      None if self.tree.is_ignored(&activity) => return None,
      // Another process opened it: its identity follows from its ids, if they name its trace.
      None => identity::task(identity::root(ids).and(Some(self.trace(ids)))?, ids.task.as_deref()?),
    };
    Some(ActivitySpan { activity, span })
  }

  /// The root of the delivery of these ids.
  pub fn delivery_root(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let root = self.submissions.get(ids).and_then(|submission| submission.root.as_ref());
    // Another process may have opened it: its identity follows from its ids.
    let span =
      root.map(|root| root.span).or_else(|| identity::delivery(ids).map(|own| self.placed(own)))?;
    let operation = root.map(|root| root.operation.clone()).unwrap_or_default();
    Some(ActivitySpan { activity: Activity::Operation(operation), span })
  }

  /// The parent of the turns, tools and compactions of these ids: the operation, else the run, else the tool call that
  /// runs in the task or the delivery, else that one.
  pub fn enclosing(&self, ids: &Ids<'_>) -> Option<ActivitySpan> {
    let Some(operation) = ids.operation.as_deref() else {
      let host = || self.enclosing_task(ids).or_else(|| self.delivery_root(ids));
      let running = |host: ActivitySpan| {
        self.tree.running_tool(&host.activity, call_scope(ids)).unwrap_or(host)
      };
      return self.run_span(ids).or_else(|| host().map(running));
    };
    let activity = Activity::Operation(operation.to_owned());
    let open = self.tree.get(&activity).map(|open| &open.placement);
    let span = match open.or_else(|| self.tree.closed_placement(&activity)) {
      Some(placement) => placement.span,
      // The root has ended, or a later attempt at it has begun.
      None if self.is_of_root(ids, operation) => return self.delivery_root(ids),
      None => identity::operation(self.trace(ids), operation),
    };
    Some(ActivitySpan { activity, span })
  }

  /// Whether the operation, which is not below another span, is an attempt at the root of its submission.
  fn is_of_root(&self, ids: &Ids<'_>, operation: &str) -> bool {
    let root = self.submissions.get(ids).and_then(|submission| submission.root.as_ref());
    let is_in = |conversation: &Option<String>| {
      ids.task.is_none() && conversation.as_deref() == ids.conversation.as_deref()
    };
    root.is_some_and(|root| root.operation == operation || is_in(&root.conversation))
  }

  /// The trace of an event whose enclosing span is not open.
  pub fn trace(&self, ids: &Ids<'_>) -> TraceId {
    self
      .run_span(ids)
      .or_else(|| self.delivery_root(ids))
      .map(|root| root.span)
      .unwrap_or_else(|| identity::lone_operation(ids.operation.as_deref().unwrap_or_default()))
      .trace
  }

  /// Remembers that a root is in the trace of its caller. `own` is the root in a trace of its own.
  pub fn set_alias(&mut self, own: SpanContext, placed: SpanContext) {
    if own.trace == placed.trace {
      return;
    }
    if self.aliases.len() >= MAX_ALIASES {
      self.aliases.clear();
    }
    self.aliases.insert(own.trace.key(), placed.trace);
  }

  /// A root of a trace of its own, or in the trace of its caller.
  fn placed(&self, own: SpanContext) -> SpanContext {
    SpanContext { trace: self.resolve(own.trace), ..own }
  }

  /// The trace in which spans of this one are.
  pub fn resolve(&self, trace: TraceId) -> TraceId {
    self.aliases.get(&trace.key()).copied().unwrap_or(trace)
  }

  /// Notes the usage of the open roots, some of which are about to be interrupted: later attempts add to it.
  pub fn keep_usage(&mut self) {
    for root in self.submissions.roots_mut() {
      let open = self.tree.get(&Activity::Operation(root.operation.clone()));
      root.usage = open.and_then(|open| open.turn_summary.usage).or(root.usage);
    }
  }

  /// When an activity ended of which `at`, milliseconds since the epoch, is the time of the report. If the clock was set
  /// back meanwhile, only its duration is known.
  pub fn end_of(&self, activity: &Activity, outcome: &Outcome<'_>, at: i64) -> i64 {
    let start = self.tree.get(activity).map(|open| open.start.time());
    let start = start.filter(|start| at < *start);
    start.map_or(at, |start| outcome::end(start, outcome.duration, at))
  }

  /// The span of an activity, if it is open.
  pub fn open_span(&self, activity: Activity) -> Option<ActivitySpan> {
    let span = self.tree.get(&activity)?.placement.span;
    Some(ActivitySpan { activity, span })
  }
}
