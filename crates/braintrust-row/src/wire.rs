//! Encodes rows as the body of `POST /logs3`.

use super::{
  masked::Masked,
  members::Members,
  object::Object,
  row::{Row, SpanType},
  time,
};

/// What receives the rows, by its UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
  /// The logs of a project.
  Project(String),
  /// An experiment.
  Experiment(String),
}

/// The row field `context`: what recorded the span.
const CONTEXT: &str = concat!(
  r#"{"span_origin":{"name":"flue-braintrust","version":""#,
  env!("CARGO_PKG_VERSION"),
  r#"","instrumentation":{"name":"flue"}}}"#
);

/// Appends what precedes the first row of a body. Rows are joined by commas.
pub fn open_body(body: &mut Vec<u8>) {
  body.extend_from_slice(br#"{"rows":["#);
}

/// Appends what follows the last row of a body.
pub fn close_body(body: &mut Vec<u8>) {
  body.extend_from_slice(br#"],"api_version":2}"#);
}

/// The members that address a row. They come first in the row, so that they can be inserted after it is
/// encoded.
pub fn address(to: &Destination) -> Vec<u8> {
  let mut members = Vec::new();
  let mut object = Object::members(&mut members);
  match to {
    Destination::Project(id) => {
      object.text("project_id", id);
      object.text("log_id", "g");
    }
    Destination::Experiment(id) => object.text("experiment_id", id),
  }
  members.push(b',');
  members
}

/// Appends the row's JSON to `body`, with an [`address`] or without one.
pub fn write_row(body: &mut Vec<u8>, row: &Row, address: &[u8]) {
  write(body, row, None, address);
}

/// Appends the row's JSON with masked content instead of its own.
pub fn write_masked_row(body: &mut Vec<u8>, row: &Row, masked: &Masked, address: &[u8]) {
  write(body, row, Some(masked), address);
}

fn write(body: &mut Vec<u8>, row: &Row, masked: Option<&Masked>, address: &[u8]) {
  let mut object = Object::open(body);
  object.first_members(address);
  let custom = row.custom.as_deref();
  match custom.and_then(|custom| custom.other_id.as_ref()) {
    Some(id) => object.value("id", id),
    None => object.id("id", |body| row.span.row.write(body)),
  }
  if row.is_span {
    object.id("span_id", |body| row.span.span().write(body));
    object.id("root_span_id", |body| row.span.trace.write(body));
  }
  if let Some(parent) = row.parent {
    object.id_list("span_parents", |body| parent.write(body));
  }
  match custom.and_then(|custom| custom.about.as_ref()) {
    Some(about) => object.json("origin", &format!(r#"{{"id":{}}}"#, about.as_str())),
    None => object.json("_is_merge", "true"),
  }
  if let Some(source) = custom.and_then(|custom| custom.source) {
    object.text("_audit_source", source);
  }
  if let Some(created) = row.created {
    object.text("created", &time::iso(created));
  }
  write_attributes(&mut object, row, masked);
  match masked {
    Some(masked) => masked.write(&mut object, row),
    None => write_fields(&mut object, row, Form::Row),
  }
  object.close();
}

fn write_attributes(object: &mut Object<'_>, row: &Row, masked: Option<&Masked>) {
  let name = masked.map_or(row.name.as_deref(), |masked| masked.name.as_deref());
  let attributes = [("name", name), ("type", row.kind.map(SpanType::as_str))];
  // Attributes of the application are not masked, so they are not sent when a mask is set.
  let custom = row.custom.as_ref().filter(|_| masked.is_none()).map(|custom| &custom.attributes);
  let has_custom = custom.is_some_and(|custom| !custom.is_empty());
  if has_custom || attributes.iter().any(|(_, value)| value.is_some()) {
    let mut object = object.object("span_attributes");
    for (name, value) in attributes {
      if let Some(value) = value {
        object.text(name, value);
      }
    }
    for (name, value) in custom.into_iter().flat_map(Members::iter) {
      object.value(name, value);
    }
    object.close();
  }
}

/// Appends the content of the row as an object: its name, and the fields that are not ids, times or structure.
pub fn write_content(body: &mut Vec<u8>, row: &Row) {
  let mut object = Object::open(body);
  if let Some(name) = &row.name {
    object.text("name", name);
  }
  write_fields(&mut object, row, Form::Content);
  object.close();
}

/// What fields are written for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
  /// A row that is sent.
  Row,
  /// The masking function.
  Content,
}

fn write_fields(object: &mut Object<'_>, row: &Row, form: Form) {
  if row.created.is_some() && row.is_span {
    object.json("context", CONTEXT);
  }
  for (field, value) in [("input", &row.input), ("output", &row.output), ("error", &row.error)] {
    if let Some(value) = value {
      object.value(field, value);
    }
  }
  for (field, value) in row.custom.iter().flat_map(|custom| custom.fields()) {
    if form == Form::Row && field == "comment" {
      object.comment(&value.as_str());
    } else {
      object.value(field, value);
    }
  }
  if !row.metadata.is_empty() {
    let mut metadata = object.object("metadata");
    for (name, value) in row.metadata.iter() {
      metadata.value(name, value);
    }
    metadata.close();
  }
  object.metrics(&row.metrics);
}

#[cfg(test)]
mod tests {
  use serde_json::json;

  use super::*;
  use crate::{CustomFields, Json, SpanContext, TraceId};

  #[test]
  fn a_row_is_encoded_as_the_protocol_requires() {
    let span = SpanContext::root("run", &["run_1"]);
    let mut row = Row::of(span);
    row.parent = Some(SpanContext::root("run", &["run_0"]).span());
    row.created = Some(1_795_417_364_633);
    row.name = Some("say \"hi\"".into());
    row.kind = Some(SpanType::Llm);
    row.input = Some(Json::text("x\u{2028}y"));
    row.set_metadata("flue.run_id", Some(Json::text("run_1")));
    row.set_metric("start", Some(1_795_417_364.633));
    row.set_metric("end", Some(f64::NAN));
    let mut body = Vec::new();
    write_row(&mut body, &row, &address(&Destination::Project("p".into())));
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
  }

  fn feedback(comment: Option<[&str; 2]>) -> Option<Box<CustomFields>> {
    let texts = comment.map_or([None, None], |texts| texts.map(|text| Some(Json::text(text))));
    let [about, comment] = texts;
    let (source, audit_metadata) = (Some("app"), Some(Json::concat(&[r#"{"user":1}"#])));
    let fields = CustomFields { source, about, comment, audit_metadata, ..CustomFields::default() };
    Some(Box::new(fields))
  }

  fn written(row: &Row) -> serde_json::Value {
    let mut body = Vec::new();
    write_row(&mut body, row, &[]);
    serde_json::from_slice(&body).unwrap()
  }

  #[test]
  fn feedback_has_no_ids_but_that_of_the_row_and_gets_those_of_the_span_that_it_is_merged_with() {
    let span = SpanContext::root("run", &["run_1"]);
    let mut row = Row::about(span.row, TraceId::UNKNOWN);
    row.custom = feedback(None);
    let id = span.row.to_string();
    let audit = json!({ "id": id, "_is_merge": true, "_audit_source": "app",
      "_audit_metadata": { "user": 1 } });
    assert_eq!(written(&row), audit);
    let mut start =
      Row::of(SpanContext { trace: SpanContext::root("run", &["caller"]).trace, ..span });
    start.created = Some(0);
    for (mut first, second) in [(row.clone(), start.clone()), (start.clone(), row.clone())] {
      first.merge(second);
      let (merged, start) = (written(&first), written(&start));
      for field in ["id", "span_id", "root_span_id", "created", "context"] {
        assert_eq!(merged[field], start[field], "{field}");
      }
      assert_eq!(merged["_audit_source"], "app");
    }
  }

  #[test]
  fn rows_are_addressed_to_the_logs_of_a_project_or_to_an_experiment() {
    let at = |to: &Destination| {
      let mut body = Vec::new();
      write_row(&mut body, &Row::of(SpanContext::root("run", &["run_1"])), &address(to));
      let row: serde_json::Value = serde_json::from_slice(&body).unwrap();
      [row["project_id"].clone(), row["log_id"].clone(), row["experiment_id"].clone()]
    };
    let null = serde_json::Value::Null;
    assert_eq!(at(&Destination::Project("p".into())), [json!("p"), json!("g"), null.clone()]);
    assert_eq!(at(&Destination::Experiment("e".into())), [null.clone(), null, json!("e")]);
  }

  #[test]
  fn a_comment_is_a_row_of_its_own() {
    let mut row = Row::about(SpanContext::root("comment", &["1"]).row, TraceId::UNKNOWN);
    row.created = Some(1_795_417_364_633);
    row.custom = feedback(Some(["a", "b"]));
    let comment = json!({ "id": row.span.row.to_string(), "created": "2026-11-23T07:02:44.633Z",
      "_audit_source": "app", "_audit_metadata": { "user": 1 }, "origin": { "id": "a" }, "comment": { "text": "b" } });
    assert_eq!(written(&row), comment);
    let mut content = Vec::new();
    write_content(&mut content, &row);
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
    assert_eq!(content, json!({ "comment": "b", "_audit_metadata": { "user": 1 } }));
    let mut body = Vec::new();
    write_masked_row(&mut body, &row, &Masked::default(), &[]);
    let masked: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
      masked["comment"],
      json!({ "text": "[flue-braintrust: left out by the masking function]" })
    );
    assert_eq!(masked.get("_audit_metadata"), None);
  }
}
