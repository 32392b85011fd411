//! What the core asks of a host's HTTP client, and what it gets back.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use thiserror::Error;
use url::Url;

/// Identifies a request among those of one exporter.
pub type RequestId = u64;

/// A request that the host sends. It follows no redirect, and adds no header but the client's name.
#[derive(Debug)]
pub struct Request {
  pub id: RequestId,
  pub call: Call,
}

/// What to send, and what to read of the response.
#[derive(Clone, Debug)]
pub struct Call {
  pub method: Method,
  /// The address. It may have credentials in it: see [`redact_url`].
  pub url: String,
  /// The headers, the API key among them if the server is Braintrust. Values of secrets are marked as sensitive.
  pub headers: HeaderMap,
  pub body: Body,
  /// The most time from the connection to the end of the response. When it is over, the host answers with a
  /// [`TransportError`].
  pub timeout: Duration,
  /// What of the response is read.
  pub reads: Reads,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
  Bytes(Bytes),
  /// `multipart/form-data`: the fields in their order, and last the file.
  Form {
    fields: Vec<(String, String)>,
    file: Bytes,
    /// The file's media type.
    media_type: String,
  },
}

impl Body {
  /// The bytes of its content, without the fields of a form.
  pub fn len(&self) -> usize {
    match self {
      Self::Bytes(bytes) | Self::Form { file: bytes, .. } => bytes.len(),
    }
  }

  /// Whether there is none.
  pub fn is_empty(&self) -> bool {
    self.len() == 0
  }
}

/// What of a response matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
  /// The status and `Retry-After`. Whatever becomes of the body, the response counts.
  Status,
  /// The body as well, if the status is a success. A body that breaks off is a [`TransportError`].
  Body,
}

/// A response.
#[derive(Clone, Debug, Default)]
pub struct Response {
  pub status: u16,
  /// The `Retry-After` header, as it stands.
  pub retry_after: Option<String>,
  /// The body of a success, if it was to be read. Otherwise empty.
  pub body: Bytes,
}

impl Response {
  /// Whether the server points elsewhere.
  pub fn is_redirect(&self) -> bool {
    (300..400).contains(&self.status)
  }

  /// The status as a person reads it.
  pub fn describe(&self) -> String {
    StatusCode::from_u16(self.status).map_or_else(|_| self.status.to_string(), |s| s.to_string())
  }
}

/// Why there is no response, in words that hold no content and no credentials.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// A URL as it may be printed: without the credentials that it may have in it.
pub fn redact_url(url: &str) -> String {
  match Url::parse(url) {
    Ok(mut parsed) if has_credentials(&parsed) => {
      // Only a URL that cannot have credentials refuses to lose them.
      let _refused = parsed.set_username("");
      let _refused = parsed.set_password(None);
      parsed.to_string()
    }
    _ => url.to_owned(),
  }
}

/// Whether a URL has a user name or a password in it.
pub fn has_credentials(url: &Url) -> bool {
  !url.username().is_empty() || url.password().is_some()
}
