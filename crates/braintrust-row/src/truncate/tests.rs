use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Destination, Members, SpanContext, SpanType, address, write_row};

fn row() -> crate::Row {
  let mut row = crate::Row::of(SpanContext::root("run", &["run_1"]));
  row.parent = Some(SpanContext::root("run", &["run_0"]).span());
  row.created = Some(1_795_417_364_633);
  row.name = Some("chat".into());
  row.kind = Some(SpanType::Llm);
  row.set_metric("start", Some(1_795_417_364.633));
  row
}

fn written(row: &crate::Row) -> Vec<u8> {
  let mut bytes = Vec::new();
  write_row(&mut bytes, row, &address(&Destination::Project("p".into())));
  bytes
}

fn read(bytes: &[u8]) -> Value {
  serde_json::from_slice(bytes).unwrap()
}

#[test]
fn a_giant_value_is_truncated_and_its_mark_has_its_size() {
  let mut row = row();
  row.input = Some(Json::text(&"x".repeat(7 * 1024 * 1024 - 2)));
  row.output = Some(Json::text("short"));
  let cut = truncate(&written(&row), 5_000_000).unwrap();
  let input = "x".repeat(HEAD - 2 - 41) + "… [flue-braintrust: cut, 7340032 bytes]";
  row.input = Some(Json::text(&input));
  assert_eq!(read(&cut), read(&written(&row)));
}

