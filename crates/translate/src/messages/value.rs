//! Access to the parts of JSON values.

use flue_event::RawJson;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The value, unless it is `null`.
pub fn present(value: RawJson<'_>) -> RawJson<'_> {
  value.filter(|value| value.get() != "null")
}

/// The elements of a list; `None` when it is not one.
pub fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
  serde_json::from_str(value.get()).ok()
}

/// The members of an object; `None` when it is not one.
pub fn object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
  // Checked first: parse errors are expensive.
  let text = value.get();
  text.starts_with('{').then(|| serde_json::from_str(text).ok())?
}

/// A JSON string, with its quotes; `None` when the value is not one.
pub fn string(value: Option<&RawValue>) -> Option<&str> {
  value.map(RawValue::get).filter(|text| text.starts_with('"'))
}
