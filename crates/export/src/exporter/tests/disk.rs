//! A disk that fails or does not respond.

use std::{collections::BTreeMap, io};

use spool::{ReadError, Segment};

use super::{spooled::spooling_with, *};

/// An exporter, its server, and a disk that may fail.
pub(super) struct Machine {
  pub(super) exporter: Exporter,
  /// How removals and reads fail.
  pub(super) fails: Option<io::ErrorKind>,
  /// Whether writes of segments fail, and how many have.
  pub(super) is_full: bool,
  pub(super) refused: usize,
  /// Whether the server does not answer.
  pub(super) is_down: bool,
  pub(super) segments: BTreeMap<u64, Vec<u8>>,
  /// What the first search finds.
  pub(super) found: Vec<Segment>,
  /// How many of them each step finds.
  step: usize,
  /// The operations that succeeded, without snapshots and searches.
  pub(super) done: Vec<String>,
  pub(super) sent: usize,
  pub(super) completed: Vec<(TicketId, bool)>,
}

impl Machine {
  pub(super) fn new(options: &Value) -> Self {
    Self {
      exporter: spooling_with(options),
      fails: None,
      is_full: false,
      refused: 0,
      is_down: false,
      segments: BTreeMap::new(),
      found: Vec::new(),
      step: usize::MAX,
      done: Vec::new(),
      sent: 0,
      completed: Vec::new(),
    }
  }

  /// A machine whose first search finds a segment, and the rows in it.
  fn with_found() -> (Self, u32) {
    Self::finding(1, "", &json!({}))
  }

  /// A machine whose first search finds so many segments of a run with this input, and the rows in each.
  fn finding(count: u64, input: &str, options: &Value) -> (Self, u32) {
    let mut dead = Self::new(&json!({}));
    dead.run_with(10, "r0", input);
    let mut next = Self::new(options);
    let mut rows = 0;
    dead.exporter.handle_timeout(at(200));
    while let Some((_, operation)) = dead.exporter.poll_spool() {
      if let Operation::Write { content, rows: written } = operation {
        rows = written;
        for number in 1..=count {
          next.found.push(segment(number, &content, rows));
          next.segments.insert(number, content.clone());
        }
      }
    }
    (next, rows)
  }

  pub(super) fn run(&mut self, ms: u64, id: &str) {
    self.run_with(ms, id, "");
  }

  fn run_with(&mut self, ms: u64, id: &str, input: &str) {
    for kind in ["run_start", "run_end"] {
      let event = json!({ "v": 3, "type": kind, "runId": id, "workflowName": "w", "input": input });
      self.exporter.handle_event(&event.to_string(), Priority::Start, at(ms)).unwrap();
    }
  }

  /// Lets time pass, from one timeout to the next.
  pub(super) fn pass(&mut self, from: u64, to: u64) {
    let mut now = at(from);
    loop {
      self.work(now);
      match self.exporter.poll_timeout(now).filter(|due| *due <= Duration::from_millis(to)) {
        Some(due) => now = at(due.as_millis() as u64 + 1),
        None => return self.work(at(to)),
      }
    }
  }

  fn work(&mut self, now: Now) {
    loop {
      self.exporter.handle_timeout(now);
      let mut is_idle = true;
      while let Some((id, operation)) = self.exporter.poll_spool() {
        is_idle = false;
        let completion = self.perform(operation);
        self.exporter.handle_spool(id, completion, now);
      }
      while let Some(Request { id, call, .. }) = self.exporter.poll_request() {
        is_idle = false;
        let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
        self.sent += usize::from(path == "/logs3");
        let response = if self.is_down { status(503, None) } else { braintrust(&path, 0) };
        self.exporter.handle_response(id, Ok(response), now);
      }
      while let Some(output) = self.exporter.poll_output() {
        if let Output::Completed { ticket, complete } = output {
          self.completed.push((ticket, complete));
        }
      }
      if is_idle {
        return;
      }
    }
  }

