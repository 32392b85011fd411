use std::collections::{HashMap, HashSet, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::{
  batch::{Limits, RowQueue},
  secrets::Secrets,
};
use braintrust_row::{Json, Row, SpanContext};

fn row(span: u8, text: &str) -> Row {
  let mut row = Row::of(SpanContext::root("test", &[&span.to_string()]));
  row.input = Some(Json::text(text));
  row
}

/// Encodes batches of given spans.
struct Source(RowQueue);

impl Source {
  fn batch(&mut self, spans: &[u8]) -> EncodedBatch {
    for span in spans {
      self.0.push(row(*span, "x"));
    }
    let limits = Limits { rows: 100, bytes: 1 << 20 };
    self.0.pick(limits, |_| true).unwrap().encode(None, None, &Secrets::default()).unwrap().batch
  }
}

fn source() -> Source {
  Source(RowQueue::default())
}

#[test]
fn batches_without_common_spans_are_in_flight_together_and_others_in_order() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  for spans in [&[1, 2][..], &[2, 3], &[4], &[3]] {
    outbox.push(source.batch(spans), None);
  }
  let (first, fourth) =
    (outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap());
  assert_eq!((first, fourth), (0, 4));
  assert_eq!(outbox.start(Duration::ZERO), None);
  outbox.settle(first);
  let second = outbox.start(Duration::ZERO).unwrap();
  assert_eq!((second, outbox.start(Duration::ZERO)), (2, None));
  outbox.settle(second);
  assert_eq!(outbox.start(Duration::ZERO), Some(5));
}

#[test]
fn a_batch_that_waits_for_another_waits_for_both_its_halves() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  outbox.push(source.batch(&[1, 2]), None);
  outbox.push(source.batch(&[2]), None);
  let whole = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.split(whole));
  let halves = [outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap()];
  outbox.settle(halves[0]);
  assert_eq!(outbox.start(Duration::ZERO), None);
  outbox.settle(halves[1]);
  assert_eq!(outbox.start(Duration::ZERO), Some(2));
  assert!(!outbox.split(2), "a single row was split");
}

#[test]
fn rows_of_other_spans_do_not_wait_for_a_row_that_the_server_fails_on() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  for spans in [&[1][..], &[2, 1, 3, 4], &[4, 5], &[1, 6]] {
    outbox.push(source.batch(spans), None);
  }
  let bad = outbox.start(Duration::ZERO).unwrap();
  assert_eq!(outbox.start(Duration::ZERO), None, "each waits for another one");
  outbox.isolate(bad);
  let mut arrived = Vec::new();
  while let Some(key) = outbox.start(Duration::ZERO) {
    arrived.extend(outbox.settle(key).unwrap().0.ids());
  }
  let expected: Vec<RowId> = [2, 3, 4, 4, 5, 6].map(|span| row(span, "").span.row).into();
  assert_eq!(arrived, expected);
  outbox.settle(bad);
  let later = [outbox.start(Duration::ZERO).unwrap(), 7];
  outbox.settle(later[0]);
  assert_eq!(
    (later[0], outbox.start(Duration::ZERO)),
    (2, Some(7)),
    "its later states follow in order"
  );
}

#[test]
fn the_segment_of_a_split_batch_is_released_with_its_last_half() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = Segment { number: 7, rows: 2, bytes: 100, created: 0 };
  outbox.push(source.batch(&[1, 2]), Some(file));
  assert_eq!(outbox.backed().rows, 2);
  let whole = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.split(whole));
  let halves = [outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap()];
  assert!(outbox.settle(halves[0]).unwrap().1.is_empty());
  assert_eq!(outbox.settle(halves[1]).unwrap().1, [file]);
  assert!(outbox.is_empty());
}

#[test]
fn rows_in_memory_do_not_overtake_the_rows_of_their_spans_that_stay_in_a_segment() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = Segment { number: 7, rows: 2, bytes: 100, created: 0 };
  outbox.push(source.batch(&[1, 2]), Some(file));
  outbox.push(source.batch(&[2, 3]), None);
  let whole = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.split(whole));
  let halves = [outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap()];
  outbox.settle(halves[1]);
  outbox.isolate(halves[0]);
  let rows = |queued: &QueuedBatch| queued.batch.ids().collect::<Vec<_>>();
  let free = outbox.start(Duration::ZERO).unwrap();
  assert_eq!(rows(outbox.get(free).unwrap()), [row(3, "").span.row]);
  assert_eq!(outbox.start(Duration::ZERO), None, "after a crash the segment's row would follow");
  outbox.settle(halves[0]);
  let waiting = outbox.start(Duration::ZERO).unwrap();
  assert_eq!(rows(outbox.get(waiting).unwrap()), [row(2, "").span.row]);
}

