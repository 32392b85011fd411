//! Settings: what the user asked for, checked, with defaults.
//!
//! An option given to `initLogger` wins over a variable of the environment, which wins over
//! `.env.braintrust`, which wins over the default. Blank means unset. The facade reads the environment
//! and the file; the rules are here. Pure.

mod raw;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderValue;
use thiserror::Error;
use uuid::Uuid;

use flue_event::ContentPolicy;
use redact::{Redactor, RulesError};
use translate::{Form, TurnInput};

pub use raw::RawConfig;
use raw::{SpoolOptions, Toggle};

/// Where users log in, register projects and look at traces.
const APP_URL: &str = "https://www.braintrust.dev";
/// The project that takes the traces of those who name none, as Flue's guide has it.
const PROJECT_NAME: &str = "Flue";
/// Where `spool: true` puts its files, seen from the working directory.
const SPOOL_DIR: &str = ".flue-braintrust";
/// How long the end of the process may wait for delivery.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);
/// What may wait in memory.
const MAX_QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Less than this is no bound but a fault: one event may be larger.
const LEAST_QUEUE_BYTES: usize = 1024 * 1024;
/// A field that is cut keeps so much at least: room for the mark, and for what names a thing.
const LEAST_FIELD_BYTES: usize = 128;
/// How many requests may be under way at once, as the `braintrust` package has it.
const MAX_REQUESTS: usize = 8;
/// More than this helps nobody.
const MOST_REQUESTS: usize = 64;
/// How long to be silent of further losses for the same reason, as the `braintrust` package has it.
const WARN_PERIOD: Duration = Duration::from_secs(60);
/// What the spool may take of the disk.
const SPOOL_BYTES: u64 = 256 * 1024 * 1024;
/// How long what nobody delivers stays in the spool: a week, in milliseconds.
const SPOOL_AGE_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Whatever may be waited for, it is not waited for longer than this.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// Settings that were not given well.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
  /// The options are of the wrong types.
  #[error("the options are not understood: {0}")]
  Malformed(String),
  /// No API key anywhere.
  #[error("there is no API key: set BRAINTRUST_API_KEY or pass `apiKey` to initLogger")]
  NoApiKey,
  /// The API key has characters that no HTTP header can carry.
  #[error("the API key has characters that no key has; it may be quoted")]
  BadApiKey,
  /// A project's id is not one.
  #[error("projectId (BRAINTRUST_PROJECT_ID) is not a UUID; a project's name goes to projectName")]
  BadProjectId,
  /// An address is not one.
  #[error("{name} is no address; one looks like https://www.braintrust.dev")]
  BadUrl {
    /// The option or variable.
    name: &'static str,
  },
  /// A choice is none of those there are.
  #[error("{name} must be one of: {choices}")]
  UnknownChoice {
    /// The option or variable.
    name: &'static str,
    /// What there is to choose from.
    choices: &'static str,
  },
  /// A size is none.
  #[error("{name} is not a number of bytes")]
  BadSize {
    /// The option or variable.
    name: &'static str,
  },
  /// A rule for what must not leave cannot be applied.
  #[error(transparent)]
  Redact(#[from] RulesError),
  /// A number is not one.
  #[error("{name} is not a number of milliseconds")]
  BadDuration {
    /// The option or variable.
    name: &'static str,
  },
}

/// Where and how to keep what must outlive the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
  pub dir: PathBuf,
  /// How much of the disk the payloads of one process may take.
  pub max_bytes: u64,
  /// How long they stay there, in milliseconds.
  pub max_age_ms: i64,
  /// Whether they survive the death of the machine, too.
  pub fsync: bool,
}

/// The secret that opens the account, as the `Authorization` header carries it. Never printed.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
  /// Keys have no characters but visible ones of ASCII.
  fn new(key: &str) -> Result<Self, ConfigError> {
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
      return Err(ConfigError::BadApiKey);
    }
    let mut bearer =
      HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ConfigError::BadApiKey)?;
    bearer.set_sensitive(true);
    Ok(Self(bearer))
  }

  /// The value of the `Authorization` header.
  pub fn bearer(&self) -> &HeaderValue {
    &self.0
  }
}

impl fmt::Debug for ApiKey {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ApiKey(…)")
  }
}

