//! The translator: takes each event to the handler of its Flue concept.

use std::sync::Arc;

use crate::{
  activity::Activity,
  compaction, custom_span, feedback, implicit, log, operation,
  options::Options,
  run,
  snapshot::{self, RestoredWork},
  state::State,
  submission, task, tool, turn,
};
use braintrust_row::{Row, SpanContext, TraceId};
use flue_event::{Body, Event};

/// Translates a stream of events into rows. One translator sees all events of a recorder.
#[derive(Default)]
pub struct Translator {
  state: State,
}

impl Translator {
  /// A translator without open spans.
  pub fn new(options: Options) -> Self {
    Self { state: State::new(options) }
  }

  /// Translates an event into rows: new spans, and additions to earlier ones.
  #[inline(never)]
  pub fn translate(&mut self, event: &Event<'_>) -> Vec<Row> {
    self.state.has_lost_line = false;
    let mut rows = implicit::open_enclosing(&mut self.state, event);
    let propagated = event.propagated.as_ref();
    self.state.tree.propagated = propagated.map(|update| Arc::new(custom_span::propagated(update)));
    rows.extend(self.dispatch(event));
    self.state.tree.propagated = None;
    rows.extend(self.state.tree.evict(event.at));
    rows
  }

  // The handlers are not inlined: V8 compiles a function of a module as a whole, and optimises large ones after fewer
  // calls.
  fn dispatch(&mut self, event: &Event<'_>) -> Vec<Row> {
    let state = &mut self.state;
    match &event.body {
      Body::RunStart(start) => run::start(state, event, start),
      Body::RunEnd(end) => run::end(state, event, end),
      Body::SubmissionQueued(queued) => submission::queued(state, event, queued),
      Body::SubmissionRunning(running) => submission::running(state, event, running),
      Body::SubmissionRecovery(recovery) => submission::recovery(state, event, recovery),
      Body::SubmissionSettled(settled) => submission::settled(state, event, settled),
      Body::OperationStart(start) => operation::start(state, event, start),
      Body::OperationEnd(end) => operation::end(state, event, end),
      Body::TurnRequest(request) => turn::request(state, event, request),
      Body::HistoryForgotten => turn::forget_history(state, event),
      Body::TurnEnd(end) => turn::end(state, event, end),
      Body::MessageEnd(usage) => turn::message_end(state, event, usage.as_ref()),
      Body::ToolStart(start) => tool::start(state, event, start),
      Body::ToolEnd(end) => tool::end(state, event, end),
      Body::TaskStart(start) => task::start(state, event, start),
      Body::TaskEnd(end) => task::end(state, event, end),
      Body::CompactionStart(start) => compaction::start(state, event, start),
      Body::CompactionEnd(end) => compaction::end(state, event, end),
      Body::Log(line) => log::log(state, event, line),
      Body::SpanStart(custom) => custom_span::start(state, event, custom),
      Body::SpanLog(custom) => custom_span::log(state, custom),
      Body::SpanEnd(custom) => custom_span::end(state, event, custom),
      Body::Feedback(given) => feedback::feedback(state, event, given),
      Body::CallerNamed(named) => submission::caller_named(state, event, named),
      Body::Other => Vec::new(),
    }
  }

  /// Whether the event would open a span, even if it is the span's end.
  pub fn would_open(&self, event: &Event<'_>) -> bool {
    let State { tree, tool_calls, .. } = &self.state;
    (tool_calls.find(event).or_else(|| Activity::named_by(event)))
      .is_some_and(|activity| tree.get(&activity).is_none() && !tree.has_finished(&activity))
  }

  /// Whether the event that was translated last is a log line that no span shows: none of its work is known.
  pub fn has_lost_line(&self) -> bool {
    self.state.has_lost_line
  }

  /// The open spans that an event moves to another trace, if it does.
  pub fn movable_spans(&self, event: &Event<'_>) -> Vec<SpanContext> {
    submission::movable_spans(&self.state, &event.ids)
  }

  /// Skips an event that would open a span for which there is no room. Further events of the span are
  /// ignored, until something begins in it.
  pub fn ignore(&mut self, event: &Event<'_>) {
    if let Body::TurnRequest(request) = &event.body {
      // The conversation's next request builds on this one.
      turn::expand(&mut self.state, event, request);
    }
    let call = self.state.tool_calls.note(event);
    if let Some(activity) = call.or_else(|| Activity::named_by(event)) {
      let is_end = !implicit::begins(event);
      self.state.tree.ignore(activity, is_end.then_some(event.at));
    }
  }

  /// Interrupts all open spans: the process ends at `at`, milliseconds since the epoch. Returns their last
  /// rows.
  pub fn close_all(&mut self, at: i64) -> Vec<Row> {
    self.state.keep_usage();
    self.state.tree.interrupt_all(at)
  }

  /// How many spans are open.
  pub fn open_spans(&self) -> usize {
    self.state.tree.len()
  }

  /// Writes down the open spans and the unsettled submissions at `at`, milliseconds since the epoch, for
  /// [`restore`](Self::restore) in another process. `None` if there are none. Without `with_names`, names
  /// of spans and workflows are omitted: a name that must be masked is not written to disk either.
  pub fn snapshot(&self, at: i64, with_names: bool) -> Option<Vec<u8>> {
    self.snapshot_of(at, &|_| with_names, &|_| true)
  }

  /// The same without spans of traces that are not `recorded`; names depend on the trace.
  pub fn snapshot_of(
    &self,
    at: i64,
    with_names: &dyn Fn(TraceId) -> bool,
    recorded: &dyn Fn(TraceId) -> bool,
  ) -> Option<Vec<u8>> {
    snapshot::snapshot(&self.state, at, with_names, recorded)
  }

  /// The traces of the open spans, in no order, each once for each of them.
  pub fn open_traces(&self) -> impl Iterator<Item = TraceId> {
    self.state.tree.iter().map(|(_, span)| span.placement.span.trace)
  }

  /// Adds the open spans and the unsettled submissions of another process. Returns the rows that close the spans as
  /// interrupted, in no order; what continues them ends them again. Fails on bytes that are not from
  /// [`snapshot`](Self::snapshot).
  pub fn restore(&mut self, snapshot: &[u8]) -> Result<Vec<Row>, serde_json::Error> {
    snapshot::restore(&mut self.state, snapshot)
  }

  /// The work that [`restore`](Self::restore) has added since the last call. Runs may come again.
  pub fn take_restored(&mut self) -> Vec<RestoredWork> {
    snapshot::take_restored(&mut self.state)
  }

  /// What [`restore`](Self::restore) returned is on the disk or delivered: the next process need not write it again.
  pub fn note_adoption_is_safe(&mut self) {
    self.state.tree.note_adoption_is_safe();
  }

  /// The spans that other processes left open, and that this one has not continued, in no order.
  pub fn adopted(&self) -> impl Iterator<Item = SpanContext> {
    self.state.tree.adopted()
  }

  /// Drops the spans of processes that last wrote them down at `left_by` or before, and that this process has not
  /// continued. Returns the last rows of what this process has opened below them. Both times are in milliseconds since
  /// the epoch.
  pub fn drop_orphaned(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    self.state.keep_usage();
    self.state.tree.drop_orphaned(at, left_by)
  }

  /// The same of those whose last rows an earlier process has delivered, or written to the disk.
  pub fn drop_settled(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    self.state.keep_usage();
    self.state.tree.drop_settled(at, left_by)
  }
}
