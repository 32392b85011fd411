use std::{path::PathBuf, time::Duration};

use super::*;
use serde_json::json;

fn settings(given: serde_json::Value) -> Result<Settings, ConfigError> {
  Settings::parse(&given.to_string())
}

#[test]
fn an_option_wins_over_the_environment_which_wins_over_the_file() {
  let mut given = json!({
    "options": {"apiKey": "option"}, "env": {"BRAINTRUST_API_KEY": "env"}, "file": {"BRAINTRUST_API_KEY": "file"}
  });
  assert_eq!(settings(given.clone()).unwrap().api_key.bearer(), "Bearer option");
  given["options"] = json!({});
  assert_eq!(settings(given.clone()).unwrap().api_key.bearer(), "Bearer env");
  given["env"] = json!({});
  assert_eq!(settings(given).unwrap().api_key.bearer(), "Bearer file");
}

#[test]
fn blank_means_unset_everywhere() {
  let given = json!({
    "options": {"apiKey": "  ", "projectName": "", "spool": {"dir": " "}},
    "env": {"BRAINTRUST_API_KEY": "", "BRAINTRUST_API_URL": " ", "FLUE_BRAINTRUST_EXIT_TIMEOUT_MS": ""},
    "file": {"BRAINTRUST_API_KEY": " key "}
  });
  let settings = settings(given).unwrap();
  assert_eq!(settings.api_key.bearer(), "Bearer key");
  assert_eq!(settings.api_url, None);
  assert_eq!(settings.project_name, "Flue");
  assert_eq!(settings.spool.unwrap().dir, PathBuf::from(".flue-braintrust"));
  assert_eq!(settings.app_url, "https://www.braintrust.dev");
  assert_eq!(settings.exit_timeout, Duration::from_secs(2));
}

#[test]
fn what_is_given_badly_is_named() {
  let error = |given| settings(given).unwrap_err();
  assert_eq!(error(json!({})), ConfigError::NoApiKey);
  assert_eq!(error(json!({"options": {"apiKey": "a\nb"}})), ConfigError::BadApiKey);
  assert!(matches!(error(json!({"options": {"apiKey": 7}})), ConfigError::Malformed(_)));
  let told =
    |name: &str, value| error(json!({"options": {"apiKey": "k", name: value}})).to_string();
  assert!(
    told("spool", json!({"directory": "x"}))
      .contains("unknown field `directory`, expected one of `dir`")
  );
  assert!(told("spool", json!("x")).contains(r#""x" is neither true, false nor an object"#));
  assert!(told("content", json!([])).contains("[] is neither true, false nor an object"));
  assert!(told("redact", json!([["key"]])).contains(r#"[["key"]] is no object"#));
  assert!(
    told("content", json!({"prompts": false})).contains("unknown field `prompts`, expected one of")
  );
  let url = json!({"options": {"apiKey": "k", "appUrl": "www.braintrust.dev"}});
  assert!(matches!(error(url), ConfigError::BadUrl { .. }));
  let timeout =
    json!({"options": {"apiKey": "k"}, "env": {"FLUE_BRAINTRUST_EXIT_TIMEOUT_MS": "soon"}});
  assert!(matches!(error(timeout), ConfigError::BadDuration { .. }));
  let negative = json!({"options": {"apiKey": "k", "exitTimeoutMs": -1}});
  assert!(matches!(error(negative), ConfigError::BadDuration { .. }));
  let requests =
    json!({"options": {"apiKey": "k"}, "env": {"FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS": "5s"}});
  assert_eq!(
    error(requests).to_string(),
    "requestTimeoutMs (FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS) is not a number of milliseconds"
  );
}

#[test]
fn a_request_has_its_own_time_which_is_never_none() {
  let timeout = |option: serde_json::Value, variable: &str| {
    let options = json!({"apiKey": "k", "requestTimeoutMs": option});
    let env = json!({"FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS": variable});
    settings(json!({"options": options, "env": env})).unwrap().request_timeout
  };
  assert_eq!(timeout(json!(null), " "), Duration::from_secs(30));
  assert_eq!(timeout(json!(null), "1500"), Duration::from_millis(1500));
  assert_eq!(timeout(json!(250), "1500"), Duration::from_millis(250));
  assert_eq!(timeout(json!(0), ""), Duration::from_secs(30));
  assert_eq!(timeout(json!(1e12), ""), Duration::from_secs(600));
}

#[test]
fn the_size_of_requests_is_bounded_by_a_number_of_bytes_or_not_at_all() {
  let bound = |option: serde_json::Value, variable: &str| {
    let options = json!({"apiKey": "k", "maxRequestBytes": option});
    let env = json!({"BRAINTRUST_MAX_REQUEST_SIZE": variable});
    settings(json!({"options": options, "env": env})).unwrap().max_request_bytes
  };
  for unset in ["", "  ", "0", "-1", "lots", "NaN", "0.5"] {
    assert_eq!(bound(json!(null), unset), None, "{unset}");
  }
  assert_eq!(bound(json!(null), " 1048576 "), Some(1_048_576));
  assert_eq!(bound(json!(4096), "1048576"), Some(4096));
  assert_eq!(bound(json!(0), "1048576"), None);
  assert_eq!(bound(json!(null), "1e300"), Some(usize::MAX));
}

#[test]
fn certificates_are_named_by_the_process_and_not_by_the_file() {
  let certificates = |from: &str| {
    let given = json!({
      "options": {"apiKey": "k"}, from: {"NODE_EXTRA_CA_CERTS": " /etc/company.pem "}
    });
    settings(given).unwrap().extra_ca_certs
  };
  assert_eq!(certificates("env"), Some("/etc/company.pem".into()));
  assert_eq!(certificates("file"), None);
}

#[test]
fn the_key_is_never_printed() {
  let settings = settings(json!({"options": {"apiKey": "sk-secret"}})).unwrap();
  assert!(!format!("{settings:?}").contains("sk-secret"));
}
