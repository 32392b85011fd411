//! A recorder with a storage, and a server that never answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const START: i64 = 1_795_417_364_000;
const DAY_MS: u64 = 86_400_000;

/// What JavaScript does: a clock and a storage.
struct Host {
  recorder: Recorder,
  elapsed: Duration,
  storage: BTreeMap<String, Vec<u8>>,
  /// Why every change fails.
  failure: Option<&'static str>,
  /// How many requests were sent, and how many of them the recorder has dropped.
  sent: usize,
  cancelled: usize,
}

impl Host {
  fn new(storage: &BTreeMap<String, Vec<u8>>, elapsed: Duration) -> Self {
    let mut recorder =
      Recorder::new(settings::parse(r#"{"options":{"apiKey":"key"}}"#).unwrap(), &Arc::default());
    recorder.await_storage();
    Self { recorder, elapsed, storage: storage.clone(), failure: None, sent: 0, cancelled: 0 }
  }

  fn now(&self) -> Now {
    Now { elapsed: self.elapsed, unix_ms: START + self.elapsed.as_millis() as i64 }
  }

  fn open(&mut self, failure: Option<&str>, seed: u64) -> bool {
    if failure.is_none() {
      for (key, content) in &self.storage {
        self.recorder.add_file(key.clone(), content, content.len() as u64, self.now());
      }
    }
    self.recorder.open_storage(seed << 16, failure.map(str::to_owned), self.now())
  }

  fn record(&mut self, id: u32, kind: &str) {
    let id = format!("{id:032x}");
    let event = json!({ "type": kind, "timestamp": START, "spanId": id, "rootSpanId": id,
      "span": { "name": "n", "output": 1 } });
    assert!(self.recorder.record(&event.to_string(), Priority::Start, false, self.now()));
  }

  /// Lets time pass, and performs the changes that the recorder requests of the storage.
  fn pass(&mut self, ms: u64) {
    self.elapsed += Duration::from_millis(ms);
    for _ in 0..20 {
      self.cancelled += self.recorder.poll(self.now()).cancelled.len();
      self.sent += iter::from_fn(|| self.recorder.take_request()).count();
      let changes: Vec<_> = iter::from_fn(|| self.recorder.take_change()).collect();
      if changes.is_empty() {
        return;
      }
      let mut result = self.failure.map_or(Ok(Vec::new()), |why| Err(why.to_owned()));
      for change in changes.into_iter().filter(|_| self.failure.is_none()) {
        match change {
          Change::Put { key, content } => drop(self.storage.insert(key, content)),
          Change::Delete { key } => drop(self.storage.remove(&key)),
          Change::Get { key } => result = Ok(self.storage.get(&key).cloned().unwrap_or_default()),
        }
      }
      self.recorder.complete_storage(result, self.now());
    }
    panic!("it never comes to rest");
  }

  fn stats(&self) -> Value {
    serde_json::from_str(&self.recorder.describe(Description::Stats)).unwrap()
  }
}

/// What an instance leaves in its storage: the rows of a span.
fn left() -> BTreeMap<String, Vec<u8>> {
  let mut host = Host::new(&BTreeMap::new(), Duration::ZERO);
  host.open(None, 1);
  for kind in ["span_start", "span_end"] {
    host.record(1, kind);
  }
  host.pass(1000);
  assert_eq!(host.storage.len(), 1, "{:?}", host.storage.keys());
  host.storage
}

#[test]
fn an_adoption_that_only_finds_expired_or_damaged_rows_removes_them_and_counts_them_once() {
  let later = Duration::from_millis(8 * DAY_MS);
  let mut damaged = left();
  damaged.values_mut().for_each(|content| content.truncate(40));
  for (storage, elapsed, reason) in
    [(left(), later, "spool_expired"), (damaged, Duration::ZERO, "spool_damaged")]
  {
    let mut host = Host::new(&storage, elapsed);
    assert!(host.open(None, 2));
    host.pass(1000);
    assert_eq!(host.storage, BTreeMap::new(), "{reason}");
    assert_eq!(host.stats()["lost"], json!({ reason: 1 }));
    assert!(host.recorder.is_kept() && host.recorder.poll(host.now()).is_settled);
  }
}

#[test]
fn what_could_not_be_removed_is_removed_with_the_next_changes() {
  let mut host = Host::new(&left(), Duration::from_millis(8 * DAY_MS));
  host.open(None, 2);
  host.failure = Some("no connection");
  host.pass(1000);
  assert_eq!(host.storage.len(), 1);
  host.failure = None;
  host.record(2, "span_start");
  host.pass(1000);
  host.record(2, "span_end");
  host.pass(1000);
  let old = left().into_keys().next().unwrap();
  assert!(!host.storage.contains_key(&old) && !host.storage.is_empty());
}

#[test]
fn a_storage_that_could_not_be_listed_is_used_once_it_can_be() {
  let mut host = Host::new(&left(), Duration::from_secs(1));
  host.record(2, "span_start");
  assert!(!host.open(Some("no connection"), 2));
  host.record(2, "span_end");
  host.record(3, "span_start");
  host.pass(1000);
  assert_eq!(host.storage, left(), "nothing is written before");
  assert!(!host.recorder.is_kept());
  assert!(!host.open(Some("no connection"), 3));

  assert!(host.open(None, 4));
  host.pass(1000);
  let stats = host.stats();
  assert_eq!((&stats["accepted"], &stats["lost"]), (&json!(3), &json!({})), "{stats}");
  assert!(host.recorder.is_kept(), "rows and open spans are in the storage");
  assert_eq!(host.stats()["spooled"], 3);

  let mut next = Host::new(&host.storage, Duration::from_secs(3));
  next.open(None, 5);
  next.pass(1000);
  // The three, and the one that closes the open span.
  assert_eq!((&next.stats()["accepted"], &next.stats()["openSpans"]), (&json!(4), &json!(1)));
}

#[test]
fn a_recorder_is_kept_when_neither_events_rows_open_spans_nor_changes_would_be_lost() {
  let mut host = Host::new(&BTreeMap::new(), Duration::ZERO);
  assert!(host.recorder.is_kept());
  host.record(1, "span_start");
  assert_eq!((host.recorder.is_kept(), host.recorder.waiting()), (false, 1));
  host.open(None, 1);
  assert!(!host.recorder.is_kept(), "its row is not written");
  host.elapsed += Duration::from_secs(1);
  host.recorder.poll(host.now());
  assert!(!host.recorder.is_kept(), "its row is being written");
  host.pass(0);
  assert!(host.recorder.is_kept());
  host.record(1, "span_end");
  assert!(!host.recorder.is_kept());
}

#[test]
fn of_the_repetitions_of_a_request_two_run_at_once() {
  let mut host = Host::new(&BTreeMap::new(), Duration::ZERO);
  host.open(None, 1);
  host.record(1, "span_start");
  (0..60).for_each(|_| host.pass(1000));
  assert!(host.sent > 3, "{} requests", host.sent);
  assert_eq!(host.sent - host.cancelled, 2);
}

#[test]
fn nothing_is_due_any_more_once_the_stated_time_has_passed() {
  // A Worker states whole milliseconds since the epoch, as a number of seconds: it is not exact.
  let at = |ms: u64| Duration::from_secs_f64((1_800_000_000_000 + ms) as f64 / 1000.0);
  for begin in 0..50 {
    let mut ms = begin;
    let mut host = Host::new(&BTreeMap::new(), at(ms));
    assert!(host.open(None, 1));
    host.record(1, "span_start");
    for _ in 0..5 {
      host.elapsed = at(ms);
      host.pass(0);
      let wait = host.recorder.poll(host.now()).timeout_ms.unwrap();
      assert_ne!(wait, 0, "{ms}");
      ms += wait;
    }
  }
}
