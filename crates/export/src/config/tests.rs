use std::{path::PathBuf, time::Duration};

use super::*;
use serde_json::json;
use translate::TurnInput;
use url::Url;

fn settings(raw: serde_json::Value) -> Result<Settings, ConfigError> {
  Settings::parse(&raw.to_string())
}

#[test]
fn an_option_takes_precedence_over_the_environment_and_that_over_the_file() {
  let mut raw = json!({
    "options": {"apiKey": "option"}, "env": {"BRAINTRUST_API_KEY": "env"}, "file": {"BRAINTRUST_API_KEY": "file"}
  });
  assert_eq!(settings(raw.clone()).unwrap().api_key.bearer(), "Bearer option");
  raw["options"] = json!({});
  assert_eq!(settings(raw.clone()).unwrap().api_key.bearer(), "Bearer env");
  raw["env"] = json!({});
  assert_eq!(settings(raw).unwrap().api_key.bearer(), "Bearer file");
}

#[test]
fn a_blank_value_is_unset() {
  let raw = json!({
    "options": {"apiKey": "  ", "projectName": "", "spool": {"dir": " "}},
    "env": {"BRAINTRUST_API_KEY": "", "BRAINTRUST_API_URL": " ", "FLUE_BRAINTRUST_EXIT_TIMEOUT_MS": ""},
    "file": {"BRAINTRUST_API_KEY": " key "}
  });
  let settings = settings(raw).unwrap();
  assert_eq!(settings.api_key.bearer(), "Bearer key");
  assert_eq!(settings.api_url, None);
  assert_eq!(settings.project_name, "Flue");
  assert_eq!(settings.spool.unwrap().dir, PathBuf::from(".flue-braintrust"));
  assert_eq!(settings.app_url, "https://www.braintrust.dev");
  assert_eq!(settings.exit_timeout, Duration::from_secs(2));
}

#[test]
fn the_debug_log_is_on_if_any_of_its_variables_asks_for_it() {
  let is_on =
    |env| settings(json!({ "options": { "apiKey": "k" }, "env": env })).unwrap().debug_log;
  for on in [
    json!({ "FLUE_BRAINTRUST_LOG": " Debug " }),
    json!({ "FLUE_BRAINTRUST_LOG": "debug", "FLUE_BRAINTRUST_DEBUG": "0" }),
    json!({ "FLUE_BRAINTRUST_LOG": "info", "FLUE_BRAINTRUST_DEBUG": "1" }),
    json!({ "BRAINTRUST_DEBUG_LOG_LEVEL": "DEBUG" }),
  ] {
    assert!(is_on(on.clone()), "{on}");
  }
  for off in [
    json!({}),
    json!({ "FLUE_BRAINTRUST_LOG": "info" }),
    json!({ "FLUE_BRAINTRUST_LOG": "debugger" }),
    json!({ "FLUE_BRAINTRUST_DEBUG": "0", "BRAINTRUST_DEBUG_LOG_LEVEL": "debug" }),
  ] {
    assert!(!is_on(off.clone()), "{off}");
  }
}

