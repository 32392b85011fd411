//! Admission: the bound of the queued bytes, by the priority of the event.
//!
//! Pure arithmetic, so that a host with a queue of its own between two threads applies the same rule as the
//! exporter does.

/// The order in which events are refused when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
  /// The event begins a span, or adds to one. It is refused first.
  Start,
  /// The event continues or ends an accepted span. When it is refused, its [`Priority::MinimalEnd`] follows.
  Continuation,
  /// The end of a span without its content. It is refused last.
  MinimalEnd,
  /// The exporter uses the event, but no span shows it. Its refusal is not counted.
  Note,
}

impl Priority {
  /// The priority of events of a kind.
  pub fn of_kind(kind: &str) -> Self {
    match kind {
      "history_forgotten" | "caller_named" => Self::Note,
      "run_start" | "run_resume" | "submission_queued" | "submission_running"
      | "operation_start" | "turn_request" | "tool_start" | "task_start" | "compaction_start"
      | "log" | "message_end" | "span_start" | "span_log" => Self::Start,
      _ => Self::Continuation,
    }
  }

  /// Whether a refused event counts as lost: after a [`Priority::Continuation`] its minimal end follows, and no
  /// span shows a [`Priority::Note`].
  pub fn counts_when_refused(self) -> bool {
    matches!(self, Self::Start | Self::MinimalEnd)
  }
}

/// The bound of the queued bytes.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
  /// The most bytes that wait in the event queue and in the exporter together.
  pub max_bytes: usize,
}

impl Admission {
  /// Whether an event is accepted. `queued` are the bytes of events that wait to be translated, this one
  /// included; `held` is the memory that the exporter holds.
  pub fn admits(self, priority: Priority, queued: usize, held: usize) -> bool {
    queued + held <= self.bound(priority) || queued <= self.reserve(priority)
  }

  /// The most bytes in all without recourse to the reserve.
  fn bound(self, priority: Priority) -> usize {
    match priority {
      Priority::Continuation => self.max_bytes + self.max_bytes / 8,
      _ => self.max_bytes,
    }
  }

  /// The bytes that may be queued although the exporter is full: it still decodes events to separate
  /// ends of accepted spans, which must not be refused, from starts of new ones.
  fn reserve(self, priority: Priority) -> usize {
    match priority {
      Priority::Start => self.max_bytes / 16,
      // Of the ends, only minimal ones are admitted when the exporter is full.
      Priority::Continuation => 0,
      // However much content waits before it: the other priorities fill at most 19/16 of the bound.
      Priority::MinimalEnd => self.max_bytes + self.max_bytes / 2,
      Priority::Note => self.max_bytes / 4,
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const FULL: Admission = Admission { max_bytes: 1600 };

  #[test]
  fn start_events_are_refused_before_continuations_and_those_before_minimal_ends() {
    assert!(FULL.admits(Priority::Start, 800, 800));
    assert!(!FULL.admits(Priority::Start, 801, 800));
    assert!(FULL.admits(Priority::Continuation, 1000, 800));
    assert!(!FULL.admits(Priority::Continuation, 1001, 800));
    assert!(FULL.admits(Priority::MinimalEnd, 2400, 9000));
    assert!(!FULL.admits(Priority::MinimalEnd, 2401, 9000));
  }

  #[test]
  fn content_that_waits_to_be_translated_leaves_room_for_minimal_ends() {
    let most = 1600 + 1600 / 8 + 1600 / 16;
    assert!(FULL.admits(Priority::MinimalEnd, most + 400, 9000));
  }

  #[test]
  fn an_event_that_ends_a_span_is_a_continuation() {
    for end in ["run_end", "submission_settled", "operation", "turn", "tool", "task", "span_end"] {
      assert_eq!(Priority::of_kind(end), Priority::Continuation, "{end}");
    }
  }

  #[test]
  fn a_full_exporter_admits_a_few_start_events_and_no_continuations() {
    assert!(FULL.admits(Priority::Start, 100, 9000));
    assert!(!FULL.admits(Priority::Start, 101, 9000));
    assert!(!FULL.admits(Priority::Continuation, 1, 9000));
  }
}
