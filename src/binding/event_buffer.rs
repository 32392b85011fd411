//! The event buffer as JavaScript sees it.

#![allow(unsafe_code, reason = "sharing memory with JavaScript needs Node's C interface")]

use std::sync::Arc;

use napi::bindgen_prelude::Int32Array;
use napi_derive::napi;

use crate::host::EventBuffer;

/// The words of an event buffer. JavaScript reads and writes the first ones by `Atomics`.
#[napi]
#[derive(Debug)]
pub enum EventBufferWord {
  /// 1 while JavaScript may write an event. It reads this before and after; if it is 0 after, it calls `collect`.
  Open = 0,
  /// How many words of events are written in all, modulo 2^32: stated after they are.
  Written = 1,
  /// How many of them are taken: the others must not be written over.
  Taken = 2,
  /// Here the ring of the events begins, as UTF-16 units: of each the length, its `Priority`, the text, and a unit more if
  /// the length is odd.
  Events = 3,
}

/// The memory as an array, which keeps it.
pub fn shared(buffer: Arc<EventBuffer>) -> Int32Array {
  let words = buffer.words();
  let (data, length) = (words.as_ptr().cast_mut().cast(), words.len());
  // SAFETY: the memory is valid until JavaScript's array is gone, which drops `buffer`. Rust accesses it by atomic
  // operations; V8's `Atomics` are sequentially consistent on any array, and hand the words of an event over to the
  // side that is to read or to write them. Before this call returns, nobody writes.
  unsafe { Int32Array::with_external_data(data, length, move |_, _| drop(buffer)) }
}

#[cfg(test)]
mod tests {
  use super::*;
  use crate::host::word;

  #[test]
  fn the_words_are_those_of_the_host() {
    use EventBufferWord::{Events, Open, Taken, Written};
    let words = [Open, Written, Taken, Events].map(|word| word as usize);
    assert_eq!(words, [word::OPEN, word::WRITTEN, word::TAKEN, word::EVENTS]);
  }
}
