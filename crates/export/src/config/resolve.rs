//! Raw configuration to settings: precedence, defaults and checks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use flue_event::ContentPolicy;
use redact::{RawRules, Redactor};
use translate::{Form, TurnInput};

use super::{
  error::ConfigError,
  proxy::Proxies,
  raw::{Options, RawConfig, SpoolOptions, Toggle},
  settings::{ApiKey, Defaults, Settings, SpoolSettings, TrustSettings},
  values::{
    address, bytes, count, duration, filled, fingerprint, float, number, project_id, toggle,
    unknown,
  },
  variables::Variables,
};
use crate::{secrets::Secrets, trace_fields::TraceFields};

const APP_URL: &str = "https://www.braintrust.dev";
/// As in Flue's guide.
const PROJECT_NAME: &str = "Flue";
/// Where `spool: true` keeps its files, relative to the working directory.
const SPOOL_DIR: &str = ".flue-braintrust";
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);
const WARN_PERIOD: Duration = Duration::from_secs(60);
/// A smaller queue is a mistake: one event may be larger.
const MIN_QUEUE_BYTES: usize = 1024 * 1024;
/// The least that a cut field keeps: the mark, and names.
const MIN_FIELD_BYTES: usize = 128;
const MAX_REQUESTS: usize = 8;
/// More requests at once gain nothing.
const MOST_REQUESTS: usize = 64;
const SPOOL_BYTES: u64 = 256 * 1024 * 1024;
/// A week.
const SPOOL_AGE_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl Settings {
  /// Reads the JSON of a [`RawConfig`].
  ///
  /// # Errors
  /// [`ConfigError::Malformed`], or the first invalid value.
  pub fn parse(raw: &str) -> Result<Self, ConfigError> {
    Self::parse_with(raw, &Defaults::default())
  }

  /// The same with the defaults of another host.
  ///
  /// # Errors
  /// Those of [`Self::parse`].
  pub fn parse_with(raw: &str, defaults: &Defaults) -> Result<Self, ConfigError> {
    let RawConfig { mut options, env, file } = RawConfig::parse(raw)?;
    // Certificates and proxies belong to the machine: the file cannot set them.
    let trust = trust(&env);
    // A Worker has no proxies, and no room for their code.
    let proxies =
      if cfg!(target_family = "wasm") { Proxies::default() } else { Proxies::from_variables(&env) };
    let vars = Variables { env, file };
    let key =
      vars.or(options.api_key.as_ref(), "BRAINTRUST_API_KEY").ok_or(ConfigError::NoApiKey)?;
    let api_key = ApiKey::new(&key)?;
    let app_url =
      vars.or(options.app_url.as_ref(), "BRAINTRUST_APP_URL").unwrap_or_else(|| APP_URL.into());
    let app_url = address("appUrl (BRAINTRUST_APP_URL)", app_url)?;
    let api_url = vars.or(options.api_url.as_ref(), "BRAINTRUST_API_URL");
    let api_url = api_url.map(|url| address("apiUrl (BRAINTRUST_API_URL)", url)).transpose()?;
    let org_name = vars.or(options.org_name.as_ref(), "BRAINTRUST_ORG_NAME");
    let project_name = project_name(&options, &vars, raw);
    let experiment_id = options.experiment_id.take().map(project_id).transpose()?;
    let project_id =
      vars.or(options.project_id.as_ref(), "BRAINTRUST_PROJECT_ID").map(project_id).transpose()?;
    let content = content(options.content.take(), vars.get("FLUE_BRAINTRUST_CONTENT"))?;
    let attachments = toggle(
      "attachments (FLUE_BRAINTRUST_ATTACHMENTS)",
      options.attachments,
      vars.get("FLUE_BRAINTRUST_ATTACHMENTS"),
      false,
    )?;
    let redactor = redactor(options.redact.take(), &vars, content)?;
    let max_field_bytes =
      number(options.max_field_bytes, vars.get("FLUE_BRAINTRUST_MAX_FIELD_BYTES"))
        .map(|number| bytes("maxFieldBytes (FLUE_BRAINTRUST_MAX_FIELD_BYTES)", number))
        .transpose()?
        .map(|bytes| bytes.max(MIN_FIELD_BYTES));
    let max_queue_bytes =
      number(options.max_queue_bytes, vars.get("FLUE_BRAINTRUST_MAX_QUEUE_BYTES"))
        .map(|number| bytes("maxQueueBytes (FLUE_BRAINTRUST_MAX_QUEUE_BYTES)", number))
        .transpose()?
        .map_or(defaults.max_queue_bytes, |bytes| bytes.max(MIN_QUEUE_BYTES));
    let exit_timeout = duration(
      "exitTimeoutMs (FLUE_BRAINTRUST_EXIT_TIMEOUT_MS)",
      number(options.exit_timeout_ms, vars.get("FLUE_BRAINTRUST_EXIT_TIMEOUT_MS")),
    )?;
    let request_timeout = duration(
      "requestTimeoutMs (FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS)",
      number(options.request_timeout_ms, vars.get("FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS")),
    )?;
    let max_request_bytes =
      number(options.max_request_bytes, vars.get("BRAINTRUST_MAX_REQUEST_SIZE")).and_then(count);
    let keep_errors = toggle(
      "keepErrors (FLUE_BRAINTRUST_KEEP_ERRORS)",
      options.keep_errors,
      vars.get("FLUE_BRAINTRUST_KEEP_ERRORS"),
      false,
    )?;
    let translation = translation(&options, &vars, keep_errors)?;
    let sample_rate =
      number(options.sample_rate, vars.get("FLUE_BRAINTRUST_SAMPLE_RATE")).unwrap_or(1.0);
    if !(0.0..=1.0).contains(&sample_rate) {
      return Err(ConfigError::BadSampleRate);
    }
    Ok(Self {
      destination: fingerprint(&[
        &key,
        &app_url,
        api_url.as_deref().unwrap_or_default(),
        org_name.as_deref().unwrap_or_default(),
        experiment_id.as_deref().or(project_id.as_deref()).unwrap_or(&project_name),
      ]),
      api_key,
      app_url,
      api_url,
      org_name,
      project_name,
      project_id,
      experiment_id,
      attachments: attachments && content != ContentPolicy::NONE,
      content,
      redactor,
      sample_rate,
      keep_errors,
      trace_fields: options.trace_fields.as_deref().map(TraceFields::read).unwrap_or_default(),
      max_field_bytes,
      max_queue_bytes,
      max_queue_rows: vars.count("BRAINTRUST_QUEUE_DROP_EXCEEDING_MAXSIZE").unwrap_or(usize::MAX),
      batch_rows: vars.count("BRAINTRUST_DEFAULT_BATCH_SIZE"),
      max_requests: vars
        .count("BRAINTRUST_MAX_CONCURRENT_LOG_REQUESTS")
        .map_or(MAX_REQUESTS, |requests| requests.min(MOST_REQUESTS)),
      warn_period: vars
        .get("BRAINTRUST_QUEUE_DROP_LOGGING_PERIOD")
        .and_then(|text| Duration::try_from_secs_f64(float(&text)?).ok())
        .unwrap_or(WARN_PERIOD),
      exit_timeout: exit_timeout.unwrap_or(EXIT_TIMEOUT),
      // A timeout of zero is ignored: no request could be sent.
      request_timeout: request_timeout
        .filter(|timeout| !timeout.is_zero())
        .unwrap_or(defaults.request_timeout),
      max_request_bytes,
      trust,
      proxies,
      translation,
      debug_log: debug_log(&vars),
      spool: spool(options.spool.take(), vars.get("FLUE_BRAINTRUST_SPOOL_DIR"))?,
    })
  }
}

