//! Reads the members of JSON objects.

use serde_json::value::RawValue;

use super::{json::Json, members::Members};

/// The members of a JSON object in their order. `None` for anything else.
pub fn read_members(object: &str) -> Option<Members<Json>> {
  struct Visitor;
  impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Members<Json>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
      formatter.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
      let mut members = Members::default();
      while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
        members.insert(name.into(), Json::raw(value));
      }
      Ok(members)
    }
  }
  use serde::Deserializer;
  serde_json::Deserializer::from_str(object).deserialize_map(Visitor).ok()
}
