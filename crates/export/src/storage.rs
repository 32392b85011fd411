//! Uploads to a storage at a signed address: the common parts of those of rows and of attachments.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Deserializer, de::Error};
use url::Url;

use crate::{
  connection::Session,
  headers::Headers,
  outcome::{ExportOutcome, describe_refusal, is_of_intermediary, not_confirmed},
  time::Now,
  transport::{Response, TransportError, parse_url},
};

/// The header that Azure's storage requires.
const AZURE: (&str, &str, HeaderValue) =
  ("blob.core.windows.net", "x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
/// Headers that only the HTTP client sets.
const CLIENT_HEADERS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
/// The factor of the timeout of an upload to a storage, because it is large.
pub(crate) const TIMEOUT_FACTOR: u32 = 4;

/// Reads a signed address.
pub(crate) fn signed_url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
  parse_url(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// Whether content may be sent to a storage: only over HTTPS, unless Braintrust itself is reached over plain HTTP.
pub(crate) fn is_safe(url: &Url, session: &Session) -> bool {
  let is_plain = Url::parse(&session.logs_url).is_ok_and(|logs| logs.scheme() == "http");
  url.scheme() == "https" || (is_plain && url.scheme() == "http")
}

/// The headers of an upload as the server states them: the API key is not among them. `None` if one is invalid.
pub(crate) fn upload_headers<'a>(
  stated: impl Iterator<Item = (&'a String, &'a String)>,
  url: &Url,
  is_put: bool,
) -> Option<Headers> {
  let mut headers = Headers::default();
  for (name, value) in stated {
    if !headers.set(name, HeaderValue::try_from(value).ok()?) {
      return None;
    }
  }
  for header in CLIENT_HEADERS {
    headers.remove(header);
  }
  let (azure, name, value) = AZURE;
  if is_put && url.as_str().contains(azure) {
    headers.set(name, value);
  }
  Some(headers)
}

/// Returns the response if `classify` finds a success, else the cause and the outcome. `outcome` maps the status and
/// the outcome of an ordinary upload to the latter.
pub(crate) fn check(
  result: Result<Response, TransportError>,
  classify: fn(&Result<Response, TransportError>, i64) -> ExportOutcome,
  outcome: fn(u16, ExportOutcome) -> ExportOutcome,
  now: Now,
) -> Result<Response, (String, ExportOutcome)> {
  let ordinary = classify(&result, now.unix_ms);
  let response = result.map_err(|error| (error.to_string(), ordinary.clone()))?;
  match ordinary {
    ExportOutcome::Delivered => Ok(response),
    ExportOutcome::Unconfirmed => Err((not_confirmed(&response), ordinary)),
    ordinary => Err(match outcome(response.status, ordinary) {
      outcome @ ExportOutcome::Unauthorized => (describe_refusal(&response), outcome),
      outcome => (response.describe(), outcome),
    }),
  }
}

/// The outcome of a step that Braintrust refused. 401 refuses the key, and 402 the account. Redirects, 407 and the
/// statuses of a router are not about the upload; other refusals are.
pub(crate) fn braintrust_outcome(status: u16, ordinary: ExportOutcome) -> ExportOutcome {
  match ordinary {
    ExportOutcome::Retry(_) => ordinary,
    ExportOutcome::Unauthorized if matches!(status, 401 | 402) => ordinary,
    _ if is_of_intermediary(status) => ExportOutcome::Retry(Duration::ZERO),
    _ => ExportOutcome::Rejected,
  }
}

/// The outcome of an upload that the storage refused. Its 401 and 403 do not concern the API key: the address may have
/// expired, and the next attempt gets a new one. Nor is what a proxy or a router states about the upload.
pub(crate) fn storage_outcome(status: u16, ordinary: ExportOutcome) -> ExportOutcome {
  match ordinary {
    ExportOutcome::Retry(_) => ordinary,
    _ if matches!(status, 400..=403) || is_of_intermediary(status) => {
      ExportOutcome::Retry(Duration::ZERO)
    }
    _ => ExportOutcome::Rejected,
  }
}
