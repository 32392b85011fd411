use std::{
  sync::atomic::{AtomicBool, Ordering::SeqCst},
  thread,
};

use flue_event::Utf8;

use super::*;
use crate::host::{
  chunks::{CHUNK, SPARE},
  drained::Next,
  event_buffer::word,
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
  EventQueue::new(Admission { max_bytes }, Arc::new(Account::new(Duration::ZERO, Box::new(|_| {}))))
}

fn queue() -> EventQueue {
  queue_of(1 << 20)
}

/// Writes an event as `js/event-buffer.js` does. False when there is no room or the buffer is closed.
fn write(queue: &EventQueue, buffer: &EventBuffer, units: &[u16], kind: u16) -> bool {
  let words = buffer.words();
  let written = words[word::WRITTEN].load(SeqCst);
  let used = written.wrapping_sub(words[word::TAKEN].load(SeqCst)) as usize;
  let mut event = vec![u16::try_from(units.len()).unwrap(), kind];
  event.extend_from_slice(units);
  event.resize(event.len().next_multiple_of(2), 0);
  let (size, events) = (event.len() / 2, &words[word::EVENTS..]);
  if words[word::OPEN].load(SeqCst) == 0 || used + size > events.len() {
    return false;
  }
  for (at, pair) in event.chunks(2).enumerate() {
    let ([a, b], [c, d]) = (pair[0].to_ne_bytes(), pair[1].to_ne_bytes());
    let at = (written as usize + at) % events.len();
    events[at].store(u32::from_ne_bytes([a, b, c, d]), Relaxed);
  }
  words[word::WRITTEN].store(written.wrapping_add(size as u32), SeqCst);
  if words[word::OPEN].load(SeqCst) == 0 {
    assert!(queue.collect_written().is_empty());
  }
  true
}

fn write_text(queue: &EventQueue, buffer: &EventBuffer, text: &str) -> bool {
  write(queue, buffer, &text.encode_utf16().collect::<Vec<_>>(), 0)
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
  let tried = (0..3 * START_AGAIN).filter(|_| {
    let starts = push(&queue, "{}");
    if starts {
      queue.start_failed();
    }
    starts
  });
  assert_eq!(tried.count(), 3);
  assert!(queue.begin_for_waiting());
  assert!(!push(&queue, "{}") && !queue.begin_for_waiting());
  assert_eq!(drain(&queue).len() as u64, 2 + 3 * START_AGAIN);
}

