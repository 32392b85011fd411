//! The caller of a run or a submission: a program that has a trace of its own, as W3C tells it.

use super::{Translator, facts, tree::Parent};
use braintrust_row::{Row, SpanId, SpanRef, TraceId};
use flue_event::TraceCarrier;

impl Translator {
  /// A root as a part of its caller's trace, if that is wanted and told; else as it is.
  pub(super) fn joined_to(
    &self,
    carrier: Option<&TraceCarrier<'_>>,
    root: SpanRef,
  ) -> (SpanRef, Parent) {
    match carrier.filter(|_| self.options.distributed).and_then(place) {
      Some((trace, parent)) => (SpanRef { trace, ..root }, Parent::Beyond(parent)),
      None => (root, Parent::None),
    }
  }
}

/// Writes who called to the root.
pub fn facts(row: &mut Row, carrier: Option<&TraceCarrier<'_>>) {
  let Some(carrier) = carrier else { return };
  row.fact("flue.traceparent", facts::text(Some(&carrier.traceparent)));
  row.fact("flue.tracestate", facts::text(carrier.tracestate.as_deref()));
}

/// The trace and the span in a `traceparent`, unless it is none.
fn place(carrier: &TraceCarrier<'_>) -> Option<(TraceId, SpanId)> {
  let mut parts = carrier.traceparent.split('-');
  let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
  let is_nothing = |id: &str| id.bytes().all(|digit| digit == b'0');
  if version != "00" || is_nothing(trace) || is_nothing(span) {
    return None;
  }
  Some((TraceId::parse(trace)?, SpanId::parse(span)?))
}
