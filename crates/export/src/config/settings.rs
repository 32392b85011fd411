//! The settings of an exporter.

use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc, time::Duration};

use braintrust_row::TraceId;
use flue_event::ContentPolicy;
use http::HeaderValue;
use redact::Redactor;

use super::{error::ConfigError, proxy::Proxies};
use crate::{stored_rows, trace_fields::TraceFields};

/// The settings of the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
  /// The directory. Default: `.flue-braintrust` in the working directory.
  pub dir: PathBuf,
  /// The disk space that the segments of one process may take, in bytes. Default: 256 MiB.
  pub max_bytes: u64,
  /// The age at which a segment is removed, in milliseconds. Default: a week.
  pub max_age_ms: i64,
  /// Whether segments survive a crash of the machine, too. Default: false.
  pub fsync: bool,
}

/// The defaults that differ between hosts: these are those of Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
  /// See [`Settings::max_queue_bytes`].
  pub max_queue_bytes: usize,
  /// See [`Settings::request_timeout`].
  pub request_timeout: Duration,
}

impl Default for Defaults {
  fn default() -> Self {
    Self { max_queue_bytes: 64 * 1024 * 1024, request_timeout: Duration::from_secs(30) }
  }
}

/// Which certificates are trusted besides the bundled and the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSettings {
  /// A PEM file: `NODE_EXTRA_CA_CERTS`.
  pub extra_ca_certs: Option<PathBuf>,
  /// A PEM file: `SSL_CERT_FILE`.
  pub ca_file: Option<PathBuf>,
  /// A list of directories with PEM files, in the form of `PATH`: `SSL_CERT_DIR`.
  pub ca_dirs: Option<OsString>,
  /// Whether certificates are verified. Default: true; false with `NODE_TLS_REJECT_UNAUTHORIZED=0`, as in Node.
  pub is_verified: bool,
}

/// The API key, as the `Authorization` header carries it. Never printed.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
  /// A key.
  ///
  /// # Errors
  /// [`ConfigError::BadApiKey`] when the key has characters that are not visible ASCII.
  pub fn new(key: &str) -> Result<Self, ConfigError> {
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

  /// The key itself, for [`Secrets`](crate::secrets::Secrets).
  pub fn text(&self) -> &str {
    let bearer = self.0.to_str().unwrap_or_default();
    bearer.strip_prefix("Bearer ").unwrap_or_default()
  }
}

impl fmt::Debug for ApiKey {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ApiKey(…)")
  }
}

/// The settings of an exporter, checked and complete.
#[derive(Clone, Debug)]
pub struct Settings {
  /// The API key.
  pub api_key: ApiKey,
  /// Base address of login and registration, without a trailing slash. Default: `https://www.braintrust.dev`.
  pub app_url: String,
  /// Base address of the data plane; `None`: as the login states it.
  pub api_url: Option<String>,
  /// The organization; `None`: the first one that the key has access to.
  pub org_name: Option<String>,
  /// The project's name, unless an id is set. Default: `Flue`.
  pub project_name: String,
  /// The project's UUID.
  pub project_id: Option<String>,
  /// The UUID of the experiment that receives the rows; `None`: the logs of the project do.
  pub experiment_id: Option<String>,
  /// The most time that the end of the process waits for delivery; zero: it does not wait. Default: 2 s.
  pub exit_timeout: Duration,
  /// How long one request may take, from the connection to the end of the response. Never zero. Default: 30 s.
  pub request_timeout: Duration,
  /// The most bytes of one request; `None`: as the server states.
  pub max_request_bytes: Option<usize>,
  /// Which certificates are trusted.
  pub trust: TrustSettings,
  /// The proxies of requests.
  pub proxies: Proxies,
  /// The options of the translation.
  pub translation: translate::Options,
  /// Whether files in content are uploaded as attachments. Default: false; never without content.
  pub attachments: bool,
  /// Which content is kept at all. Default: all.
  pub content: ContentPolicy,
  /// The redaction rules; `None`: there are none.
  pub redactor: Option<Arc<Redactor>>,
  /// The share of traces that is recorded, between 0 and 1. Default: 1.
  pub sample_rate: f64,
  /// Whether traces with errors are recorded, too. Default: false.
  pub keep_errors: bool,
  /// Tags and metadata of every trace. Default: none.
  pub trace_fields: TraceFields,
  /// The most bytes of one field, or of one member of `metadata`: what exceeds them is cut. At least 128.
  pub max_field_bytes: Option<usize>,
  /// The most bytes of undelivered rows in memory. At least 1 MiB. Default: 64 MiB.
  pub max_queue_bytes: usize,
  /// The most undelivered rows in memory. Default: no limit.
  pub max_queue_rows: usize,
  /// The most rows of one request; `None`: [`Self::BATCH_ROWS`], or up to ten times as many while many are queued.
  pub batch_rows: Option<usize>,
  /// The most requests in flight. At most 64. Default: 8, as in the `braintrust` package.
  pub max_requests: usize,
  /// The shortest time between two diagnostics of one loss reason. Default: 60 s, as in the `braintrust` package.
  pub warn_period: Duration,
  /// Whether the debug log is on. Default: off.
  pub debug_log: bool,
  /// The spool; `None`: there is none.
  pub spool: Option<SpoolSettings>,
  /// A fingerprint of the destination and the key. Neither can be recovered from it.
  pub destination: u64,
}

impl Settings {
  /// The rows of one request, as in the `braintrust` package.
  pub const BATCH_ROWS: usize = 100;

  /// Whether a trace with this id is recorded, as far as its id decides.
  pub fn samples(&self, trace: &str) -> bool {
    TraceId::parse(trace).is_none_or(|trace| trace.share() < self.sample_rate)
  }

  /// What a span propagates to other processes, after the content policy and the rules. `None` when it is not a JSON
  /// object.
  pub fn redact_propagated(&self, event: &str) -> Option<String> {
    stored_rows::propagated(event, self.content, self.redactor.as_deref())
  }

  /// The most bytes of attachments in memory: half of [`Self::queue_room`], which they share with rows.
  pub fn attachment_room(&self) -> usize {
    self.queue_room() / 2
  }

  /// The most counted bytes in memory: an eighth of the bound is reserved for what is not counted, such as the
  /// allocator's overhead.
  pub fn queue_room(&self) -> usize {
    self.max_queue_bytes - self.max_queue_bytes / 8
  }
}
