//! How much each kind of event matters when the queue is full.

use std::collections::HashMap;

use export::admission;
use flue_event::TRANSLATED_KINDS;
use napi_derive::napi;

/// Which events the queue refuses first when it is full.
#[napi]
#[derive(Debug, PartialEq, Eq)]
pub enum Priority {
  /// Starts a span, or only adds to one. The first to be refused; a refused event counts as lost.
  Start,
  /// Continues or ends an accepted span. When it is refused, its `MinimalEnd` is expected next.
  Continuation,
  /// The end of a span without its content. The last to be refused.
  MinimalEnd,
  /// No span shows it. A refused one is not counted.
  Note,
}

impl From<Priority> for admission::Priority {
  fn from(priority: Priority) -> Self {
    match priority {
      Priority::Start => Self::Start,
      Priority::Continuation => Self::Continuation,
      Priority::MinimalEnd => Self::MinimalEnd,
      Priority::Note => Self::Note,
    }
  }
}

impl From<admission::Priority> for Priority {
  fn from(priority: admission::Priority) -> Self {
    match priority {
      admission::Priority::Start => Self::Start,
      admission::Priority::Continuation => Self::Continuation,
      admission::Priority::MinimalEnd => Self::MinimalEnd,
      admission::Priority::Note => Self::Note,
    }
  }
}

/// The kinds of Flue events that the native part translates, each with the priority of its events. All other
/// kinds are dropped before they are written as text.
#[napi(catch_unwind, ts_return_type = "Record<string, Priority>")]
pub fn translated_kinds() -> HashMap<&'static str, Priority> {
  TRANSLATED_KINDS.iter().map(|kind| (*kind, admission::Priority::of_kind(kind).into())).collect()
}

#[cfg(test)]
mod tests {
  use flue_event::{Body, decode};

  use super::*;

  #[test]
  fn the_translated_kinds_are_those_that_the_core_decodes() {
    for kind in translated_kinds().keys() {
      let event = format!(r#"{{"type":"{kind}"}}"#);
      assert!(!matches!(decode(&event, 0).unwrap().body, Body::Other), "{kind}");
    }
  }
}
