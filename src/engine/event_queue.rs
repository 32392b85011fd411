//! The queue between the JavaScript thread and the exporter's thread: bounded, non-blocking.

use std::{
  borrow::Cow,
  collections::VecDeque,
  mem,
  ops::Range,
  rc::Rc,
  sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
  },
  time::Duration,
};

use export::{
  admission::{Admission, Priority},
  diagnostics::Account,
  loss::LossReason,
};
use flue_event::Utf8;
use tokio::sync::Notify;

use super::Report;

/// When so much waits, the engine is woken in any case.
const URGENT_BYTES: usize = 1024 * 1024;

/// How many bytes a chunk of events has room for. Events of their own size each would cost an allocation
/// on one thread and a release on another.
const CHUNK: usize = 128 * 1024;
/// Texts of up to so many units are written as UTF-8 at once, which takes half the memory while they wait. For
/// longer ones that would hold up the JavaScript thread.
const SHORT: usize = 4096;
/// How many empty chunks are kept.
const SPARE: usize = 4;

/// The text of an event, still on the JavaScript thread.
pub trait EventText {
  /// How many UTF-16 units it has.
  fn len(&self) -> usize;
  /// Puts it behind what is in the buffer, which has room for it and one unit more; nothing on failure.
  fn append_utf16(&self, buffer: &mut Vec<u16>);
  /// The same as UTF-8. The buffer has room for three bytes a unit and one byte more.
  fn append_utf8(&self, buffer: &mut Vec<u8>);
}

/// What waits for the engine.
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
  chunks: VecDeque<Chunk>,
  spare: Vec<Vec<u8>>,
  /// How many events have come.
  events: u64,
  commands: VecDeque<QueuedCommand>,
  /// Whether the engine's thread was started.
  started: bool,
  /// Set once no more events are drained.
  closed: Option<LossReason>,
  /// Whether the engine's thread has ended: nobody obeys commands.
  ended: bool,
  /// When the recorder must have closed.
  deadline: Option<Duration>,
  /// Whether the engine sleeps until it is woken, instead of looking by itself.
  parked: bool,
}

/// Texts of events.
enum Chunk {
  /// Short ones, one behind the other, and where each ends.
  Short(Vec<u8>, Vec<usize>),
  /// A long one.
  Long(Vec<u16>),
}

/// A command, and how many events come before it.
struct QueuedCommand(u64, Command);

/// What the engine has taken out of the inbox and not read yet.
#[derive(Default)]
pub struct Drained {
  chunks: VecDeque<Chunk>,
  /// The chunk of short events that is being read.
  text: Rc<Vec<u8>>,
  ends: std::vec::IntoIter<usize>,
  start: usize,
  /// The number of the next event.
  next: u64,
  commands: VecDeque<QueuedCommand>,
  spare: Vec<Vec<u8>>,
}

/// What comes next.
pub enum Next {
  Event(QueuedText),
  Command(Command),
}

/// The text of an event.
pub enum QueuedText {
  /// Inside its chunk.
  Short(Rc<Vec<u8>>, Range<usize>),
  Long(Vec<u16>),
}

impl QueuedText {
  /// The bytes that it takes.
  pub fn bytes(&self) -> usize {
    match self {
      Self::Short(_, range) => range.len(),
      Self::Long(text) => size_of_val(text.as_slice()),
    }
  }

  /// As UTF-8, in which it is already or to which `utf8` changes it.
  pub fn read<'a>(&'a self, utf8: &'a mut Utf8) -> Cow<'a, str> {
    match self {
      Self::Short(chunk, range) => {
        Utf8::checked(String::from_utf8_lossy(chunk.get(range.clone()).unwrap_or_default()))
      }
      Self::Long(text) => utf8.read(text),
    }
  }
}

/// What the engine is asked besides events.
pub enum Command {
  /// Settle what came before this.
  Flush { deadline: Duration, reply: Reply },
  /// Take back content that was masked.
  Masked { batch: u64, content: String },
  /// Settle everything and end.
  Shutdown { deadline: Duration, reply: Reply },
}

/// Answers exactly once, also when nobody is left to do so.
pub struct Reply {
  send: Option<Box<dyn FnOnce(Report) + Send>>,
  account: Arc<Account>,
}

impl Reply {
  pub fn new(account: Arc<Account>, send: impl FnOnce(Report) + Send + 'static) -> Self {
    Self { send: Some(Box::new(send)), account }
  }

  /// Answers now.
  pub fn send(mut self, complete: bool) {
    self.answer(complete);
  }

  fn answer(&mut self, complete: bool) {
    if let Some(send) = self.send.take() {
      send(Report { complete, stats: self.account.counters.stats() });
    }
  }
}

impl Drop for Reply {
  fn drop(&mut self) {
    let stats = self.account.counters.stats();
    self.answer(stats.pending + stats.spooled == 0);
  }
}

impl EventQueue {
  pub fn new(admission: Admission) -> Self {
    Self {
      admission,
      bytes: AtomicUsize::new(0),
      exporter_bytes: AtomicUsize::new(0),
      state: Mutex::default(),
      wake: Notify::default(),
    }
  }

