//! Conversations whose requests arrive as deltas.
//!
//! JavaScript sends only the messages that a conversation's last request did not have. They are added to
//! the earlier ones here. Each message is kept once, in the form in which it is shown, and shared by all
//! turns that show it; once the turns leave it out, it is not kept.

use std::sync::Arc;

use crate::{
  message_text, messages,
  recency::Recency,
  shown_input::{LeftOut, ShownInput},
};
use braintrust_row::{Json, List, SpanContext, TraceId};
use flue_event::{RequestDelta, TurnRequest};

/// Replaces messages that a delta refers to but that never arrived.
const MISSING: &str = r#""[flue-braintrust: the beginning of this conversation is missing]""#;

/// The most bytes of messages that are kept to write full inputs, if inputs may be shortened: the inputs of the
/// conversations that were idle longest are shortened first. 256 MiB.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// The conversations, by id.
#[derive(Default)]
pub struct Conversations(Recency<Conversation>);

/// The latest request of a conversation.
#[derive(Default)]
struct Conversation {
  /// How many messages, from the first on, are not kept: earlier inputs show them.
  dropped: usize,
  /// The messages after those.
  messages: List,
  /// The system prompt as a message.
  system: Option<Arc<str>>,
  /// Whether the latest turn that shows what its request adds has this system prompt.
  is_system_shown: bool,
  tools: Option<Json>,
  shown: ShownInput,
}

/// A request with all its messages that are kept.
pub struct ExpandedRequest {
  /// How many messages are not kept.
  dropped: usize,
  /// The messages after those, which later requests extend.
  messages: List,
  /// The system prompt as a message.
  system: Option<Arc<str>>,
  is_system_shown: bool,
  /// How many messages this request has.
  length: usize,
  /// How many messages the previous request had, if this one only adds to them; else 0.
  added_to: usize,
  /// The tools that the model may call.
  pub tools: Option<Json>,
  /// Whether the content policy omits the messages.
  is_omitted: bool,
  shown: ShownInput,
}

impl Conversations {
  /// Adds a request's delta to its conversation. Returns the complete request.
  pub fn apply_delta(
    &mut self,
    conversation: &str,
    delta: RequestDelta,
    request: &TurnRequest<'_>,
    form: messages::Form,
  ) -> ExpandedRequest {
    let known = self.0.entry(conversation, 0);
    let before = known.dropped + known.messages.len();
    let kept = delta.kept_messages.min(before);
    known.shown.keep(kept);
    let fresh = message_text::list(request.messages);
    let is_omitted = request.messages.is_none();
    let missing = delta.kept_messages.checked_sub(before).filter(|missing| *missing > 0);
    let texts = missing.filter(|_| !is_omitted).map(|_| MISSING.to_owned()).into_iter();
    let texts = texts.chain(fresh.iter().map(|message| messages::message(form, message)));
    known.messages = match kept.checked_sub(known.dropped) {
      Some(kept) => known.messages.extend_from(kept, texts),
      None => List::default().extend_from(0, texts),
    };
    known.dropped = known.dropped.min(kept);
    if !delta.same_system_prompt {
      let system = messages::system(request.system_prompt).map(Into::into);
      known.is_system_shown &= system == known.system;
      known.system = system;
    }
    if !delta.same_tools {
      known.tools = messages::tools(form, request.tools);
    }
    let expanded = ExpandedRequest {
      dropped: known.dropped,
      messages: known.messages.clone(),
      system: known.system.clone(),
      is_system_shown: known.is_system_shown,
      length: known.dropped + known.messages.len(),
      added_to: if delta.kept_messages == before { before } else { 0 },
      tools: known.tools.clone(),
      is_omitted,
      shown: known.shown,
    };
    let bytes = expanded.messages.bytes();
    self.0.entry(conversation, bytes);
    expanded
  }

  /// A turn shows a request of the conversation, without the messages that are left out. The next turns may leave
  /// out what this one shows: all, or only those of its trace, so that the messages are kept for others.
  pub fn show(
    &mut self,
    conversation: &str,
    turn: SpanContext,
    length: usize,
    left_out: Option<LeftOut>,
    within_trace: bool,
  ) {
    let Some(known) = self.0.get_mut(conversation) else { return };
    known.shown.show(turn, length, left_out);
    if left_out.is_some() && !within_trace {
      known.drop_messages();
      self.0.entry(conversation, 0);
    }
    self.shorten_to(MAX_BYTES);
  }

  /// A turn shows what a request of the conversation adds to the previous one, so that together they show all of it.
  pub fn show_added(&mut self, conversation: &str, turn: SpanContext, length: usize) {
    if let Some(known) = self.0.get_mut(conversation) {
      known.shown.show(turn, length, None);
      known.is_system_shown = true;
    }
  }