/// What a recorder needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
  /// The secret that opens the account.
  pub api_key: ApiKey,
  /// Base address of login and registration, without a trailing slash.
  pub app_url: String,
  /// Base address of the data plane; `None`: the login tells.
  pub api_url: Option<String>,
  /// The organisation; `None`: the first that the key opens.
  pub org_name: Option<String>,
  /// The project, by name or by id. The id wins.
  pub project_name: String,
  /// The project's UUID.
  pub project_id: Option<String>,
  /// How long the end of the process may wait for delivery; zero: not at all.
  pub exit_timeout: Duration,
  /// How long one request may take, from the connection to the answer. Never zero.
  pub request_timeout: Duration,
  /// The most bytes one request may have, as the user wants it; `None`: as the server says.
  pub max_request_bytes: Option<usize>,
  /// A PEM file with certificates to trust besides the usual ones.
  pub extra_ca_certs: Option<PathBuf>,
  /// How traces are written.
  pub translation: translate::Options,
  /// Which content is kept at all.
  pub content: ContentPolicy,
  /// What must not leave; `None`: no rules.
  pub redactor: Option<Arc<Redactor>>,
  /// The most bytes of one field, or of one member of `metadata`; what has more is cut.
  pub max_field_bytes: Option<usize>,
  /// The most bytes that may wait in memory.
  pub max_queue_bytes: usize,
  /// The most rows that may wait in memory.
  pub max_queue_rows: usize,
  /// How many rows a request has at most, if the user says so.
  pub batch_rows: Option<usize>,
  /// How many requests may be under way at once.
  pub max_requests: usize,
  /// The shortest time between two warnings of one reason.
  pub warn_period: Duration,
  /// Where to keep what must outlive the process; `None`: nowhere.
  pub spool: Option<SpoolSettings>,
  /// A fingerprint of where rows go and by whose key, from which neither can be read.
  pub destination: u64,
}

impl Settings {
  /// How many rows a request has unless more wait than can be sent so: the `braintrust` package's number.
  pub const BATCH_ROWS: usize = 100;

  /// Reads what the facade hands over (JSON of [`RawConfig`]).
  pub fn parse(given: &str) -> Result<Self, ConfigError> {
    let given: RawConfig =
      serde_json::from_str(given).map_err(|error| ConfigError::Malformed(error.to_string()))?;
    Self::resolve(given)
  }

  /// What may wait in memory as it is counted: an eighth of the bound is left to what is not, such as the
  /// allocator's share.
  pub fn queue_room(&self) -> usize {
    self.max_queue_bytes - self.max_queue_bytes / 8
  }

  /// Whether everything is on this machine, where no proxy leads.
  pub fn is_local(&self) -> bool {
    [Some(&self.app_url), self.api_url.as_ref()].into_iter().flatten().all(|url| is_loopback(url))
  }

