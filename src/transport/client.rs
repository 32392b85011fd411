//! The HTTP client.
//!
//! No default header has the key: each request brings its own. No text of a server ends up in an error, so what it
//! echoes goes nowhere.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use export::{
  config::Settings,
  transport::{Body, Call, Reads, Response, TransportError, redact_url},
};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
  header::RETRY_AFTER,
  multipart::{Form, Part},
  redirect,
};
use thiserror::Error;
use tokio::time::timeout;

use super::{
  crypto,
  roots::{self, RootsError},
};

/// A connection that takes longer to open will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most bytes of a body that is not: they are drained for the connection's sake, which serves the next
/// request if it is at the end of the response.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
  /// TLS could not be set up.
  #[error("the HTTPS client could not be set up: {0}")]
  Tls(String),
}

/// Sends requests. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
  http: reqwest::Client,
  certificate_error: Option<Arc<RootsError>>,
}

impl Client {
  /// Sets up TLS, and the proxy of the environment unless everything is on this machine. Nothing is connected yet.
  /// Certificates that cannot be used are no failure, see [`Self::certificate_error`].
  ///
  /// # Errors
  /// When TLS cannot be set up.
  pub fn new(settings: &Settings) -> Result<Self, ClientError> {
    // Fails only when a provider is installed already, which then serves.
    let _installed = crypto::provider().install_default();
    let (extra, certificate_error) = match settings.extra_ca_certs.as_deref().map(roots::read) {
      None => (Vec::new(), None),
      Some(Ok(certificates)) => (certificates, None),
      Some(Err(error)) => (Vec::new(), Some(Arc::new(error))),
    };
    let builder = reqwest::Client::builder();
    let builder = if settings.is_local() { builder.no_proxy() } else { builder };
    let http = builder
      .user_agent(concat!("flue-braintrust/", env!("CARGO_PKG_VERSION")))
      .connect_timeout(CONNECT_TIMEOUT)
      // A redirect would take the rows, or the key, to another server.
      .redirect(redirect::Policy::none())
      // Slim container images have no certificates of their own: bundled roots stand beside the platform's.
      .tls_certs_merge(roots::bundled().chain(extra))
      .build()
      .map_err(|error| ClientError::Tls(cause(&error)))?;
    Ok(Self { http, certificate_error })
  }

  /// Why the file of `NODE_EXTRA_CA_CERTS` is not used, although the client works.
  pub fn certificate_error(&self) -> Option<&RootsError> {
    self.certificate_error.as_deref()
  }

  /// The proxy through which `url` is requested, without its credentials: by the rules that the client's own
  /// requests follow.
  pub fn proxy(settings: &Settings, url: &str) -> Option<String> {
    if settings.is_local() {
      return None;
    }
    let proxy = Matcher::from_system().intercept(&url.parse().ok()?)?;
    Some(redact_url(&proxy.uri().to_string()))
  }

  /// Sends a request, and reads of the response what matters.
  ///
  /// # Errors
  /// When there is no response in time, or a body that matters breaks off.
  pub async fn execute(&self, call: Call) -> Result<Response, TransportError> {
    let Call { method, url, headers, body, timeout, reads } = call;
    let request = self.http.request(method, url).headers(headers).timeout(timeout);
    let request = match body {
      Body::Bytes(bytes) => request.body(bytes),
      Body::Form { fields, file, media_type } => {
        request.multipart(form(fields, file, &media_type).map_err(failed)?)
      }
    };
    let response = request.send().await.map_err(failed)?;
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let head = Response {
      status: response.status().as_u16(),
      retry_after: retry_after.map(str::to_owned),
      body: Bytes::new(),
    };
    if reads == Reads::Status || !response.status().is_success() {
      drain(response).await;
      return Ok(head);
    }
    Ok(Response { body: read(response).await?, ..head })
  }
}

fn form(
  fields: Vec<(String, String)>,
  file: Bytes,
  media_type: &str,
) -> Result<Form, reqwest::Error> {
  let length = file.len() as u64;
  let file = Part::stream_with_length(file, length).file_name("blob").mime_str(media_type)?;
  let form = fields.into_iter().fold(Form::new(), |form, (name, value)| form.text(name, value));
  Ok(form.part("file", file))
}

async fn read(mut response: reqwest::Response) -> Result<Bytes, TransportError> {
  let mut body = Vec::new();
  while let Some(chunk) = response.chunk().await.map_err(failed)? {
    if body.len() + chunk.len() > MAX_BODY_BYTES {
      return Err(TransportError("the answer is endless".to_owned()));
    }
    body.extend_from_slice(&chunk);
  }
  Ok(body.into())
}

/// Reads the rest of a response, if that is soon done.
async fn drain(mut response: reqwest::Response) {
  let rest = async {
    let mut read = 0;
    while read <= MAX_DRAINED_BYTES
      && let Ok(Some(chunk)) = response.chunk().await
    {
      read += chunk.len();
    }
  };
  // If it is not, the connection is closed.
  let _unfinished = timeout(DRAIN_TIMEOUT, rest).await;
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

/// The root cause of an error: the layers above it only state that something failed.
fn cause(error: &dyn std::error::Error) -> String {
  let mut cause = error;
  while let Some(deeper) = cause.source() {
    cause = deeper;
  }
  cause.to_string()
}
