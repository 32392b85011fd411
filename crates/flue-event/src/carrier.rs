//! The W3C trace context of a caller.

use crate::{
  fields::{self, Member, object, text},
  value::Text,
};

/// The trace context of the caller of a run or a submission: the W3C headers of the request.
#[derive(Debug, Clone)]
pub struct TraceCarrier<'a> {
  /// The `traceparent` header, unchecked.
  pub traceparent: Text<'a>,
  /// The `tracestate` header.
  pub tracestate: Option<Text<'a>>,
}

impl<'a> TraceCarrier<'a> {
  /// `None` without a `traceparent`.
  pub(crate) fn read(member: Member<'a>) -> Option<Self> {
    let f: fields::TraceCarrier = object(member);
    Some(Self { traceparent: text(f.traceparent)?, tracestate: text(f.tracestate) })
  }
}
