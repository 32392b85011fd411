use std::{
  sync::atomic::{AtomicBool, Ordering::SeqCst},
  thread,
};

use flue_event::Utf8;

use super::*;
use crate::host::{
  chunks::{CHUNK, SPARE},
  drained::Next,
};

struct Text<'a>(&'a str);

impl EventText for Text<'_> {
  fn len(&self) -> usize {
    self.0.encode_utf16().count()
  }

  fn copy_utf16(&self, place: &mut [u16]) -> usize {
    place.iter_mut().zip(self.0.encode_utf16()).map(|(unit, from)| *unit = from).count()
  }

  fn append_utf8(&self, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(self.0.as_bytes());
  }
}

fn queue_of(max_bytes: usize) -> EventQueue {
  EventQueue::new(
    Admission { max_bytes },
    Arc::new(Account::new(Duration::ZERO, &Arc::default(), Box::new(|_| {}))),
  )
}

fn queue() -> EventQueue {
  queue_of(1 << 20)
}

fn push(queue: &EventQueue, text: &str) -> bool {
  queue.push(&Text(text), Priority::Start, false).unwrap()
}

/// The texts of the events, and `-` for each command.
fn drain(queue: &EventQueue) -> Vec<String> {
  let mut drained = Drained::default();
  queue.drain(&mut drained);
  let mut utf8 = Utf8::default();
  let mut texts = Vec::new();
  while let Some(next) = drained.next() {
    texts.push(match next {
      Next::Event(text) => {
        queue.release(text.bytes());
        text.read(&mut utf8).into_owned()
      }
      Next::Command(_) => "-".to_owned(),
    });
  }
  assert!(drained.is_empty());
  texts
}

#[test]
fn a_thread_that_could_not_be_started_is_tried_again_and_finds_all_events() {
  let queue = queue();
  assert!(!queue.begin_for_waiting());
  assert!(push(&queue, "{}"));
  queue.start_failed();
  for _ in 0..3 {
    // However few events come.
    thread::sleep(START_AGAIN);
    assert!(push(&queue, "{}"));
    queue.start_failed();
  }
  assert!(queue.begin_for_waiting());
  assert!(!push(&queue, "{}") && !queue.begin_for_waiting());
  assert_eq!(drain(&queue).len(), 5);
}

#[test]
fn events_and_commands_keep_their_order() {
  let queue = queue();
  let long = "a".repeat(2 * SHORT);
  for text in ["1", "two"] {
    push(&queue, text);
  }
  queue.command(Command::Connect);
  for text in ["é\u{1f33a}", &long, "5"] {
    push(&queue, text);
  }
  assert_eq!(drain(&queue), ["1", "two", "-", "é\u{1f33a}", &long, "5"]);
  push(&queue, "6");
  assert_eq!(drain(&queue), ["6"]);
  assert_eq!(queue.bytes.load(Relaxed), 0);
}

/// How many units a slab has that is used again.
const UNITS: usize = 128 * 1024;

#[test]
fn texts_of_any_length_keep_their_content_and_their_order() {
  let queue = queue_of(1 << 30);
  let lengths = [
    1,
    SHORT - 1,
    2,
    SHORT,
    3,
    SHORT + 1,
    4,
    10 * SHORT,
    5,
    UNITS - 1,
    UNITS,
    6,
    UNITS + 1,
    3 * UNITS,
  ];
  for _ in 0..3 {
    let texts: Vec<String> = lengths
      .iter()
      .flat_map(|length| ["x".repeat(*length), "é\u{1f33a}".repeat(length / 3 + 1)])
      .collect();
    for text in &texts {
      push(&queue, text);
    }
    assert!(drain(&queue) == texts);
  }
  assert_eq!(queue.bytes.load(Relaxed), 0);
}

#[test]
fn short_texts_share_chunks_whatever_is_between_them() {
  let (mut chunks, mut drained) = (Chunks::default(), Drained::default());
  let mut texts = Vec::new();
  for number in 0..200 {
    let long = "x".repeat(SHORT + number);
    for text in
      [number.to_string(), "short ".repeat(number), long].iter().filter(|text| !text.is_empty())
    {
      assert!(chunks.push(&Text(text)).is_some());
      texts.push(text.clone());
    }
  }
  // Room is kept for three bytes a unit.
  assert!(
    chunks.texts.len()
      <= 2
        + texts.iter().map(String::len).filter(|length| *length <= SHORT).sum::<usize>()
          / (CHUNK - 3 * SHORT)
  );
  chunks.move_to(&mut drained.chunks);
  let mut utf8 = Utf8::default();
  for text in texts {
    let Some(Next::Event(read)) = drained.next() else { panic!("an event is missing") };
    assert!(read.read(&mut utf8) == text);
  }
  assert!(drained.is_empty());
}

