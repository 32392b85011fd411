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

/// When so much waits, the engine is woken in any case.
const URGENT_BYTES: usize = 1024 * 1024;

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
  /// The commands, each with the number of events that come before it.
  commands: VecDeque<(usize, Command)>,
  /// Whether the engine's thread was started.
  started: bool,
  /// Set once no more events are taken.
  shut: Option<LossReason>,
  /// Whether the engine's thread has ended: nobody obeys commands.
  ended: bool,
  /// When the recorder must have closed.
  deadline: Option<Instant>,
  /// Whether the engine sleeps until it is woken, instead of looking by itself.
  parked: bool,
}

/// What was taken out of the inbox.
pub struct Taken {
  pub events: Vec<Vec<u16>>,
  /// The commands that come next.
  pub commands: Vec<Command>,
  /// Whether more is waiting.
  pub more: bool,
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
    // Waking a thread costs more than all else here; one that is awake looks by itself before long.
    let wakes = mem::take(&mut state.parked) || state.bytes > URGENT_BYTES;
    drop(state);
    if wakes {
      self.wake.notify_one();
    }
    Ok(first)
  }

  /// The engine will sleep until it is woken. False when there is something to do already.
  pub fn park(&self) -> bool {
    let mut state = self.lock();
    state.parked = state.events.is_empty() && state.commands.is_empty();
    state.parked
  }

  /// Whether the engine's thread is to be started now, before any event.
  pub fn begin(&self) -> bool {
    !mem::replace(&mut self.lock().started, true)
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
      let before = state.events.len();
      state.commands.push_back((before, command));
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
    state.commands.iter_mut().for_each(|(before, _)| *before = 0);
    mem::take(&mut state.events)
  }

  /// Takes out at most `most` events of at most `bytes` bytes, or a single one that is larger, in their
  /// order with the commands: none from behind a command.
  pub fn take(&self, most: usize, bytes: usize) -> Taken {
    let mut state = self.lock();
    let before = state.commands.front().map_or(usize::MAX, |(before, _)| *before);
    let most = most.min(before);
    let (mut events, mut taken) = (Vec::new(), 0);
    while events.len() < most && (events.is_empty() || taken < bytes) {
      let Some(event) = state.events.pop_front() else { break };
      taken += size(&event);
      events.push(event);
    }
    state.bytes -= taken;
    state.commands.iter_mut().for_each(|(before, _)| *before -= events.len());
    let due = state.commands.iter().take_while(|(before, _)| *before == 0).count();
    let commands = state.commands.drain(..due).map(|(_, command)| command).collect();
    let more = !state.events.is_empty() || !state.commands.is_empty();
    Taken { events, commands, more }
  }

  /// Whether no thread is at work, not yet or not any more.
  pub fn is_at_rest(&self) -> bool {
    let state = self.lock();
    !state.started || state.ended
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
