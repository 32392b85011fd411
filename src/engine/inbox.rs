//! The border between the JavaScript thread and the engine: bounded, and never waited at.

use std::{
  collections::VecDeque,
  mem,
  sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::Report;
use crate::report::{Counters, LossReason};

/// The most bytes that may wait, here and in the engine together.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What waits for the engine.
#[derive(Default)]
pub struct Inbox {
  state: Mutex<State>,
  wake: Notify,
}

#[derive(Default)]
struct State {
  events: VecDeque<Vec<u16>>,
  bytes: usize,
  commands: Vec<Command>,
  /// Whether the engine's thread was started.
  started: bool,
  /// Set once no more events are taken.
  shut: Option<LossReason>,
  /// Whether the engine's thread has ended: nobody obeys commands.
  ended: bool,
  /// When the recorder must have closed.
  deadline: Option<Instant>,
}

/// What the engine is asked besides events.
pub enum Command {
  /// Settle what came before this.
  Flush { deadline: Instant, reply: Reply },
  /// Settle everything and end.
  Close { deadline: Instant, reply: Reply },
}

/// Answers exactly once, also when nobody is left to do so.
pub struct Reply {
  send: Option<Box<dyn FnOnce(Report) + Send>>,
  counters: Arc<Counters>,
}

impl Reply {
  pub fn new(counters: Arc<Counters>, send: impl FnOnce(Report) + Send + 'static) -> Self {
    Self { send: Some(Box::new(send)), counters }
  }

  /// Answers now.
  pub fn send(mut self, complete: bool) {
    self.answer(complete);
  }

  fn answer(&mut self, complete: bool) {
    if let Some(send) = self.send.take() {
      send(Report { complete, stats: self.counters.stats() });
    }
  }
}

impl Drop for Reply {
  fn drop(&mut self) {
    let complete = self.counters.stats().pending == 0;
    self.answer(complete);
  }
}

impl Inbox {
  /// Takes an event, unless too much waits or the engine has ended. `held` is what waits in the engine.
  /// True for the first event ever.
  pub fn post(&self, event: Vec<u16>, held: usize) -> Result<bool, LossReason> {
    let mut state = self.lock();
    if let Some(reason) = state.shut {
      return Err(reason);
    }
    let bytes = size(&event);
    if state.bytes + held + bytes > MAX_BYTES {
      return Err(LossReason::InboxFull);
    }
    state.bytes += bytes;
    state.events.push_back(event);
    let first = !mem::replace(&mut state.started, true);
    drop(state);
    self.wake.notify_one();
    Ok(first)
  }

  /// Takes a command, unless there is no engine to carry it out: then the command is dropped, which
  /// answers it.
  pub fn command(&self, command: Command) {
    let mut state = self.lock();
    if let Command::Close { deadline, .. } = command {
      state.shut.get_or_insert(LossReason::Closed);
      state.deadline = Some(state.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }
    if state.started && !state.ended {
      state.commands.push(command);
    }
    drop(state);
    self.wake.notify_one();
  }

  /// Whether the time to close has passed.
  pub fn is_overdue(&self) -> bool {
    self.lock().deadline.is_some_and(|deadline| deadline <= Instant::now())
  }

  /// Gives back the events that there is no time to read.
  pub fn give_up(&self) -> VecDeque<Vec<u16>> {
    let mut state = self.lock();
    state.bytes = 0;
    mem::take(&mut state.events)
  }

  /// Takes out at most `most` events. The commands come along once no event is left before them.
  pub fn take(&self, most: usize) -> (Vec<Vec<u16>>, Vec<Command>) {
    let mut state = self.lock();
    let most = most.min(state.events.len());
    let events: Vec<_> = state.events.drain(..most).collect();
    state.bytes -= events.iter().map(|event| size(event)).sum::<usize>();
    let commands =
      if state.events.is_empty() { mem::take(&mut state.commands) } else { Vec::new() };
    (events, commands)
  }

  /// Takes nothing more, for this reason, and gives back the events nobody will read. Commands that
  /// wait are answered.
  pub fn shut(&self, reason: LossReason) -> VecDeque<Vec<u16>> {
    let mut state = self.lock();
    state.shut.get_or_insert(reason);
    state.ended = true;
    state.bytes = 0;
    let commands = mem::take(&mut state.commands);
    let events = mem::take(&mut state.events);
    drop(state);
    drop(commands);
    events
  }

  /// Waits until something has come.
  pub async fn arrival(&self) {
    self.wake.notified().await;
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

fn size(event: &[u16]) -> usize {
  size_of_val(event)
}