  fn perform(&mut self, operation: Operation) -> Completion {
    let failure = self.fails.map(io::Error::from);
    match (operation, failure) {
      (Operation::Adopt, _) => {
        let segments: Vec<_> = self.found.drain(..self.found.len().min(self.step)).collect();
        let has_more = !self.found.is_empty();
        Completion::Adopted(Adopted { segments, has_more, ..Adopted::default() })
      }
      (Operation::Write { .. }, _) if self.is_full => {
        self.refused += 1;
        Completion::Written(Err(io::ErrorKind::StorageFull.into()))
      }
      (Operation::Write { content, rows }, _) => {
        let number = self.segments.last_key_value().map_or(1, |(last, _)| last + 1);
        let written = segment(number, &content, rows);
        self.segments.insert(number, content);
        self.done.push(format!("write {number}"));
        Completion::Written(Ok(written))
      }
      (Operation::Read(_), Some(error)) => Completion::Content(Err(ReadError::Io(error))),
      (Operation::Read(Segment { number, .. }), None) => {
        let content = self.segments.get(&number).cloned();
        Completion::Content(content.ok_or(ReadError::Gone))
      }
      (Operation::Remove(_), Some(error)) => Completion::Done(Err(error)),
      (Operation::Remove(Segment { number, .. }), None) => {
        self.segments.remove(&number);
        self.done.push(format!("remove {number}"));
        Completion::Done(Ok(()))
      }
      (Operation::Close, _) => {
        self.done.push("close".to_owned());
        Completion::Done(Ok(()))
      }
      _ => Completion::Done(Ok(())),
    }
  }

  /// The disk space of the segments.
  pub(super) fn disk_bytes(&self) -> u64 {
    self.segments.values().map(|content| content.len() as u64 + 36).sum()
  }

  pub(super) fn stats(&self) -> Stats {
    self.exporter.account.counters.stats()
  }
}

pub(super) fn segment(number: u64, content: &[u8], rows: u32) -> Segment {
  let bytes = content.len() as u64 + 36;
  Segment { number, rows, bytes, created: START }
}

/// A machine that has delivered two segments, but could not remove the first.
fn stuck(options: &Value) -> Machine {
  let mut machine = Machine::new(options);
  machine.fails = Some(io::ErrorKind::PermissionDenied);
  machine.run(10, "r1");
  machine.pass(0, 400);
  machine.run(410, "r2");
  machine.pass(410, 800);
  assert_eq!(
    (machine.sent, &*machine.done),
    (2, &["write 1".to_owned(), "write 2".to_owned()][..])
  );
  machine
}

#[test]
fn a_segment_that_cannot_be_removed_is_removed_later_and_before_newer_ones() {
  let mut machine = stuck(&json!({}));
  machine.pass(800, 60_000);
  assert_eq!(machine.segments.len(), 2);
  machine.fails = None;
  machine.pass(60_000, 61_100);
  assert_eq!(machine.done[2..], ["remove 1", "remove 2"]);
  assert_eq!(machine.exporter.spool_bytes(), 0);
}

#[test]
fn a_segment_that_could_not_be_removed_is_removed_at_the_end() {
  for is_removed in [true, false] {
    let mut machine = stuck(&json!({}));
    machine.fails = machine.fails.filter(|_| !is_removed);
    machine.exporter.shutdown(10 * SECOND, at(810));
    machine.work(at(810));
    assert!(machine.exporter.has_ended() && machine.exporter.is_at_rest());
    let removals = if is_removed { &["remove 1", "remove 2"][..] } else { &[] };
    assert_eq!(machine.done[2..], [removals, &["close"]].concat());
  }
}

#[test]
fn segments_that_cannot_be_removed_keep_their_room_and_later_rows_stay_in_memory() {
  let mut machine = stuck(&json!({ "spool": { "maxBytes": 2_500 } }));
  for step in 1..20 {
    machine.run(step * 1_000, &format!("r{step}"));
    machine.pass(step * 1_000, step * 1_000 + 900);
  }
  // One has about 530 bytes.
  assert_eq!(machine.segments.len(), 4);
  assert!(machine.stats().lost.is_empty(), "{:?}", machine.stats().lost);
  assert_eq!(machine.stats().pending, 0);
  machine.fails = None;
  machine.pass(30_000, 32_000);
  machine.run(32_000, "last");
  machine.pass(32_000, 34_000);
  assert_eq!(machine.done.last().unwrap(), "remove 1", "{:?}", machine.done);
}

#[test]
fn adopted_segments_above_the_bound_are_delivered_while_memory_has_room_for_new_rows() {
  let (mut machine, rows) = Machine::finding(5, "", &json!({ "spool": { "maxBytes": 1_000 } }));
  machine.is_down = true;
  machine.pass(0, 100);
  let found = machine.disk_bytes();
  assert!(found > 2_000);
  machine.run(100, "r1");
  machine.pass(100, 60_000);
  assert_eq!((machine.disk_bytes(), machine.stats().lost.len()), (found, 0));
  machine.is_down = false;
  machine.pass(60_000, 120_000);
  assert_eq!((machine.stats().sent, machine.disk_bytes()), (u64::from(rows) * 5 + 1, 0));
}