#[test]
fn an_error_names_the_invalid_option() {
  let error = |raw| settings(raw).unwrap_err();
  assert_eq!(error(json!({})), ConfigError::NoApiKey);
  assert_eq!(error(json!({"options": {"apiKey": "a\nb"}})), ConfigError::BadApiKey);
  assert!(matches!(error(json!({"options": {"apiKey": 7}})), ConfigError::Malformed(_)));
  let message =
    |name: &str, value| error(json!({"options": {"apiKey": "k", name: value}})).to_string();
  assert!(
    message("spool", json!({"directory": "x"}))
      .contains("unknown field `directory`, expected one of `dir`")
  );
  let secret = message("sampleRate", json!("sk-\"secret\""));
  assert!(secret.contains("invalid type: string, expected f64"), "{secret}");
  assert!(!secret.contains("secret\\"), "{secret}");
  assert!(message("spool", json!("x")).contains(r#""x" is neither true, false nor an object"#));
  assert!(message("content", json!([])).contains("[] is neither true, false nor an object"));
  assert!(message("redact", json!([["key"]])).contains(r#"[["key"]] is no object"#));
  assert!(
    message("content", json!({"prompts": false}))
      .contains("unknown field `prompts`, expected one of")
  );
  for text in
    ["www.braintrust.dev", "https://a.test?key=b", "https://a.test/b#c", "https://a.test/?"]
  {
    let url = json!({"options": {"apiKey": "k", "appUrl": text}});
    assert!(matches!(error(url), ConfigError::BadUrl { .. }), "{text}");
    let url = json!({"options": {"apiKey": "k"}, "env": {"BRAINTRUST_API_URL": text}});
    assert!(matches!(error(url), ConfigError::BadUrl { .. }), "{text}");
  }
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
fn a_request_timeout_of_zero_is_ignored_and_the_longest_is_ten_minutes() {
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
fn inputs_are_shortened_beyond_128_kib_unless_the_options_state_otherwise() {
  let input = |options: serde_json::Value, env: serde_json::Value| {
    let mut raw = json!({"options": options, "env": env});
    raw["options"]["apiKey"] = json!("k");
    settings(raw).map(|settings| settings.translation.turn_input)
  };
  let auto = |max_full_bytes| Ok(TurnInput::Auto { max_full_bytes });
  let bytes = |number: &str| json!({"FLUE_BRAINTRUST_MAX_FULL_INPUT_BYTES": number});
  assert_eq!(input(json!({}), json!({})), auto(131_072));
  assert_eq!(input(json!({"turnInput": "auto"}), bytes("1000")), auto(1000));
  assert_eq!(input(json!({"maxFullInputBytes": 0}), bytes("1000")), auto(0));
  assert_eq!(
    input(json!({"turnInput": "full", "maxFullInputBytes": 9}), json!({})),
    Ok(TurnInput::Full)
  );
  assert_eq!(input(json!({"turnInput": "delta"}), json!({})), Ok(TurnInput::Delta));
  assert!(matches!(input(json!({}), bytes("many")), Err(ConfigError::BadSize { .. })));
  let error = input(json!({"turnInput": "half"}), json!({})).unwrap_err();
  assert!(error.to_string().contains("auto, full, delta"), "{error}");
}

#[test]
fn attachments_are_off_by_default_and_without_content() {
  let attachments = |mut options: serde_json::Value, env: serde_json::Value| {
    options.as_object_mut().unwrap().insert("apiKey".into(), json!("k"));
    settings(json!({ "options": options, "env": env })).map(|settings| settings.attachments)
  };
  let variable = |value: &str| json!({ "FLUE_BRAINTRUST_ATTACHMENTS": value });
  assert_eq!(attachments(json!({}), json!({})), Ok(false));
  assert_eq!(attachments(json!({ "attachments": true }), json!({})), Ok(true));
  assert_eq!(attachments(json!({}), variable("true")), Ok(true));
  assert_eq!(attachments(json!({ "attachments": false }), variable("true")), Ok(false));
  assert_eq!(attachments(json!({ "attachments": true, "content": false }), json!({})), Ok(false));
  let error = attachments(json!({}), variable("all")).unwrap_err();
  assert!(error.to_string().contains("FLUE_BRAINTRUST_ATTACHMENTS"), "{error}");
}

#[test]
fn an_invalid_request_size_sets_no_limit() {
  let limit = |option: serde_json::Value, variable: &str| {
    let options = json!({"apiKey": "k", "maxRequestBytes": option});
    let env = json!({"BRAINTRUST_MAX_REQUEST_SIZE": variable});
    settings(json!({"options": options, "env": env})).unwrap().max_request_bytes
  };
  for unset in ["", "  ", "0", "-1", "lots", "NaN", "0.5"] {
    assert_eq!(limit(json!(null), unset), None, "{unset}");
  }
  assert_eq!(limit(json!(null), " 1048576 "), Some(1_048_576));
  assert_eq!(limit(json!(4096), "1048576"), Some(4096));
  assert_eq!(limit(json!(0), "1048576"), None);
  assert_eq!(limit(json!(null), "1e300"), Some(usize::MAX));
}

#[test]
fn certificates_are_configured_by_the_environment_and_not_by_the_file() {
  let certificates = |from: &str| {
    let raw = json!({
      "options": {"apiKey": "k"}, from: {"NODE_EXTRA_CA_CERTS": " /etc/company.pem "}
    });
    settings(raw).unwrap().trust.extra_ca_certs
  };
  assert_eq!(certificates("env"), Some("/etc/company.pem".into()));
  assert_eq!(certificates("file"), None);
}

#[test]
fn certificates_are_verified_unless_the_variable_is_exactly_zero_as_in_node() {
  let is_verified = |value: &str| {
    let env = json!({ "NODE_TLS_REJECT_UNAUTHORIZED": value });
    settings(json!({ "options": { "apiKey": "k" }, "env": env })).unwrap().trust.is_verified
  };
  assert!(!is_verified("0"));
  for value in ["0 ", " 0", "0\n", "", "1", "00", "false"] {
    assert!(is_verified(value), "{value:?}");
  }
}

#[test]
fn a_local_app_leaves_the_proxy_to_the_remote_api_that_its_login_states() {
  let options = json!({ "apiKey": "k", "appUrl": "http://localhost:3000" });
  let env = json!({ "HTTPS_PROXY": "http://proxy.test:3128" });
  let proxies = settings(json!({ "options": options, "env": env })).unwrap().proxies;
  let has_proxy = |url| proxies.find(&Url::parse(url).unwrap()).unwrap().is_some();
  assert!(has_proxy("https://api.braintrust.dev/logs3"));
  assert!(!has_proxy("http://localhost:3000/api/apikey/login"));
}

#[test]
fn the_key_is_never_printed() {
  let settings = settings(json!({"options": {"apiKey": "sk-secret"}})).unwrap();
  assert!(!format!("{settings:?}").contains("sk-secret"));
}

#[test]
fn a_project_has_no_key_in_its_name() {
  let key = "sk-0123456789abcdef";
  let raw =
    json!({ "env": { "BRAINTRUST_API_KEY": key, "BRAINTRUST_PROJECT_NAME": format!("p {key}") } });
  assert_eq!(settings(raw).unwrap().project_name, "p *******************");
  let raw = json!({
    "options": { "apiKey": "other-0123456789" },
    "env": { "BRAINTRUST_API_KEY": key, "BRAINTRUST_PROJECT_NAME": key },
  });
  assert_eq!(settings(raw).unwrap().project_name, "*******************");
}
