//! Which events are accepted when too much waits: the bound of the queue, by priority.
//!
//! Pure arithmetic, so that a host with a queue of its own between two threads applies the same rule as the
//! exporter does.

/// How much an event matters when too much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
  /// The event begins a span. It is refused first.
  Start,
  /// The event continues or ends an accepted span. When it is refused, its [`Priority::MinimalEnd`] follows.
  Continuation,
  /// The end of a span without its content. It is refused last.
  MinimalEnd,
  /// The exporter should know the event, but no span shows it. Its refusal is not counted.
  Note,
}

impl Priority {
  /// The priority of events of a kind.
  pub fn of_kind(kind: &str) -> Self {
    match kind {
      "history_forgotten" => Self::Note,
      "run_start" | "submission_queued" | "submission_running" | "operation_start"
      | "turn_request" | "first_delta" | "tool_start" | "task_start" | "compaction_start"
      | "log" | "span_start" | "span_log" => Self::Start,
      _ => Self::Continuation,
    }
  }

  /// Whether a refusal loses something: of [`Priority::Continuation`] the minimal end follows, and a
  /// [`Priority::Note`] shows nowhere.
  pub fn counts_when_refused(self) -> bool {
    matches!(self, Self::Start | Self::MinimalEnd)
  }
}

/// The bound of what waits.
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

  /// The bytes that may be queued although the exporter holds its share: it still has to separate ends of
  /// accepted spans, which must not be refused, from beginnings of new ones.
  fn reserve(self, priority: Priority) -> usize {
    match priority {
      Priority::Start => self.max_bytes / 16,
      // When the exporter holds more than its share, ends have no room but for what is essential.
      Priority::Continuation => 0,
      Priority::MinimalEnd | Priority::Note => self.max_bytes / 4,
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const FULL: Admission = Admission { max_bytes: 1600 };

  #[test]
  fn beginnings_are_refused_before_continuations_and_those_before_essential_ends() {
    assert!(FULL.admits(Priority::Start, 800, 800));
    assert!(!FULL.admits(Priority::Start, 801, 800));
    assert!(FULL.admits(Priority::Continuation, 1000, 800));
    assert!(!FULL.admits(Priority::Continuation, 1001, 800));
    assert!(FULL.admits(Priority::MinimalEnd, 400, 9000));
    assert!(!FULL.admits(Priority::MinimalEnd, 401, 9000));
  }

  #[test]
  fn an_event_that_ends_a_span_is_never_refused_first() {
    for end in ["run_end", "submission_settled", "operation", "turn", "tool", "task", "span_end"] {
      assert_eq!(Priority::of_kind(end), Priority::Continuation, "{end}");
    }
  }

  #[test]
  fn a_full_exporter_leaves_a_little_room_for_beginnings_that_it_may_know() {
    assert!(FULL.admits(Priority::Start, 100, 9000));
    assert!(!FULL.admits(Priority::Start, 101, 9000));
    assert!(!FULL.admits(Priority::Continuation, 1, 9000));
  }
}
