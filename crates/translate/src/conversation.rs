//! What conversations have said so far.
//!
//! A request that is told only by what is new is put together here with what its conversation said
//! before. Each message is kept once, as it is shown, and shared by all turns that show it.

use std::{collections::HashMap, sync::Arc};

use super::{content, history::Mode, messages, turn::Asked};
use braintrust_row::{Json, List};
use flue_event::History;

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
    history: History,
    asked: &Asked<'_>,
    form: messages::Form,
  ) -> Whole {
    let known = self.0.entry(conversation.to_owned()).or_default();
    let before = known.messages.len();
    let fresh = content::list(asked.messages);
    let missing = history.kept.checked_sub(before).filter(|missing| *missing > 0);
    let texts = missing.map(|_| MISSING.to_owned()).into_iter();
    let texts = texts.chain(fresh.iter().map(|message| messages::message(form, message)));
    known.messages = known.messages.go_on(history.kept.min(before), texts);
    if !history.system_prompt {
      known.system = messages::system(asked.system_prompt).map(Into::into);
    }
    if !history.tools {
      known.tools = messages::tools(form, asked.tools);
    }
    Whole {
      messages: known.messages.clone(),
      system: known.system.clone(),
      length: known.messages.len(),
      added_to: (history.kept == before && before > 0).then_some(before),
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

  /// Those messages that the previous request did not have, and how many those were.
  pub fn delta(&self) -> (Json, Mode, usize) {
    match self.added_to {
      Some(before) => (Json::list(None, &self.messages, before..self.length), Mode::Delta, before),
      None => (self.input(), Mode::Full, 0),
    }
  }
}
