//! The event buffer: short events that JavaScript writes into memory which it shares with the queue.
//!
//! Between two events of an agent the processor's caches lose the code of Node's C interface and of the addon: a call
//! then takes 30 to 50 µs, whatever it does, and writing a short text into memory takes 5. The queue takes what is
//! written before it accepts anything else, so that the order of events and commands is that of their calls.
//!
//! The buffer is a ring. The indices of its words are those of [`word`].

use std::{
  ops::Range,
  sync::{
    Arc,
    atomic::{
      AtomicU32,
      Ordering::{Relaxed, SeqCst},
    },
  },
};

use export::admission::Priority;

/// The bytes of the events that a buffer holds.
pub const BUFFER_BYTES: usize = 32 * 1024;
/// The words of events; a power of 2, by which positions in the ring are counted.
const EVENT_WORDS: u32 = (BUFFER_BYTES / size_of::<u32>()) as u32;
const WORDS: usize = word::EVENTS + EVENT_WORDS as usize;

/// What the first words of the buffer are.
pub mod word {
  /// 1 while JavaScript may write an event.
  pub const OPEN: usize = 0;
  /// How many words of events are written, in all.
  pub const WRITTEN: usize = 1;
  /// How many words of events are taken, in all.
  pub const TAKEN: usize = 2;
  /// Here the events begin, as UTF-16 units: of each the length, its priority, the text, and a unit more if the length is
  /// odd.
  pub const EVENTS: usize = 3;
}

/// The priorities by their numbers in JavaScript.
pub const PRIORITIES: [Priority; 4] =
  [Priority::Start, Priority::Continuation, Priority::MinimalEnd, Priority::Note];

/// The memory that JavaScript and the queue share. JavaScript alone writes events, and then how much it has written.
pub struct EventBuffer {
  words: [AtomicU32; WORDS],
}

impl Default for EventBuffer {
  fn default() -> Self {
    Self { words: [const { AtomicU32::new(0) }; WORDS] }
  }
}

impl EventBuffer {
  /// The words, for JavaScript.
  pub fn words(&self) -> &[AtomicU32] {
    &self.words
  }

  /// The units of the words that are written and not taken.
  fn units(&self, taken: u32, count: u32) -> Vec<u16> {
    let mut units = Vec::with_capacity(2 * count as usize);
    for at in 0..count {
      let place = word::EVENTS + (taken.wrapping_add(at) % EVENT_WORDS) as usize;
      let word = self.words.get(place).map_or(0, |word| word.load(Relaxed));
      let [a, b, c, d] = word.to_ne_bytes();
      units.extend_from_slice(&[u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])]);
    }
    units
  }
}

/// The queue's side of the buffer.
#[derive(Default)]
pub struct BufferReader {
  buffer: Option<Arc<EventBuffer>>,
}

impl BufferReader {
  /// The memory, which is made when JavaScript first asks for it.
  pub fn share(&mut self) -> Arc<EventBuffer> {
    self.buffer.get_or_insert_default().clone()
  }

  /// Lets JavaScript write, or no longer: an event that it is writing then may come after the next [`Self::take`], but
  /// JavaScript sees that the buffer is closed, and calls.
  pub fn set_open(&self, is_open: bool) {
    if let Some(buffer) = &self.buffer {
      // In one order with JavaScript's operations: it states what is written, then it reads this.
      buffer.words[word::OPEN].store(is_open.into(), SeqCst);
    }
  }

  /// Takes the events that are written.
  pub fn take(&mut self) -> Option<Written> {
    let buffer = self.buffer.as_ref()?;
    let written = buffer.words[word::WRITTEN].load(SeqCst);
    let taken = buffer.words[word::TAKEN].load(Relaxed);
    let count = written.wrapping_sub(taken).min(EVENT_WORDS);
    let taken = (count > 0).then(|| Written { units: buffer.units(taken, count) });
    // Now JavaScript may write over them.
    buffer.words[word::TAKEN].store(written, SeqCst);
    taken
  }
}

/// Events of a buffer.
#[derive(Default)]
pub struct Written {
  units: Vec<u16>,
}

/// An event of [`Written`].
pub struct WrittenEvent {
  /// Its text.
  pub text: Range<usize>,
  pub priority: Priority,
}

impl Written {
  /// The event after those whose text ends at `end`; at first 0.
  pub fn next(&self, end: usize) -> Option<WrittenEvent> {
    let start = end.next_multiple_of(2);
    let (length, kind) = (*self.units.get(start)?, *self.units.get(start + 1)?);
    let text = start + 2..start + 2 + usize::from(length);
    let priority = PRIORITIES.get(usize::from(kind)).copied().unwrap_or(Priority::Note);
    Some(WrittenEvent { text, priority })
  }

  /// All events.
  pub fn events(&self) -> impl Iterator<Item = WrittenEvent> {
    let mut end = 0;
    std::iter::from_fn(move || self.next(end).inspect(|event| end = event.text.end))
  }

  /// The units of a text.
  pub fn text(&self, range: Range<usize>) -> &[u16] {
    self.units.get(range).unwrap_or_default()
  }
}
