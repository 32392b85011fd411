//! The consumer's side of the event queue.

use std::{borrow::Cow, collections::VecDeque, mem, ops::Range, rc::Rc};

use flue_event::Utf8;

use super::{
  chunks::{CHUNK, Chunk, Chunks, SPARE},
  command::Command,
  event_buffer::Written,
};

/// A command, and how many events come before it.
pub struct QueuedCommand(pub u64, pub Command);

/// What the exporter's thread has drained from the queue and not translated yet.
#[derive(Default)]
pub struct Drained {
  pub(super) chunks: Chunks,
  /// The chunk of short events that is being read.
  text: Rc<Vec<u8>>,
  ends: std::vec::IntoIter<usize>,
  start: usize,
  /// Those of the event buffer that are being read, and where the last one ended.
  written: Rc<Written>,
  written_end: usize,
  /// The number of the next event.
  next: u64,
  pub(super) commands: VecDeque<QueuedCommand>,
}

/// An event or a command, in the order in which they were queued.
pub enum Next {
  /// An event's text.
  Event(QueuedText),
  /// A command.
  Command(Command),
}

/// The text of an event.
pub enum QueuedText {
  /// Inside its chunk.
  Short(Rc<Vec<u8>>, Range<usize>),
  Long(Vec<u16>),
  /// Among others that JavaScript has written.
  Written(Rc<Written>, Range<usize>),
}

impl QueuedText {
  /// The bytes that it takes.
  pub fn bytes(&self) -> usize {
    match self {
      Self::Short(_, range) => range.len(),
      Self::Long(text) => size_of_val(text.as_slice()),
      Self::Written(_, range) => size_of::<u16>() * range.len(),
    }
  }

  /// As UTF-8, in which it is already or to which `utf8` changes it.
  pub fn read<'a>(&'a self, utf8: &'a mut Utf8) -> Cow<'a, str> {
    match self {
      Self::Short(chunk, range) => {
        Utf8::checked(String::from_utf8_lossy(chunk.get(range.clone()).unwrap_or_default()))
      }
      Self::Long(text) => utf8.read(text),
      Self::Written(written, range) => utf8.read(written.text(range.clone())),
    }
  }
}

impl Drained {
  /// Whether no event and no command is left.
  pub fn is_empty(&self) -> bool {
    self.ends.len() == 0
      && self.written.next(self.written_end).is_none()
      && self.chunks.chunks.is_empty()
      && self.commands.is_empty()
  }

  /// Removes the next event or command.
  pub fn next(&mut self) -> Option<Next> {
    if self.commands.front().is_some_and(|QueuedCommand(before, _)| *before <= self.next) {
      return self.commands.pop_front().map(|QueuedCommand(_, command)| Next::Command(command));
    }
    self.event().map(Next::Event)
  }

  fn event(&mut self) -> Option<QueuedText> {
    while self.ends.len() == 0 {
      if let Some(event) = self.written.next(self.written_end) {
        self.written_end = event.text.end;
        self.next += 1;
        return Some(QueuedText::Written(self.written.clone(), event.text));
      }
      match self.chunks.chunks.pop_front()? {
        Chunk::Written(written) => {
          self.written = Rc::new(written);
          self.written_end = 0;
        }
        Chunk::Long(text) => {
          self.next += 1;
          return Some(QueuedText::Long(text));
        }
        Chunk::Short(text, ends) => {
          let read = mem::replace(&mut self.text, Rc::new(text));
          self.ends = ends.into_iter();
          self.start = 0;
          let spare = Rc::into_inner(read).filter(|read| read.capacity() == CHUNK);
          if let Some(mut spare) = spare.filter(|_| self.chunks.spare.len() < SPARE) {
            spare.clear();
            self.chunks.spare.push(spare);
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
