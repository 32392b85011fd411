//! What each operation of a run repeats of the run, so that it is found by it.

use serde::{Deserialize, Serialize};

use crate::{content, facts};
use braintrust_row::{Json, Row};
use flue_event::{Ids, RunStart};

/// What each operation of a run repeats of the run.
#[derive(Default, Serialize, Deserialize)]
pub struct HandedDown {
  workflow: Option<String>,
  /// On 0.x a run is an instance, but its operations do not have the id.
  instance: Option<String>,
  /// The members of `metadata` in the run's input.
  #[serde(skip)]
  metadata: Vec<(String, Json)>,
}

impl HandedDown {
  /// What a run's start has.
  pub fn of(ids: &Ids<'_>, start: &RunStart<'_>) -> Self {
    Self {
      workflow: start.workflow.as_deref().map(str::to_owned),
      instance: ids.instance.as_deref().map(str::to_owned),
      metadata: content::metadata(start.input),
    }
  }

  /// Writes it to a row; values that the row has already stay.
  pub fn write(&self, row: &mut Row) {
    let Self { workflow, instance, metadata } = self;
    let own = [("flue.workflow_name", workflow), ("flue.instance_id", instance)];
    let own = own
      .into_iter()
      .filter_map(|(name, value)| Some((name.to_owned(), facts::text(value.as_deref())?)));
    for (name, value) in own.chain(metadata.iter().cloned()) {
      row.metadata.insert_new(name.into(), value);
    }
  }
}