#[test]
fn events_and_commands_keep_their_order_however_they_come() {
  let queue = queue();
  let buffer = queue.buffer();
  let long = "a".repeat(2 * SHORT);
  push(&queue, "1");
  assert!(write_text(&queue, &buffer, "2"));
  assert!(write_text(&queue, &buffer, "three"));
  queue.command(Command::Connect);
  assert!(write_text(&queue, &buffer, "é\u{1f33a}"));
  push(&queue, &long);
  push(&queue, "5");
  assert!(write_text(&queue, &buffer, "6"));
  assert_eq!(drain(&queue), ["1", "2", "three", "-", "é\u{1f33a}", &long, "5", "6"]);
  assert!(write_text(&queue, &buffer, "7"));
  assert_eq!(drain(&queue), ["7"]);
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
fn events_pass_the_end_of_the_buffer_and_of_its_counters() {
  let queue = queue();
  let buffer = queue.buffer();
  for word in [word::WRITTEN, word::TAKEN] {
    buffer.words()[word].store(u32::MAX - 10, SeqCst);
  }
  push(&queue, "{}");
  drain(&queue);
  for number in 0..5000 {
    let texts = [number.to_string(), "x".repeat(number % 100)];
    assert!(texts.iter().all(|text| write_text(&queue, &buffer, text)));
    assert_eq!(drain(&queue), texts);
  }
}

#[test]
fn half_a_surrogate_pair_in_the_buffer_becomes_a_replacement_character() {
  let queue = queue();
  let buffer = queue.buffer();
  push(&queue, "{}");
  assert!(write(&queue, &buffer, &[0x22, 0xd83c, 0x22], 0));
  assert_eq!(drain(&queue), ["{}", "\"\u{fffd}\""]);
}

#[test]
fn events_in_the_buffer_are_counted_as_accepted() {
  let queue = queue();
  let buffer = queue.buffer();
  push(&queue, "{}");
  assert!(write_text(&queue, &buffer, "{}"));
  assert!(write_text(&queue, &buffer, "{}"));
  assert!(queue.collect_written().is_empty());
  assert_eq!(queue.account.counters.unprocessed(), 3);
  assert_eq!(queue.bytes.load(Relaxed), 2 + 4 + 4);
}

#[test]
fn an_event_that_finds_no_room_in_the_buffer_makes_room() {
  let queue = queue();
  let buffer = queue.buffer();
  let text = "x".repeat(1000);
  push(&queue, "first");
  let mut written = 0;
  while write_text(&queue, &buffer, &text) {
    written += 1;
  }
  assert_eq!(written, BUFFER_BYTES / 2 / 1002);
  push(&queue, "last");
  assert!(write_text(&queue, &buffer, "after"));
  let texts = drain(&queue);
  assert_eq!(texts.len(), written + 3);
  assert_eq!(texts[written + 1..], ["last", "after"]);
}

fn is_open(queue: &EventQueue) -> bool {
  queue.buffer().words()[word::OPEN].load(SeqCst) == 1
}

#[test]
fn the_buffer_is_open_after_the_first_event_until_the_thread_sleeps() {
  let queue = queue();
  assert!(!is_open(&queue));
  push(&queue, "{}");
  assert!(is_open(&queue));
  assert!(!queue.park());
  drain(&queue);
  assert!(queue.park());
  assert!(!is_open(&queue));
  push(&queue, "{}");
  assert!(is_open(&queue));
}

#[test]
fn the_buffer_is_closed_while_half_of_the_queue_is_in_use() {
  let small = queue_of(4 * BUFFER_BYTES);
  let _made = small.buffer();
  push(&small, "{}");
  assert!(!is_open(&small));

  let queue = queue();
  let buffer = queue.buffer();
  push(&queue, "{}");
  queue.set_exporter_bytes(1 << 19);
  // JavaScript makes no call that could see it.
  assert!(write_text(&queue, &buffer, "{}"));
  assert_eq!(drain(&queue).len(), 2);
  assert!(!is_open(&queue));
  queue.set_exporter_bytes(0);
  push(&queue, "{}");
  assert!(is_open(&queue));
  queue.set_exporter_bytes(2 << 20);
  assert_eq!(queue.push(&Text("{}"), Priority::Continuation, false), Err(LossReason::QueueFull));
  assert!(!is_open(&queue));
}

#[test]
fn the_buffer_is_closed_while_no_thread_could_be_started() {
  let queue = queue();
  let _made = queue.buffer();
  assert!(push(&queue, "{}"));
  queue.start_failed();
  assert!(!is_open(&queue));
  push(&queue, "{}");
  assert!(!is_open(&queue));
  assert!(queue.begin_for_waiting());
  push(&queue, "{}");
  assert!(is_open(&queue));
}

#[test]
fn what_is_written_into_the_buffer_of_a_closed_queue_is_refused() {
  let queue = queue();
  let buffer = queue.buffer();
  push(&queue, "1");
  assert!(write_text(&queue, &buffer, "22"));
  // Accepted before the end.
  queue.refuse(LossReason::Closed);
  assert_eq!(drain(&queue), ["1", "22"]);
  // JavaScript has seen the buffer open, and writes.
  buffer.words()[word::OPEN].store(1, SeqCst);
  assert!(write(&queue, &buffer, &[0x7b, 0x7d, 0x7d], 1));
  assert!(drain(&queue).is_empty());
  assert_eq!(queue.collect_written(), [(3, Priority::Continuation, LossReason::Closed)]);
  assert!(queue.collect_written().is_empty());
}

#[test]
fn a_thread_never_sleeps_while_an_event_waits_in_the_buffer() {
  let (queue, is_done) = (queue(), AtomicBool::new(false));
  let buffer = queue.buffer();
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
      let text = number.to_string();
      if !write_text(&queue, &buffer, &text) {
        push(&queue, &text);
      }
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
