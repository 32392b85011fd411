//! Snapshots of open spans and unsettled submissions, which outlive their process.
//!
//! A running process writes them. The next one restores them, closes the spans as interrupted, and continues what Flue
//! recovers. They hold ids, names and times; never content.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, ser::Error};

use crate::{
  activity::Activity,
  identity,
  open_span::{LateUsage, OpenSpan},
  placement::Start,
  state::State,
  submissions::{Restored, Root, Submission},
  usage,
};
use braintrust_row::{Row, SpanContext, TraceId};

/// The open spans and unsettled submissions of a process.
#[derive(Default, Serialize, Deserialize)]
struct OpenSpanSnapshot<Span = OpenSpan, Sub = Submission> {
  /// When it was taken, milliseconds since the epoch.
  at: i64,
  spans: Vec<(Activity, Span)>,
  submissions: Vec<(String, Sub)>,
}

/// An open span in a snapshot.
struct SpanEntry<'a> {
  span: &'a OpenSpan,
  with_names: bool,
}

impl Serialize for SpanEntry<'_> {
  fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
    if self.with_names {
      return self.span.serialize(serializer);
    }
    // A copy: what a snapshot does not hold is not needed. Other ways to make one would enlarge the WebAssembly module.
    let text = serde_json::to_vec(self.span).map_err(S::Error::custom)?;
    let mut span: OpenSpan =
      serde_json::from_str(&String::from_utf8_lossy(&text)).map_err(S::Error::custom)?;
    if let Some(label) = &mut span.label {
      label.name = None;
    }
    span.run_metadata.omit_names();
    span.serialize(serializer)
  }
}

/// Work of another process that this one may continue, for the host.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoredWork {
  /// The id of the run or the delivery. That of a keyed submission that has begun is followed by its conversation.
  pub id: String,
  /// The span under which the application runs it, and its trace, if it has named one.
  pub caller: Option<[String; 2]>,
  /// The trace of its root, which the other process has recorded, if the root is open.
  pub recorded: Option<String>,
}

/// Writes down the open spans and the unsettled submissions at `at`, milliseconds since the epoch. `None`
/// if there are none. Of traces that are not `with_names`, names of spans and workflows are omitted; of those that are
/// not `recorded`, the spans.
pub fn snapshot(
  state: &State,
  at: i64,
  with_names: &dyn Fn(TraceId) -> bool,
  recorded: &dyn Fn(TraceId) -> bool,
) -> Option<Vec<u8>> {
  let spans: Vec<_> = state
    .tree
    .iter()
    .filter(|(_, span)| recorded(span.placement.span.trace))
    .map(|(activity, span)| {
      (activity.clone(), SpanEntry { span, with_names: with_names(span.placement.span.trace) })
    })
    .collect();
  let is_open =
    |root: &Root| state.tree.get(&Activity::Operation(root.operation.clone())).is_some();
  let unsettled = state.submissions.unsettled(at, &is_open).into_iter();
  let submissions: Vec<_> = unsettled.map(|(id, submission)| (id.clone(), submission)).collect();
  if spans.is_empty() && submissions.is_empty() {
    return None;
  }
  serde_json::to_vec(&OpenSpanSnapshot { at, spans, submissions }).ok()
}

