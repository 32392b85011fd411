//! Names for what Flue left without one.
//!
//! A span is found by Flue's ids. An event that lacks the id of what it tells of is still told: under a
//! name made of its time and place, which says `missing` to whoever reads it. Its end, which has no id
//! either, cannot be joined to it.

use crate::{
  event::{Body, Event},
  value::Text,
};

impl Event<'_> {
  /// Fills in the ids without which the event would say nothing of any span.
  pub(crate) fn name_what_is_missing(&mut self) {
    let (at, index) = (self.at, self.index.unwrap_or_default());
    let place = || format!("missing:{at}:{index}");
    let ids = &mut self.ids;
    let name = |id: &mut Option<Text<'_>>| {
      id.get_or_insert_with(|| Text::Owned(place()));
    };
    match &mut self.body {
      Body::RunStart(_) | Body::RunEnd(_) => return name(&mut ids.run),
      Body::OperationStart(_) | Body::OperationEnd(_) => return name(&mut ids.operation),
      Body::TurnRequest(_) | Body::TurnEnd(_) => name(&mut ids.turn),
      Body::ToolStart(start) => name(&mut start.tool.call),
      Body::ToolEnd(end) => name(&mut end.tool.call),
      Body::TaskStart(_) => name(&mut ids.task),
      Body::TaskEnd(_) => return name(&mut ids.task),
      Body::CompactionStart(_) => {}
      _ => return,
    }
    // What these lie in must have a name, too; a turn and its tools lie in the same.
    let is_delegated = ids.task.is_some() && !matches!(self.body, Body::TaskStart(_));
    if ids.operation.is_none() && ids.run.is_none() && !is_delegated {
      let within = ids.turn.as_ref().or(ids.conversation.as_ref()).or(ids.instance.as_ref());
      let within = within.map_or_else(place, |within| format!("missing:{within}"));
      ids.operation = Some(Text::Owned(within));
    }
  }
}