#[test]
fn of_adopted_segments_above_the_bound_no_more_is_evicted_than_is_written() {
  let (input, options) =
    ("x".repeat(20_000), json!({ "maxQueueBytes": 1_048_576, "spool": { "maxBytes": 50_000 } }));
  let (mut machine, rows) = Machine::finding(8, &input, &options);
  machine.is_down = true;
  machine.pass(0, 100);
  let found = machine.disk_bytes();
  for step in 1..16 {
    machine.run_with(step * 1_000, &format!("r{step}"), &input);
    machine.pass(step * 1_000, step * 1_000 + 900);
    assert!(machine.disk_bytes() <= found);
  }
  let written = machine.done.iter().filter(|name| name.starts_with("write")).count() as u64;
  assert!(written > 0, "memory is crowded");
  let evicted = machine.stats().lost["spool_full"] / u64::from(rows);
  assert!((written..=written + 1).contains(&evicted), "{evicted} for {written}");
}

#[test]
fn a_segment_waits_for_a_disk_that_does_not_respond() {
  let (mut machine, rows) = Machine::with_found();
  machine.fails = Some(io::ErrorKind::TimedOut);
  machine.pass(0, 100);
  let ticket = machine.exporter.flush(5 * SECOND, at(100));
  machine.pass(100, 60_000);
  assert_eq!(machine.completed, [(ticket, false)]);
  assert_eq!((machine.stats().spooled, machine.stats().lost.len()), (rows.into(), 0));
  machine.fails = None;
  machine.pass(60_000, 62_000);
  assert_eq!((machine.stats().sent, machine.segments.len()), (rows.into(), 0));
}

#[test]
fn a_segment_that_cannot_be_read_counts_as_lost() {
  let (mut machine, rows) = Machine::with_found();
  machine.fails = Some(io::ErrorKind::PermissionDenied);
  machine.pass(0, 60_000);
  assert_eq!(machine.stats().lost["spool_damaged"], u64::from(rows));
}

#[test]
fn a_disk_that_fails_is_reported_although_a_segment_was_missing_before() {
  let mut machine = Machine::with_found().0;
  machine.segments.clear();
  machine.pass(0, 60_000);
  machine.is_full = true;
  machine.is_down = true;
  machine.run(60_000, "r");
  machine.pass(60_000, 61_000);
  let reported: Vec<_> =
    machine.exporter.account.diagnostics.take().into_iter().map(|it| it.code).collect();
  let codes = ["SPOOL_DAMAGED", "LOST", "SPOOL"].map(|code| format!("FLUE_BRAINTRUST_{code}"));
  assert_eq!(reported[..3], codes);
}

#[test]
fn a_shutdown_ends_by_its_deadline_although_the_disk_does_not_respond() {
  let (mut machine, rows) = Machine::with_found();
  machine.fails = Some(io::ErrorKind::TimedOut);
  machine.pass(0, 30_000);
  let ticket = machine.exporter.shutdown(32 * SECOND, at(30_000));
  machine.pass(30_000, 32_000);
  assert!(machine.exporter.has_ended());
  assert_eq!(machine.completed, [(ticket, false)]);
  assert_eq!((machine.stats().spooled, machine.stats().lost.len()), (rows.into(), 0));
}

#[test]
fn a_process_that_ends_at_once_delivers_what_an_earlier_one_left() {
  let (mut machine, _) = Machine::with_found();
  let ticket = machine.exporter.shutdown(32 * SECOND, at(0));
  machine.pass(0, 1000);
  assert!(machine.exporter.has_ended());
  assert_eq!(machine.completed, [(ticket, true)]);
  assert_eq!(
    (machine.sent, machine.done.as_slice()),
    (1, &["remove 1".to_owned(), "close".to_owned()][..])
  );
}

#[test]
fn between_the_steps_of_an_adoption_there_is_time_for_events() {
  let (mut machine, rows) = Machine::finding(5, "", &json!({}));
  machine.step = 2;
  machine.work(at(0));
  assert_eq!((machine.found.len(), machine.exporter.is_at_rest()), (3, false));
  machine.run(1, "r1");
  machine.pass(2, 1000);
  let stats = machine.stats();
  assert_eq!((machine.found.len(), stats.sent, stats.spooled), (0, u64::from(rows) * 5 + 1, 0));
}

#[test]
fn the_end_of_a_process_waits_for_all_steps_of_an_adoption_but_not_beyond_its_deadline() {
  for (deadline, left) in [(SECOND, 0), (Duration::from_millis(8), 2)] {
    let (mut machine, _) = Machine::finding(4, "", &json!({}));
    machine.step = 1;
    let ticket = machine.exporter.shutdown(deadline, at(0));
    machine.pass(0, deadline.as_millis() as u64);
    assert!(machine.exporter.has_ended());
    assert_eq!((machine.found.len(), machine.completed), (left, vec![(ticket, true)]));
  }
}
