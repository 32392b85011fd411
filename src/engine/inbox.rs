//! The border between the JavaScript thread and the engine: bounded, and never waited at.

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
};

use tokio::{sync::Notify, time::Instant};

use super::Report;
use export::report::{Counters, LossReason};
use flue_event::Utf8;

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
pub trait Incoming {
  /// How many UTF-16 units it has.
  fn len(&self) -> usize;
  /// Puts it behind what is in the buffer, which has room for it and one unit more; nothing on failure.
  fn append_utf16(&self, buffer: &mut Vec<u16>);
  /// The same as UTF-8. The buffer has room for three bytes a unit and one byte more.
  fn append_utf8(&self, buffer: &mut Vec<u8>);
}

/// How much an event matters when too much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
  /// It begins a span: it is the first to be refused.
  Begins,
  /// It goes on with a span that was accepted. When it is refused its [`Stage::Essentials`] come.
  GoesOn,
  /// What must be known of the end of a span. The last to be refused.
  Essentials,
  /// What the engine should know, and no span shows.
  Note,
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
  chunks: VecDeque<Chunk>,
  spare: Vec<Vec<u8>>,
  /// How many events have come.
  events: u64,
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

/// Texts of events.
enum Chunk {
  /// Short ones, one behind the other, and where each ends.
  Short(Vec<u8>, Vec<usize>),
  /// A long one.
  Long(Vec<u16>),
}

/// A command, and how many events come before it.
struct Due(u64, Command);

/// What the engine has taken out of the inbox and not read yet.
#[derive(Default)]
pub struct Taken {
  chunks: VecDeque<Chunk>,
  /// The chunk of short events that is being read.
  text: Rc<Vec<u8>>,
  ends: std::vec::IntoIter<usize>,
  start: usize,
  /// The number of the next event.
  next: u64,
  commands: VecDeque<Due>,
  spare: Vec<Vec<u8>>,
}

/// What comes next.
pub enum Next {
  Event(Text),
  Command(Command),
}

/// The text of an event.
pub enum Text {
  /// Inside its chunk.
  Short(Rc<Vec<u8>>, Range<usize>),
  Long(Vec<u16>),
}

impl Text {
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
  Flush { deadline: Instant, reply: Reply },
  /// Take back content that was masked.
  Masked { batch: u64, content: String },
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

  /// Takes an event, unless too much waits or the engine has ended. `held` is what waits in the engine. True
  /// for the first event ever.
  pub fn post(&self, event: &impl Incoming, stage: Stage, held: usize) -> Result<bool, LossReason> {
    let length = event.len();
    let about = if length > SHORT { length * size_of::<u16>() } else { length };
    let waiting = self.bytes.load(Relaxed) + about;
    if waiting + held > self.most_with(stage) && waiting > self.reserve(stage) {
      return Err(LossReason::QueueFull);
    }
    let mut state = self.lock();
    if let Some(reason) = state.shut {
      return Err(reason);
    }
    let bytes = if length > SHORT { state.take_long(event) } else { state.take_short(event) };
    let bytes = bytes.ok_or(LossReason::UnreadableEvent)?;
    state.events += 1;
    let waiting = self.bytes.fetch_add(bytes, Relaxed) + bytes;
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
      // When the engine holds more than all, ends have no room but for what is essential.
      Stage::GoesOn => 0,
      Stage::Essentials | Stage::Note => self.max_bytes / 4,
    }
  }

  /// How much may wait, here and in the engine together, when an event is taken without recourse to the
  /// reserve.
  fn most_with(&self, stage: Stage) -> usize {
    match stage {
      Stage::GoesOn => self.max_bytes + self.max_bytes / 8,
      _ => self.max_bytes,
    }
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
    if let Command::Close { deadline, .. } = command {
      state.shut.get_or_insert(LossReason::Closed);
      state.deadline = Some(state.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }
    if state.started && !state.ended {
      let before = state.events;
      state.commands.push_back(Due(before, command));
    }
    drop(state);
    self.wake.notify_one();
  }

  /// Whether the time to close has passed.
  pub fn is_overdue(&self) -> bool {
    self.deadline().is_some_and(|deadline| deadline <= Instant::now())
  }

  /// When the recorder must have closed, if it was asked to.
  pub fn deadline(&self) -> Option<Instant> {
    self.lock().deadline
  }

  /// Moves everything that has come to `taken`.
  pub fn take(&self, taken: &mut Taken) {
    let mut state = self.lock();
    taken.chunks.append(&mut state.chunks);
    taken.commands.append(&mut state.commands);
    let room = SPARE.saturating_sub(state.spare.len()).min(taken.spare.len());
    state.spare.extend(taken.spare.drain(..room));
  }

  /// An event of so many bytes needs no place any more.
  pub fn read(&self, bytes: usize) {
    self.bytes.fetch_sub(bytes, Relaxed);
  }

  /// Whether no thread is at work, not yet or not any more.
  pub fn is_at_rest(&self) -> bool {
    let state = self.lock();
    !state.started || state.ended
  }

  /// Takes nothing more, for this reason, and gives up the events that nobody will read. Commands that wait
  /// are answered.
  pub fn shut(&self, reason: LossReason) {
    let mut state = self.lock();
    state.shut.get_or_insert(reason);
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
  fn take_short(&mut self, event: &impl Incoming) -> Option<usize> {
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
  fn take_long(&mut self, event: &impl Incoming) -> Option<usize> {
    let mut text = Vec::with_capacity(event.len() + 1);
    event.append_utf16(&mut text);
    let bytes = Some(size_of_val(text.as_slice())).filter(|bytes| *bytes > 0)?;
    self.chunks.push_back(Chunk::Long(text));
    Some(bytes)
  }
}

impl Taken {
  pub fn is_empty(&self) -> bool {
    self.ends.len() == 0 && self.chunks.is_empty() && self.commands.is_empty()
  }

  /// What comes next, events and commands in their order.
  pub fn next(&mut self) -> Option<Next> {
    if self.commands.front().is_some_and(|Due(before, _)| *before <= self.next) {
      return self.commands.pop_front().map(|Due(_, command)| Next::Command(command));
    }
    self.event().map(Next::Event)
  }

  fn event(&mut self) -> Option<Text> {
    while self.ends.len() == 0 {
      match self.chunks.pop_front()? {
        Chunk::Long(text) => {
          self.next += 1;
          return Some(Text::Long(text));
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
    let text = Text::Short(self.text.clone(), self.start..end);
    self.start = end;
    self.next += 1;
    Some(text)
  }

  /// Gives up the events that there is no time to read, and tells their bytes. The commands come at once.
  pub fn give_up(&mut self) -> Vec<usize> {
    std::iter::from_fn(|| self.event()).map(|text| text.bytes()).collect()
  }
}