fn project_name(options: &Options, vars: &Variables, raw: &str) -> String {
  let name = vars.or(options.project_name.as_ref(), "BRAINTRUST_PROJECT_NAME");
  // A key that is pasted into the wrong variable would name a project, which all of its members see.
  let secrets = Secrets::default();
  secrets.add_from(raw);
  secrets.hide(name.unwrap_or_else(|| PROJECT_NAME.into()))
}

fn redactor(
  rules: Option<RawRules>,
  vars: &Variables,
  content: ContentPolicy,
) -> Result<Option<Arc<Redactor>>, ConfigError> {
  let mut rules = rules.unwrap_or_default();
  rules.builtins = rules.builtins.or_else(|| {
    let names = vars.get("FLUE_BRAINTRUST_REDACT")?;
    Some(names.split(',').filter_map(filled).collect())
  });
  Ok(Redactor::new(&rules, content.reasoning, content.errors)?.map(Arc::new))
}

fn translation(
  options: &Options,
  vars: &Variables,
  may_leave_out: bool,
) -> Result<translate::Options, ConfigError> {
  Ok(translate::Options {
    messages: form(vars.or(options.messages.as_ref(), "FLUE_BRAINTRUST_MESSAGES"))?,
    turn_input: turn_input(
      vars.or(options.turn_input.as_ref(), "FLUE_BRAINTRUST_TURN_INPUT"),
      number(options.max_full_input_bytes, vars.get("FLUE_BRAINTRUST_MAX_FULL_INPUT_BYTES")),
    )?,
    logs: toggle(
      "logs (FLUE_BRAINTRUST_LOGS)",
      options.logs,
      vars.get("FLUE_BRAINTRUST_LOGS"),
      true,
    )?,
    distributed: toggle(
      "distributedTracing (FLUE_BRAINTRUST_DISTRIBUTED_TRACING)",
      options.distributed_tracing,
      vars.get("FLUE_BRAINTRUST_DISTRIBUTED_TRACING"),
      false,
    )?,
    may_leave_out,
  })
}

