//! The HTTP client: TLS, proxies, timeouts, the key, and how much of an answer is read.
//!
//! The key stands in no default header: only requests to Braintrust are given it, one by one. No text
//! of a server ends up in an error of this module, so what it echoes is never told on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use export::response::{Answer, TransportError};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
  Method, RequestBuilder, Response, Url,
  header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
  redirect,
};
use thiserror::Error;
use tokio::time::timeout;

use super::{
  crypto,
  roots::{self, RootsError},
};
use export::config::Settings;

/// What Braintrust is told in, and answers in.
pub(super) const JSON: &str = "application/json";
/// A connection that takes longer to open will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that matters.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// The most bytes of an answer that does not matter: they are read for the connection's sake, which
/// serves the next request if it is at the end of the answer.
const LONGEST_REMAINDER: usize = 64 * 1024;
/// How long those bytes may take.
const REMAINDER_TIMEOUT: Duration = Duration::from_millis(250);
/// How much more time than a request an upload apart may take, as it is large.
const APART: u32 = 4;

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

/// Talks to Braintrust with one key. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
  http: reqwest::Client,
  /// The key, as it is shown to Braintrust and to nobody else.
  bearer: HeaderValue,
  request_timeout: Duration,
  complaint: Option<Arc<RootsError>>,
}

impl Client {
  /// Sets up TLS, the key, and the proxy of the environment unless everything is on this machine.
  /// Nothing is connected yet. Certificates that cannot be had are no failure, see
  /// [`Self::complaint`].
  pub fn new(settings: &Settings) -> Result<Self, ClientError> {
    // Fails only when a provider is installed already, which then serves.
    let _installed = crypto::provider().install_default();
    let bearer = format!("Bearer {}", settings.api_key.reveal());
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| ClientError::Key)?;
    bearer.set_sensitive(true);
    let (extra, complaint) = match settings.extra_ca_certs.as_deref().map(roots::read) {
      None => (Vec::new(), None),
      Some(Ok(certificates)) => (certificates, None),
      Some(Err(error)) => (Vec::new(), Some(Arc::new(error))),
    };
    let builder = reqwest::Client::builder();
    let builder = if settings.is_local() { builder.no_proxy() } else { builder };
    let http = builder
      .user_agent(concat!("flue-braintrust/", env!("CARGO_PKG_VERSION")))
      .timeout(settings.request_timeout)
      .connect_timeout(CONNECT_TIMEOUT)
      // A redirect would take the rows, or the key, to a server that nobody named.
      .redirect(redirect::Policy::none())
      // Slim container images have no certificates of their own: bundled roots stand beside the platform's.
      .tls_certs_merge(roots::bundled().chain(extra))
      .build()
      .map_err(|error| ClientError::Tls(cause(&error)))?;
    Ok(Self { http, bearer, request_timeout: settings.request_timeout, complaint })
  }

  /// What the user should know, although the client works: why the file of `NODE_EXTRA_CA_CERTS` is
  /// not used.
  pub fn complaint(&self) -> Option<&RootsError> {
    self.complaint.as_deref()
  }

  /// The proxy through which `url` is asked for, without its credentials: by the very rules that the
  /// client's own requests go by.
  pub fn proxy(settings: &Settings, url: &str) -> Option<String> {
    if settings.is_local() {
      return None;
    }
    let proxy = Matcher::from_system().intercept(&url.parse().ok()?)?;
    Some(Self::shown(&proxy.uri().to_string()))
  }

  /// An address as it may be printed: without the credentials that it may have in it.
  pub fn shown(url: &str) -> String {
    match Url::parse(url) {
      Ok(mut parsed) if has_credentials(&parsed) => {
        let _refused = parsed.set_username("");
        let _refused = parsed.set_password(None);
        parsed.to_string()
      }
      _ => url.to_owned(),
    }
  }

  /// `GET url`, and what it answers.
  pub async fn get(&self, url: &str) -> Result<Answer, TransportError> {
    answer(self.to_braintrust(Method::GET, url)).await
  }

  /// `POST body` to `url`, and what it answers.
  pub async fn ask(&self, url: &str, body: Bytes) -> Result<Answer, TransportError> {
    answer(self.to_braintrust(Method::POST, url).body(body)).await
  }

  /// `POST body` to `url`. Only the status of the answer counts: once that says success, nothing that
  /// becomes of its body makes it a failure.
  pub async fn post(&self, url: &str, body: Bytes) -> Result<Answer, TransportError> {
    status(self.to_braintrust(Method::POST, url).body(body)).await
  }

  fn to_braintrust(&self, method: Method, url: &str) -> RequestBuilder {
    let request = self.http.request(method, url).header(ACCEPT, JSON).header(CONTENT_TYPE, JSON);
    // A gateway that wants credentials of its own, in the address, has the key already.
    let has_credentials = Url::parse(url).is_ok_and(|url| has_credentials(&url));
    if has_credentials { request } else { request.header(AUTHORIZATION, self.bearer.clone()) }
  }

  /// A request to a server that is not Braintrust: the key does not go with it, nor any header of ours
  /// but the client's name. To be sent with [`status`].
  pub(super) fn to_stranger(&self, method: Method, url: Url) -> RequestBuilder {
    self.http.request(method, url).timeout(self.request_timeout.saturating_mul(APART))
  }
}

fn has_credentials(url: &Url) -> bool {
  !url.username().is_empty() || url.password().is_some()
}

/// Sends a request whose answer is its status.
pub(super) async fn status(request: RequestBuilder) -> Result<Answer, TransportError> {
  let response = request.send().await.map_err(failed)?;
  let answer = head(&response);
  finish(response).await;
  Ok(answer)
}

/// Sends a request whose answer has a body that matters, if it is a success.
async fn answer(request: RequestBuilder) -> Result<Answer, TransportError> {
  let mut response = request.send().await.map_err(failed)?;
  let mut answer = head(&response);
  if !response.status().is_success() {
    finish(response).await;
    return Ok(answer);
  }
  let mut body = Vec::new();
  while let Some(chunk) = response.chunk().await.map_err(failed)? {
    if body.len() + chunk.len() > LONGEST_ANSWER {
      return Err(TransportError("the answer is endless".to_owned()));
    }
    body.extend_from_slice(&chunk);
  }
  answer.body = body.into();
  Ok(answer)
}

fn head(response: &Response) -> Answer {
  let retry_after = response.headers().get(RETRY_AFTER);
  Answer {
    status: response.status().as_u16(),
    retry_after: retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned),
    body: Bytes::new(),
  }
}

/// Reads the rest of an answer, if that is soon done.
async fn finish(mut response: Response) {
  let rest = async {
    let mut read = 0;
    while read <= LONGEST_REMAINDER
      && let Ok(Some(chunk)) = response.chunk().await
    {
      read += chunk.len();
    }
  };
  // If it is not, the connection is closed.
  let _unfinished = timeout(REMAINDER_TIMEOUT, rest).await;
}

fn failed(error: reqwest::Error) -> TransportError {
  let error = error.without_url();
  let step = if error.is_timeout() {
    "no answer in time"
  } else if error.is_connect() {
    "no connection"
  } else {
    "the connection broke"
  };
  TransportError(format!("{step}: {}", cause(&error)))
}

/// What is at the bottom of an error: the layers above it only say that something failed.
fn cause(error: &dyn std::error::Error) -> String {
  let mut cause = error;
  while let Some(deeper) = cause.source() {
    cause = deeper;
  }
  cause.to_string()
}