  /// Applies precedence, defaults and checks.
  pub fn resolve(given: RawConfig) -> Result<Self, ConfigError> {
    let RawConfig { options, env, file } = given;
    let variable = |name: &str| {
      [&env, &file].into_iter().filter_map(|from| from.get(name)).find_map(|value| filled(value))
    };
    let pick = |option: Option<String>, name: &str| {
      option.as_deref().and_then(filled).or_else(|| variable(name))
    };
    let api_key = pick(options.api_key, "BRAINTRUST_API_KEY").ok_or(ConfigError::NoApiKey)?;
    let bearer = ApiKey::new(&api_key)?;
    let app_url = pick(options.app_url, "BRAINTRUST_APP_URL").unwrap_or_else(|| APP_URL.into());
    let app_url = address("appUrl (BRAINTRUST_APP_URL)", app_url)?;
    let api_url = pick(options.api_url, "BRAINTRUST_API_URL");
    let api_url = api_url.map(|url| address("apiUrl (BRAINTRUST_API_URL)", url)).transpose()?;
    let org_name = pick(options.org_name, "BRAINTRUST_ORG_NAME");
    let project_name =
      pick(options.project_name, "BRAINTRUST_PROJECT_NAME").unwrap_or_else(|| PROJECT_NAME.into());
    let project_id =
      pick(options.project_id, "BRAINTRUST_PROJECT_ID").map(project_id).transpose()?;
    let content = content(options.content, variable("FLUE_BRAINTRUST_CONTENT"))?;
    let mut rules = options.redact.unwrap_or_default();
    rules.builtins = rules.builtins.or_else(|| {
      let names = variable("FLUE_BRAINTRUST_REDACT")?;
      Some(names.split(',').filter_map(filled).collect())
    });
    let redactor = Redactor::new(&rules, content.reasoning)?.map(Arc::new);
    let max_field_bytes =
      number(options.max_field_bytes, variable("FLUE_BRAINTRUST_MAX_FIELD_BYTES"));
    let max_field_bytes = max_field_bytes
      .map(|number| number_of_bytes("maxFieldBytes (FLUE_BRAINTRUST_MAX_FIELD_BYTES)", number));
    let counted = |name| variable(name).and_then(|text| count(text.parse().ok()?));
    Ok(Self {
      destination: fingerprint(&[
        &api_key,
        &app_url,
        api_url.as_deref().unwrap_or_default(),
        org_name.as_deref().unwrap_or_default(),
        project_id.as_deref().unwrap_or(&project_name),
      ]),
      api_key: bearer,
      app_url,
      api_url,
      org_name,
      project_name,
      project_id,
      content,
      redactor,
      max_field_bytes: max_field_bytes.transpose()?.map(|bytes| bytes.max(LEAST_FIELD_BYTES)),
      max_queue_bytes: match number(
        options.max_queue_bytes,
        variable("FLUE_BRAINTRUST_MAX_QUEUE_BYTES"),
      ) {
        None => MAX_QUEUE_BYTES,
        Some(number) => number_of_bytes("maxQueueBytes (FLUE_BRAINTRUST_MAX_QUEUE_BYTES)", number)?
          .max(LEAST_QUEUE_BYTES),
      },
      max_queue_rows: counted("BRAINTRUST_QUEUE_DROP_EXCEEDING_MAXSIZE").unwrap_or(usize::MAX),
      batch_rows: counted("BRAINTRUST_DEFAULT_BATCH_SIZE"),
      max_requests: counted("BRAINTRUST_MAX_CONCURRENT_LOG_REQUESTS")
        .map_or(MAX_REQUESTS, |requests| requests.min(MOST_REQUESTS)),
      warn_period: variable("BRAINTRUST_QUEUE_DROP_LOGGING_PERIOD")
        .and_then(|text| Duration::try_from_secs_f64(text.parse().ok()?).ok())
        .unwrap_or(WARN_PERIOD),
      exit_timeout: duration(
        "exitTimeoutMs (FLUE_BRAINTRUST_EXIT_TIMEOUT_MS)",
        number(options.exit_timeout_ms, variable("FLUE_BRAINTRUST_EXIT_TIMEOUT_MS")),
      )?
      .unwrap_or(EXIT_TIMEOUT),
      request_timeout: duration(
        "requestTimeoutMs (FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS)",
        number(options.request_timeout_ms, variable("FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS")),
      )?
      // Nothing can be sent in no time: that is no wish of anybody.
      .filter(|timeout| !timeout.is_zero())
      .unwrap_or(REQUEST_TIMEOUT),
      max_request_bytes: number(options.max_request_bytes, variable("BRAINTRUST_MAX_REQUEST_SIZE"))
        .and_then(count),
      // A matter of the machine, not of Braintrust: the file has no say in it.
      extra_ca_certs: env.get("NODE_EXTRA_CA_CERTS").and_then(|path| filled(path)).map(Into::into),
      translation: translate::Options {
        messages: match pick(options.messages, "FLUE_BRAINTRUST_MESSAGES").as_deref() {
          None | Some("openai") => Form::OpenAi,
          Some("flue") => Form::Flue,
          Some(_) => return Err(unknown("messages (FLUE_BRAINTRUST_MESSAGES)", "openai, flue")),
        },
        turn_input: match pick(options.turn_input, "FLUE_BRAINTRUST_TURN_INPUT").as_deref() {
          None | Some("full") => TurnInput::Full,
          Some("delta") => TurnInput::Delta,
          Some(_) => return Err(unknown("turnInput (FLUE_BRAINTRUST_TURN_INPUT)", "full, delta")),
        },
        logs: match (options.logs, variable("FLUE_BRAINTRUST_LOGS").as_deref()) {
          (Some(logs), _) => logs,
          (None, None | Some("true" | "1")) => true,
          (None, Some("false" | "0")) => false,
          _ => return Err(unknown("logs (FLUE_BRAINTRUST_LOGS)", "true, false")),
        },
        distributed: match (
          options.distributed_tracing,
          variable("FLUE_BRAINTRUST_DISTRIBUTED_TRACING").as_deref(),
        ) {
          (Some(distributed), _) => distributed,
          (None, None | Some("false" | "0")) => false,
          (None, Some("true" | "1")) => true,
          _ => {
            let name = "distributedTracing (FLUE_BRAINTRUST_DISTRIBUTED_TRACING)";
            return Err(unknown(name, "true, false"));
          }
        },
      },
      spool: spool(options.spool, variable("FLUE_BRAINTRUST_SPOOL_DIR"))?,
    })
  }
}

