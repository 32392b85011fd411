//! The interface to JavaScript, and the only module that uses N-API.
//!
//! It converts values and delegates. Every exported function catches panics: an uncaught one would end
//! the application's process. Objects cross as JSON text, which costs less than building them member by
//! member.

mod priority;
#[cfg_attr(test, allow(dead_code, reason = "no Node calls it in tests"))]
mod probe;
#[cfg_attr(test, allow(dead_code, reason = "no Node calls it in tests"))]
mod recorder;
#[cfg_attr(test, allow(dead_code, reason = "no Node calls it in tests"))]
mod spool;
mod text;

use napi::bindgen_prelude::retain_current_module_for_unload_safety;
use napi_derive::napi;

use translate::FlueContext;

use crate::host;

/// The row id and the trace id of the Flue span with these ids; an empty list when there is no id.
#[napi(catch_unwind, ts_args_type = "ids: JsonString<FlueIds>")]
pub fn flue_span(ids: String) -> Vec<String> {
  let context: FlueContext = serde_json::from_str(&ids).unwrap_or_default();
  let span = context.span().map(|span| vec![span.row.to_string(), span.trace.to_string()]);
  span.unwrap_or_default()
}

/// Prints a line on stderr, by a thread of its own. Never blocks.
#[cfg_attr(test, allow(dead_code, reason = "no Node calls it in tests"))]
#[napi(catch_unwind)]
pub fn print_line(line: String) {
  // The thread may run a moment longer than the worker that printed the line.
  retain_current_module_for_unload_safety();
  host::print_line(&line);
}

#[cfg(test)]
mod tests {
  use std::fs;

  #[test]
  fn a_flue_span_has_ids_if_any_id_is_present() {
    let [row, trace] = super::flue_span(r#"{"runId":"run_1"}"#.into()).try_into().unwrap();
    assert_eq!((row.len(), trace.len()), (32, 32));
    for none in ["", "[]", "{}", r#"{"runId":[1]}"#] {
      assert!(super::flue_span(none.into()).is_empty(), "{none}");
    }
  }

  #[test]
  fn every_exported_function_catches_panics() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/binding");
    for file in fs::read_dir(folder).unwrap() {
      let path = file.unwrap().path();
      let source = fs::read_to_string(&path).unwrap().replace("\n  ", "\n");
      for attribute in source.split("\n#[napi").skip(1) {
        let attribute = attribute.split_once("]\n").map_or(attribute, |(start, _)| start);
        let is_item = ["", "(custom_finalize)"].contains(&attribute);
        assert!(is_item || attribute.contains("catch_unwind"), "{}: {attribute}", path.display());
      }
    }
  }
}