#[test]
fn rows_in_memory_do_not_overtake_those_in_a_segment_that_is_kept_for_another_batch() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = |number: u64| Segment { number, rows: 2, bytes: 100, created: 0 };
  outbox.push(source.batch(&[1, 2]), Some(file(7)));
  let whole = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.split(whole));
  let halves = [outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap()];
  outbox.settle(halves[0]);
  outbox.push(source.batch(&[1, 3]), Some(file(8)));
  outbox.push(source.batch(&[3]), None);
  let later = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.settle(later).unwrap().1.is_empty(), "after a crash it follows the first segment");
  assert_eq!(outbox.start(Duration::ZERO), None, "and so it would follow this row");
  assert_eq!(outbox.settle(halves[1]).unwrap().1, [file(7), file(8)]);
  assert!(outbox.start(Duration::ZERO).is_some());
}

#[test]
fn a_batch_in_memory_is_written_again_unless_the_spool_has_later_rows_of_its_spans() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = Segment { number: 7, rows: 1, bytes: 100, created: 0 };
  let [overtaken, free, later] = [&[1][..], &[2], &[2]].map(|spans| source.batch(spans));
  let (free_key, later_key) = (free.key(), later.key());
  let last = source.batch(&[1]);
  for (batch, segment) in [(overtaken, None), (free, None), (later, None), (last, Some(file))] {
    outbox.push(batch, segment);
  }
  let again = |outbox: &mut Outbox| outbox.begin_rewrite(false, |_| true).map(|(key, ..)| key);
  assert_eq!(again(&mut outbox), Some(free_key));
  assert_eq!(again(&mut outbox), None, "one at a time");
  assert!(outbox.is_writing());
  assert_eq!(outbox.start(Duration::ZERO), Some(0));
  assert_eq!(outbox.start(Duration::ZERO), None, "it is not sent while it is written");
  assert_eq!(outbox.finish_rewrite(Some(file)), None);
  assert_eq!(outbox.backed().rows, 2);
  assert_eq!(again(&mut outbox), Some(later_key));
  assert_eq!(outbox.finish_rewrite(None), None);
  assert_eq!(outbox.begin_rewrite(false, |_| false).map(|(key, ..)| key), None, "no room");
  assert_eq!(again(&mut outbox), Some(later_key));
  outbox.finish_rewrite(Some(file));
  assert_eq!((again(&mut outbox), outbox.backed().rows), (None, 3));
}

#[test]
fn what_is_written_again_while_it_is_in_flight_is_removed_when_it_is_settled_or_split() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = Segment { number: 7, rows: 2, bytes: 100, created: 0 };
  outbox.push(source.batch(&[1, 2]), None);
  let key = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.begin_rewrite(false, |_| true).is_none());
  assert!(outbox.begin_rewrite(true, |_| true).is_some());
  assert!(outbox.split(key));
  assert_eq!(outbox.finish_rewrite(Some(file)), Some(file));
  let half = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.begin_rewrite(true, |_| true).is_some());
  outbox.settle(half);
  assert_eq!(outbox.finish_rewrite(Some(file)), Some(file));
}

#[test]
fn a_row_that_the_server_fails_on_gives_up_its_segment_for_those_that_wait_for_nothing_else() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = Segment { number: 7, rows: 2, bytes: 100, created: 0 };
  outbox.push(source.batch(&[1, 2]), Some(file));
  outbox.push(source.batch(&[1]), None);
  let whole = outbox.start(Duration::ZERO).unwrap();
  assert!(outbox.split(whole));
  let halves = [outbox.start(Duration::ZERO).unwrap(), outbox.start(Duration::ZERO).unwrap()];
  outbox.settle(halves[1]);
  assert_eq!(outbox.detach(halves[0]), [], "what waits is of its own span");
  outbox.push(source.batch(&[1, 2]), None);
  assert_eq!(outbox.detach(halves[0]), [file]);
  outbox.isolate(halves[0]);
  let free = outbox.start(Duration::ZERO).unwrap();
  let rows: Vec<_> = outbox.get(free).unwrap().batch.ids().collect();
  assert_eq!(rows, [row(2, "").span.row]);
  assert_eq!(outbox.start(Duration::ZERO), None);
  assert_eq!(outbox.settle(halves[0]).unwrap().1, []);
}

