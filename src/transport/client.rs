//! The HTTP client.
//!
//! The key is not a default header: each request sets its own. Errors contain no text of a server, so an echoed key
//! is never printed.

use std::{error::Error, io, sync::Arc, time::Duration};

use bytes::Bytes;
use export::{
  config::{Proxies, Proxy, Settings},
  transport::{Body, Call, Reads, Response, TransportError},
};
use reqwest::{
  StatusCode,
  header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
  },
  multipart::{Form, Part},
  redirect,
};
use rustls::{CertificateError, ClientConfig, OtherError};
use thiserror::Error as ThisError;
use tokio::time::timeout;
use url::Url;

use super::{encoding::decode, resolver::SystemResolver, trust::Trust};

/// The most time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most headers of a response. Node's limit is twice that.
const MAX_HEADERS: usize = 1000;
/// Texts of errors of proxies that want other credentials: HTTP tunnels, and SOCKS.
const REFUSALS: [&str; 4] = [
  "proxy authorization required",
  "credentials not accepted",
  "does not support user/pass authentication",
  "implements authentication incorrectly",
];
/// The most bytes of a body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most bytes of an unused body that are drained, so that the connection can be reused.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
/// The most time for draining.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// Why there is no client.
#[derive(Debug, ThisError)]
pub enum ClientError {
  /// TLS could not be set up.
  #[error("the HTTPS client could not be set up: {0}")]
  Tls(String),
}

/// Sends requests. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
  http: reqwest::Client,
  trust: Arc<Trust>,
  proxies: Proxies,
}

impl Client {
  /// Sets up TLS and proxies. Nothing is connected yet. Certificates that cannot be used are not failures, see
  /// [`Self::certificate_warning`].
  ///
  /// # Errors
  /// When TLS cannot be set up.
  pub fn new(settings: &Settings) -> Result<Self, ClientError> {
    let trust = Trust::of(&settings.trust).map_err(|error| ClientError::Tls(cause(&error)))?;
    let proxies = settings.proxies.clone();
    Ok(Self { http: connections(&trust.tls, &proxies)?, trust, proxies })
  }

  /// A client without open connections. It trusts what this one does, and has nothing to read for that.
  ///
  /// # Errors
  /// When the HTTP client cannot be set up.
  pub fn renewed(&self) -> Result<Self, ClientError> {
    Ok(Self { http: connections(&self.trust.tls, &self.proxies)?, ..self.clone() })
  }

  /// What the user must know of the certificates, although the client works: files that are not used, or that nothing
  /// is verified.
  pub fn certificate_warning(&self) -> Option<&str> {
    self.trust.warning.as_deref()
  }

  /// Sends a request, and reads of the response what matters.
  ///
  /// # Errors
  /// When there is no response in time, a body that matters breaks off, or the proxy refuses.
  pub async fn execute(&self, call: Call) -> Result<Response, TransportError> {
    let Call { method, url, headers, body, timeout, reads } = call;
    let parsed = Url::parse(&url).map_err(|error| TransportError::Failed(error.to_string()))?;
    let proxy =
      self.proxies.find(&parsed).map_err(|error| TransportError::Proxy(error.to_string()))?;
    let failed = |error| failed(error, proxy);
    let mut request = self.http.request(method, parsed.clone()).timeout(timeout);
    for (name, value) in headers.iter() {
      request = request.header(name, value);
    }
    let request = match body {
      Body::Bytes(bytes) => request.body(bytes),
      Body::Form { fields, file, media_type } => {
        request.multipart(form(fields, file, &media_type).map_err(failed)?)
      }
    };
    let response = request.send().await.map_err(failed)?;
    if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) = (response.status(), proxy) {
      return Err(refused(proxy));
    }
    let header = |name: HeaderName| {
      response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let head = Response {
      status: response.status().as_u16(),
      retry_after: header(RETRY_AFTER),
      content_type: header(CONTENT_TYPE),
      body: Bytes::new(),
    };
    if reads == Reads::Status || !response.status().is_success() {
      drain(response).await;
      return Ok(head);
    }
    let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    let encodings: Vec<_> = encodings.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    let encodings = encodings.join(",");
    let mut body = read(response, proxy).await?;
    if !encodings.is_empty() {
      body = decode(&encodings, &body, MAX_BODY_BYTES)
        .map_err(|error| TransportError::Failed(error.to_string()))?
        .into();
    }
    Ok(Response { body, ..head })
  }
}

/// An HTTP client of its own, without open connections.
fn connections(tls: &ClientConfig, proxies: &Proxies) -> Result<reqwest::Client, ClientError> {
  let proxies = proxies.clone();
  let builder = reqwest::Client::builder()
    .tls_backend_preconfigured(tls.clone())
    .proxy(reqwest::Proxy::custom(move |url| url_of(proxies.find(url).ok().flatten())))
    .user_agent(concat!("flue-braintrust/", env!("CARGO_PKG_VERSION")))
    .connect_timeout(CONNECT_TIMEOUT)
    .dns_resolver(SystemResolver)
    // A redirect would take the rows, or the key, to another server.
    .redirect(redirect::Policy::none())
    // A gateway may encode a response all the same: it is decoded.
    .default_headers(HeaderMap::from_iter([(
      ACCEPT_ENCODING,
      HeaderValue::from_static("identity"),
    )]))
    .http1_max_headers(MAX_HEADERS)
    .http1_allow_obsolete_multiline_headers_in_responses(true)
    .http1_ignore_invalid_headers_in_responses(true);
  builder.build().map_err(|error| ClientError::Tls(cause(&error)))
}

fn url_of(proxy: Option<&Proxy>) -> Option<Url> {
  proxy.map(|proxy| proxy.url().clone())
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

async fn read(
  mut response: reqwest::Response,
  proxy: Option<&Proxy>,
) -> Result<Bytes, TransportError> {
  let mut body = Vec::new();
  while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, proxy))? {
    if body.len() + chunk.len() > MAX_BODY_BYTES {
      return Err(TransportError::Failed("the response is too large".to_owned()));
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
  // An incomplete response closes the connection.
  let _unfinished = timeout(DRAIN_TIMEOUT, rest).await;
}

fn failed(error: reqwest::Error, proxy: Option<&Proxy>) -> TransportError {
  let error = error.without_url();
  let cause = cause(&error);
  if let Some(proxy) = proxy.filter(|_| REFUSALS.iter().any(|refusal| cause.contains(refusal))) {
    return refused(proxy);
  }
  let through = proxy.filter(|_| error.is_connect());
  let through =
    through.map(|it| format!(" through the proxy {}", it.address())).unwrap_or_default();
  let step = if error.is_timeout() {
    "no response in time"
  } else if error.is_connect() {
    "no connection"
  } else {
    return TransportError::Broken(format!("the connection broke: {cause}"));
  };
  TransportError::Failed(format!("{step}{through}: {cause}"))
}

/// The proxy wants other credentials.
fn refused(proxy: &Proxy) -> TransportError {
  TransportError::Proxy(format!("proxy authentication failed: {}", proxy.refusal()))
}

/// The root cause of an error: the layers above it only state that something failed.
fn cause(error: &(dyn Error + 'static)) -> String {
  let mut cause = error;
  while let Some(deeper) = below(cause) {
    cause = deeper;
  }
  match cause.downcast_ref::<rustls::Error>() {
    Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(reason)))) => {
      format!("invalid peer certificate: {reason}")
    }
    _ => cause.to_string(),
  }
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
  match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
    Some(inner) => Some(inner),
    None => error.source(),
  }
}
