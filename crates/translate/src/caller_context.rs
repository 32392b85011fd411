//! The trace context of the caller of a run or a submission, from its W3C headers.

use crate::{
  metadata,
  options::Options,
  placement::{Parent, SpanPlacement},
};
use braintrust_row::{Row, SpanContext, SpanId, TraceId};
use flue_event::TraceCarrier;

/// The placement of a root: in its caller's trace if tracing is distributed and the caller is known, else in
/// its own.
pub fn root_placement(
  options: &Options,
  carrier: Option<&TraceCarrier<'_>>,
  root: SpanContext,
) -> SpanPlacement {
  match carrier.filter(|_| options.distributed).and_then(CallerContext::parse) {
    Some(CallerContext { trace, span }) => {
      SpanPlacement { span: SpanContext { trace, ..root }, parent: Parent::Remote(span) }
    }
    None => SpanPlacement { span: root, parent: Parent::None },
  }
}

/// Writes the caller's headers to the root.
pub fn write(row: &mut Row, carrier: Option<&TraceCarrier<'_>>) {
  let Some(carrier) = carrier else { return };
  row.set_metadata("flue.traceparent", metadata::text(Some(&carrier.traceparent)));
  row.set_metadata("flue.tracestate", metadata::text(carrier.tracestate.as_deref()));
}

/// The caller's trace and span.
struct CallerContext {
  trace: TraceId,
  span: SpanId,
}

impl CallerContext {
  /// `None` if the `traceparent` is not valid.
  fn parse(carrier: &TraceCarrier<'_>) -> Option<Self> {
    let mut parts = carrier.traceparent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    if version != "00" || is_zero(trace) || is_zero(span) {
      return None;
    }
    Some(Self { trace: TraceId::parse(trace)?, span: SpanId::parse(span)? })
  }
}
