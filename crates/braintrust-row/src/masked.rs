//! The content of a row that the application's masking function returned.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{json::Json, members::Members, object::Object, row::Row};

/// Replaces the content of a row when masking failed.
const FAILED: &str = "[flue-braintrust: masking failed]";

/// Replaces content that was not masked before the process ended.
const LEFT_OUT: &str = "[flue-braintrust: left out, because it was not masked in time]";

/// Stands for a comment that the masking function did not return.
const UNMASKED: &str = r#""[flue-braintrust: left out by the masking function]""#;

/// The masked content of a row. Fields that it does not have are not sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Masked {
  pub(super) name: Option<String>,
  #[serde(deserialize_with = "present")]
  context: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  input: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  output: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  expected: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  error: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  scores: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  tags: Option<Box<RawValue>>,
  #[serde(deserialize_with = "present")]
  metadata: Option<Box<RawValue>>,
  comment: Option<Box<RawValue>>,
  #[serde(rename = "_audit_metadata")]
  audit_metadata: Option<Box<RawValue>>,
  metrics: Option<Metrics>,
}

/// A member that is there, `null` included: an error of `null` takes back an earlier failure.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
  Box::deserialize(from).map(Some)
}

/// Metrics by name. Values that are not numbers are dropped.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct Metrics(indexmap::IndexMap<String, serde_json::Value>);

impl Masked {
  /// The contents in a JSON list of objects, each as [`write_content`](crate::write_content) writes it. `None` if
  /// `text` is not such a list.
  pub fn read_all(text: &str) -> Option<Vec<Self>> {
    serde_json::from_str(text).ok()
  }

  /// A mark that replaces all content, for when masking failed.
  pub fn failed() -> Self {
    let mark = serde_json::value::to_raw_value(FAILED).ok();
    Self { name: Some(FAILED.to_owned()), error: mark, ..Self::default() }
  }

  /// Marks in place of the input, the output and the error that a row has, and none of its other content: it was not
  /// masked. Without the name: ends repeat it, and an earlier row may have sent it masked.
  pub fn left_out(row: &Row) -> Self {
    let mark = |field: &Option<Json>| {
      let json = field.as_ref()?;
      // It takes back an earlier value.
      let value = if json.is_null() { None } else { Some(LEFT_OUT) };
      serde_json::value::to_raw_value(&value).ok()
    };
    Self {
      input: mark(&row.input),
      output: mark(&row.output),
      error: mark(&row.error),
      ..Self::default()
    }
  }

  /// Writes all fields except the name. The start and the end of the span are not content: they stay.
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
      ("_audit_metadata", &self.audit_metadata),
    ];
    for (field, value) in fields {
      if let Some(value) = value {
        object.json(field, value.get());
      }
    }
    // A row of nothing but a comment still needs one.
    if row.custom.as_ref().is_some_and(|custom| custom.comment.is_some()) {
      object.comment(self.comment.as_deref().map_or(UNMASKED, RawValue::get));
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
  use crate::{Json, SpanContext, write_content, write_masked_row};

  fn row() -> Row {
    let mut row = Row::of(SpanContext::root("run", &["run_1"]));
    row.created = Some(1_795_417_364_633);
    row.name = Some("secret name".into());
    row.input = Some(Json::text("secret input"));
    row.error = Some(Json::text("secret error"));
    row.set_metadata("secret", Some(Json::text("secret metadata")));
    row.set_metric("start", Some(1.5));
    row.set_metric("tokens", Some(7.0));
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
  fn unchanged_content_is_encoded_as_without_a_mask() {
    let mut content = Vec::new();
    write_content(&mut content, &row());
    let list = format!("[{}]", String::from_utf8(content).unwrap());
    let [masked] = Masked::read_all(&list).unwrap().try_into().unwrap();
    let mut body = Vec::new();
    crate::write_row(&mut body, &row(), &[]);
    assert_eq!(written(&masked).1, serde_json::from_slice::<Value>(&body).unwrap());
  }

  #[test]
  fn only_start_and_end_remain_of_content_that_is_not_returned() {
    for masked in [Masked::default(), Masked::failed(), Masked::left_out(&row())] {
      let (text, value) = written(&masked);
      assert!(!text.contains("secret") && !text.contains("tokens"), "{text}");
      assert_eq!(value["metrics"], json!({ "start": 1.5 }));
    }
  }

  #[test]
  fn marks_stand_only_for_what_a_row_has_that_is_left_out() {
    let mut row = row();
    row.error = Some(Json::null());
    let (mark, masked) = (json!(LEFT_OUT), Masked::left_out(&row));
    let value = written(&masked).1;
    assert_eq!((&value["input"], &value["error"]), (&mark, &Value::Null));
    assert_eq!((value.get("output"), value.get("span_attributes")), (None, None));
  }

  #[test]
  fn an_error_of_null_still_takes_back_an_earlier_failure() {
    let mut succeeded = row();
    succeeded.error = Some(Json::raw(RawValue::NULL));
    let mut content = Vec::new();
    write_content(&mut content, &succeeded);
    let list = format!("[{}]", String::from_utf8(content).unwrap());
    let [masked] = Masked::read_all(&list).unwrap().try_into().unwrap();
    let (text, _) = written(&masked);
    assert!(text.contains(r#""error":null"#), "{text}");
  }

  #[test]
  fn values_that_are_not_numbers_are_not_metrics() {
    let [masked] =
      Masked::read_all(r#"[{"metrics":{"a":"x","b":2,"start":3}}]"#).unwrap().try_into().unwrap();
    assert_eq!(written(&masked).1["metrics"], json!({ "b": 2.0, "start": 3.0 }));
  }

  #[test]
  fn anything_but_a_list_of_objects_is_none() {
    for text in ["", "{}", "[1]", "[{\"name\":1}]", "[{]"] {
      assert!(Masked::read_all(text).is_none(), "{text}");
    }
  }
}
