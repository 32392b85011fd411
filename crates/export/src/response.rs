//! What comes back from a server, as far as delivery reads it.

use bytes::Bytes;
use http::StatusCode;
use thiserror::Error;

/// Why no answer came.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// What came back.
pub struct Answer {
  pub status: u16,
  /// The `Retry-After` header, as it stands.
  pub retry_after: Option<String>,
  /// The body of a success that was asked for. Otherwise empty.
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
