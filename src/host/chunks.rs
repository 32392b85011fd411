//! Event texts in the queue between the threads, in few allocations.

use std::collections::VecDeque;

use super::event_buffer::Written;

/// The bytes of a chunk of short events. Allocations of each event's size would cost an allocation on one thread
/// and a release on another.
pub const CHUNK: usize = 128 * 1024;
/// The most UTF-16 units of a text that is encoded as UTF-8 at once, which halves its memory. Encoding longer texts
/// would block the JavaScript thread for too long.
pub const SHORT: usize = 4096;
/// The most empty chunks that are kept.
pub const SPARE: usize = 4;

/// The text of an event, still on the JavaScript thread.
pub trait EventText {
  /// The number of UTF-16 units.
  fn len(&self) -> usize;
  /// Appends it to the buffer, which has room for it and one unit more; nothing on failure.
  fn append_utf16(&self, buffer: &mut Vec<u16>);
  /// The same as UTF-8. The buffer has room for three bytes a unit and one byte more.
  fn append_utf8(&self, buffer: &mut Vec<u8>);
}

/// Texts of events.
pub enum Chunk {
  /// Short ones as UTF-8, one after the other, and the end of each.
  Short(Vec<u8>, Vec<usize>),
  /// A long one as UTF-16.
  Long(Vec<u16>),
  /// Those that JavaScript has written itself.
  Written(Written),
}

/// Chunks in their order, and empty ones to be filled.
#[derive(Default)]
pub struct Chunks {
  /// The filled chunks, in their order.
  pub chunks: VecDeque<Chunk>,
  /// Empty chunks for reuse, at most [`SPARE`].
  pub spare: Vec<Vec<u8>>,
}

impl Chunks {
  /// Appends an event. The bytes that it takes, or `None` if it cannot be copied.
  pub fn push(&mut self, event: &impl EventText) -> Option<usize> {
    if event.len() > SHORT { self.push_long(event) } else { self.push_short(event) }
  }

  fn push_short(&mut self, event: &impl EventText) -> Option<usize> {
    let room = event.len() * 3 + 1;
    let has_room = |chunk: &Chunk| match chunk {
      Chunk::Short(text, _) => text.capacity() - text.len() >= room,
      Chunk::Long(_) | Chunk::Written(_) => false,
    };
    if !self.chunks.back().is_some_and(has_room) {
      // Between long events there is seldom more than one.
      let text = match self.chunks.back() {
        Some(Chunk::Long(_) | Chunk::Written(_)) => Vec::with_capacity(room),
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

  fn push_long(&mut self, event: &impl EventText) -> Option<usize> {
    let mut text = Vec::with_capacity(event.len() + 1);
    event.append_utf16(&mut text);
    let bytes = Some(size_of_val(text.as_slice())).filter(|bytes| *bytes > 0)?;
    self.chunks.push_back(Chunk::Long(text));
    Some(bytes)
  }
}
