//! The caller of a run or a submission: a span that the application names, else the one in the W3C headers of the request.

use serde::{Deserialize, Serialize};

use crate::{
  metadata,
  options::Options,
  placement::{Parent, SpanPlacement},
};
use braintrust_row::{Json, Row, SpanContext, SpanId, TraceId};
use flue_event::{Caller, TraceCarrier};

/// The caller's trace and span.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct CallerContext {
  trace: TraceId,
  span: SpanId,
  /// Whether this process records the root of the trace; false for another process.
  #[serde(skip)]
  is_within: bool,
}

impl CallerContext {
  /// The span that the application names. `None` if an id is not valid.
  pub fn named(caller: &Caller<'_>) -> Option<Self> {
    let (trace, span) = (TraceId::parse(&caller.trace)?, SpanId::parse(&caller.span)?);
    Some(Self { trace, span, is_within: caller.is_within })
  }

  /// The caller in the headers, if tracing is distributed. `None` if the `traceparent` is not valid.
  pub fn carried(options: &Options, carrier: Option<&TraceCarrier<'_>>) -> Option<Self> {
    let carrier = carrier.filter(|_| options.distributed)?;
    let mut parts = carrier.traceparent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    if version != "00" || is_zero(trace) || is_zero(span) {
      return None;
    }
    Some(Self { trace: TraceId::parse(trace)?, span: SpanId::parse(span)?, is_within: false })
  }

  /// The ids of the span and its trace.
  pub fn ids(self) -> [String; 2] {
    [self.span.to_string(), self.trace.to_string()]
  }

  /// The placement of a root in the caller's trace.
  pub fn place(self, root: SpanContext) -> SpanPlacement {
    let Self { trace, span, is_within } = self;
    let parent = if is_within { Parent::Within(span) } else { Parent::Remote(span) };
    SpanPlacement { span: SpanContext { trace, ..root }, parent }
  }

  /// Writes the caller to a root that stays in a trace of its own.
  pub fn write(self, row: &mut Row) {
    row.set_metadata("flue.caller_span_id", Some(Json::text(&self.span.to_string())));
    row.set_metadata("flue.caller_root_span_id", Some(Json::text(&self.trace.to_string())));
  }
}

/// The placement of a root: in its caller's trace if there is a caller, else in its own.
pub fn root_placement(caller: Option<CallerContext>, root: SpanContext) -> SpanPlacement {
  match caller {
    Some(caller) => caller.place(root),
    None => SpanPlacement { span: root, parent: Parent::None },
  }
}

/// Writes the caller's headers to the root.
pub fn write(row: &mut Row, carrier: Option<&TraceCarrier<'_>>) {
  let Some(carrier) = carrier else { return };
  row.set_metadata("flue.traceparent", metadata::text(Some(&carrier.traceparent)));
  row.set_metadata("flue.tracestate", metadata::text(carrier.tracestate.as_deref()));
}
