//! The configuration as the host passes it: options and variables, unchecked.

use std::collections::HashMap;

use serde::{
  Deserialize, Deserializer,
  de::{DeserializeOwned, Error},
};
use serde_json::{Value, from_str, value::RawValue};

use flue_event::ContentPolicy;

use super::error::ConfigError;

/// Options and variables, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawConfig {
  /// The options of `initLogger`.
  pub options: Options,
  /// Variables of the process.
  pub env: HashMap<String, String>,
  /// Variables of `.env.braintrust`.
  pub file: HashMap<String, String>,
}

impl RawConfig {
  /// Parses what the host passes. The error does not quote a string that is out of place: it may be a key.
  ///
  /// # Errors
  /// [`ConfigError::Malformed`].
  pub fn parse(raw: &str) -> Result<Self, ConfigError> {
    from_str(raw).map_err(|error| ConfigError::Malformed(without_strings(&error.to_string())))
  }
}

/// The options of `initLogger` that the core uses. See [`Settings`](super::Settings) for units and defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
  /// The API key.
  pub api_key: Option<String>,
  /// The base address of login and registration.
  pub app_url: Option<String>,
  /// The base address of the data plane.
  pub api_url: Option<String>,
  /// The name of the organization.
  pub org_name: Option<String>,
  /// The name of the project.
  pub project_name: Option<String>,
  /// The UUID of the project.
  pub project_id: Option<String>,
  /// The UUID of an experiment.
  pub experiment_id: Option<String>,
  /// The most time that the end of the process waits for delivery, in milliseconds.
  pub exit_timeout_ms: Option<f64>,
  /// The most bytes of memory for undelivered rows.
  pub max_queue_bytes: Option<f64>,
  /// The most time of one request, in milliseconds.
  pub request_timeout_ms: Option<f64>,
  /// The most bytes of one request.
  pub max_request_bytes: Option<f64>,
  /// The form of messages: `openai` or `flue`.
  pub messages: Option<String>,
  /// The input of a turn: `auto`, `full` or `delta`.
  pub turn_input: Option<String>,
  /// The most bytes of a full input in `auto`.
  pub max_full_input_bytes: Option<f64>,
  /// Whether Flue's logs become part of spans.
  pub logs: Option<bool>,
  /// Whether traces join those of their callers.
  pub distributed_tracing: Option<bool>,
  /// Whether files in content are uploaded.
  pub attachments: Option<bool>,
  /// Which content is sent.
  pub content: Option<Toggle<ContentPolicy>>,
  /// The redaction rules.
  #[serde(deserialize_with = "members")]
  pub redact: Option<redact::RawRules>,
  /// The share of traces that is recorded.
  pub sample_rate: Option<f64>,
  /// Whether traces with errors are recorded, too.
  pub keep_errors: Option<bool>,
  /// The tags and the metadata of every trace: an object with these members, which JavaScript has checked.
  pub trace_fields: Option<Box<RawValue>>,
  /// The most bytes of one field.
  pub max_field_bytes: Option<f64>,
  /// The spool.
  pub spool: Option<Toggle<SpoolOptions>>,
}

/// An option that is on, off, or on with members of its own.
#[derive(Debug)]
pub enum Toggle<T> {
  /// On or off.
  Switch(bool),
  /// On, with these members.
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
    // As text: parsers of values would be more code, which the WebAssembly module has no room for.
    return from_str(&value.to_string()).map_err(|error| {
      let text = error.to_string();
      // The position refers to that text: omit it.
      E::custom(text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why))
    });
  }
  Err(E::custom(format!("{value} is {otherwise}")))
}

/// The text of a parse error without the string that it quotes: that may be a key.
fn without_strings(error: &str) -> String {
  match (error.split_once(" string \""), error.rsplit_once("\", expected ")) {
    (Some((before, _)), Some((_, after))) => format!("{before} string, expected {after}"),
    _ => error.to_owned(),
  }
}

/// The members of `spool`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SpoolOptions {
  /// The directory.
  pub dir: Option<String>,
  /// The most bytes of disk space.
  pub max_bytes: Option<f64>,
  /// The age at which a segment expires, in milliseconds.
  pub max_age_ms: Option<f64>,
  /// Whether segments are synced to the disk.
  pub fsync: Option<bool>,
}
