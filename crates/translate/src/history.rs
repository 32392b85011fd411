//! What each conversation's previous turn was asked, so that the next can tell what is new.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use flue_event::Ids;

/// How many conversations are remembered. One that was forgotten is told in full again.
const REMEMBERED: usize = 1024;

/// Which part of the messages a turn shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
  /// All of them: the first turn, or a history that was compacted or edited.
  Full,
  /// Those that came since the previous turn.
  Delta,
}

impl Mode {
  /// The value of `flue.input_mode`.
  pub fn name(self) -> &'static str {
    match self {
      Self::Full => "full",
      Self::Delta => "delta",
    }
  }
}

/// The fingerprints of the messages of each conversation's previous turn.
#[derive(Default)]
pub struct Histories(IndexMap<String, Vec<u64>>);

impl Histories {
  /// From which message on the turn has something new. Remembers its messages.
  pub fn advance(&mut self, ids: &Ids<'_>, messages: &[&RawValue]) -> (Mode, usize) {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let now: Vec<u64> = messages.iter().map(|message| hasher.hash_one(message.get())).collect();
    let key = conversation(ids);
    if self.0.len() >= REMEMBERED && !self.0.contains_key(&key) {
      self.0.shift_remove_index(0);
    }
    let before = self.0.entry(key).or_default();
    let offset = if !before.is_empty() && now.starts_with(before) { before.len() } else { 0 };
    *before = now;
    (if offset > 0 { Mode::Delta } else { Mode::Full }, offset)
  }
}

/// 0.x has no conversation ids; there a session of an instance or a run is one.
fn conversation(ids: &Ids<'_>) -> String {
  if let Some(conversation) = &ids.conversation {
    return conversation.to_string();
  }
  let parts = [&ids.run, &ids.instance, &ids.harness, &ids.session];
  let parts: Vec<&str> =
    parts.into_iter().map(|part| part.as_deref().unwrap_or_default()).collect();
  parts.join("\u{1f}")
}
