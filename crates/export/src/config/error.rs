//! Configuration errors.

use redact::RulesError;
use thiserror::Error;

/// Why a configuration is invalid. No error contains a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
  /// An option has another type.
  #[error("invalid options: {0}")]
  Malformed(String),
  /// No API key is configured.
  #[error("there is no API key: set BRAINTRUST_API_KEY or `apiKey` of initLogger")]
  NoApiKey,
  /// The API key has characters that no HTTP header can carry.
  #[error("the API key has characters that are not visible ASCII; remove spaces and line breaks")]
  BadApiKey,
  /// The project's id is not a UUID.
  #[error("projectId (BRAINTRUST_PROJECT_ID) is not a UUID; a project's name goes to projectName")]
  BadProjectId,
  /// A URL is invalid, its scheme is not http(s), or it has a query or a fragment.
  #[error(
    "{name} is not a valid URL, or has a query or a fragment; expected for example https://www.braintrust.dev"
  )]
  BadUrl {
    /// The option and its variable.
    name: &'static str,
  },
  /// A value is not one of the choices.
  #[error("{name} must be one of: {choices}")]
  UnknownChoice {
    /// The option and its variable.
    name: &'static str,
    /// The valid values.
    choices: &'static str,
  },
  /// A size is negative or not a number.
  #[error("{name} is not a number of bytes")]
  BadSize {
    /// The option and its variable.
    name: &'static str,
  },
  /// The share of traces is not between 0 and 1.
  #[error("sampleRate (FLUE_BRAINTRUST_SAMPLE_RATE) is not a number between 0 and 1")]
  BadSampleRate,
  /// A redaction rule cannot be applied.
  #[error(transparent)]
  Redact(#[from] RulesError),
  /// A duration is negative or not a number.
  #[error("{name} is not a number of milliseconds")]
  BadDuration {
    /// The option and its variable.
    name: &'static str,
  },
}
