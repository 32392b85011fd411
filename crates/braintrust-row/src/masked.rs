//! What a row says after the application's masking function has seen it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{members::Members, object::Object, row::Row};

/// Stands where the masked content could not be read.
const FAILED: &str = "[flue-braintrust: masking failed]";

/// The masked content of a row. What it does not have the row does not say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Masked {
  pub(super) name: Option<String>,
  context: Option<Box<RawValue>>,
  input: Option<Box<RawValue>>,
  output: Option<Box<RawValue>>,
  expected: Option<Box<RawValue>>,
  error: Option<Box<RawValue>>,
  scores: Option<Box<RawValue>>,
  tags: Option<Box<RawValue>>,
  metadata: Option<Box<RawValue>>,
  metrics: Option<Metrics>,
}

/// Numbers by name; what is no number is no metric.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct Metrics(indexmap::IndexMap<String, serde_json::Value>);

impl Masked {
  /// The contents in a JSON list, as `Picked::content` tells them. `None` if it is no such list.
  pub fn read_all(text: &str) -> Option<Vec<Self>> {
    serde_json::from_str(text).ok()
  }

  /// A mark in the place of all that there was.
  pub fn failed() -> Self {
    let mark = serde_json::value::to_raw_value(FAILED).ok();
    Self { name: Some(FAILED.to_owned()), error: mark, ..Self::default() }
  }

  /// Writes the fields but for the name. When the span began and ended is no content: that stays.
  pub(super) fn write(&self, object: &mut Object<'_>, row: &Row) {
    let fields = [
      ("context", &self.context),
      ("input", &self.input),
      ("output", &self.output),
      ("expected", &self.expected),
      ("error", &self.error),
      ("scores", &self.scores),
      ("tags", &self.tags),
      ("metadata", &self.metadata),
    ];
    for (field, value) in fields {
      if let Some(value) = value {
        object.json(field, value.get());
      }
    }
    let mut metrics = Members::<f64>::default();
    for (name, value) in self.metrics.iter().flat_map(|metrics| &metrics.0) {
      if let Some(number) = value.as_f64() {
        metrics.insert(name.clone().into(), number);
      }
    }
    for (name, value) in row.metrics.iter() {
      if ["start", "end"].contains(&name) {
        metrics.insert_new(name.to_owned().into(), *value);
      }
    }
    object.metrics(&metrics);
  }
}

#[cfg(test)]
mod tests {
  use serde_json::{Value, json};

  use super::*;
  use crate::{Json, SpanRef, write_content, write_masked_row};

  fn row() -> Row {
    let mut row = Row::of(SpanRef::root("run", &["run_1"]));
    row.created = Some(1_795_417_364_633);
    row.name = Some("secret name".into());
    row.input = Some(Json::text("secret input"));
    row.error = Some(Json::text("secret error"));
    row.fact("secret", Some(Json::text("secret fact")));
    row.metric("start", Some(1.5));
    row.metric("tokens", Some(7.0));
    row
  }

  fn written(masked: &Masked) -> (String, Value) {
    let mut body = Vec::new();
    write_masked_row(&mut body, &row(), masked, &[]);
    let text = String::from_utf8(body).unwrap();
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
  }

  #[test]
  fn what_was_not_changed_is_written_as_without_a_mask() {
    let mut content = Vec::new();
    write_content(&mut content, &row());
    let list = format!("[{}]", String::from_utf8(content).unwrap());
    let [masked] = Masked::read_all(&list).unwrap().try_into().unwrap();
    let mut body = Vec::new();
    crate::write_row(&mut body, &row(), &[]);
    assert_eq!(written(&masked).1, serde_json::from_slice::<Value>(&body).unwrap());
  }

  #[test]
  fn nothing_that_was_there_is_written_but_for_when_it_was() {
    for masked in [Masked::default(), Masked::failed()] {
      let (text, value) = written(&masked);
      assert!(!text.contains("secret") && !text.contains("tokens"), "{text}");
      assert_eq!(value["metrics"], json!({ "start": 1.5 }));
    }
  }

  #[test]
  fn what_is_no_number_is_no_metric() {
    let [masked] =
      Masked::read_all(r#"[{"metrics":{"a":"x","b":2,"start":3}}]"#).unwrap().try_into().unwrap();
    assert_eq!(written(&masked).1["metrics"], json!({ "b": 2.0, "start": 3.0 }));
  }

  #[test]
  fn what_is_no_list_of_objects_is_none() {
    for text in ["", "{}", "[1]", "[{\"name\":1}]", "[{]"] {
      assert!(Masked::read_all(text).is_none(), "{text}");
    }
  }
}