  /// Shortens the next inputs of the conversations that were idle longest, until the messages that are kept have at
  /// most so many bytes.
  fn shorten_to(&mut self, max_bytes: usize) {
    while self.0.bytes() > max_bytes {
      let Some((key, known)) = self.0.least_recent() else { return };
      known.shown.shorten();
      known.drop_messages();
      self.0.entry(&key, 0);
    }
  }

  /// Removes a conversation: its next request comes whole.
  pub fn forget(&mut self, conversation: &str) {
    self.0.remove(conversation);
  }
}

impl Conversation {
  /// Drops the messages that earlier inputs show.
  fn drop_messages(&mut self) {
    let shown = self.shown.length().saturating_sub(self.dropped);
    self.messages = self.messages.without_first(shown);
    self.dropped += shown;
  }
}

impl ExpandedRequest {
  /// How many messages the request has.
  pub fn length(&self) -> usize {
    self.length
  }

  /// What the turn leaves out, if full inputs have at most so many bytes: what stands in the inputs of the trace
  /// `within`, if only these count.
  pub fn left_out(&self, max_full_bytes: usize, within: Option<TraceId>) -> Option<LeftOut> {
    // Two brackets, and a comma between two items.
    let system = self.system.as_ref().map_or(0, |system| system.len() + 1);
    // What is not kept cannot be shown.
    let within = within.filter(|_| self.dropped == 0);
    self.shown.left_out(system + self.messages.bytes() + 1 > max_full_bytes, within)
  }

  /// All messages, after the system prompt.
  pub fn input(&self) -> Option<Json> {
    self.write(self.system.iter().cloned().collect(), 0)
  }

  /// The messages after those that are left out, preceded by the system prompt and a message about them.
  pub fn shortened_input(&self, left_out: LeftOut) -> Option<Json> {
    let head = self.system.iter().cloned().chain([left_out.message()]).collect();
    self.write(head, left_out.messages)
  }

  /// How many messages a turn leaves out that shows what the request adds to the previous one: what stands in earlier
  /// inputs, or in those of the trace `within`, if only these count. None if the request does not only add messages.
  pub fn offset(&self, within: Option<TraceId>) -> usize {
    self.shown.offset(self.added_to, within)
  }

  /// The messages from an offset on, after the system prompt if all are shown or it has changed.
  pub fn added_input(&self, offset: usize) -> Option<Json> {
    let is_shown = offset > 0 && self.is_system_shown;
    self.write(self.system.iter().filter(|_| !is_shown).cloned().collect(), offset)
  }

  fn write(&self, head: Vec<Arc<str>>, from: usize) -> Option<Json> {
    if self.is_omitted && head.is_empty() {
      return None;
    }
    let [from, to] = [from, self.length].map(|at| at.saturating_sub(self.dropped));
    Some(Json::list(head, &self.messages, from..to))
  }
}

#[cfg(test)]
mod tests {
  use super::*;
  use crate::identity;

  /// Applies a request that adds a message, in a turn of its own. Returns what it leaves out, and its input.
  fn turn(known: &mut Conversations, id: &str, number: usize) -> (Option<usize>, String) {
    let text = format!(
      r#"{{"type":"turn_request","turnId":"t","conversationId":"{id}","purpose":"agent","request":{{"input":{{
        "$history":{{"kept":{number}}},"messages":[{{"role":"user","content":"{number}"}}]}}}}}}"#
    );
    let event = flue_event::decode(&text, 0).unwrap();
    let flue_event::Body::TurnRequest(request) = &event.body else { unreachable!() };
    let delta = request.delta.unwrap();
    let expanded = known.apply_delta(id, delta, request, messages::Form::OpenAi);
    let left_out = expanded.left_out(usize::MAX, None);
    let input = left_out.map_or_else(|| expanded.input(), |out| expanded.shortened_input(out));
    let span = identity::lone_operation(&format!("{id}{number}"));
    known.show(id, span, expanded.length(), left_out, false);
    (left_out.map(|out| out.messages), input.unwrap().as_str().into_owned())
  }

  #[test]
  fn above_the_bound_the_inputs_of_the_conversation_that_was_idle_longest_are_shortened() {
    let mut known = Conversations::default();
    for number in 0..3 {
      turn(&mut known, "idle", number);
    }
    turn(&mut known, "busy", 0);
    let bytes = known.0.bytes();
    known.shorten_to(bytes - 1);
    assert!(known.0.bytes() < bytes / 2);
    assert_eq!(turn(&mut known, "busy", 1).0, None);
    let (left_out, input) = turn(&mut known, "idle", 3);
    assert_eq!(left_out, Some(3));
    assert!(input.ends_with(r#"]"},{"role":"user","content":"3"}]"#), "{input}");
  }
}