#[test]
fn a_batch_in_memory_is_not_sent_before_an_earlier_one_in_the_spool() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let stored = source.batch(&[1]);
  let entry = Segment { number: 1, rows: 1, bytes: 600, created: 0 };
  let spooled = SpooledBatch {
    key: stored.key(),
    entry,
    bytes: stored.bytes(),
    failures: 0,
    is_adopted: false,
  };
  outbox.push_spooled(spooled);
  outbox.push(source.batch(&[1]), None);
  assert_eq!(outbox.start(Duration::ZERO), None);
  assert_eq!(outbox.first_key(), Some(0));
  assert!(outbox.begin_load().is_some() && outbox.begin_load().is_none(), "one at a time");
  assert!(outbox.evict_oldest().is_none(), "a batch that is being read stays");
  let unread = outbox.finish_load().unwrap();
  outbox.push_spooled(unread);
  assert_eq!(outbox.begin_load().unwrap().entry, entry);
  let loaded = outbox.finish_load().unwrap();
  let batch = EncodedBatch::from_segment(&stored.segment_content(), loaded.key, |_| None).unwrap();
  outbox.push(batch, Some(entry));
  let first = outbox.start(Duration::ZERO).unwrap();
  outbox.settle(first);
  assert_eq!(outbox.start(Duration::ZERO), Some(1));
}

#[test]
fn a_batch_in_memory_does_not_wait_for_settled_ones_from_the_spool() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let mut disk = VecDeque::new();
  for number in 0..20 {
    let batch = source.batch(&[1]);
    let entry = Segment { number, rows: 1, bytes: 600, created: 0 };
    let (key, bytes) = (batch.key(), batch.bytes());
    outbox.push_spooled(SpooledBatch { key, entry, bytes, failures: 0, is_adopted: false });
    disk.push_back((batch, entry));
  }
  outbox.push(source.batch(&[2]), None);
  while let Some((batch, entry)) = disk.pop_front() {
    outbox.begin_load();
    outbox.finish_load();
    outbox.push(batch, Some(entry));
    let loaded = outbox.start(Duration::ZERO).unwrap();
    let waits: usize = outbox.ready.values().map(|queued| queued.waits_for.len()).sum();
    assert_eq!(waits, 1);
    outbox.settle(loaded);
  }
  assert_eq!(outbox.start(Duration::ZERO), Some(20));
}

proptest! {
  /// Whatever happens to batches: two with the same span are never in flight together, rows of a span are sent in
  /// order, and in the end no batch is left.
  #[test]
  fn rows_of_a_span_are_sent_in_order_and_by_one_request_at_a_time(
    steps in prop::collection::vec((0u8..9, prop::collection::btree_set(0u8..8, 1..4)), 1..120)
  ) {
    let (mut source, mut outbox) = (source(), Outbox::default());
    let mut disk: HashMap<u64, EncodedBatch> = HashMap::new();
    let mut writing: VecDeque<(EncodedBatch, usize)> = VecDeque::new();
    let mut in_flight: HashMap<u64, Vec<RowId>> = HashMap::new();
    // For each span, the keys of its settled batches.
    let mut settled: HashMap<RowId, Vec<u64>> = HashMap::new();
    let (mut pushed, mut arrived) = (0, 0);
    for step in 0.. {
      let (action, spans) = match steps.get(step) {
        Some((action, spans)) => (*action, spans.iter().copied().collect::<Vec<_>>()),
        // Then deliver all of them.
        None if outbox.is_empty() => break,
        None if !writing.is_empty() => (7, vec![0]),
        None => (if step % 2 == 0 { 1 } else { 2 }, vec![0]),
      };
      let oldest = in_flight.keys().min().copied();
      match (action, oldest) {
        (0, _) => {
          pushed += spans.len();
          outbox.push(source.batch(&spans), None);
        }
        (5, _) => {
          pushed += spans.len();
          let batch = source.batch(&spans);
          let (key, rows) = (batch.key(), spans.len() as u32);
          let entry = Segment { number: key, rows, bytes: 600, created: 0 };
          outbox.push_spooled(SpooledBatch { key, entry, bytes: batch.bytes(), failures: 0, is_adopted: false });
          disk.insert(key, batch);
        }
        (6, _) => {
          pushed += spans.len();
          let batch = source.batch(&spans);
          outbox.begin_write(batch.clone());
          writing.push_back((batch, spans.len()));
        }
        (7, _) => {
          if let Some((batch, rows)) = writing.pop_front() {
            let key = batch.key();
            let entry = Segment { number: key, rows: rows as u32, bytes: 600, created: 0 };
            outbox.finish_write(key, match spans.len() {
              1 => Written::MemoryOnly,
              2 => Written::Backed(entry),
              _ => Written::SpoolOnly(entry),
            });
            disk.insert(key, batch);
          }
        }
        (1, _) => {
          let started = outbox.start(Duration::ZERO);
          if started.is_none()
            && outbox.begin_load().is_some()
          {
            let SpooledBatch { key, entry, .. } = outbox.finish_load().unwrap();
            outbox.push(disk.remove(&key).unwrap(), Some(entry));
          }
          if let Some(key) = started {
            let ids: Vec<_> = outbox.get(key).unwrap().batch.ids().collect();
            in_flight.insert(key, ids);
          }
        }
        (2, Some(key)) => {
          let (batch, _) = outbox.settle(key).unwrap();
          arrived += batch.rows();
          for id in in_flight.remove(&key).unwrap() {
            settled.entry(id).or_default().push(key);
          }
        }
        (3, Some(key)) => {
          outbox.put_back(key);
          in_flight.remove(&key);
        }
        (4, Some(key)) if outbox.split(key) => {
          in_flight.remove(&key);
        }
        (8, Some(key)) => {
          outbox.detach(key);
          outbox.isolate(key);
          outbox.put_back(key);
          in_flight.remove(&key);
        }
        _ => {}
      }
      let is_unsettled = |key: &u64| outbox.ready.contains_key(key) || outbox.in_flight.contains_key(key);
      let mut waits = outbox.ready.values().flat_map(|queued| &queued.waits_for);
      prop_assert!(waits.all(is_unsettled));
      let ids: Vec<_> = in_flight.values().flatten().collect();
      prop_assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len());
    }
    prop_assert_eq!(arrived, pushed);
    prop_assert!(settled.values().all(|keys| keys.is_sorted()));
    prop_assert_eq!((outbox.memory_bytes(), outbox.rows(), outbox.ready()), (0, 0, 0));
    prop_assert_eq!((outbox.spooled(), outbox.spooled_disk()), (RowTotals::default(), 0));
    prop_assert!(outbox.owners.is_empty());
  }
}

