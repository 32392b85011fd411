//! Event texts in the queue between the threads, in few allocations.

use std::collections::VecDeque;

use super::slab::Slab;

/// The bytes of a chunk of texts. Allocations of each event's size would cost an allocation on one thread
/// and a release on another.
pub const CHUNK: usize = 128 * 1024;
/// The most UTF-16 units of a text that is encoded as UTF-8 at once, which halves its memory. Encoding longer texts
/// would block the JavaScript thread for too long.
pub const SHORT: usize = 4096;
/// The most empty chunks that are kept for reuse, and the most slabs.
pub const SPARE: usize = 4;

/// The text of an event, still on the JavaScript thread.
pub trait EventText {
  /// The number of UTF-16 units.
  fn len(&self) -> usize;
  /// Copies it to a place that has room for it and one unit more. Returns the number of units; 0 on failure.
  fn copy_utf16(&self, place: &mut [u16]) -> usize;
  /// Appends it as UTF-8 to the buffer, which has room for three bytes a unit and one byte more; nothing on failure.
  fn append_utf8(&self, buffer: &mut Vec<u8>);
}

/// Events in the queue.
pub enum Waiting {
  /// A short one: the bytes of its text in the chunks.
  Short(usize),
  /// A long one: the UTF-16 units of its text in the slabs.
  Long(usize),
}

/// Events in their order, with the texts of short ones in chunks and those of long ones in slabs.
#[derive(Default)]
pub struct Chunks {
  /// The events in their order.
  pub events: VecDeque<Waiting>,
  /// The texts of the short ones as UTF-8, one after the other.
  pub texts: VecDeque<Vec<u8>>,
  /// The texts of the long ones.
  pub slabs: VecDeque<Slab>,
  /// Empty chunks for reuse, at most [`SPARE`].
  pub spare_texts: Vec<Vec<u8>>,
  /// Empty slabs for reuse, at most [`SPARE`].
  pub spare_slabs: Vec<Slab>,
}

impl Chunks {
  /// Appends an event. The bytes that it takes, or `None` if it cannot be copied.
  pub fn push(&mut self, event: &impl EventText) -> Option<usize> {
    if event.len() > SHORT { self.push_long(event) } else { self.push_short(event) }
  }

  fn push_short(&mut self, event: &impl EventText) -> Option<usize> {
    let room = event.len() * 3 + 1;
    let has_room = |text: &Vec<u8>| text.capacity() - text.len() >= room;
    if !self.texts.back().is_some_and(has_room) {
      let chunk = self.spare_texts.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK));
      self.texts.push_back(chunk);
    }
    let text = self.texts.back_mut()?;
    let start = text.len();
    event.append_utf8(text);
    // An empty text is not an event.
    let bytes = Some(text.len() - start).filter(|bytes| *bytes > 0)?;
    self.events.push_back(Waiting::Short(bytes));
    Some(bytes)
  }

  fn push_long(&mut self, event: &impl EventText) -> Option<usize> {
    let room = event.len() + 1;
    if !self.slabs.back().is_some_and(|slab| slab.has_room(room)) {
      let spare = self.spare_slabs.pop_if(|slab| slab.has_room(room));
      self.slabs.push_back(spare.or_else(|| Slab::new(room))?);
    }
    let units = self.slabs.back_mut()?.append(|place| event.copy_utf16(place));
    let units = Some(units).filter(|units| *units > 0)?;
    self.events.push_back(Waiting::Long(units));
    Some(units * size_of::<u16>())
  }

  /// Moves all events to others, which have none, and takes back what can be used again.
  pub fn move_to(&mut self, others: &mut Self) {
    others.events.append(&mut self.events);
    others.texts.append(&mut self.texts);
    others.slabs.append(&mut self.slabs);
    refill(&mut self.spare_texts, &mut others.spare_texts);
    refill(&mut self.spare_slabs, &mut others.spare_slabs);
  }
}

/// Moves what can be used again to where it is used, up to [`SPARE`].
fn refill<T>(kept: &mut Vec<T>, spare: &mut Vec<T>) {
  let room = SPARE.saturating_sub(kept.len()).min(spare.len());
  kept.extend(spare.drain(..room));
}
