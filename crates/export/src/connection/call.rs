//! A request to Braintrust, and what its response holds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::ConnectError;
use crate::{
  config::Settings,
  headers::Headers,
  outcome::{ExportOutcome, classify, describe_refusal, not_confirmed},
  time::Now,
  transport::{Body, Call, Reads, Response, TransportError, has_credentials, redact_url},
};

/// The media type of every request and response.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request to Braintrust, with the API key.
pub(crate) fn authorized(
  settings: &Settings,
  method: Method,
  url: &str,
  body: Bytes,
  reads: Reads,
) -> Call {
  let mut headers = Headers::default();
  headers.set("accept", JSON);
  headers.set("content-type", JSON);
  // Credentials in the address are for a gateway, which adds the key itself.
  if !Url::parse(url).is_ok_and(|url| has_credentials(&url)) {
    headers.set("authorization", settings.api_key.bearer().clone());
  }
  let timeout = settings.request_timeout;
  Call { method, url: url.to_owned(), headers, body: Body::Bytes(body), timeout, reads }
}

/// The JSON body of a request. The values serialized here never fail.
pub(crate) fn json_body(value: &impl Serialize) -> Bytes {
  serde_json::to_vec(value).unwrap_or_default().into()
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(
  step: &'static str,
  url: &str,
  result: Result<Response, TransportError>,
  now: Now,
) -> Result<T, ConnectError> {
  let status = result.as_ref().ok().map(|response| response.status);
  let failed =
    |why, outcome| ConnectError::Failed { step, url: redact_url(url), why, status, outcome };
  let outcome = classify(&result, now.unix_ms);
  let response = result.map_err(|error| failed(error.to_string(), outcome.clone()))?;
  match outcome {
    // It may be another server, or one page of a load balancer: retry.
    ExportOutcome::Delivered => response
      .json()
      .ok_or_else(|| failed(not_confirmed(&response), ExportOutcome::Retry(Duration::ZERO))),
    ExportOutcome::Retry(_) => Err(failed(response.describe(), outcome)),
    _ => Err(failed(describe_refusal(&response), ExportOutcome::Unauthorized)),
  }
}
