//! The consumer's side of the event queue.

use std::{borrow::Cow, collections::VecDeque, iter, mem, ops::Range, rc::Rc};

use flue_event::Utf8;

use super::{
  chunks::{CHUNK, Chunks, SPARE, Waiting},
  command::Command,
  slab::Slab,
};

/// A command, and how many events come before it.
pub struct QueuedCommand(pub u64, pub Command);

/// What the exporter's thread has drained from the queue and not translated yet.
#[derive(Default)]
pub struct Drained {
  pub(super) chunks: Chunks,
  /// The chunk of short events that is being read, and where the last one ended.
  text: Rc<Vec<u8>>,
  text_end: usize,
  /// The slab of long ones that is being read, and where the last one ended.
  slab: Option<Rc<Slab>>,
  slab_end: usize,
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
  /// Inside its slab.
  Long(Rc<Slab>, Range<usize>),
}

impl QueuedText {
  /// The bytes that it takes.
  pub fn bytes(&self) -> usize {
    match self {
      Self::Short(_, range) => range.len(),
      Self::Long(_, range) => size_of::<u16>() * range.len(),
    }
  }

  /// As UTF-8, in which it is already or to which `utf8` changes it.
  pub fn read<'a>(&'a self, utf8: &'a mut Utf8) -> Cow<'a, str> {
    match self {
      Self::Short(chunk, range) => {
        Utf8::checked(String::from_utf8_lossy(chunk.get(range.clone()).unwrap_or_default()))
      }
      Self::Long(slab, range) => utf8.read(slab.text(range.clone())),
    }
  }
}

impl Drained {
  /// Whether no event and no command is left.
  pub fn is_empty(&self) -> bool {
    self.chunks.events.is_empty() && self.commands.is_empty()
  }

  /// Removes the next event or command.
  pub fn next(&mut self) -> Option<Next> {
    if self.commands.front().is_some_and(|QueuedCommand(before, _)| *before <= self.next) {
      return self.commands.pop_front().map(|QueuedCommand(_, command)| Next::Command(command));
    }
    self.event().map(Next::Event)
  }

  fn event(&mut self) -> Option<QueuedText> {
    if self.slab.as_ref().is_some_and(|slab| self.slab_end >= slab.len()) {
      self.release_slab();
    }
    let event = match self.chunks.events.pop_front()? {
      Waiting::Long(units) => {
        if self.slab.is_none() {
          self.slab = self.next_slab();
          self.slab_end = 0;
        }
        let start = self.slab_end;
        self.slab_end += units;
        QueuedText::Long(self.slab.clone()?, start..self.slab_end)
      }
      Waiting::Short(bytes) => {
        while self.text_end >= self.text.len() && self.next_chunk() {}
        let start = self.text_end;
        self.text_end += bytes;
        QueuedText::Short(self.text.clone(), start..self.text_end)
      }
    };
    self.next += 1;
    Some(event)
  }

  /// Goes on to the next chunk of short events, and keeps the one that is read. False if there is none.
  fn next_chunk(&mut self) -> bool {
    let Some(text) = self.chunks.texts.pop_front() else { return false };
    let read = mem::replace(&mut self.text, Rc::new(text));
    self.text_end = 0;
    let spare = Rc::into_inner(read).filter(|read| read.capacity() == CHUNK);
    if let Some(mut spare) = spare.filter(|_| self.chunks.spare_texts.len() < SPARE) {
      spare.clear();
      self.chunks.spare_texts.push(spare);
    }
    true
  }

  /// The next slab of long events. A text that could not be copied may have left one without any.
  fn next_slab(&mut self) -> Option<Rc<Slab>> {
    iter::from_fn(|| self.chunks.slabs.pop_front()).find(|slab| slab.len() > 0).map(Rc::new)
  }

  /// Keeps the slab that is read, or gives its memory back.
  fn release_slab(&mut self) {
    let Some(mut slab) = self.slab.take().and_then(Rc::into_inner) else { return };
    if slab.clear() && self.chunks.spare_slabs.len() < SPARE {
      self.chunks.spare_slabs.push(slab);
    }
  }
}
