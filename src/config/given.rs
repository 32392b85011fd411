//! What the user gives, as it comes from the facade: options and variables, unchecked.

use std::{collections::HashMap, path::PathBuf};

use serde::Deserialize;

use crate::{event::Content, redact};

/// What the facade hands over: the options as given, and the variables it found.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Given {
  pub options: Options,
  /// Variables of the process.
  pub env: HashMap<String, String>,
  /// Variables of `.env.braintrust`.
  pub file: HashMap<String, String>,
}

/// The options of `initLogger`, as far as the core knows them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
  pub api_key: Option<String>,
  pub app_url: Option<String>,
  pub api_url: Option<String>,
  pub org_name: Option<String>,
  pub project_name: Option<String>,
  pub project_id: Option<String>,
  pub exit_timeout_ms: Option<f64>,
  pub max_queue_bytes: Option<f64>,
  pub request_timeout_ms: Option<f64>,
  pub max_request_bytes: Option<f64>,
  pub messages: Option<String>,
  pub turn_input: Option<String>,
  pub logs: Option<bool>,
  pub distributed_tracing: Option<bool>,
  pub content: Option<ContentOption>,
  pub redact: Option<redact::Given>,
  pub max_field_bytes: Option<f64>,
  pub spool: Option<Spool>,
}

/// The option `spool`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Spool {
  Switch(bool),
  Directory(SpoolOptions),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SpoolOptions {
  pub dir: Option<PathBuf>,
  pub max_bytes: Option<f64>,
  pub max_age_ms: Option<f64>,
  pub fsync: Option<bool>,
}

/// The option `content`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ContentOption {
  Switch(bool),
  Parts(Content),
}
