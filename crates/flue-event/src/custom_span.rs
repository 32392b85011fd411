//! Spans that the application makes, and what it adds to Flue's: `span_start`, `span_log`, `span_end`.

use crate::{
  fields::{self, Fields, Member, number, object, text, time},
  value::{RawJson, Text},
};

/// `span_start`, `span_log` and `span_end`: an update of a span.
#[derive(Debug, Default)]
pub struct CustomSpan<'a> {
  /// The span.
  pub ids: CustomSpanIds<'a>,
  /// The update.
  pub update: SpanUpdate<'a>,
}

impl<'a> CustomSpan<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self { ids: CustomSpanIds::read(f), update: SpanUpdate::read(f.span) }
  }
}

/// The ids of a span, as they are on the wire.
#[derive(Debug, Default)]
pub struct CustomSpanIds<'a> {
  /// Its row id; empty if missing.
  pub row: Text<'a>,
  /// Its trace id; empty if missing.
  pub trace: Text<'a>,
  /// The id of its parent span.
  pub parent: Option<Text<'a>>,
}

impl<'a> CustomSpanIds<'a> {
  fn read(f: &Fields<'a>) -> Self {
    Self {
      row: text(f.span_id).unwrap_or_default(),
      trace: text(f.root_span_id).unwrap_or_default(),
      parent: text(f.parent_span_id),
    }
  }
}

/// Fields of a span that the application sets.
#[derive(Debug, Default)]
pub struct SpanUpdate<'a> {
  /// The span's name.
  pub name: Option<Text<'a>>,
  /// The span's type, by Braintrust's name.
  pub kind: Option<Text<'a>>,
  /// When the span began, milliseconds since the epoch.
  pub start: Option<i64>,
  /// When the span ended, milliseconds since the epoch.
  pub end: Option<i64>,
  /// The start in seconds since the epoch, if milliseconds do not state it exactly.
  pub start_seconds: Option<f64>,
  /// The end in seconds since the epoch, if milliseconds do not state it exactly, or the span has ended before.
  pub end_seconds: Option<f64>,
  /// The span's input.
  pub input: RawJson<'a>,
  /// The span's output.
  pub output: RawJson<'a>,
  /// The expected output.
  pub expected: RawJson<'a>,
  /// The error.
  pub error: RawJson<'a>,
  /// An object of metadata.
  pub metadata: RawJson<'a>,
  /// An object of numbers.
  pub metrics: RawJson<'a>,
  /// An object of numbers between 0 and 1.
  pub scores: RawJson<'a>,
  /// A list of strings.
  pub tags: RawJson<'a>,
  /// Members of `span_attributes` besides name and type.
  pub attributes: RawJson<'a>,
  /// Whether metrics whose names Braintrust does not define are ignored.
  pub omits_metrics: bool,
}

impl<'a> SpanUpdate<'a> {
  pub(crate) fn read(member: Member<'a>) -> Self {
    let f: fields::Span = object(member);
    Self {
      name: text(f.name),
      kind: text(f.r#type),
      start: time(f.start),
      end: time(f.end),
      start_seconds: number(f.start_seconds),
      end_seconds: number(f.end_seconds),
      input: f.input,
      output: f.output,
      expected: f.expected,
      error: f.error,
      metadata: f.metadata,
      metrics: f.metrics,
      scores: f.scores,
      tags: f.tags,
      attributes: f.attributes,
      omits_metrics: false,
    }
  }
}
