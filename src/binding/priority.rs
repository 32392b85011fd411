//! How much each kind of event matters when the queue is full.

use std::collections::HashMap;

use flue_event::TRANSLATED_KINDS;
use napi_derive::napi;

use crate::engine::Stage;

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

impl From<Priority> for Stage {
  fn from(priority: Priority) -> Self {
    match priority {
      Priority::Start => Self::Begins,
      Priority::Continuation => Self::GoesOn,
      Priority::MinimalEnd => Self::Essentials,
      Priority::Note => Self::Note,
    }
  }
}

/// The kinds of Flue events that the native part translates, each with the priority of its events. All other
/// kinds are dropped before they are written as text.
#[napi(catch_unwind, ts_return_type = "Record<string, Priority>")]
pub fn translated_kinds() -> HashMap<&'static str, Priority> {
  TRANSLATED_KINDS.iter().map(|kind| (*kind, priority_of(kind))).collect()
}

fn priority_of(kind: &str) -> Priority {
  match kind {
    "history_forgotten" => Priority::Note,
    "run_start" | "submission_queued" | "submission_running" | "operation_start"
    | "turn_request" | "first_delta" | "tool_start" | "task_start" | "compaction_start" | "log"
    | "span_start" | "span_log" => Priority::Start,
    _ => Priority::Continuation,
  }
}

#[cfg(test)]
mod tests {
  use flue_event::{Body, decode};

  use super::*;

  #[test]
  fn javascript_knows_every_kind_that_the_core_reads_and_no_other() {
    for kind in translated_kinds().keys() {
      let event = format!(r#"{{"type":"{kind}"}}"#);
      assert!(!matches!(decode(&event, 0).unwrap().body, Body::Other), "{kind}");
    }
  }

  #[test]
  fn an_event_that_ends_a_span_is_never_the_first_to_be_refused() {
    let kinds = translated_kinds();
    assert_eq!(kinds.len(), TRANSLATED_KINDS.len());
    for end in ["run_end", "submission_settled", "operation", "turn", "tool", "task", "span_end"] {
      assert_eq!(kinds.get(end), Some(&Priority::Continuation), "{end}");
    }
  }
}
