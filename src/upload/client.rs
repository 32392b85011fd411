//! The HTTP client: TLS, proxies, timeouts, the key.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
  Method, StatusCode,
  header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
  redirect,
};
use thiserror::Error;

use crate::config::ApiKey;

/// A try that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that takes longer to open will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
  /// TLS could not be set up.
  #[error("the HTTPS client could not be set up: {0}")]
  Tls(String),
  /// The key cannot be sent.
  #[error("the API key cannot be sent in an HTTP header")]
  Key,
}

/// Why no answer came.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// What came back.
#[derive(Debug)]
pub struct Answer {
  pub status: u16,
  /// The `Retry-After` header, as it stands.
  pub retry_after: Option<String>,
  pub body: Bytes,
}

impl Answer {
  /// Whether the server points elsewhere.
  pub fn is_redirect(&self) -> bool {
    (300..400).contains(&self.status)
  }

  /// The status as a person reads it.
  pub fn describe(&self) -> String {
    StatusCode::from_u16(self.status).map_or_else(|_| self.status.to_string(), |s| s.to_string())
  }
}

/// Talks to Braintrust with one key. Cloning shares the connections.
#[derive(Clone)]
pub struct Client(reqwest::Client);

impl Client {
  /// Sets up TLS, the key, and the proxy of the environment unless all is `local`. Nothing is connected
  /// yet.
  pub fn new(key: &ApiKey, local: bool) -> Result<Self, ClientError> {
    // Fails only when a provider is installed already, which then serves.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut bearer =
      HeaderValue::from_str(&format!("Bearer {}", key.reveal())).map_err(|_| ClientError::Key)?;
    bearer.set_sensitive(true);
    let headers = HeaderMap::from_iter([
      (AUTHORIZATION, bearer),
      (ACCEPT, HeaderValue::from_static("application/json")),
      (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ]);
    // Slim container images have no certificates of their own: bundled roots stand beside the platform's.
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
      .iter()
      .filter_map(|der| reqwest::Certificate::from_der(der).ok());
    let builder = reqwest::Client::builder();
    let builder = if local { builder.no_proxy() } else { builder };
    builder
      .default_headers(headers)
      .user_agent(concat!("flue-braintrust/", env!("CARGO_PKG_VERSION")))
      .timeout(TIMEOUT)
      .connect_timeout(CONNECT_TIMEOUT)
      // A redirect would take the rows, or the key, to a server that nobody named.
      .redirect(redirect::Policy::none())
      .tls_certs_merge(roots)
      .build()
      .map(Self)
      .map_err(|error| ClientError::Tls(cause(&error)))
  }

  /// An address as it may be printed: without the credentials that it may have in it.
  pub fn shown(url: &str) -> String {
    match reqwest::Url::parse(url) {
      Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
        let _refused = parsed.set_username("");
        let _refused = parsed.set_password(None);
        parsed.to_string()
      }
      _ => url.to_owned(),
    }
  }

  /// `GET url`.
  pub async fn get(&self, url: &str) -> Result<Answer, TransportError> {
    self.send(Method::GET, url, Bytes::new()).await
  }

  /// `POST body` to `url`.
  pub async fn post(&self, url: &str, body: Bytes) -> Result<Answer, TransportError> {
    self.send(Method::POST, url, body).await
  }

  async fn send(&self, method: Method, url: &str, body: Bytes) -> Result<Answer, TransportError> {
    let failed = |error: reqwest::Error| {
      let error = error.without_url();
      let step = if error.is_timeout() {
        "no answer in time"
      } else if error.is_connect() {
        "no connection"
      } else {
        "the connection broke"
      };
      TransportError(format!("{step}: {}", cause(&error)))
    };
    let response = self.0.request(method, url).body(body).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.bytes().await.map_err(failed)?;
    Ok(Answer { status, retry_after, body })
  }
}

/// What is at the bottom of an error: the layers above it only say that something failed.
fn cause(error: &dyn std::error::Error) -> String {
  let mut cause = error;
  while let Some(deeper) = cause.source() {
    cause = deeper;
  }
  cause.to_string()
}
