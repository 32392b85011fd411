use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::secrets::Secrets;
use braintrust_row::{CustomFields, Destination, Json, Row, SpanContext, TraceId};

fn row(name: &str, input: Option<&str>) -> Row {
  let mut row = Row::of(SpanContext::root("test", &[name]));
  row.name = Some(name.into());
  row.input = input.map(Json::text);
  row
}

fn to(project: &str) -> Destination {
  Destination::Project(project.into())
}

fn rows(batch: &EncodedBatch) -> Vec<Value> {
  let body: Value = serde_json::from_slice(&batch.body()).unwrap();
  body["rows"].as_array().unwrap().clone()
}

const LARGE: Limits = Limits { rows: 100, bytes: 1 << 20 };

fn encode(queue: &mut RowQueue, limits: Limits) -> Option<EncodedBatch> {
  queue
    .pick(limits, |_| true)?
    .encode(Some(&to("p")), None, &Secrets::default())
    .map(|encoded| encoded.batch)
}

/// Encodes the rows that are wanted, without an address; with the correction of their size.
fn encode_some(
  queue: &mut RowQueue,
  limits: Limits,
  wanted: impl Fn(&Row) -> bool,
) -> Option<(EncodedBatch, i64)> {
  let encoded = queue.pick(limits, wanted)?.encode(None, None, &Secrets::default())?;
  Some((encoded.batch, encoded.size_correction))
}

#[test]
fn queued_rows_of_one_span_are_merged() {
  let mut queue = RowQueue::default();
  assert!(queue.push(row("a", Some("in"))).is_new);
  let mut end = row("a", None);
  end.output = Some(Json::text("out"));
  assert!(!queue.push(end).is_new);
  let batch = encode(&mut queue, LARGE).unwrap();
  assert_eq!(batch.rows(), 1);
  assert_eq!(rows(&batch)[0]["input"], "in");
  assert_eq!(rows(&batch)[0]["output"], "out");
}

#[test]
fn a_row_that_is_not_picked_keeps_its_position_and_merges_later_updates() {
  let mut queue = RowQueue::default();
  queue.push(row("a", None));
  queue.push(row("b", None));
  let (first, _) = encode_some(&mut queue, LARGE, |row| row.name.as_deref() == Some("b")).unwrap();
  assert_eq!(first.rows(), 1);
  assert_eq!(queue.first_sequence(), Some(0));
  queue.push(row("a", Some("more")));
  assert_eq!(rows(&encode(&mut queue, LARGE).unwrap())[0]["input"], "more");
}

/// Feedback about the span of that name, with scores of that name.
fn feedback(name: &str, source: &'static str, user: &str, score: &str) -> Row {
  let mut row = Row::about(row(name, None).span.row, TraceId::UNKNOWN);
  row.custom = Some(Box::new(CustomFields {
    source: Some(source),
    audit_metadata: (!user.is_empty()).then(|| Json::text(user)),
    scores: Some(Json::concat(&["{\"", score, "\":1}"])),
    ..CustomFields::default()
  }));
  row
}

#[test]
fn feedback_with_another_source_or_other_metadata_is_a_row_of_a_later_batch() {
  let mut queue = RowQueue::default();
  queue.push(row("b", None));
  let rows_of_a = [
    (feedback("a", "app", "u", "1"), true),
    (feedback("a", "app", "u", "2"), false),
    (feedback("a", "api", "u", "3"), true),
    (feedback("a", "api", "v", "4"), true),
    (feedback("a", "api", "", "5"), true),
    (row("a", Some("later")), false),
  ];
  for (row, is_new) in rows_of_a {
    assert_eq!(queue.push(row).is_new, is_new);
  }
  assert_eq!(queue.len(), 5);
  let mut batches = Vec::new();
  while let Some(batch) = encode(&mut queue, LARGE) {
    batches.push(batch);
  }
  let sent: Vec<_> = batches.iter().map(rows).collect();
  assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
  let audits: Vec<_> = sent
    .iter()
    .filter_map(|rows| rows.last())
    .map(|row| json!([row["_audit_source"], row.get("_audit_metadata"), row["scores"]]))
    .collect();
  let expected = [
    json!(["app", "u", { "1": 1, "2": 1 }]),
    json!(["api", "u", { "3": 1 }]),
    json!(["api", "v", { "4": 1 }]),
    json!(["api", null, { "5": 1 }]),
  ];
  assert_eq!(audits, expected);
  assert_eq!(sent[3][0]["input"], "later");
  assert_eq!((queue.len(), queue.memory_bytes(), queue.first_sequence()), (0, 0, None));
}

/// The row of that name, with this output.
fn with_output(name: &str, output: &str) -> Row {
  let mut row = row(name, None);
  row.output = Some(Json::concat(&[output]));
  row
}