fn debug_log(vars: &Variables) -> bool {
  let is_debug =
    |name: &str| vars.get(name).is_some_and(|level| level.eq_ignore_ascii_case("debug"));
  // Any other value switches it on: an invalid value is not an error.
  let is_on =
    vars.get("FLUE_BRAINTRUST_DEBUG").map(|value| !["0", "false"].contains(&value.as_str()));
  is_on.unwrap_or_else(|| is_debug("BRAINTRUST_DEBUG_LOG_LEVEL")) || is_debug("FLUE_BRAINTRUST_LOG")
}

/// As Node and OpenSSL read them: white space at the ends is part of a path only in theory.
fn trust(env: &HashMap<String, String>) -> TrustSettings {
  let get = |name: &str| env.get(name).and_then(|value| filled(value));
  TrustSettings {
    extra_ca_certs: get("NODE_EXTRA_CA_CERTS").map(Into::into),
    ca_file: get("SSL_CERT_FILE").map(Into::into),
    ca_dirs: get("SSL_CERT_DIR").map(Into::into),
    // As in Node, nothing but exactly this value switches verification off.
    is_verified: env.get("NODE_TLS_REJECT_UNAUTHORIZED").is_none_or(|value| value != "0"),
  }
}

fn content(
  option: Option<Toggle<ContentPolicy>>,
  variable: Option<String>,
) -> Result<ContentPolicy, ConfigError> {
  let option = match option {
    Some(Toggle::Members(content)) => return Ok(content),
    Some(Toggle::Switch(is_on)) => Some(is_on),
    None => None,
  };
  let is_kept = toggle("content (FLUE_BRAINTRUST_CONTENT)", option, variable, true)?;
  Ok(if is_kept { ContentPolicy::ALL } else { ContentPolicy::NONE })
}

fn form(choice: Option<String>) -> Result<Form, ConfigError> {
  match choice.as_deref() {
    None | Some("openai") => Ok(Form::OpenAi),
    Some("flue") => Ok(Form::Flue),
    Some(_) => Err(unknown("messages (FLUE_BRAINTRUST_MESSAGES)", "openai, flue")),
  }
}

fn turn_input(
  choice: Option<String>,
  max_full_bytes: Option<f64>,
) -> Result<TurnInput, ConfigError> {
  let name = "maxFullInputBytes (FLUE_BRAINTRUST_MAX_FULL_INPUT_BYTES)";
  let max_full_bytes = max_full_bytes.map(|number| bytes(name, number)).transpose()?;
  match choice.as_deref() {
    None | Some("auto") => {
      Ok(TurnInput::Auto { max_full_bytes: max_full_bytes.unwrap_or(TurnInput::MAX_FULL_BYTES) })
    }
    Some("full") => Ok(TurnInput::Full),
    Some("delta") => Ok(TurnInput::Delta),
    Some(_) => Err(unknown("turnInput (FLUE_BRAINTRUST_TURN_INPUT)", "auto, full, delta")),
  }
}

/// The spool, if it is configured. The variable names a directory and switches it on.
fn spool(
  option: Option<Toggle<SpoolOptions>>,
  variable: Option<String>,
) -> Result<Option<SpoolSettings>, ConfigError> {
  let options = match (option, &variable) {
    (Some(Toggle::Switch(false)), _) | (None, None) => return Ok(None),
    (Some(Toggle::Members(options)), _) => options,
    (Some(Toggle::Switch(true)) | None, _) => SpoolOptions::default(),
  };
  let max_bytes = options.max_bytes.map(|number| bytes("spool.maxBytes", number)).transpose()?;
  let max_age = match options.max_age_ms {
    Some(age) if age.is_nan() || age < 0.0 => {
      return Err(ConfigError::BadDuration { name: "spool.maxAgeMs" });
    }
    age => age,
  };
  let dir = options.dir.as_deref().and_then(filled);
  Ok(Some(SpoolSettings {
    dir: dir.or(variable).unwrap_or_else(|| SPOOL_DIR.to_owned()).into(),
    max_bytes: max_bytes.map_or(SPOOL_BYTES, |bytes| bytes as u64),
    max_age_ms: max_age.map_or(SPOOL_AGE_MS, |age| age as i64),
    fsync: options.fsync.unwrap_or(false),
  }))
}
