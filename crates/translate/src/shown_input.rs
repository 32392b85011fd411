//! Which messages of a conversation stand in the inputs of its turns, so that a later turn may leave them out.

use std::sync::Arc;

use crate::metadata;
use braintrust_row::{Row, SpanContext, TraceId};

/// The messages of a conversation that stand in the inputs of earlier turns.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShownInput {
  /// How many messages, from the first on, stand there.
  length: usize,
  /// The latest turn that shows all messages of its request, and how many of them are still the conversation's.
  full: Option<(SpanContext, usize)>,
  /// The latest turn.
  latest: Option<SpanContext>,
  /// Whether the latest turn left messages out.
  is_shortened: bool,
}

/// The messages that a turn leaves out.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
  /// How many, from the first on.
  pub messages: usize,
  /// The turn that shows the first of them, and how many.
  full: (SpanContext, usize),
  /// The latest turn that shows some of them.
  latest: SpanContext,
}

impl ShownInput {
  /// How many messages, from the first on, stand in earlier inputs.
  pub fn length(&self) -> usize {
    self.length
  }

  /// A request has only the first `kept` messages of the previous one.
  pub fn keep(&mut self, kept: usize) {
    self.length = self.length.min(kept);
    if let Some((_, messages)) = &mut self.full {
      *messages = (*messages).min(kept);
    }
  }

  /// The latest turn, unless only those of the trace `within` count and it is of another one.
  fn latest_within(&self, within: Option<TraceId>) -> Option<SpanContext> {
    self.latest.filter(|turn| within.is_none_or(|trace| turn.trace == trace))
  }

  /// How many messages a turn leaves out that shows what its request adds to `before` messages: those that stand in
  /// earlier inputs, or in inputs of the trace `within`, if only these count.
  pub fn offset(&self, before: usize, within: Option<TraceId>) -> usize {
    self.latest_within(within).map_or(0, |_| before.min(self.length))
  }

  /// What a turn leaves out: what stands in earlier inputs, if its full input exceeds the limit. A conversation
  /// whose inputs are shortened stays so until its history begins anew, or, if only inputs of the trace `within` count,
  /// until another trace shows it.
  pub fn left_out(&self, exceeds_limit: bool, within: Option<TraceId>) -> Option<LeftOut> {
    let latest = self.latest_within(within)?;
    if self.length == 0 || !(self.is_shortened || exceeds_limit) {
      return None;
    }
    Some(LeftOut { messages: self.length, full: self.full?, latest })
  }

  /// A turn shows a request of `length` messages, without those that are left out.
  pub fn show(&mut self, turn: SpanContext, length: usize, left_out: Option<LeftOut>) {
    self.length = length;
    self.latest = Some(turn);
    self.is_shortened = left_out.is_some();
    if left_out.is_none() {
      self.full = Some((turn, length));
    }
  }

  /// The next turns leave out what stands in earlier inputs, however long their inputs are.
  pub fn shorten(&mut self) {
    self.is_shortened = true;
  }
}

impl LeftOut {
  /// The message that stands in place of those that are left out.
  pub fn message(&self) -> Arc<str> {
    let Self { messages, full: (full, first), latest } = self;
    let (full, latest) = (full.span(), latest.span());
    let place = if first >= messages {
      format!("the input of span {full} has them")
    } else {
      format!(
        "the input of span {full} has the first {first}, those of the later turns up to span {latest} have the others"
      )
    };
    format!(
      r#"{{"role":"system","content":"[flue-braintrust: earlier messages left out: {messages}; {place}]"}}"#
    )
    .into()
  }

  /// Writes to the metadata how the input is shortened.
  pub fn write_metadata(&self, row: &mut Row) {
    write_mode(row, self.messages);
  }
}

/// Writes how many messages an input leaves out; none if it is full.
pub fn write_mode(row: &mut Row, offset: usize) {
  let mode = if offset > 0 { "delta" } else { "full" };
  row.set_metadata("flue.input_mode", metadata::text(Some(mode)));
  row.set_metadata("flue.input_message_offset", metadata::number(Some(offset as f64)));
}
