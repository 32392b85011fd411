//! Tags and metadata of whole traces: those of the configuration, and those that the application adds to one trace.

use braintrust_row::{Json, Members, Row, read_members};
use serde_json::value::RawValue;

/// Tags and metadata that the root of a trace gets. Default: none.
#[derive(Clone, Debug, Default)]
pub struct TraceFields {
  /// A list of strings.
  tags: Option<Json>,
  metadata: Members<Json>,
}

impl TraceFields {
  /// Reads the members `tags` and `metadata` of a JSON object. Anything else is ignored.
  pub fn read(object: &RawValue) -> Self {
    let fields = read_members(object.get()).unwrap_or_default();
    let metadata = fields.get("metadata").and_then(|metadata| read_members(&metadata.as_str()));
    let tags = fields.get("tags").cloned();
    Self { tags, metadata: metadata.unwrap_or_default() }
  }

  /// Adds them to a row; metadata that the row has already stays.
  pub fn write(&self, row: &mut Row) {
    for (name, value) in self.metadata.iter() {
      row.metadata.insert_new(name.to_owned().into(), value.clone());
    }
    if let Some(tags) = &self.tags {
      let custom = row.custom.get_or_insert_default();
      let own = custom.tags.take();
      custom.tags = own.and_then(|own| own.with_items_of(tags)).or_else(|| Some(tags.clone()));
    }
  }
}
