//! What conversations have said so far.
//!
//! A request that is told only by what is new is put together here with what its conversation said
//! before. Each message is kept once, as it is shown, and shared by all turns that show it.

use std::{collections::HashMap, sync::Arc};

use crate::{content, history::InputWindow, messages};
use braintrust_row::{Json, List};
use flue_event::{RequestDelta, TurnRequest};

/// Stands for a conversation whose beginning is not known: something went wrong between the facade and
/// here.
const MISSING: &str = r#""[flue-braintrust: the beginning of this conversation is missing]""#;

/// The conversations that are told by what is new in them.
#[derive(Default)]
pub struct Conversations(HashMap<String, Conversation>);

#[derive(Default)]
struct Conversation {
  messages: List,
  system: Option<Arc<str>>,
  tools: Option<Json>,
}

/// A request, whole again.
pub struct Whole {
  messages: List,
  system: Option<Arc<str>>,
  length: usize,
  /// How many messages the previous request had, if this one only adds to them.
  added_to: Option<usize>,
  pub tools: Option<Json>,
}

impl Conversations {
  /// Puts a request together with what its conversation said before.
  pub fn go_on(
    &mut self,
    conversation: &str,
    delta: RequestDelta,
    request: &TurnRequest<'_>,
    form: messages::Form,
  ) -> Whole {
    let known = self.0.entry(conversation.to_owned()).or_default();
    let before = known.messages.len();
    let fresh = content::list(request.messages);
    let missing = delta.kept_messages.checked_sub(before).filter(|missing| *missing > 0);
    let texts = missing.map(|_| MISSING.to_owned()).into_iter();
    let texts = texts.chain(fresh.iter().map(|message| messages::message(form, message)));
    known.messages = known.messages.go_on(delta.kept_messages.min(before), texts);
    if !delta.same_system_prompt {
      known.system = messages::system(request.system_prompt).map(Into::into);
    }
    if !delta.same_tools {
      known.tools = messages::tools(form, request.tools);
    }
    Whole {
      messages: known.messages.clone(),
      system: known.system.clone(),
      length: known.messages.len(),
      added_to: (delta.kept_messages == before && before > 0).then_some(before),
      tools: known.tools.clone(),
    }
  }

  /// Nothing of the conversation is needed any more.
  pub fn forget(&mut self, conversation: &str) {
    self.0.remove(conversation);
  }
}

impl Whole {
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
