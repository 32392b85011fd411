//! The border to JavaScript, and the only module that knows N-API.
//!
//! It converts and delegates; it decides nothing. Every exported function catches panics: one that got
//! through would end the application's process. Objects cross as JSON text, which costs less than
//! building them member by member.

#[cfg_attr(test, allow(dead_code, reason = "no Node calls it in tests"))]
mod probe;
mod recorder;
mod text;

use napi_derive::napi;

use translate::FlueContext;

/// The kinds of Flue events that the native part takes. The facade drops all others unread.
#[napi(catch_unwind)]
pub fn translated_kinds() -> Vec<&'static str> {
  flue_event::TRANSLATED_KINDS.to_vec()
}

/// The span of Flue's that the JavaScript thread is in, by Flue's ids as JSON: `[row id, trace id]`, or
/// nothing without any.
#[napi(catch_unwind)]
pub fn flue_span(ids: String) -> Vec<String> {
  let context: FlueContext = serde_json::from_str(&ids).unwrap_or_default();
  let span = context.span().map(|span| vec![span.row.to_string(), span.trace.to_string()]);
  span.unwrap_or_default()
}

#[cfg(test)]
mod tests {
  use std::fs;

  use flue_event::{Body, decode};

  #[test]
  fn javascript_is_told_every_kind_that_the_core_reads_and_no_other() {
    for kind in super::translated_kinds() {
      let event = format!(r#"{{"type":"{kind}"}}"#);
      assert!(!matches!(decode(&event, 0).unwrap().body, Body::Other), "{kind}");
    }
  }

  #[test]
  fn a_span_of_flue_has_a_name_if_there_is_any_id() {
    let [row, trace] = super::flue_span(r#"{"runId":"run_1"}"#.into()).try_into().unwrap();
    assert_eq!((row.len(), trace.len()), (32, 32));
    for none in ["", "[]", "{}", r#"{"runId":1}"#] {
      assert!(super::flue_span(none.into()).is_empty(), "{none}");
    }
  }

  #[test]
  fn every_exported_function_catches_panics() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/binding");
    for file in fs::read_dir(folder).unwrap() {
      let path = file.unwrap().path();
      let source = fs::read_to_string(&path).unwrap();
      for line in source.lines().map(str::trim).filter(|line| line.starts_with("#[napi")) {
        let is_item = ["#[napi]", "#[napi(custom_finalize)]"].contains(&line);
        assert!(is_item || line.contains("catch_unwind"), "{}: {line}", path.display());
      }
    }
  }
}