#[test]
fn a_value_that_is_not_a_string_is_truncated_as_json_text() {
  let mut row = row();
  row.input = Some(Json::of(&vec!["say \"hi\"\n"; 10_000]));
  let cut = read(&truncate(&written(&row), 50_000).unwrap());
  let input = cut["input"].as_str().unwrap();
  assert!(input.starts_with(r#"["say \"hi\"\n","say \"hi\"\n","#), "{input}");
  assert!(input.ends_with("… [flue-braintrust: cut, 150001 bytes]"), "{input}");
}

#[test]
fn each_field_over_the_limit_is_truncated_to_it() {
  let mut row = row();
  row.input = Some(Json::text(&"i".repeat(300)));
  row.output = Some(Json::text(&"o".repeat(198)));
  row.set_metadata("large", Some(Json::of(&vec!["f"; 100])));
  let bytes = written(&row);
  assert_eq!(cut_fields(&bytes, 1000), None);
  let cut = read(&cut_fields(&bytes, 200).unwrap());
  assert_eq!(cut["input"], "i".repeat(200 - 2 - 37) + "… [flue-braintrust: cut, 302 bytes]");
  assert_eq!(cut["output"], "o".repeat(198));
  let large = cut["metadata"]["large"].as_str().unwrap();
  assert!(large.starts_with("[\"f\",") && large.ends_with("cut, 401 bytes]"), "{large}");
}

#[test]
fn the_fewest_and_largest_values_are_truncated() {
  let mut row = row();
  row.input = Some(Json::text(&"i".repeat(30_000)));
  row.output = Some(Json::text(&"o".repeat(20_000)));
  row.set_metadata("large", Some(Json::text(&"f".repeat(40_000))));
  row.set_metadata("small", Some(Json::text(&"s".repeat(10_000))));
  let bytes = written(&row);
  let cut = |most: usize| {
    let cut = read(&truncate(&bytes, most).unwrap());
    let is_cut = |value: &Value| value.as_str().unwrap().ends_with(" bytes]");
    let metadata = &cut["metadata"];
    [&metadata["large"], &cut["input"], &cut["output"], &metadata["small"]].map(is_cut)
  };
  assert_eq!(cut(bytes.len()), [false, false, false, false]);
  assert_eq!(cut(bytes.len() - 1), [true, false, false, false]);
  assert_eq!(cut(60_000), [true, true, false, false]);
  assert_eq!(cut(40_000), [true, true, true, false]);
  assert_eq!(cut(35_000), [true, true, true, true]);
  // There is no room for 8 KiB of each, so the smaller values are whole again.
  assert_eq!(cut(30_000), [true, true, true, false]);
  assert_eq!(cut(2_000), [true, true, true, true]);
}

#[test]
fn a_name_and_very_many_members_of_metadata_are_truncated_too() {
  let mut row = row();
  row.name = Some("n".repeat(100_000));
  let name = read(&truncate(&written(&row), 10_000).unwrap())["span_attributes"].clone();
  assert_eq!(name["type"], "llm");
  assert!(name["name"].as_str().unwrap().ends_with("cut, 100002 bytes]"));
  for member in 0..10_000 {
    row.metadata.insert(format!("item {member}").into(), Json::of(&member));
  }
  let cut = read(&truncate(&written(&row), 10_000).unwrap());
  assert_eq!(cut["metadata"].as_object().unwrap().len(), 1);
  let metadata = cut["metadata"][WHOLE_METADATA].as_str().unwrap();
  assert!(metadata.starts_with("{\"item 0\":0,\"item 1\":1,"), "{metadata}");
  assert!(metadata.ends_with(" bytes]"), "{metadata}");
}

#[test]
fn a_value_that_is_truncated_again_keeps_the_size_of_the_whole() {
  let mut row = row();
  row.input = Some(Json::text(&"x".repeat(100_000)));
  let once = truncate(&written(&row), 50_000).unwrap();
  let twice = truncate(&once, 2_000).unwrap();
  let input = read(&twice)["input"].as_str().unwrap().to_owned();
  assert!(input.ends_with("x… [flue-braintrust: cut, 100002 bytes]"), "{input}");
  assert_eq!(input.matches("flue-braintrust").count(), 1);
}

#[test]
fn a_text_with_a_mark_of_any_length_is_truncated() {
  let mut row = row();
  for digits in [20, 21, 100_000] {
    let zeros = "0".repeat(digits);
    let text = format!("{}… [flue-braintrust: cut, {zeros} bytes]", "x".repeat(10_000));
    row.input = Some(Json::text(&text));
    let cut = truncate(&written(&row), 5_000).unwrap();
    assert!(cut.len() <= 5_000, "{digits}");
    let fields = cut_fields(&written(&row), 1_000).unwrap();
    assert!(read(&fields)["input"].as_str().unwrap().len() <= 1_000, "{digits}");
  }
}

#[test]
fn no_character_and_no_escape_is_split() {
  for unit in ["\\ud83c\\udf38", "\\n", "\\u0041", "🌸", "ä", "\\\\", "\\ud83c"] {
    for shift in 0..12 {
      let text = format!(r#"{{"id":"i","input":"{}{}"}}"#, "x".repeat(shift), unit.repeat(200));
      let cut = truncate(text.as_bytes(), 160).unwrap();
      let cut = String::from_utf8(cut).unwrap();
      let inside = cut.strip_prefix(r#"{"id":"i","input":""#).unwrap();
      let kept = inside.strip_prefix(&"x".repeat(shift)).unwrap();
      let kept = kept.split('…').next().unwrap();
      assert_eq!(kept.replace(unit, ""), "", "{cut}");
      assert!(!kept.is_empty() && cut.len() > 160 - 12, "{cut}");
    }
  }
}

#[test]
fn a_row_that_is_malformed_or_cannot_be_small_enough_is_none() {
  let mut row = row();
  row.input = Some(Json::text(&"x".repeat(1_000)));
  assert_eq!(truncate(&written(&row), 300), None);
  for text in ["{", "[1]", "\"a long enough text\"", "{} {}"] {
    assert_eq!(truncate(text.as_bytes(), 0), None, "{text}");
  }
  assert_eq!(truncate(b"\xff\xff", 1), None);
}

#[test]
fn values_of_any_depth_are_truncated() {
  let nested = "[".repeat(100_000) + &"]".repeat(100_000);
  let text = format!(r#"{{"id":"i","output":{nested}}}"#);
  let cut = read(&truncate(text.as_bytes(), 1_000).unwrap());
  assert!(cut["output"].as_str().unwrap().starts_with("[[["));
}

fn any_text() -> impl Strategy<Value = String> {
  prop_oneof![".{0,200}", "[a\"\\\\\n🌸]{0,200}"]
}

fn any_value() -> impl Strategy<Value = Value> {
  let leaf = prop_oneof![any::<f64>().prop_map(|n| json!(n)), any_text().prop_map(|t| json!(t))];
  leaf.prop_recursive(3, 12, 4, |inner| {
    prop_oneof![
      prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
      prop::collection::hash_map("\\PC{0,9}", inner, 0..4).prop_map(|map| json!(map)),
    ]
  })
}

fn any_row() -> impl Strategy<Value = crate::Row> {
  let value = || prop::option::of(any_value().prop_map(|value| Json::of(&value)));
  let metadata = prop::collection::hash_map(".{0,9}", any_value(), 0..6);
  (value(), value(), value(), prop::option::of(any_text()), metadata).prop_map(
    |(input, output, error, name, metadata)| {
      let mut row = row();
      (row.input, row.output, row.error, row.name) = (input, output, error, name);
      row.metadata = Members::default();
      for (name, value) in metadata {
        row.metadata.insert(name.clone().into(), Json::of(&value));
      }
      row
    },
  )
}

/// Removes the values that can be truncated from the row, and returns them by name.
fn strip(row: &mut Value) -> Vec<(String, Value)> {
  let mut parts = Vec::new();
  for name in ["input", "output", "error"] {
    parts.extend(row.as_object_mut().unwrap().remove(name).map(|value| (name.to_owned(), value)));
  }
  let name = row["span_attributes"].as_object_mut().unwrap().remove("name");
  parts.extend(name.map(|value| ("name".to_owned(), value)));
  let metadata = row.as_object_mut().unwrap().remove("metadata");
  for (name, value) in metadata.iter().flat_map(|metadata| metadata.as_object().unwrap()) {
    parts.push((format!("metadata: {name}"), value.clone()));
  }
  parts
}

fn is_cut(value: &Value) -> bool {
  value.as_str().is_some_and(|text| marked(text).is_some())
}

proptest! {
  #[test]
  fn a_row_fits_and_only_marked_values_are_changed(row in any_row(), share in 0.0..1.2) {
    let bytes = written(&row);
    let most = (bytes.len() as f64 * share) as usize;
    let (mut before, fits) = (read(&bytes), bytes.len() <= most);
    let parts = strip(&mut before);
    let Some(cut) = truncate(&bytes, most) else {
      // There is no room for the marks.
      prop_assert!(most < before.to_string().len() + 6 * (LEAST + 20));
      return Ok(());
    };
    prop_assert!(cut.len() <= most);
    prop_assert_eq!(fits, cut == bytes);
    prop_assert_eq!(truncate(&cut, most), Some(cut.clone()));
    let mut after = read(&cut);
    let kept = strip(&mut after);
    prop_assert_eq!(before, after);
    prop_assert_eq!(fits, !kept.iter().any(|(_, value)| is_cut(value)));
    let whole_metadata: Vec<_> =
      kept.iter().filter(|(name, _)| name == &format!("metadata: {WHOLE_METADATA}")).collect();
    if whole_metadata.is_empty() {
      prop_assert_eq!(kept.len(), parts.len());
      for (kept, part) in kept.iter().zip(&parts) {
        prop_assert!(kept == part || (kept.0 == part.0 && is_cut(&kept.1)), "{kept:?} {part:?}");
      }
    } else {
      let metadata = kept.iter().filter(|(name, _)| name.starts_with("metadata: ")).count();
      prop_assert_eq!(metadata, 1);
    }
  }

  #[test]
  fn any_bytes_are_truncated_or_none(bytes: Vec<u8>, most: usize) {
    prop_assert!(truncate(&bytes, most).is_none_or(|cut| cut.len() <= most));
  }
}
