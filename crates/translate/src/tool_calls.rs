//! Which call an event of a tool is about. Providers repeat ids, also within a turn.

use crate::{activity::Activity, identity::fingerprint, recent_ids::RecentIds};
use flue_event::{Body, Event, RawJson, Tool};

/// The calls with one id in one scope, by the fingerprint of both, in the order in which they became known.
#[derive(Default)]
pub struct ToolCalls(RecentIds<u64, Vec<Call>>);

/// A call, by the fingerprints of its events. Without its start or its end, that has not come.
struct Call {
  tool: Option<u64>,
  start: Option<u64>,
  end: Option<u64>,
}

/// The start or the end of a call.
struct CallEvent<'e> {
  is_end: bool,
  base: Activity,
  tool: &'e Tool<'e>,
  content: RawJson<'e>,
}

impl ToolCalls {
  /// The call that the event starts or ends; `None` if it is about no call. The first with an id is named by that, the
  /// second with the same id in the same scope is `id#2`.
  pub fn find(&self, event: &Event<'_>) -> Option<Activity> {
    let of = CallEvent::of(event)?;
    let none = Vec::new();
    let calls = self.0.get(&fingerprint(&of.base)).unwrap_or(&none);
    let place = of.place(event, calls);
    Some(of.named(place))
  }

  /// The same; later events know it.
  pub fn note(&mut self, event: &Event<'_>) -> Option<Activity> {
    let of = CallEvent::of(event)?;
    let calls = self.0.entry(fingerprint(&of.base));
    let place = of.place(event, calls);
    if place == calls.len() {
      calls.push(Call { tool: of.tool(), start: None, end: None });
    }
    if let Some(call) = calls.get_mut(place) {
      let known = if of.is_end { &mut call.end } else { &mut call.start };
      *known = Some(of.identity(event));
    }
    Some(of.named(place))
  }
}

impl<'e> CallEvent<'e> {
  fn of(event: &'e Event<'_>) -> Option<Self> {
    let (is_end, tool, content) = match &event.body {
      Body::ToolStart(start) => (false, &start.tool, start.args),
      Body::ToolEnd(end) => (true, &end.tool, end.output),
      _ => return None,
    };
    let base = Activity::tool(&event.ids, tool.call.as_deref()?);
    Some(Self { is_end, base, tool, content })
  }

  /// Where the call is among those with its id; after them, if it is a new one. An event that comes again is about the
  /// same call, another start is another call, and ends are those of the calls of their tool, in order.
  fn place(&self, event: &Event<'_>, calls: &[Call]) -> usize {
    let (identity, tool) = (Some(self.identity(event)), self.tool());
    let own = |call: &Call| if self.is_end { call.end } else { call.start };
    let again = calls.iter().position(|call| own(call) == identity);
    let is_of_tool = |call: &Call| call.tool.is_none() || tool.is_none() || call.tool == tool;
    let open = || calls.iter().position(|call| own(call).is_none() && is_of_tool(call));
    again.or_else(open).unwrap_or(calls.len())
  }

  fn tool(&self) -> Option<u64> {
    self.tool.name.as_ref().map(fingerprint)
  }

  /// The index of an event states which one it is; without it, its time and its content do.
  fn identity(&self, event: &Event<'_>) -> u64 {
    match event.index {
      Some(index) => fingerprint(&index.to_bits()),
      None => fingerprint(&(event.at, &self.tool.name, self.content.map(|json| json.get()))),
    }
  }

  fn named(self, place: usize) -> Activity {
    match self.base {
      Activity::Tool { scope, call } if place > 0 => {
        Activity::Tool { scope, call: format!("{call}#{}", place + 1) }
      }
      first => first,
    }
  }
}