#[test]
fn an_object_that_follows_what_replaced_an_earlier_one_is_a_row_of_a_later_batch() {
  let mut queue = RowQueue::default();
  let outputs = [r#"{"a":1}"#, "null", r#"{"b":2}"#, r#"{"c":3}"#];
  let new = outputs.map(|output| queue.push(with_output("a", output)).is_new);
  assert_eq!(new, [true, false, true, false]);
  let batches = [encode(&mut queue, LARGE).unwrap(), encode(&mut queue, LARGE).unwrap()];
  let sent = batches.each_ref().map(|batch| rows(batch)[0]["output"].clone());
  assert_eq!(sent, [json!(null), json!({ "b": 2, "c": 3 })]);
  assert!(EncodedBatch::merged(batches.iter()).is_none());
}

#[test]
fn all_queued_rows_of_a_span_move_to_another_trace() {
  let mut queue = RowQueue::default();
  let start = Row { created: Some(0), ..with_output("a", "null") };
  queue.push(start.clone());
  queue.push(feedback("a", "app", "u", "1"));
  queue.push(feedback("a", "api", "u", "2"));
  queue.push(Row { is_masked: true, ..with_output("a", r#"{"b":2}"#) });
  queue.push(with_output("a", "null"));
  queue.push(with_output("a", r#"{"c":3}"#));
  let caller = SpanContext::root("caller", &[]);
  let span = SpanContext { trace: caller.trace, ..start.span };
  assert!(queue.relocate(&Row { span, parent: Some(caller.span()), ..start }));
  let mut sent = 0;
  while let Some(batch) = encode(&mut queue, LARGE) {
    let row = &rows(&batch)[0];
    assert_eq!(row["root_span_id"], caller.trace.to_string());
    assert_eq!(row["span_parents"], json!([caller.span().to_string()]));
    sent += 1;
  }
  assert_eq!(sent, 3);
}

#[test]
fn feedback_that_follows_a_row_that_is_not_picked_is_not_picked_in_its_place() {
  let mut queue = RowQueue::default();
  queue.push(feedback("a", "app", "u", "1"));
  queue.push(row("b", None));
  queue.push(feedback("a", "api", "u", "2"));
  let is_b = |row: &Row| row.name.as_deref() == Some("b");
  let (first, _) = encode_some(&mut queue, LARGE, is_b).unwrap();
  assert_eq!((first.rows(), queue.first_sequence()), (1, Some(0)));
  let second = encode(&mut queue, LARGE).unwrap();
  assert_eq!(rows(&second)[0]["_audit_source"], "app");
  assert_eq!(queue.first_sequence(), Some(2));
}

#[test]
fn feedback_with_another_source_is_not_merged_after_it_is_encoded() {
  let mut queue = RowQueue::default();
  for source in ["app", "api"] {
    queue.push(feedback("a", source, "u", source));
  }
  let batches = [encode(&mut queue, LARGE).unwrap(), encode(&mut queue, LARGE).unwrap()];
  assert!(EncodedBatch::merged(batches.iter()).is_none());
}

#[test]
fn a_later_state_of_a_row_has_a_later_key_whatever_its_companions_waited() {
  let mut queue = RowQueue::default();
  queue.push(row("a", None));
  queue.push(row("b", None));
  let (first, _) = encode_some(&mut queue, LARGE, |row| row.name.as_deref() == Some("b")).unwrap();
  queue.push(row("b", Some("more")));
  let second = encode(&mut queue, LARGE).unwrap();
  assert_eq!((first.rows(), second.rows()), (1, 2));
  assert!(second.key() > first.key());
}

#[test]
fn no_two_batches_have_the_key_of_a_half() {
  let mut queue = RowQueue::default();
  for name in ["a", "b", "c"] {
    queue.push(row(name, None));
  }
  let (first, _) = encode_some(&mut queue, LARGE, |row| row.name.as_deref() != Some("b")).unwrap();
  let [_, half] = first.split().unwrap();
  let second = encode(&mut queue, LARGE).unwrap();
  assert!(first.key() < half.key() && half.key() < second.key());
}

#[test]
fn batches_are_bounded_by_rows_and_bytes_and_an_oversize_row_is_sent_alone() {
  let mut queue = RowQueue::default();
  for n in 0..250 {
    queue.push(row(&n.to_string(), None));
  }
  let sizes = |queue: &mut RowQueue, limits| -> Vec<_> {
    std::iter::from_fn(|| encode(queue, limits)).map(|batch| batch.rows()).collect()
  };
  assert_eq!(sizes(&mut queue, LARGE), [100, 100, 50]);

  queue.push(row("small", None));
  queue.push(row("giant", Some(&"x".repeat(10_000))));
  queue.push(row("last", None));
  assert_eq!(sizes(&mut queue, Limits { rows: 100, bytes: 4_000 }), [1, 1, 1]);
}

#[test]
fn each_half_of_a_split_batch_is_a_batch() {
  let mut queue = RowQueue::default();
  for name in ["a", "b", "c"] {
    queue.push(row(name, Some("payload")));
  }
  let whole = encode(&mut queue, LARGE).unwrap();
  let [first, second] = whole.split().unwrap();
  assert_eq!([rows(&first), rows(&second)].concat(), rows(&whole));
  assert_eq!((first.rows(), second.rows()), (1, 2));
  assert_eq!((first.key(), second.key()), (0, 1));
  assert_eq!(first.bytes() + second.bytes(), whole.bytes());
  assert!(first.split().is_none());
}

#[test]
fn a_batch_is_addressed_after_encoding_and_can_be_addressed_again() {
  let mut queue = RowQueue::default();
  queue.push(row("a", Some("payload")));
  queue.push(row("b", None));
  let (bare, _) = encode_some(&mut queue, LARGE, |_| true).unwrap();
  assert_eq!(rows(&bare)[0].get("project_id"), None);
  let there = bare.clone().addressed(&to("there"));
  assert_eq!(rows(&there)[1]["project_id"], "there");
  let elsewhere = there.clone().addressed(&to("else where"));
  assert_eq!(rows(&elsewhere)[0]["project_id"], "else where");
  // Another address of the same length.
  assert_eq!(rows(&there.clone().addressed(&to("where")))[0]["project_id"], "where");
  for batch in [&there, &elsewhere] {
    assert_eq!(batch.bytes(), bare.bytes());
    assert_eq!(batch.segment_content(), bare.segment_content());
    assert_eq!(
      batch.split().unwrap()[1].segment_content(),
      bare.split().unwrap()[1].segment_content()
    );
  }
}

#[test]
fn a_batch_is_the_same_after_a_round_trip_through_a_segment() {
  let mut queue = RowQueue::default();
  for n in 0..7 {
    queue.push(row(&n.to_string(), Some("payload")));
  }
  let batch = encode(&mut queue, LARGE).unwrap();
  let content = batch.segment_content();
  let read = EncodedBatch::from_segment(&content, 40, |_| None).unwrap();
  assert_eq!(read.clone().addressed(&to("p")).body(), batch.body());
  assert_eq!(read.ids().collect::<Vec<_>>(), batch.ids().collect::<Vec<_>>());
  assert_eq!((read.key(), read.rows()), (40, 7));
  assert_eq!(EncodedBatch::row_bytes_of(content.len(), 7), batch.bytes());
  assert!(EncodedBatch::from_segment(&content[..content.len() - 1], 0, |_| None).is_none());
  assert!(EncodedBatch::from_segment(&[], 0, |_| None).is_none());
}

proptest! {
  /// Whatever the order of pushes and batches: every row is encoded once, with its latest content, and the
  /// totals return to zero.
  #[test]
  fn every_row_is_encoded_once_and_the_totals_return_to_zero(
    steps in prop::collection::vec((0u8..6, 0u8..12), 1..200)
  ) {
    let mut queue = RowQueue::default();
    let (mut counted, mut encoded_rows, mut pushed) = (0, 0, 0);
    let mut take = |encoded: Option<(EncodedBatch, i64)>, counted: &mut i64| {
      let Some((batch, size_correction)) = encoded else { return false };
      // The server merges each row of a request into the stored one, in no particular order.
      assert_eq!(batch.ids().collect::<HashSet<_>>().len(), batch.spans());
      *counted += size_correction - batch.bytes() as i64;
      encoded_rows += batch.rows();
      true
    };
    for (step, n) in steps {
      if step < 3 {
        let row = queue.push(row(&n.to_string(), Some(&"x".repeat(step.into()))));
        pushed += usize::from(row.is_new);
        counted += row.bytes;
      } else if step < 5 {
        let source = if step < 4 { "app" } else { "api" };
        let row = queue.push(feedback(&n.to_string(), source, "u", "s"));
        pushed += usize::from(row.is_new);
        counted += row.bytes;
      } else {
        let limits = Limits { rows: usize::from(n), bytes: usize::from(n) * 400 };
        take(encode_some(&mut queue, limits, |row| row.name.as_deref() != Some("5")), &mut counted);
      }
    }
    while take(encode_some(&mut queue, LARGE, |_| true), &mut counted) {}
    prop_assert_eq!((queue.len(), queue.memory_bytes(), queue.first_sequence()), (0, 0, None));
    prop_assert_eq!((encoded_rows, counted), (pushed, 0));
  }

  #[test]
  fn only_the_content_of_a_segment_is_read_as_a_batch(content in prop::collection::vec(any::<u8>(), 0..400)) {
    if let Some(batch) = EncodedBatch::from_segment(&content, 0, |_| None) {
      prop_assert_eq!(batch.segment_content(), content);
    }
  }
}
