//! The translator: takes each event to the handler of its Flue concept.

use crate::{
  activity::Activity, compaction, log, operation, options::Options, own, remains, run,
  state::State, submission, task, tool, turn, unseen,
};
use braintrust_row::Row;
use flue_event::{Body, Event};

/// Translates a stream of events into rows. One translator sees all events of a process.
#[derive(Default)]
pub struct Translator {
  state: State,
}

impl Translator {
  /// A translator without open spans.
  pub fn new(options: Options) -> Self {
    Self { state: State { options, ..State::default() } }
  }

  /// Translates an event into rows: new spans, and additions to earlier ones.
  pub fn step(&mut self, event: &Event<'_>) -> Vec<Row> {
    let mut rows = unseen::open_enclosing(&mut self.state, event);
    rows.extend(self.tell(event));
    rows.extend(self.state.tree.shed(event.at));
    rows
  }

  fn tell(&mut self, event: &Event<'_>) -> Vec<Row> {
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
      Body::FirstDelta => turn::first_delta(state, event),
      Body::TurnEnd(end) => turn::end(state, event, end),
      Body::ToolStart(start) => tool::start(state, event, start),
      Body::ToolEnd(end) => tool::end(state, event, end),
      Body::TaskStart(start) => task::start(state, event, start),
      Body::TaskEnd(end) => task::end(state, event, end),
      Body::CompactionStart(start) => compaction::start(state, event, start),
      Body::CompactionEnd(end) => compaction::end(state, event, end),
      Body::CompactionFailed(failed) => compaction::failed(state, event, failed),
      Body::Log(line) => log::log(state, event, line),
      Body::SpanStart(update) => own::start(state, event, update),
      Body::SpanLog(update) => own::log(state, update),
      Body::SpanEnd(update) => own::end(state, event, update),
      Body::Other => Vec::new(),
    }
  }

  /// Whether the event would open a span, even if it is the span's end.
  pub fn would_open(&self, event: &Event<'_>) -> bool {
    let tree = &self.state.tree;
    Activity::named_by(event)
      .is_some_and(|activity| tree.get(&activity).is_none() && !tree.has_finished(&activity))
  }

  /// Skips an event that would open a span for which there is no room. Further events of the span are ignored.
  pub fn refuse(&mut self, event: &Event<'_>) {
    if let Body::TurnRequest(request) = &event.body {
      // The conversation's next request builds on this one.
      turn::go_on(&mut self.state, event, request);
    }
    if let Some(activity) = Activity::named_by(event) {
      self.state.tree.pass_over(activity);
    }
  }

  /// Interrupts all open spans: the process ends at `at`, milliseconds since the epoch. Returns their last rows.
  pub fn close_all(&mut self, at: i64) -> Vec<Row> {
    self.state.tree.interrupt_all(at)
  }

  /// How many spans are open.
  pub fn open_spans(&self) -> usize {
    self.state.tree.len()
  }

  /// What would remain if the process ended at `at`, milliseconds since the epoch: its open spans and unsettled
  /// submissions, for [`inherit`](Self::inherit) in another process. `None` if there are none. Without `names`,
  /// spans have none: names that must be masked are not written to disk either.
  pub fn remains(&self, at: i64, names: bool) -> Option<Vec<u8>> {
    remains::remains(&self.state, at, names)
  }

  /// Adds what another process left. Fails on bytes that are not from [`remains`](Self::remains).
  pub fn inherit(&mut self, remains: &[u8]) -> Result<(), serde_json::Error> {
    remains::inherit(&mut self.state, remains)
  }

  /// Interrupts the spans of processes that last wrote them down at `left_by` or before, and that this process
  /// has not continued. Returns their last rows. Both times are in milliseconds since the epoch.
  pub fn close_forsaken(&mut self, at: i64, left_by: i64) -> Vec<Row> {
    remains::close_forsaken(&mut self.state, at, left_by)
  }
}