/// Adds the open spans and the unsettled submissions of another process. Returns the rows that close the spans as
/// interrupted. Of a span that several processes left open, the last one counts. Fails on bytes that are not from
/// [`snapshot()`].
///
/// The rows are for now: a third process may recover the work, and its own end of a span must come later.
pub fn restore(state: &mut State, snapshot: &[u8]) -> Result<Vec<Row>, serde_json::Error> {
  let OpenSpanSnapshot { at, spans, submissions } =
    serde_json::from_str::<OpenSpanSnapshot>(&String::from_utf8_lossy(snapshot))?;
  let (mut waiting, mut order) = (HashMap::new(), Vec::new());
  for (activity, mut span) in spans {
    if let Activity::Run(run) = &activity {
      state.set_alias(identity::run(run), span.placement.span);
    }
    let left_at = span.left_at.unwrap_or(at);
    let is_older = |known: &OpenSpan| known.left_at.is_some_and(|known| known < left_at);
    // Of a span below others, what has ended here may have another row.
    let is_below = span.placement.parent.activity().is_some();
    let has_ended = (!is_below && state.tree.has_own_end(&activity))
      || state.tree.has_ended_row(span.placement.span.row);
    if state.tree.get(&activity).is_none_or(is_older) && !has_ended {
      span.is_safely_closed &= span.left_at.is_some();
      span.is_adopted = span.is_safely_closed;
      span.left_at = Some(left_at);
      // Nothing states what of it has ended: its trace must not move.
      span.has_ended_child = true;
      order.push(activity.clone());
      waiting.insert(activity, span);
    }
  }
  // Parents first, so that each span finds its own.
  for activity in order {
    let mut path = Vec::new();
    let mut next = Some(activity);
    // Each span is taken once, even if they form a cycle, as only those of garbage do.
    while let Some((activity, span)) = next.and_then(|activity| waiting.remove_entry(&activity)) {
      next = span.placement.parent.activity().cloned();
      path.push((activity, span));
    }
    for (activity, span) in path.into_iter().rev() {
      state.tree.replace(activity, span);
    }
  }
  let mut rows = Vec::new();
  for (id, submission) in submissions {
    if let Some(root) = submission.root.as_ref().filter(|root| root.caller.is_some()) {
      state.set_alias(SpanContext::of_root(root.span.row), root.span);
    }
    let tree = &state.tree;
    let left_at = |operation: &str| tree.get(&Activity::Operation(operation.to_owned()))?.left_at;
    let is_older = |root: &Root| left_at(&root.operation).is_some_and(|left| left < at);
    let Restored { waited, began_before } = state.submissions.restore(id, submission, &is_older);
    rows.extend(waited);
    if let Some((latest, earlier)) = began_before {
      rows.extend(add_earlier(state, latest, earlier));
    }
  }
  rows.extend(state.tree.adopt(&state.submissions));
  Ok(rows)
}

/// Adds the usage of an earlier attempt to the latest one, which began here before that was known, and returns the row
/// that states it if the latest one has ended. The start of the root is that of the earlier attempt.
fn add_earlier(state: &mut State, latest: String, earlier: Root) -> Vec<Row> {
  let mut rows = Vec::new();
  let Some(root) = state.submissions.roots_mut().find(|root| root.operation == latest) else {
    return rows;
  };
  let open = state.tree.get(&Activity::Operation(earlier.operation));
  let more = open.and_then(|open| open.turn_summary.usage).or(earlier.usage);
  usage::add(&mut root.usage, more);
  let latest = Activity::Operation(latest);
  let open = state.tree.get_mut(&latest);
  if let (Start::At(began), Start::At(first)) = (root.start, earlier.start)
    && first < began
  {
    root.start = earlier.start;
    let mut row = Row::of(root.span);
    root.start.write(&mut row);
    rows.push(row);
  }
  match open {
    Some(open) => {
      open.start = root.start;
      usage::add(&mut open.turn_summary.usage, more);
    }
    None => {
      let late = more.and_then(|more| state.tree.add_late_usage(&latest, &more));
      rows.extend(late.map(LateUsage::into_row));
    }
  }
  rows
}

/// The work that [`restore`] has added since the last call. Runs may come again.
pub fn take_restored(state: &mut State) -> Vec<RestoredWork> {
  let State { tree, submissions, .. } = state;
  let run = |(activity, span): (&Activity, &OpenSpan)| match activity {
    Activity::Run(id) if span.left_at.is_some() => {
      let recorded = Some(span.placement.span.trace.to_string());
      Some(RestoredWork { id: id.clone(), caller: None, recorded })
    }
    _ => None,
  };
  let mut restored: Vec<_> = tree.iter().filter_map(run).collect();
  restored.extend(submissions.take_restored().map(|(id, submission)| {
    let root = submission.root.as_ref();
    let is_open = |root: &&Root| tree.get(&Activity::Operation(root.operation.clone())).is_some();
    // A root that was sent before it was adopted stays in its trace.
    let caller = submission.caller.filter(|_| root.is_none_or(|root| root.caller.is_some()));
    RestoredWork {
      id: id.clone(),
      caller: caller.map(|caller| caller.ids()),
      recorded: root.filter(is_open).map(|root| root.span.trace.to_string()),
    }
  }));
  restored
}