/// Which content is kept.
fn content(
  option: Option<Toggle<ContentPolicy>>,
  variable: Option<String>,
) -> Result<ContentPolicy, ConfigError> {
  Ok(match (option, variable.as_deref()) {
    (Some(Toggle::Members(content)), _) => content,
    (Some(Toggle::Switch(true)), _) | (None, None | Some("true" | "1")) => ContentPolicy::ALL,
    (Some(Toggle::Switch(false)), _) | (None, Some("false" | "0")) => ContentPolicy::NONE,
    _ => return Err(unknown("content (FLUE_BRAINTRUST_CONTENT)", "true, false")),
  })
}

/// The value without surrounding white space, unless that is all of it.
fn filled(value: &str) -> Option<String> {
  let value = value.trim();
  (!value.is_empty()).then(|| value.to_owned())
}

/// An http(s) address, without a trailing slash.
pub fn address(name: &'static str, url: String) -> Result<String, ConfigError> {
  let url = url.trim_end_matches('/');
  match url::Url::parse(url) {
    Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) && parsed.has_host() => {
      Ok(url.to_owned())
    }
    _ => Err(ConfigError::BadUrl { name }),
  }
}

fn is_loopback(url: &str) -> bool {
  let url = url::Url::parse(url).ok();
  url
    .and_then(|url| Some(["localhost", "127.0.0.1", "[::1]"].contains(&url.host_str()?)))
    .unwrap_or(false)
}

fn project_id(id: String) -> Result<String, ConfigError> {
  let groups: Vec<usize> = id.split('-').map(str::len).collect();
  let is_uuid =
    groups == [8, 4, 4, 4, 12] && id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
  if is_uuid { Ok(id) } else { Err(ConfigError::BadProjectId) }
}

/// Where the spool is, if it is wanted. The variable names a directory and switches it on.
fn spool(
  option: Option<Toggle<SpoolOptions>>,
  variable: Option<String>,
) -> Result<Option<SpoolSettings>, ConfigError> {
  let options = match (option, &variable) {
    (Some(Toggle::Switch(false)), _) | (None, None) => return Ok(None),
    (Some(Toggle::Members(options)), _) => options,
    (Some(Toggle::Switch(true)) | None, _) => SpoolOptions::default(),
  };
  let max_bytes =
    options.max_bytes.map(|number| number_of_bytes("spool.maxBytes", number)).transpose()?;
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

/// 64 bits of a hash, from which nobody can tell what was hashed.
fn fingerprint(parts: &[&str]) -> u64 {
  let name: Vec<u8> = parts.iter().flat_map(|part| part.bytes().chain([0])).collect();
  let (first, _) = Uuid::new_v5(&Uuid::NAMESPACE_URL, &name).as_u64_pair();
  first
}

fn number_of_bytes(name: &'static str, number: f64) -> Result<usize, ConfigError> {
  if number.is_nan() || number < 0.0 {
    return Err(ConfigError::BadSize { name });
  }
  Ok(number as usize)
}

/// A number of things, at least one. As in the `braintrust` package, one that cannot be is none.
fn count(number: f64) -> Option<usize> {
  (number >= 1.0).then_some(number as usize)
}

fn unknown(name: &'static str, choices: &'static str) -> ConfigError {
  ConfigError::UnknownChoice { name, choices }
}

/// A number, as the option or as the variable's text. What is none at all is not a number (NaN).
fn number(option: Option<f64>, variable: Option<String>) -> Option<f64> {
  option.or_else(|| variable.map(|text| text.parse().unwrap_or(f64::NAN)))
}

fn duration(name: &'static str, millis: Option<f64>) -> Result<Option<Duration>, ConfigError> {
  let duration = millis.map(|millis| Duration::try_from_secs_f64(millis / 1000.0)).transpose();
  duration
    .map(|given| given.map(|given| given.min(LONGEST_TIMEOUT)))
    .map_err(|_| ConfigError::BadDuration { name })
}

#[cfg(test)]
mod tests;
