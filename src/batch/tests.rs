use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::span::{Json, SpanRef};

fn row(name: &str, input: Option<&str>) -> Row {
  let mut row = Row::of(SpanRef::root("test", &[name]));
  row.name = Some(name.into());
  row.input = input.map(Json::text);
  row
}

fn to() -> Destination {
  Destination { project_id: "p".into() }
}

fn rows(batch: &Batch) -> Vec<Value> {
  let body: Value = serde_json::from_slice(&batch.body).unwrap();
  body["rows"].as_array().unwrap().clone()
}

const LARGE: usize = 1 << 20;

#[test]
fn rows_of_one_span_become_one_while_they_wait() {
  let mut queue = RowQueue::default();
  assert!(queue.push(row("a", Some("in"))));
  let mut end = row("a", None);
  end.output = Some(Json::text("out"));
  assert!(!queue.push(end));
  let batch = queue.next_batch(LARGE, &to()).unwrap();
  assert_eq!(batch.len(), 1);
  assert_eq!(rows(&batch)[0]["input"], "in");
  assert_eq!(rows(&batch)[0]["output"], "out");
}

#[test]
fn a_span_that_is_under_way_waits_for_its_payload_to_be_settled() {
  let mut queue = RowQueue::default();
  queue.push(row("a", None));
  let first = queue.next_batch(LARGE, &to()).unwrap();
  queue.push(row("a", Some("more")));
  queue.push(row("b", None));
  let second = queue.next_batch(LARGE, &to()).unwrap();
  assert_eq!(rows(&second)[0]["span_attributes"]["name"], "b");
  assert!(queue.next_batch(LARGE, &to()).is_none());
  queue.settle(&first);
  let third = queue.next_batch(LARGE, &to()).unwrap();
  assert_eq!(rows(&third)[0]["input"], "more");
}

#[test]
fn payloads_are_bounded_by_rows_and_by_bytes_and_a_giant_goes_alone() {
  let mut queue = RowQueue::default();
  for n in 0..250 {
    queue.push(row(&n.to_string(), None));
  }
  let sizes: Vec<_> =
    std::iter::from_fn(|| queue.next_batch(LARGE, &to())).map(|batch| batch.len()).collect();
  assert_eq!(sizes, [100, 100, 50]);

  queue.push(row("small", None));
  queue.push(row("giant", Some(&"x".repeat(10_000))));
  queue.push(row("last", None));
  let sizes: Vec<_> =
    std::iter::from_fn(|| queue.next_batch(4_000, &to())).map(|batch| batch.len()).collect();
  assert_eq!(sizes, [1, 1, 1]);
}

#[test]
fn half_of_a_payload_is_a_payload() {
  let mut queue = RowQueue::default();
  for name in ["a", "b", "c"] {
    queue.push(row(name, Some("payload")));
  }
  let whole = queue.next_batch(LARGE, &to()).unwrap();
  let expected = rows(&whole);
  let [first, second] = whole.split().unwrap();
  assert_eq!([rows(&first), rows(&second)].concat(), expected);
  assert_eq!((first.len(), second.len()), (1, 2));
  assert!(first.split().is_err());
}

#[test]
fn a_flush_waits_for_what_came_before_it_and_for_nothing_else() {
  let mut queue = RowQueue::default();
  queue.push(row("a", None));
  let boundary = queue.next_ticket();
  let batch = queue.next_batch(LARGE, &to()).unwrap();
  queue.push(row("b", None));
  assert!(!queue.settled_before(boundary));
  queue.settle(&batch);
  assert!(queue.settled_before(boundary));
  assert!(!queue.settled_before(queue.next_ticket()));
}

proptest! {
  /// Whatever the order of pushes, payloads and answers: no two payloads under way share a row, every
  /// row is delivered, nothing is left.
  #[test]
  fn every_row_is_carried_by_one_payload_at_a_time(steps in prop::collection::vec((0u8..4, 0u8..12), 1..200)) {
    let mut queue = RowQueue::default();
    let mut under_way: Vec<Batch> = Vec::new();
    let mut seen = HashSet::new();
    let mut pushed = HashSet::new();
    for (step, n) in steps {
      match step {
        0 | 1 => {
          pushed.insert(SpanRef::root("test", &[&n.to_string()]).row);
          queue.push(row(&n.to_string(), Some("x")));
        }
        2 => under_way.extend(queue.next_batch(usize::from(n) * 400, &to())),
        _ if !under_way.is_empty() => {
          let batch = under_way.remove(usize::from(n) % under_way.len());
          seen.extend(batch.rows.iter().map(|row| row.id));
          queue.settle(&batch);
        }
        _ => {}
      }
      let ids: Vec<_> = under_way.iter().flat_map(|batch| &batch.rows).map(|row| row.id).collect();
      prop_assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len());
    }
    for batch in under_way {
      seen.extend(batch.rows.iter().map(|row| row.id));
      queue.settle(&batch);
    }
    while let Some(batch) = queue.next_batch(LARGE, &to()) {
      seen.extend(batch.rows.iter().map(|row| row.id));
      queue.settle(&batch);
    }
    prop_assert_eq!(seen, pushed);
    prop_assert_eq!((queue.len(), queue.bytes(), queue.unsettled()), (0, 0, 0));
  }
}
