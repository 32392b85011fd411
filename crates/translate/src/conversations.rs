//! Conversations whose requests arrive as deltas.
//!
//! JavaScript sends only the messages that a conversation's last request did not have. They are added to
//! the earlier ones here. Each message is kept once, in the form in which it is shown, and shared by all
//! turns that show it.

use std::{collections::HashMap, sync::Arc};

use crate::{message_text, messages, previous_inputs::InputWindow};
use braintrust_row::{Json, List};
use flue_event::{RequestDelta, TurnRequest};

/// Replaces messages that a delta refers to but that never arrived.
const MISSING: &str = r#""[flue-braintrust: the beginning of this conversation is missing]""#;

/// The conversations, by id.
#[derive(Default)]
pub struct Conversations(HashMap<String, Conversation>);

/// The latest request of a conversation.
#[derive(Default)]
struct Conversation {
  messages: List,
  /// The system prompt as a message.
  system: Option<Arc<str>>,
  tools: Option<Json>,
}

/// A request with all its messages.
pub struct ExpandedRequest {
  /// The messages of the conversation, which later requests extend.
  messages: List,
  /// The system prompt as a message.
  system: Option<Arc<str>>,
  /// How many of the messages are this request's.
  length: usize,
  /// How many messages the previous request had, if this one only adds to them.
  added_to: Option<usize>,
  /// The tools that the model may call.
  pub tools: Option<Json>,
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
    let known = self.0.entry(conversation.to_owned()).or_default();
    let before = known.messages.len();
    let fresh = message_text::list(request.messages);
    let missing = delta.kept_messages.checked_sub(before).filter(|missing| *missing > 0);
    let texts = missing.map(|_| MISSING.to_owned()).into_iter();
    let texts = texts.chain(fresh.iter().map(|message| messages::message(form, message)));
    known.messages = known.messages.extend_from(delta.kept_messages.min(before), texts);
    if !delta.same_system_prompt {
      known.system = messages::system(request.system_prompt).map(Into::into);
    }
    if !delta.same_tools {
      known.tools = messages::tools(form, request.tools);
    }
    ExpandedRequest {
      messages: known.messages.clone(),
      system: known.system.clone(),
      length: known.messages.len(),
      added_to: (delta.kept_messages == before && before > 0).then_some(before),
      tools: known.tools.clone(),
    }
  }

  /// Removes a conversation: its next request is complete.
  pub fn forget(&mut self, conversation: &str) {
    self.0.remove(conversation);
  }
}

impl ExpandedRequest {
  /// All messages, behind the system prompt.
  pub fn input(&self) -> Json {
    Json::list(self.system.clone(), &self.messages, 0..self.length)
  }

  /// The messages that the previous request did not have.
  pub fn window(&self) -> InputWindow {
    InputWindow { offset: self.added_to.unwrap_or_default() }
  }

  /// The messages in the window; behind the system prompt if they are all.
  pub fn input_from(&self, window: InputWindow) -> Json {
    match window.offset {
      0 => self.input(),
      offset => Json::list(None, &self.messages, offset..self.length),
    }
  }
}