  /// Accepts an event, unless too much waits or the thread has ended. True for the first event ever.
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
    let bytes = if length > SHORT { state.push_long(event) } else { state.push_short(event) };
    let bytes = bytes.ok_or(LossReason::UnreadableEvent)?;
    state.events += 1;
    let queued = self.bytes.fetch_add(bytes, Relaxed) + bytes;
    let first = !mem::replace(&mut state.started, true);
    // Waking a thread costs more than all else here; one that is awake looks by itself before long.
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

  /// The engine will sleep until it is woken. False when there is something to do already.
  pub fn park(&self) -> bool {
    let mut state = self.lock();
    state.parked = state.chunks.is_empty() && state.commands.is_empty();
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

  /// When the recorder must have closed, if it was asked to.
  pub fn deadline(&self) -> Option<Duration> {
    self.lock().deadline
  }

  /// Moves everything that has come to `drained`.
  pub fn drain(&self, drained: &mut Drained) {
    let mut state = self.lock();
    drained.chunks.append(&mut state.chunks);
    drained.commands.append(&mut state.commands);
    let room = SPARE.saturating_sub(state.spare.len()).min(drained.spare.len());
    state.spare.extend(drained.spare.drain(..room));
  }

  /// An event of so many bytes needs no place any more.
  pub fn release(&self, bytes: usize) {
    self.bytes.fetch_sub(bytes, Relaxed);
  }

  /// Whether no thread is at work, not yet or not any more.
  pub fn is_at_rest(&self) -> bool {
    let state = self.lock();
    !state.started || state.ended
  }

  /// Takes nothing more, for this reason, and gives up the events that nobody will read. Commands that wait
  /// are answered.
  pub fn close(&self, reason: LossReason) {
    let mut state = self.lock();
    state.closed.get_or_insert(reason);
    state.ended = true;
    self.bytes.store(0, Relaxed);
    state.chunks.clear();
    state.spare.clear();
    let commands = mem::take(&mut state.commands);
    drop(state);
    drop(commands);
  }

  /// Waits until something has come.
  pub async fn arrival(&self) {
    self.wake.notified().await;
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

impl State {
  /// Takes in a short event. The bytes that it takes, or nothing if it cannot be copied.
  fn push_short(&mut self, event: &impl EventText) -> Option<usize> {
    let room = event.len() * 3 + 1;
    let has_room = |chunk: &Chunk| match chunk {
      Chunk::Short(text, _) => text.capacity() - text.len() >= room,
      Chunk::Long(_) => false,
    };
    if !self.chunks.back().is_some_and(has_room) {
      // Between long events there is seldom more than one.
      let text = match self.chunks.back() {
        Some(Chunk::Long(_)) => Vec::with_capacity(room),
        _ => self.spare.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK)),
      };
      self.chunks.push_back(Chunk::Short(text, Vec::new()));
    }
    let Some(Chunk::Short(text, ends)) = self.chunks.back_mut() else { return None };
    let start = text.len();
    event.append_utf8(text);
    // An empty text is no event.
    let bytes = Some(text.len() - start).filter(|bytes| *bytes > 0)?;
    ends.push(text.len());
    Some(bytes)
  }

  /// The same for a long one.
  fn push_long(&mut self, event: &impl EventText) -> Option<usize> {
    let mut text = Vec::with_capacity(event.len() + 1);
    event.append_utf16(&mut text);
    let bytes = Some(size_of_val(text.as_slice())).filter(|bytes| *bytes > 0)?;
    self.chunks.push_back(Chunk::Long(text));
    Some(bytes)
  }
}

impl Drained {
  pub fn is_empty(&self) -> bool {
    self.ends.len() == 0 && self.chunks.is_empty() && self.commands.is_empty()
  }

  /// What comes next, events and commands in their order.
  pub fn next(&mut self) -> Option<Next> {
    if self.commands.front().is_some_and(|QueuedCommand(before, _)| *before <= self.next) {
      return self.commands.pop_front().map(|QueuedCommand(_, command)| Next::Command(command));
    }
    self.event().map(Next::Event)
  }

  fn event(&mut self) -> Option<QueuedText> {
    while self.ends.len() == 0 {
      match self.chunks.pop_front()? {
        Chunk::Long(text) => {
          self.next += 1;
          return Some(QueuedText::Long(text));
        }
        Chunk::Short(text, ends) => {
          let read = mem::replace(&mut self.text, Rc::new(text));
          self.ends = ends.into_iter();
          self.start = 0;
          let spare = Rc::into_inner(read).filter(|read| read.capacity() == CHUNK);
          if let Some(mut spare) = spare.filter(|_| self.spare.len() < SPARE) {
            spare.clear();
            self.spare.push(spare);
          }
        }
      }
    }
    let end = self.ends.next()?;
    let text = QueuedText::Short(self.text.clone(), self.start..end);
    self.start = end;
    self.next += 1;
    Some(text)
  }
}
