//! The queue between the JavaScript thread and the exporter's thread: bounded, non-blocking.

use std::{
  collections::VecDeque,
  mem,
  sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
  },
  time::Duration,
};

use export::{
  admission::{Admission, Priority},
  loss::LossReason,
};
use tokio::sync::Notify;

use super::{
  chunks::{Chunks, EventText, SHORT, SPARE},
  command::Command,
  drained::{Drained, QueuedCommand},
};

/// The queued bytes at which the thread is always woken.
const URGENT_BYTES: usize = 1024 * 1024;

/// Events and commands for the exporter's thread.
pub struct EventQueue {
  admission: Admission,
  /// The bytes of all events that are not translated yet.
  bytes: AtomicUsize,
  /// The memory that the exporter holds, as its thread published it last.
  exporter_bytes: AtomicUsize,
  state: Mutex<State>,
  wake: Notify,
}

#[derive(Default)]
struct State {
  chunks: Chunks,
  /// The number of events accepted so far.
  events: u64,
  commands: VecDeque<QueuedCommand>,
  /// Whether the thread was started.
  started: bool,
  /// Set once no more events are accepted.
  closed: Option<LossReason>,
  /// Whether the thread has ended: commands are dropped.
  ended: bool,
  /// When the exporter must have shut down.
  deadline: Option<Duration>,
  /// Whether the thread sleeps until it is woken; false: it polls.
  parked: bool,
}

impl EventQueue {
  /// An empty queue with this bound.
  pub fn new(admission: Admission) -> Self {
    Self {
      admission,
      bytes: AtomicUsize::new(0),
      exporter_bytes: AtomicUsize::new(0),
      state: Mutex::default(),
      wake: Notify::default(),
    }
  }

  /// Enqueues an event, unless the queue is full or closed. True for the first event: the thread is to be started.
  ///
  /// # Errors
  /// Why the event is refused.
  pub fn push(&self, event: &impl EventText, priority: Priority) -> Result<bool, LossReason> {
    let length = event.len();
    let about = if length > SHORT { length * size_of::<u16>() } else { length };
    let queued = self.bytes.load(Relaxed) + about;
    if !self.admission.admits(priority, queued, self.exporter_bytes.load(Relaxed)) {
      return Err(LossReason::QueueFull);
    }
    let mut state = self.lock();
    if let Some(reason) = state.closed {
      return Err(reason);
    }
    let bytes = state.chunks.push(event).ok_or(LossReason::UnreadableEvent)?;
    state.events += 1;
    let queued = self.bytes.fetch_add(bytes, Relaxed) + bytes;
    let first = !mem::replace(&mut state.started, true);
    // Waking a thread is expensive; a thread that is awake polls the queue soon anyway.
    let wakes = mem::take(&mut state.parked) || queued > URGENT_BYTES;
    drop(state);
    if wakes {
      self.wake.notify_one();
    }
    Ok(first)
  }

  /// Publishes the memory that the exporter holds.
  pub fn set_exporter_bytes(&self, bytes: usize) {
    self.exporter_bytes.store(bytes, Relaxed);
  }

  /// Announces that the thread is about to sleep until it is woken. False when the queue is not empty.
  pub fn park(&self) -> bool {
    let mut state = self.lock();
    state.parked = state.chunks.chunks.is_empty() && state.commands.is_empty();
    state.parked
  }

  /// Whether the thread is to be started now, before any event.
  pub fn begin(&self) -> bool {
    !mem::replace(&mut self.lock().started, true)
  }

  /// Queues a command. Without a thread it is dropped, which sends its reply.
  pub fn command(&self, command: Command) {
    let mut state = self.lock();
    if let Command::Shutdown { deadline, .. } = command {
      state.closed.get_or_insert(LossReason::Closed);
      state.deadline = Some(state.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }
    if state.started && !state.ended {
      let before = state.events;
      state.commands.push_back(QueuedCommand(before, command));
    }
    drop(state);
    self.wake.notify_one();
  }

  /// When the exporter must have shut down, if it is to.
  pub fn deadline(&self) -> Option<Duration> {
    self.lock().deadline
  }

  /// Moves all events and commands to `drained`.
  pub fn drain(&self, drained: &mut Drained) {
    let mut state = self.lock();
    drained.chunks.chunks.append(&mut state.chunks.chunks);
    drained.commands.append(&mut state.commands);
    let room = SPARE.saturating_sub(state.chunks.spare.len()).min(drained.chunks.spare.len());
    state.chunks.spare.extend(drained.chunks.spare.drain(..room));
  }

  /// Releases the bytes of an event that is translated.
  pub fn release(&self, bytes: usize) {
    self.bytes.fetch_sub(bytes, Relaxed);
  }

  /// Whether no thread runs: it has not started, or it has ended.
  pub fn is_at_rest(&self) -> bool {
    let state = self.lock();
    !state.started || state.ended
  }

  /// Refuses further events with `reason` and drops the queued ones. Queued commands are dropped, which sends their
  /// replies.
  pub fn close(&self, reason: LossReason) {
    let mut state = self.lock();
    state.closed.get_or_insert(reason);
    state.ended = true;
    self.bytes.store(0, Relaxed);
    state.chunks = Chunks::default();
    let commands = mem::take(&mut state.commands);
    drop(state);
    drop(commands);
  }

  /// Waits for an event or a command.
  pub async fn arrival(&self) {
    self.wake.notified().await;
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}
