use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{merge_encoded, write_row};

/// The row with these fields, of the same span as every other one.
fn row(fields: &Value) -> Row {
  let json = |value: &Value| Json::of(value);
  let members = |name: &str| {
    let mut members = Members::default();
    for (name, value) in fields[name].as_object().into_iter().flatten() {
      members.insert(name.clone().into(), json(value));
    }
    members
  };
  let mut row = Row::of(SpanContext::root("run", &["run_1"]));
  row.created = fields["created"].as_i64();
  row.parent = fields["parent"].as_str().and_then(SpanId::parse);
  row.input = fields.get("input").map(json);
  row.output = fields.get("output").map(json);
  row.error = fields.get("error").map(json);
  row.metadata = members("metadata");
  if fields["is_custom"] == true {
    row.custom = Some(Box::new(CustomFields {
      expected: fields.get("expected").map(json),
      scores: fields.get("scores").map(json),
      tags: fields.get("tags").map(json),
      attributes: members("span_attributes"),
      ..CustomFields::default()
    }));
  }
  row
}

fn encoded(row: &Row) -> Vec<u8> {
  let mut bytes = Vec::new();
  write_row(&mut bytes, row, &[]);
  bytes
}

/// Merges a row into what the server has, as Braintrust does.
fn store(stored: &mut Value, row: Value, path: &str) {
  match (stored, row) {
    (Value::Object(stored), Value::Object(row)) => {
      for (name, value) in row {
        let path = format!("{path}/{name}");
        store(stored.entry(name).or_insert(Value::Null), value, &path);
      }
    }
    (Value::Array(stored), Value::Array(row)) if path == "/tags" => {
      let new: Vec<_> = row.into_iter().filter(|tag| !stored.contains(tag)).collect();
      stored.extend(new);
    }
    (stored, row) => *stored = row,
  }
}

/// What the server has after these rows.
fn stored(rows: &[Vec<u8>]) -> Value {
  let mut stored = json!({});
  for row in rows {
    store(&mut stored, serde_json::from_slice(row).unwrap(), "");
  }
  stored
}

/// Merges neighbours where `wanted` says so and both may be one.
fn joined<T>(rows: Vec<T>, wanted: &[bool], merge: impl Fn(&mut T, T) -> Option<T>) -> Vec<T> {
  let mut joined: Vec<T> = Vec::new();
  for (row, is_wanted) in rows.into_iter().zip(wanted) {
    let apart = match joined.last_mut().filter(|_| *is_wanted) {
      Some(earlier) => merge(earlier, row),
      None => Some(row),
    };
    joined.extend(apart);
  }
  joined
}

fn any_value(depth: u32) -> BoxedStrategy<Value> {
  let leaf = prop_oneof![Just(json!(null)), Just(json!("t")), Just(json!([1]))];
  match depth {
    0 => leaf.boxed(),
    _ => prop_oneof![leaf, any_object(any_value(depth - 1))].boxed(),
  }
}

fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
  prop::collection::btree_map("[ab]", value, 1..3)
    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

fn any_update() -> impl Strategy<Value = Value> {
  let tags = prop::collection::btree_set("[tu]", 0..2).prop_map(|tags| json!(tags));
  let field = prop_oneof![
    4 => (prop::sample::select(&["output", "expected"][..]), any_value(3)),
    4 => (
      prop::sample::select(&["metadata", "span_attributes"][..]),
      any_object(any_value(2)).boxed()
    ),
    1 => (Just("tags"), tags.boxed()),
    1 => (Just("created"), (0..2).prop_map(|at| json!(at)).boxed()),
    1 => (Just("parent"), "[ab]{1}".prop_map(|id| json!(id.repeat(16))).boxed()),
  ];
  (prop::collection::vec(field, 1..4), prop::bool::weighted(0.8)).prop_map(|(fields, is_custom)| {
    let mut update: Map<_, _> =
      fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    update.insert("is_custom".to_owned(), json!(is_custom));
    Value::Object(update)
  })
}

proptest! {
  /// Whichever of them merge while they wait, and whichever after they are encoded.
  #[test]
  fn any_updates_leave_the_same_row_at_the_server_however_they_are_split_into_requests(
    updates in prop::collection::vec(any_update(), 1..8),
    in_memory in prop::collection::vec(any::<bool>(), 8),
    encoded_later in prop::collection::vec(any::<bool>(), 8),
  ) {
    let rows: Vec<Row> = updates.iter().map(row).collect();
    let each: Vec<Vec<u8>> = rows.iter().map(encoded).collect();
    let sent = joined(rows, &in_memory, |earlier, later| earlier.merge(later));
    let sent: Vec<Vec<u8>> = sent.iter().map(encoded).collect();
    let sent = joined(sent, &encoded_later, |earlier, later| {
      let Some(both) = merge_encoded(earlier, &later) else { return Some(later) };
      *earlier = both;
      None
    });
    prop_assert_eq!(stored(&sent), stored(&each));
  }
}

#[test]
fn an_object_does_not_merge_with_what_replaced_an_earlier_one() {
  let pairs = [
    (json!({ "output": null }), json!({ "output": { "a": 1 } }), false),
    (json!({ "output": "t" }), json!({ "output": { "a": 1 } }), false),
    (json!({ "output": { "a": 1 } }), json!({ "output": null }), true),
    (json!({ "output": { "a": 1 } }), json!({ "output": { "b": 1 } }), true),
    (
      json!({ "metadata": { "m": { "a": null } } }),
      json!({ "metadata": { "m": { "a": {} } } }),
      false,
    ),
    (
      json!({ "metadata": { "m": { "a": null } } }),
      json!({ "metadata": { "m": { "b": {} } } }),
      true,
    ),
  ];
  for (earlier, later, merges) in pairs {
    for is_custom in [false, true] {
      let [earlier, later] = [&earlier, &later].map(|fields| {
        let mut fields = fields.clone();
        fields["is_custom"] = json!(is_custom);
        row(&fields)
      });
      assert_eq!(merge_encoded(&encoded(&earlier), &encoded(&later)).is_some(), merges);
      assert_eq!(earlier.clone().merge(later).is_none(), merges);
    }
  }
}
