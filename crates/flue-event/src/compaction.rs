//! Compactions of a conversation: `compaction_start`, `compaction`.

use crate::{
  fields::{Fields, number, text},
  outcome::Outcome,
  usage::Usage,
  value::Text,
};

/// `compaction_start`: a conversation is about to be summarised.
#[derive(Debug)]
pub struct CompactionStart<'a> {
  /// Why, such as `threshold` or `manual`.
  pub reason: Option<Text<'a>>,
  /// The estimated size of the conversation, in tokens.
  pub estimated_tokens: Option<f64>,
}

impl<'a> CompactionStart<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self { reason: text(f.reason), estimated_tokens: number(f.estimated_tokens) }
  }
}

/// `compaction`: a compaction ends.
#[derive(Debug)]
pub struct CompactionEnd<'a> {
  /// How many messages the conversation had.
  pub messages_before: Option<f64>,
  /// How many messages it has now.
  pub messages_after: Option<f64>,
  /// The token usage of the compaction.
  pub usage: Option<Usage>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> CompactionEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      messages_before: number(f.messages_before),
      messages_after: number(f.messages_after),
      usage: Usage::read(f.usage),
      outcome: Outcome::read(f, None),
    }
  }
}
