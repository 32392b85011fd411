//! Metadata of a run that each of its operations repeats, so that operations can be searched by it.

use serde::{Deserialize, Serialize};

use crate::{message_text, metadata};
use braintrust_row::{Json, Row};
use flue_event::{Ids, RunStart};

/// Metadata of a run that each of its operations repeats.
#[derive(Default, Serialize, Deserialize)]
pub struct RunMetadata {
  workflow: Option<String>,
  /// On 0.x a run is an instance, but its operations do not have the id.
  instance: Option<String>,
  /// The members of `metadata` in the run's input.
  #[serde(skip)]
  metadata: Vec<(String, Json)>,
}

impl RunMetadata {
  /// The metadata in a run's start.
  pub fn of(ids: &Ids<'_>, start: &RunStart<'_>) -> Self {
    Self {
      workflow: start.workflow.as_deref().map(str::to_owned),
      instance: ids.instance.as_deref().map(str::to_owned),
      metadata: message_text::run_metadata(start.input),
    }
  }

  /// Removes the name of the workflow.
  pub fn omit_names(&mut self) {
    self.workflow = None;
  }

  /// Writes it to a row; values that the row has already stay.
  pub fn write(&self, row: &mut Row) {
    let Self { workflow, instance, metadata } = self;
    let own = [("flue.workflow_name", workflow), ("flue.instance_id", instance)];
    let own = own
      .into_iter()
      .filter_map(|(name, value)| Some((name.to_owned(), metadata::text(value.as_deref())?)));
    for (name, value) in own.chain(metadata.iter().cloned()) {
      row.metadata.insert_new(name.into(), value);
    }
  }
}
