//! Ids for events that lack the id of their activity.
//!
//! Spans are identified by Flue's ids. An event without the id of its activity still becomes a span: its id
//! is made of the event's time and index, and begins with `missing:`. The activity's end, which has no id
//! either, cannot be matched to it; that of a tool call can, whose id is made of the tool's name. `js/context.js` makes
//! the same one.
//!
//! An event that has the id of its activity, but not that of the operation around it, may come after that operation has
//! ended: Flue 2.x summarises a conversation with two turns at once, and ends the operation when one of them fails.

use crate::{
  event::{Body, Event},
  tool::{ToolEnd, ToolStart},
  value::Text,
};

/// The beginning of the ids that are made here.
const FALLBACK: &str = "missing:";

/// Whether an id is made here: Flue knows no activity by it.
pub fn is_fallback(id: &str) -> bool {
  id.starts_with(FALLBACK)
}

impl Event<'_> {
  /// Sets the ids without which the event could not be matched to any span.
  pub(crate) fn add_fallback_ids(&mut self) {
    let (at, index) = (self.at, self.index.unwrap_or_default());
    let fallback = || format!("{FALLBACK}{at}:{index}");
    let is_part = matches!(
      self.body,
      Body::TurnRequest(_) | Body::TurnEnd(_) | Body::ToolStart(_) | Body::ToolEnd(_)
    );
    let ids = &mut self.ids;
    let set = |id: &mut Option<Text<'_>>| {
      id.get_or_insert_with(|| Text::Owned(fallback()));
    };
    match &mut self.body {
      Body::RunStart(_) | Body::RunEnd(_) => return set(&mut ids.run),
      Body::OperationStart(_) | Body::OperationEnd(_) => return set(&mut ids.operation),
      Body::TurnRequest(_) | Body::TurnEnd(_) => set(&mut ids.turn),
      Body::ToolStart(ToolStart { tool, .. }) | Body::ToolEnd(ToolEnd { tool, .. }) => {
        let name = tool.name.as_deref().unwrap_or_default();
        tool.call.get_or_insert_with(|| Text::Owned(format!("{FALLBACK}{name}")));
      }
      Body::TaskStart(_) => set(&mut ids.task),
      Body::TaskEnd(_) => return set(&mut ids.task),
      Body::CompactionStart(_) => {}
      _ => return,
    }
    // Their parent needs an id, too; a turn and its tools get the same.
    let is_delegated = ids.task.is_some() && !matches!(self.body, Body::TaskStart(_));
    let enclosing = ids.turn.as_ref().or(ids.conversation.as_ref());
    // A turn that ends late, and `harness.shell` in an agent of 1.0-beta, are below the root of the delivery.
    let is_delivered = ids.submission.is_some() || ids.dispatch.is_some();
    let has_parent = ids.run.is_some() || is_delegated || (is_delivered && is_part);
    if ids.operation.is_none() && !has_parent {
      let enclosing = enclosing.or(ids.instance.as_ref());
      let operation = enclosing.map_or_else(fallback, |enclosing| format!("{FALLBACK}{enclosing}"));
      ids.operation = Some(Text::Owned(operation));
    }
  }
}
