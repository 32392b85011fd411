//! The caller of a run or a submission: a program with a trace of its own, named by W3C headers.

use crate::{
  facts,
  options::Options,
  placement::{Parent, Place},
};
use braintrust_row::{Row, SpanId, SpanRef, TraceId};
use flue_event::TraceCarrier;

/// The place of a root: in its caller's trace if that is wanted and known, else in its own.
pub fn joined(options: &Options, carrier: Option<&TraceCarrier<'_>>, root: SpanRef) -> Place {
  match carrier.filter(|_| options.distributed).and_then(Caller::parse) {
    Some(Caller { trace, span }) => {
      Place { span: SpanRef { trace, ..root }, parent: Parent::Beyond(span) }
    }
    None => Place { span: root, parent: Parent::None },
  }
}

/// Writes the caller's headers to the root.
pub fn write(row: &mut Row, carrier: Option<&TraceCarrier<'_>>) {
  let Some(carrier) = carrier else { return };
  row.fact("flue.traceparent", facts::text(Some(&carrier.traceparent)));
  row.fact("flue.tracestate", facts::text(carrier.tracestate.as_deref()));
}

/// The caller's trace and span.
struct Caller {
  trace: TraceId,
  span: SpanId,
}

impl Caller {
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
