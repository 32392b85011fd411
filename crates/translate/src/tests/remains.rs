//! The file of open spans, which another release may have written.

use serde_json::Value;

use crate::Translator;

/// Every member of the file, as the first release wrote it.
const WRITTEN: &str = include_str!("open-spans.json");

/// The file's spans in one order.
fn sorted(text: &[u8]) -> Value {
  let mut file: Value = serde_json::from_slice(text).unwrap();
  file["spans"].as_array_mut().unwrap().sort_by_key(|span| span[0].to_string());
  file
}

#[test]
fn open_spans_of_the_first_release_are_read_and_written_as_they_were() {
  let mut translator = Translator::default();
  translator.inherit(WRITTEN.as_bytes()).unwrap();
  let written = translator.remains(2_000, true).unwrap();
  assert_eq!(sorted(&written), sorted(WRITTEN.as_bytes()));
}

#[test]
fn without_names_no_name_is_written() {
  let mut translator = Translator::default();
  translator.inherit(WRITTEN.as_bytes()).unwrap();
  let written = String::from_utf8(translator.remains(2_000, false).unwrap()).unwrap();
  for name in ["flue.prompt", "llm:m", "tool:task", "workflow:w", "\"w\"", "\"n\""] {
    assert!(!written.contains(name), "{name} in {written}");
  }
}
