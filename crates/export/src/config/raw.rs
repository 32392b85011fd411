//! The configuration as the host passes it: options and variables, unchecked.

use std::collections::HashMap;

use serde::{
  Deserialize, Deserializer,
  de::{DeserializeOwned, Error},
};
use serde_json::{Value, from_value};

use flue_event::ContentPolicy;

/// The options and the variables.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawConfig {
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
  pub content: Option<Toggle<ContentPolicy>>,
  #[serde(deserialize_with = "members")]
  pub redact: Option<redact::RawRules>,
  pub max_field_bytes: Option<f64>,
  pub spool: Option<Toggle<SpoolOptions>>,
}

/// An option that is on, off, or on with members of its own.
#[derive(Debug)]
pub enum Toggle<T> {
  Switch(bool),
  Members(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Toggle<T> {
  fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
    match Value::deserialize(deserializer)? {
      Value::Bool(is_on) => Ok(Self::Switch(is_on)),
      value => object(value, "neither true, false nor an object").map(Self::Members),
    }
  }
}

/// An option that has members.
fn members<'de, T: DeserializeOwned, D: Deserializer<'de>>(
  deserializer: D,
) -> Result<Option<T>, D::Error> {
  object(Value::deserialize(deserializer)?, "no object").map(Some)
}

/// The members of an object. Serde would also take a list for them, in their order.
fn object<T: DeserializeOwned, E: Error>(value: Value, otherwise: &str) -> Result<T, E> {
  if value.is_object() {
    return from_value(value).map_err(E::custom);
  }
  Err(E::custom(format!("{value} is {otherwise}")))
}

/// The members of `spool`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SpoolOptions {
  pub dir: Option<String>,
  pub max_bytes: Option<f64>,
  pub max_age_ms: Option<f64>,
  pub fsync: Option<bool>,
}