#[test]
fn a_few_slabs_are_used_again_and_the_memory_of_others_is_given_back() {
  let (mut chunks, mut drained) = (Chunks::default(), Drained::default());
  for length in [2 * UNITS, UNITS, UNITS, UNITS, UNITS, UNITS, UNITS, 2 * UNITS] {
    assert!(chunks.push(&Text(&"x".repeat(length - 1))).is_some());
  }
  assert_eq!(chunks.slabs.len(), 8);
  chunks.move_to(&mut drained.chunks);
  while drained.next().is_some() {}
  let spare = &drained.chunks.spare_slabs;
  assert_eq!(spare.len(), SPARE);
  assert!(spare.iter().all(|slab| slab.has_room(UNITS) && !slab.has_room(UNITS + 1)));
}

#[test]
fn long_texts_share_slabs() {
  let mut chunks = Chunks::default();
  for _ in 0..40 {
    assert!(chunks.push(&Text(&"x".repeat(2 * SHORT - 1))).is_some());
  }
  assert_eq!(chunks.slabs.len(), (40 * 2 * SHORT).div_ceil(UNITS));
}

#[test]
fn room_is_stated_as_an_event_would_find_it() {
  let queue = queue();
  queue.set_exporter_bytes(1 << 20);
  let fits = (1 << 20) / 8;
  for (length, is_short) in
    [(SHORT, true), (SHORT + 1, false), (fits / 2, false), (fits / 2 + 1, false)]
  {
    let text = "x".repeat(length);
    let bytes = if is_short { length } else { 2 * length };
    assert_eq!(queue.admits(length, Priority::Continuation), bytes <= fits, "{length}");
    assert_eq!(queue.push(&Text(&text), Priority::Continuation, false).is_ok(), bytes <= fits);
    for text in drain(&queue) {
      assert_eq!(text.len(), length);
    }
  }
}

#[test]
fn a_text_that_cannot_be_copied_is_refused_and_leaves_the_others() {
  struct Unreadable(usize);
  impl EventText for Unreadable {
    fn len(&self) -> usize {
      self.0
    }
    fn copy_utf16(&self, _: &mut [u16]) -> usize {
      0
    }
    fn append_utf8(&self, _: &mut Vec<u8>) {}
  }
  let queue = queue();
  push(&queue, "1");
  for length in [0, 5, 2 * SHORT, 2 * UNITS] {
    let refused = queue.push(&Unreadable(length), Priority::Start, false);
    assert_eq!(refused, Err(LossReason::UnreadableEvent));
  }
  let long = "x".repeat(2 * SHORT);
  push(&queue, &long);
  push(&queue, "2");
  assert_eq!(drain(&queue), ["1", &long, "2"]);
}

#[test]
fn a_thread_never_sleeps_while_an_event_waits() {
  let (queue, is_done) = (queue(), AtomicBool::new(false));
  const EVENTS: usize = if cfg!(miri) { 200 } else { 20_000 };
  thread::scope(|scope| {
    let consumer = scope.spawn(|| {
      let mut texts = Vec::new();
      let mut parks = 0;
      loop {
        texts.extend(drain(&queue));
        if texts.len() == EVENTS {
          return (texts, parks);
        }
        if queue.park() {
          parks += 1;
          // As the wake-up would do; nothing else may end the sleep.
          while queue.lock().parked {
            assert!(!is_done.load(SeqCst) || !queue.lock().parked, "it sleeps for ever");
            thread::yield_now();
          }
        }
      }
    });
    for number in 0..EVENTS {
      // Only a thread that sleeps can be forgotten.
      while number % 500 == 0 && !queue.lock().parked {
        thread::yield_now();
      }
      push(&queue, &number.to_string());
    }
    is_done.store(true, SeqCst);
    let (texts, parks) = consumer.join().unwrap();
    assert!(texts.iter().enumerate().all(|(at, text)| *text == at.to_string()));
    assert!(parks > 0);
  });
}

#[test]
fn a_queue_that_is_closed_refuses_as_closed_although_it_is_full() {
  let queue = queue();
  push(&queue, "{}");
  queue.set_exporter_bytes(2 << 20);
  queue.refuse(LossReason::Closed);
  assert_eq!(queue.push(&Text("{}"), Priority::Start, false), Err(LossReason::Closed));
}
