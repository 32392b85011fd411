//! The queue between the JavaScript thread and the exporter's thread: bounded, non-blocking.

use std::{
  collections::VecDeque,
  mem,
  sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
  },
  time::{Duration, Instant},
};

use export::{
  account::Account,
  admission::{Admission, Priority},
  loss::LossReason,
};
use tokio::sync::Notify;

use super::{
  chunks::{Chunks, EventText, SHORT},
  command::Command,
  drained::{Drained, QueuedCommand},
};

/// The queued bytes at which the thread is always woken.
const URGENT_BYTES: usize = 1024 * 1024;
/// The delay before a thread that could not be started is tried again: events may come in a burst.
const START_AGAIN: Duration = Duration::from_millis(100);

/// Events and commands for the exporter's thread.
pub struct EventQueue {
  admission: Admission,
  account: Arc<Account>,
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
  /// When a thread that could not be started is tried again.
  start_again: Option<Instant>,
  /// Set once no more events are accepted.
  closed: Option<LossReason>,
  /// Whether the exporter has ended: commands are dropped.
  ended: bool,
  /// When the exporter must have shut down.
  deadline: Option<Duration>,
  /// Whether the thread sleeps until it is woken; false: it polls.
  parked: bool,
}

impl EventQueue {
  /// An empty queue with this bound, which counts what it accepts.
  pub fn new(admission: Admission, account: Arc<Account>) -> Self {
    Self {
      admission,
      account,
      bytes: AtomicUsize::new(0),
      exporter_bytes: AtomicUsize::new(0),
      state: Mutex::default(),
      wake: Notify::default(),
    }
  }

  /// Enqueues an event, unless the queue is full or closed. True for the first event: the thread is to be started
  /// ([`Self::start_failed`] if that fails). `cut` states that content was cut from it.
  ///
  /// # Errors
  /// Why the event is refused.
  pub fn push(
    &self,
    event: &impl EventText,
    priority: Priority,
    cut: bool,
  ) -> Result<bool, LossReason> {
    let is_admitted = self.admits(event.len(), priority);
    let mut state = self.lock();
    if let Some(reason) = state.closed {
      return Err(reason);
    }
    if !is_admitted {
      return Err(LossReason::QueueFull);
    }
    let bytes = state.chunks.push(event).ok_or(LossReason::UnreadableEvent)?;
    state.events += 1;
    self.account.counters.event_accepted();
    let queued = self.bytes.fetch_add(bytes, Relaxed) + bytes;
    let first = !state.started && state.start_again.is_none_or(|at| at <= Instant::now());
    state.started |= first;
    // Waking a thread is expensive; a thread that is awake polls the queue soon anyway.
    let wakes = mem::take(&mut state.parked) || queued > URGENT_BYTES;
    drop(state);
    if wakes {
      self.wake.notify_one();
    }
    // Not before: it may print.
    self.account.note_cut(priority, cut);
    Ok(first)
  }

  /// Whether the queue has room for an event of so many UTF-16 units.
  pub fn admits(&self, length: usize, priority: Priority) -> bool {
    let about = if length > SHORT { length * size_of::<u16>() } else { length };
    let queued = self.bytes.load(Relaxed) + about;
    self.admission.admits(priority, queued, self.exporter_bytes.load(Relaxed))
  }

  /// Publishes the memory that the exporter holds.
  pub fn set_exporter_bytes(&self, bytes: usize) {
    self.exporter_bytes.store(bytes, Relaxed);
  }

  /// Announces that the thread is about to sleep until it is woken. False when the queue is not empty.
  pub fn park(&self) -> bool {
    let mut state = self.lock();
    state.parked = state.chunks.events.is_empty() && state.commands.is_empty();
    state.parked
  }

  /// Whether the thread is to be started now, before any event.
  pub fn begin(&self) -> bool {
    !mem::replace(&mut self.lock().started, true)
  }

  /// Whether the thread is to be started now because events wait for it.
  pub fn begin_for_waiting(&self) -> bool {
    let mut state = self.lock();
    let begins = !state.started && !state.ended && state.events > 0;
    state.started |= begins;
    begins
  }

  /// Keeps the events: the thread could not be started. It is to be started again by a later event.
  pub fn start_failed(&self) {
    let mut state = self.lock();
    state.started = false;
    state.start_again = Some(Instant::now() + START_AGAIN);
  }

  /// Brings the time forward by which the exporter must have shut down. Returns the earliest one set.
  pub fn bring_forward(&self, deadline: Duration) -> Duration {
    let mut state = self.lock();
    let earliest = state.deadline.map_or(deadline, |earlier| earlier.min(deadline));
    state.deadline = Some(earliest);
    earliest
  }

  /// Refuses further events with `reason`.
  pub fn refuse(&self, reason: LossReason) {
    self.lock().closed.get_or_insert(reason);
  }

  /// Queues a command. Without a thread it is dropped, which sends its reply.
  pub fn command(&self, command: Command) {
    let mut state = self.lock();
    if state.started && !state.ended {
      let before = state.events;
      state.commands.push_back(QueuedCommand(before, command));
    }
    drop(state);
    self.wake.notify_one();
  }

  /// Whether commands wait.
  pub fn has_commands(&self) -> bool {
    !self.lock().commands.is_empty()
  }

  /// When the exporter must have shut down, if it is to.
  pub fn deadline(&self) -> Option<Duration> {
    self.lock().deadline
  }

  /// Why further events are refused, if they are.
  pub fn closed_for(&self) -> Option<LossReason> {
    self.lock().closed
  }

  /// Moves all events and commands to `drained`.
  pub fn drain(&self, drained: &mut Drained) {
    let mut state = self.lock();
    state.chunks.move_to(&mut drained.chunks);
    drained.commands.append(&mut state.commands);
  }

  /// Releases the bytes of an event that is translated.
  pub fn release(&self, bytes: usize) {
    self.bytes.fetch_sub(bytes, Relaxed);
  }

  /// Whether a thread was started.
  pub fn has_thread(&self) -> bool {
    self.lock().started
  }

  /// Whether no thread runs: it has not started, or it has ended.
  pub fn is_at_rest(&self) -> bool {
    let state = self.lock();
    !state.started || state.ended
  }

  /// Refuses further events with `reason` and drops the queued ones. Returns the queued commands: dropping them sends
  /// their replies.
  pub fn close(&self, reason: LossReason) -> VecDeque<QueuedCommand> {
    let mut state = self.lock();
    state.closed.get_or_insert(reason);
    state.ended = true;
    self.bytes.store(0, Relaxed);
    state.chunks = Chunks::default();
    mem::take(&mut state.commands)
  }

  /// Removes the flushes whose deadline has passed, for a thread that does not drain the queue. Dropping them sends
  /// their replies.
  pub fn take_late_flushes(&self, now: Duration) -> VecDeque<QueuedCommand> {
    let mut state = self.lock();
    let is_late = |queued: &QueuedCommand| matches!(queued.1, Command::Flush { deadline, .. } if deadline <= now);
    let (late, others) = mem::take(&mut state.commands).into_iter().partition(is_late);
    state.commands = others;
    late
  }

  /// Waits for an event or a command.
  pub async fn arrival(&self) {
    self.wake.notified().await;
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

#[cfg(test)]
mod tests;
