//! The border between the JavaScript thread and the engine: bounded, and never waited at.

use std::{
  collections::VecDeque,
  mem,
  sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
  },
};

use tokio::{sync::Notify, time::Instant};

use super::Report;
use crate::report::{Counters, LossReason};

/// When so much waits, the engine is woken in any case.
const URGENT_BYTES: usize = 1024 * 1024;

/// What an event takes besides its text: its place in the list, and what the allocator needs.
const PLACE: usize = 48;

/// How much an event matters when too much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
  /// It begins a span: it is the first to be refused.
  Begins,
  /// It goes on with a span that was accepted. When it is refused its [`Stage::Essentials`] come.
  GoesOn,
  /// What must be known of the end of a span. The last to be refused.
  Essentials,
}

/// What waits for the engine.
pub struct Inbox {
  /// The most bytes that may wait, here and in the engine together.
  max_bytes: usize,
  /// The bytes of all events that are not read yet.
  bytes: AtomicUsize,
  state: Mutex<State>,
  wake: Notify,
}

#[derive(Default)]
struct State {
  events: VecDeque<Vec<u16>>,
  /// How many events came before those.
  before: u64,
  commands: VecDeque<Due>,
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

/// A command, and how many events come before it.
struct Due(u64, Command);

/// What the engine has taken out of the inbox and not read yet.
#[derive(Default)]
pub struct Taken {
  events: VecDeque<Vec<u16>>,
  /// The number of the first of them.
  next: u64,
  commands: VecDeque<Due>,
}

/// What comes next.
pub enum Next {
  Event(Vec<u16>),
  Command(Command),
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
    let stats = self.counters.stats();
    self.answer(stats.pending + stats.spooled == 0);
  }
}

impl Inbox {
  /// An inbox that holds `max_bytes` bytes together with the engine.
  pub fn new(max_bytes: usize) -> Self {
    Self { max_bytes, bytes: AtomicUsize::new(0), state: Mutex::default(), wake: Notify::default() }
  }

  /// Takes an event, unless too much waits or the engine has ended. `held` is what waits in the engine.
  /// True for the first event ever.
  pub fn post(&self, event: Vec<u16>, stage: Stage, held: usize) -> Result<bool, LossReason> {
    let bytes = size(&event);
    let waiting = self.bytes.load(Relaxed) + bytes;
    if waiting + held > self.max_bytes && waiting > self.reserve(stage) {
      return Err(LossReason::QueueFull);
    }
    let mut state = self.lock();
    if let Some(reason) = state.shut {
      return Err(reason);
    }
    let waiting = self.bytes.fetch_add(bytes, Relaxed) + bytes;
    state.events.push_back(event);
    let first = !mem::replace(&mut state.started, true);
    // Waking a thread costs more than all else here; one that is awake looks by itself before long.
    let wakes = mem::take(&mut state.parked) || waiting > URGENT_BYTES;
    drop(state);
    if wakes {
      self.wake.notify_one();
    }
    Ok(first)
  }

  /// How much may wait here although the engine holds all that it may: it still has to tell ends of
  /// accepted spans, which must not be refused, from beginnings of new ones.
  fn reserve(&self, stage: Stage) -> usize {
    match stage {
      Stage::Begins => self.max_bytes / 16,
      Stage::GoesOn => self.max_bytes / 8,
      Stage::Essentials => self.max_bytes / 4,
    }
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
      let before = state.before + state.events.len() as u64;
      state.commands.push_back(Due(before, command));
    }
    drop(state);
    self.wake.notify_one();
  }

  /// Whether the time to close has passed.
  pub fn is_overdue(&self) -> bool {
    self.lock().deadline.is_some_and(|deadline| deadline <= Instant::now())
  }

  /// Moves everything that has come to `taken`.
  pub fn take(&self, taken: &mut Taken) {
    let mut state = self.lock();
    state.before += state.events.len() as u64;
    if taken.events.is_empty() {
      mem::swap(&mut taken.events, &mut state.events);
    } else {
      taken.events.append(&mut state.events);
    }
    taken.commands.append(&mut state.commands);
  }

  /// An event that was taken needs no place any more.
  pub fn read(&self, event: &[u16]) {
    self.bytes.fetch_sub(size(event), Relaxed);
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
    self.bytes.store(0, Relaxed);
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

impl Taken {
  pub fn is_empty(&self) -> bool {
    self.events.is_empty() && self.commands.is_empty()
  }

  /// What comes next, events and commands in their order.
  pub fn next(&mut self) -> Option<Next> {
    if self.commands.front().is_some_and(|Due(before, _)| *before <= self.next) {
      return self.commands.pop_front().map(|Due(_, command)| Next::Command(command));
    }
    let event = self.events.pop_front()?;
    self.next += 1;
    Some(Next::Event(event))
  }

  /// Gives up the events that there is no time to read. The commands come at once.
  pub fn give_up(&mut self) -> VecDeque<Vec<u16>> {
    self.next += self.events.len() as u64;
    mem::take(&mut self.events)
  }
}

fn size(event: &[u16]) -> usize {
  size_of_val(event) + PLACE
}
