//! What is wrong with a configuration.

use redact::RulesError;
use thiserror::Error;

/// A configuration that cannot be used. No error holds a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
  /// An option has another type.
  #[error("the options are not understood: {0}")]
  Malformed(String),
  /// No API key is configured.
  #[error("there is no API key: set BRAINTRUST_API_KEY or pass `apiKey` to initLogger")]
  NoApiKey,
  /// The API key has characters that no HTTP header can carry.
  #[error("the API key has characters that no key has; it may be quoted")]
  BadApiKey,
  /// The project's id is no UUID.
  #[error("projectId (BRAINTRUST_PROJECT_ID) is not a UUID; a project's name goes to projectName")]
  BadProjectId,
  /// A URL is invalid, or not of http(s). `name` is the option and its variable, as in all that follow.
  #[error("{name} is not a valid URL; expected for example https://www.braintrust.dev")]
  BadUrl { name: &'static str },
  /// A value is none of the choices.
  #[error("{name} must be one of: {choices}")]
  UnknownChoice { name: &'static str, choices: &'static str },
  /// A size is no number of bytes.
  #[error("{name} is not a number of bytes")]
  BadSize { name: &'static str },
  /// A redaction rule cannot be applied.
  #[error(transparent)]
  Redact(#[from] RulesError),
  /// A duration is no number of milliseconds.
  #[error("{name} is not a number of milliseconds")]
  BadDuration { name: &'static str },
}
