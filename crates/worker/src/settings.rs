//! The defaults that differ in an isolate.

use std::{path::PathBuf, time::Duration};

use export::config::{ConfigError, Defaults, Settings, SpoolSettings};

/// An isolate has 128 MB for everything, and WebAssembly never returns memory. The runtime may end a request without an
/// answer, and others wait for its rows.
const DEFAULTS: Defaults =
  Defaults { max_queue_bytes: 16 * 1024 * 1024, request_timeout: Duration::from_secs(10) };
/// The most requests at once, beside a repetition and those of an attachment: of the six connections of a Worker, one is
/// left to the application.
const MAX_REQUESTS: usize = 2;

/// The most bytes of a storage: it is read as a whole at the start.
const STORAGE_BYTES: u64 = 8 * 1024 * 1024;
/// A week, as on Node.
const STORAGE_AGE_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The bounds of the spool in a storage.
pub fn storage() -> SpoolSettings {
  SpoolSettings {
    dir: PathBuf::new(),
    max_bytes: STORAGE_BYTES,
    max_age_ms: STORAGE_AGE_MS,
    fsync: false,
  }
}

/// Parses settings as [`Settings::parse`] does, with the defaults of an isolate.
///
/// # Errors
/// Those of [`Settings::parse`].
pub fn parse(raw: &str) -> Result<Settings, ConfigError> {
  let mut settings = Settings::parse_with(raw, &DEFAULTS)?;
  settings.max_requests = settings.max_requests.min(MAX_REQUESTS);
  // Nothing runs when an isolate ends.
  settings.exit_timeout = Duration::ZERO;
  // There is no file system.
  settings.spool = None;
  Ok(settings)
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn an_isolate_has_a_smaller_queue_unless_a_size_is_set() {
    let of = |members: &str| parse(&format!(r#"{{"options":{{"apiKey":"k"{members}}}}}"#)).unwrap();
    assert_eq!(of("").max_queue_bytes, 16 * 1024 * 1024);
    assert_eq!(of(r#","maxQueueBytes":33554432"#).max_queue_bytes, 32 * 1024 * 1024);
    assert_eq!(of("").request_timeout, Duration::from_secs(10));
    assert_eq!(of("").max_requests, MAX_REQUESTS);
  }

  #[test]
  fn what_sets_no_value_leaves_the_defaults_of_an_isolate() {
    let of = |timeout: u32, variable: &str| {
      let raw = serde_json::json!({
        "options": { "apiKey": "k", "requestTimeoutMs": timeout },
        "env": {
          "FLUE_BRAINTRUST_MAX_QUEUE_BYTES": variable,
          "FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS": variable,
        },
      });
      let settings = parse(&raw.to_string()).unwrap();
      (settings.max_queue_bytes, settings.request_timeout)
    };
    let defaults = (DEFAULTS.max_queue_bytes, DEFAULTS.request_timeout);
    assert_eq!((of(0, ""), of(0, " ")), (defaults, defaults));
    assert_eq!(of(250, "2e6"), (2_000_000, Duration::from_millis(250)));
  }

  #[test]
  fn the_error_of_a_key_out_of_place_does_not_show_it() {
    for raw in [r#"{"options":"sk-secret"}"#, r#"{"options":{"exitTimeoutMs":"sk-secret"}}"#] {
      let error = parse(raw).unwrap_err().to_string();
      assert!(error.contains("invalid type: string, expected"), "{error}");
      assert!(!error.contains("sk-secret"), "{error}");
    }
  }
}
