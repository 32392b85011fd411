//! The messages of each conversation's previous turn, if its requests arrive complete.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde_json::value::RawValue;

use crate::{identity, recency::Recency, shown_input::ShownInput};
use flue_event::{Ids, RawJson};

/// The most bytes of fingerprints: those of four million messages. The next turn of a conversation that was
/// evicted shows all messages.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long an idle conversation is remembered, in milliseconds; as in JavaScript.
const IDLE_MS: i64 = 10 * 60_000;

/// The fingerprints of the messages of each conversation's previous turn.
#[derive(Default)]
pub struct PreviousInputs(Recency<PreviousInput>);

/// A conversation's previous turn.
#[derive(Default)]
pub struct PreviousInput {
  messages: Vec<u64>,
  /// When it was translated, milliseconds since the epoch.
  at: i64,
  /// How many of its messages the current turn has, if that only adds to them; else 0.
  pub added_to: usize,
  /// The messages that stand in earlier inputs.
  pub shown: ShownInput,
  /// The fingerprint of the latest system prompt.
  system: Option<u64>,
}

impl PreviousInput {
  /// Whether the previous turn has this system prompt, too. Remembers it.
  pub fn replace_system(&mut self, prompt: RawJson<'_>) -> bool {
    let now = Some(identity::fingerprint(&prompt.map(RawValue::get)));
    std::mem::replace(&mut self.system, now) == now
  }
}

impl PreviousInputs {
  /// Compares a turn's messages with those of the conversation's previous turn, and remembers them.
  pub fn advance(&mut self, ids: &Ids<'_>, at: i64, messages: &[&RawValue]) -> &mut PreviousInput {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let now: Vec<u64> = messages.iter().map(|message| hasher.hash_one(message.get())).collect();
    let key = conversation(ids);
    self.evict(at);
    let bytes = key.len() + size_of_val(now.as_slice());
    let previous = self.0.entry(&key, bytes);
    let before = std::mem::replace(&mut previous.messages, now);
    let kept = before.iter().zip(&previous.messages).take_while(|(old, new)| old == new).count();
    previous.added_to = if kept == before.len() { kept } else { 0 };
    previous.shown.keep(kept);
    previous.at = at;
    previous
  }

  /// Forgets idle conversations, and those that were idle longest while all need too much memory.
  fn evict(&mut self, at: i64) {
    loop {
      let is_full = self.0.bytes() > MAX_BYTES;
      let Some((key, oldest)) = self.0.least_recent() else { return };
      let is_idle = oldest.at.saturating_add(IDLE_MS) < at;
      if !is_full && !is_idle {
        return;
      }
      self.0.remove(&key);
    }
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
