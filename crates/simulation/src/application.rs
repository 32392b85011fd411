//! What the application does: a step of the plan, and the events that a process takes.

use export::{admission::Priority, loss::LossReason, masking::Masking};

use crate::{
  finding::Finding,
  host::Process,
  plan::Action,
  reference::{Fate, Produced},
  view::State,
  world::{Checked, World},
};

impl World {
  /// Carries out a step of the plan.
  pub(crate) fn act(&mut self, action: Action) -> Checked {
    if !matches!(action, Action::Event { .. }) {
      self.note(|| format!("{action:?}"));
    }
    match action {
      Action::Start(slot) => self.start(slot),
      Action::Kill(slot) => match self.slots[slot].take() {
        Some(process) => self.kill(process),
        None => Ok(()),
      },
      Action::Shutdown(slot, timeout) => match self.slots[slot] {
        Some(process) => self.shutdown(process, timeout),
        None => Ok(()),
      },
      Action::Flush(slot, timeout) => match self.slots[slot] {
        Some(process) => self.flush(process, timeout),
        None => Ok(()),
      },
      Action::ExitDeadline(slot, timeout) => {
        let deadline = self.now + timeout;
        if let Some(process) = self.slots[slot].and_then(|number| self.processes.get_mut(&number)) {
          process.exit_deadline = Some(deadline);
          process.exporter.set_exit_deadline(deadline);
        }
        Ok(())
      }
      Action::Mask(is_on) => {
        self.masking = if is_on { Masking::On } else { Masking::Off };
        self.must_mask &= is_on;
        let masking = self.masking;
        let running = self.processes.values_mut().filter(|process| process.shutdown_at.is_none());
        running.for_each(|process| process.exporter.set_masking(masking));
        Ok(())
      }
      Action::Event { conversation, text, priority, minimal_end } => {
        self.emit(conversation, &text, priority, minimal_end.as_deref())
      }
    }
  }

  fn emit(
    &mut self,
    conversation: usize,
    text: &str,
    priority: Priority,
    minimal_end: Option<&str>,
  ) -> Checked {
    let preferred = conversation % 2;
    let owner = self.owners.get(&conversation).filter(|number| self.processes.contains_key(number));
    let owner = owner.copied().or(self.slots[preferred]).or(self.slots[1 - preferred]);
    let Some(number) = owner else { return Ok(()) };
    self.owners.insert(conversation, number);
    self.coverage.count("events");
    let is_refused = self.emit_to(number, text, priority)?;
    if is_refused && let Some(minimal_end) = minimal_end {
      self.coverage.count("essential forms");
      self.emit_to(number, minimal_end, Priority::MinimalEnd)?;
    }
    self.settle(number)
  }

  /// Whether the event is refused because too much waits.
  fn emit_to(&mut self, number: usize, text: &str, priority: Priority) -> Result<bool, Finding> {
    let now = self.clock();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(false) };
    let lost = |process: &Process| process.account.counters.stats().lost;
    let before = lost(process);
    let (held, room) = (process.exporter.memory_bytes(), self.settings.queue_room());
    if held + text.len() > room && priority != Priority::Continuation {
      process.reserve += text.len();
    }
    if let Err(reason) = process.exporter.handle_event(text, priority, now) {
      self.coverage.count("events refused");
      return Ok(reason == LossReason::QueueFull);
    }
    let after = lost(process);
    if priority == Priority::Continuation && held + text.len() > room + room / 8 {
      let detail = format!("{held} bytes are held");
      return self.finding("what exceeds the queue is refused", detail).map(|()| false);
    }
    let grown = |reason: LossReason| after.get(reason.name()) > before.get(reason.name());
    let fate = match () {
      () if grown(LossReason::QueueFull) => Fate::Refused,
      () if grown(LossReason::UnreadableEvent) || grown(LossReason::NotDeliveredAtExit) => {
        Fate::Unreadable
      }
      () => Fate::Translated,
    };
    let is_late = process.exit_deadline.is_some_and(|deadline| deadline <= self.now);
    let rows = process.reference.event(text, fate, now);
    if is_late && fate == Fate::Translated {
      let detail = "an event is translated after the exit deadline";
      return self.finding("shutdown by its deadline", detail).map(|()| false);
    }
    self.produced(number, rows);
    Ok(false)
  }

  /// Adds the states that a process produced.
  pub(crate) fn produced(&mut self, number: usize, rows: Vec<Produced>) {
    for (id, leaves) in rows {
      if let Some(span) = self.history.spans.get(&id)
        && let Some(other) = span.states.last().map(|state| state.process)
        && other != number
        && self.adopters.get(&other) != Some(&Some(number))
        && (self.processes.contains_key(&other)
          || span.behind(span.states.len(), self.server.merged.rows.get(&id)).is_some()
          || self.segments(None).iter().flatten().any(|(there, _)| *there == id))
      {
        // The other process runs, or what it left comes later, or again.
        self.history.unordered.insert(id);
      }
      if let Some(process) = self.processes.get_mut(&number) {
        process.touched.insert(id);
      }
      self.history.add(id, leaves, State { process: number, at: self.now });
    }
  }
}
