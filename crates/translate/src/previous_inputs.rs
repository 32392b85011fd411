//! The messages of each conversation's previous turn, from which the next turn's new messages follow.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use flue_event::Ids;

/// How many conversations are remembered. The next turn of one that was evicted shows all messages.
const MAX_REMEMBERED: usize = 1024;

/// Which of a request's messages a turn shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputWindow {
  /// The first message that it shows. 0 for all: of a conversation's first turn, or after its messages were
  /// compacted or edited.
  pub offset: usize,
}

impl InputWindow {
  /// The value of `flue.input_mode`.
  pub fn mode(self) -> &'static str {
    if self.offset > 0 { "delta" } else { "full" }
  }
}

/// The fingerprints of the messages of each conversation's previous turn.
#[derive(Default)]
pub struct PreviousInputs(IndexMap<String, Vec<u64>>);

impl PreviousInputs {
  /// The messages that the turn adds to the conversation's previous one. Remembers the turn's messages.
  pub fn advance(&mut self, ids: &Ids<'_>, messages: &[&RawValue]) -> InputWindow {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let now: Vec<u64> = messages.iter().map(|message| hasher.hash_one(message.get())).collect();
    let key = conversation(ids);
    if self.0.len() >= MAX_REMEMBERED && !self.0.contains_key(&key) {
      self.0.shift_remove_index(0);
    }
    let before = self.0.entry(key).or_default();
    let offset = if !before.is_empty() && now.starts_with(before) { before.len() } else { 0 };
    *before = now;
    InputWindow { offset }
  }
}

/// A key for the conversation. 0.x has no conversation ids; there a session of an instance or a run is one.
fn conversation(ids: &Ids<'_>) -> String {
  if let Some(conversation) = &ids.conversation {
    return conversation.to_string();
  }
  let parts = [&ids.run, &ids.instance, &ids.harness, &ids.session];
  let parts: Vec<&str> =
    parts.into_iter().map(|part| part.as_deref().unwrap_or_default()).collect();
  parts.join("\u{1f}")
}
