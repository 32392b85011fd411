//! The usage of turns that end after what counts it.

use crate::{activity::Activity, open_span::LateUsage, placement::Parent, state::State, usage};
use braintrust_row::{Row, SpanContext};
use flue_event::{Ids, Usage};

/// The operation of a turn with this parent; of several attempts at a root, the current one.
pub fn operation_of(state: &State, ids: &Ids<'_>, parent: Option<&Parent>) -> Option<String> {
  let Parent::Span(parent, span) = parent? else { return None };
  let root = state.submissions.get(ids).and_then(|submission| submission.root.as_ref());
  match (root, parent) {
    (Some(root), _) if root.span.row == span.row => Some(root.operation.clone()),
    (_, Activity::Operation(operation) | Activity::Compaction(operation)) => {
      Some(operation.clone())
    }
    _ => None,
  }
}

/// Adds the usage of a turn to its compaction. If that has ended before the turn, returns the row that states it.
pub fn add_to_compaction(
  state: &mut State,
  compaction: &Activity,
  span: SpanContext,
  more: Option<Usage>,
) -> Option<Row> {
  // Another one of its operation may have begun.
  let open = state.tree.get_mut(compaction).filter(|open| open.placement.span == span);
  if let Some(open) = open {
    usage::add(&mut open.turn_summary.usage, more);
    return None;
  }
  let is_latest =
    state.tree.updatable_placement(compaction).is_some_and(|latest| latest.span == span);
  let ended = if is_latest { compaction } else { &Activity::earlier_compaction(span.row) };
  state.tree.add_late_usage(ended, &more?).map(LateUsage::into_row)
}

/// An operation that was interrupted or has ended before one of its turns ended has the usage of that, too.
pub fn late_usage(state: &mut State, ids: &Ids<'_>, operation: &str, usage: &Usage) -> Option<Row> {
  let known = state.tree.add_late_usage(&Activity::Operation(operation.to_owned()), usage);
  let is_root = state.submissions.is_root(ids, operation);
  let late = match known {
    Some(known) => known,
    None if is_root => {
      let mut all = state.submissions.usage_before(ids);
      usage::add(&mut all, Some(*usage));
      LateUsage { span: state.submissions.root(ids)?, of_turns: all?, reported: None }
    }
    None => return None,
  };
  if is_root {
    state.submissions.set_usage(ids, Some(late.of_turns));
  }
  Some(late.into_row())
}