#[test]
fn batches_in_the_spool_that_wait_for_one_another_are_sent_as_one() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = |number: u64| Segment { number, rows: 1, bytes: 100, created: 0 };
  let limits = Limits { rows: 100, bytes: 1 << 20 };
  for (number, spans) in [&[1, 2][..], &[2, 3], &[3], &[4], &[4]].iter().enumerate() {
    outbox.push(source.batch(spans), Some(file(number as u64)));
  }
  let first = outbox.start(Duration::ZERO).unwrap();
  let saved = outbox.absorb(first, limits);
  let merged = &outbox.get(first).unwrap().batch;
  assert_eq!((merged.spans(), merged.rows()), (4, 7));
  assert!(saved < 0, "{saved}");
  assert_eq!((outbox.rows(), outbox.backed().rows, outbox.ready()), (7, 7, 0));
  // What comes now waits for the merged batch.
  outbox.push(source.batch(&[4]), None);
  assert_eq!(outbox.start(Duration::ZERO), None);
  let (_, segments) = outbox.settle(first).unwrap();
  assert_eq!(segments, [0, 1, 2, 3, 4].map(file));
  assert!(outbox.start(Duration::ZERO).is_some());
}

#[test]
fn a_batch_that_waits_for_a_request_in_flight_is_not_merged_past_it() {
  let (mut source, mut outbox) = (source(), Outbox::default());
  let file = |number: u64| Some(Segment { number, rows: 1, bytes: 100, created: 0 });
  let limits = Limits { rows: 100, bytes: 1 << 20 };
  for (number, spans) in [&[1][..], &[2], &[1, 2], &[3], &[2]].iter().enumerate() {
    outbox.push(source.batch(spans), file(number as u64));
  }
  let first = outbox.start(Duration::ZERO).unwrap();
  let second = outbox.start(Duration::ZERO).unwrap();
  outbox.absorb(second, limits);
  assert_eq!(outbox.get(second).unwrap().batch.spans(), 2, "of spans 2 and 3");
  assert_eq!(outbox.start(Duration::ZERO), None);
  outbox.settle(first);
  outbox.settle(second);
  let third = outbox.start(Duration::ZERO).unwrap();
  outbox.absorb(third, limits);
  assert_eq!(outbox.get(third).unwrap().batch.rows(), 3);
  outbox.settle(third);
  assert!(outbox.is_empty());
}
