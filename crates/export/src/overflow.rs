//! The overflow upload: the way of a row that is larger than one request may be.
//!
//! Three steps: Braintrust learns what comes and names an address; the body goes there, to another server, which
//! gets neither the key nor any header of ours; then Braintrust learns that it is there. Each attempt begins
//! anew: how long an address is valid, nothing states.

use bytes::Bytes;
use http::{
  HeaderMap, HeaderName, HeaderValue, Method,
  header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING},
};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::time::Duration;
use thiserror::Error;
use url::Url;

use crate::{
  config::Settings,
  connection::{Session, authorized, json_body},
  outcome::{ExportOutcome, classify},
  time::Now,
  transport::{Body, Call, Reads, Response, TransportError, redact_url},
};

/// The header that Azure's storage requires.
const AZURE: (&str, HeaderName, HeaderValue) = (
  "blob.core.windows.net",
  HeaderName::from_static("x-ms-blob-type"),
  HeaderValue::from_static("BlockBlob"),
);
/// Headers that are the client's business, whatever the server asks for.
const CLIENT_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];
/// How many times as long as another request the upload may take, as it is large.
const TIMEOUT_FACTOR: u32 = 4;

/// Why a body did not arrive.
#[derive(Debug, Error)]
#[error("{step} at {url}: {why}")]
pub struct OverflowError {
  step: &'static str,
  url: String,
  why: String,
  /// What it means for the body. [`ExportOutcome::Rejected`] rejects this way of uploading and not the row: smaller,
  /// it may go the usual way.
  pub outcome: ExportOutcome,
  /// Whether the storage failed and not Braintrust. Then nothing else need wait, and a few attempts are enough: the
  /// storage may be one that can never be reached from here.
  pub is_storage: bool,
}

/// An overflow upload that is in flight.
#[derive(Debug)]
pub enum OverflowUpload {
  /// Braintrust is to name an address.
  Announcing,
  /// The body goes to the storage.
  Storing { key: String, origin: String },
  /// Braintrust is to take it from there.
  Referring,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
  Send(Call),
  Delivered,
  Failed(OverflowError),
}

#[derive(Serialize)]
struct Announcement<'a> {
  content_type: &'static str,
  size_bytes: usize,
  rows: Vec<AnnouncedRow<'a>>,
}

#[derive(Serialize)]
struct AnnouncedRow<'a> {
  object_ids: ObjectIds<'a>,
  is_delete: bool,
  input_row: InputRow,
}

#[derive(Serialize)]
struct ObjectIds<'a> {
  project_id: &'a str,
  log_id: &'static str,
}

#[derive(Serialize)]
struct InputRow {
  byte_size: usize,
}

/// Where the body goes, and how.
#[derive(Deserialize)]
struct Target {
  method: TargetMethod,
  #[serde(rename = "signedUrl", deserialize_with = "parse_url")]
  url: Url,
  #[serde(default)]
  headers: Option<IndexMap<String, String>>,
  #[serde(default)]
  fields: Option<IndexMap<String, String>>,
  key: String,
}

fn parse_url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
  Url::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum TargetMethod {
  Put,
  Post,
}

#[derive(Serialize)]
struct Reference<'a> {
  rows: StoredRows<'a>,
  api_version: u8,
}

#[derive(Serialize)]
struct StoredRows<'a> {
  r#type: &'static str,
  key: &'a str,
}

impl OverflowUpload {
  /// Announces a body, the whole of a `POST /logs3`. `row_bytes` are the sizes of its rows, in their order.
  pub fn start(
    settings: &Settings,
    session: &Session,
    body_bytes: usize,
    row_bytes: &[usize],
  ) -> (Self, Call) {
    let announced = |byte_size: &usize| AnnouncedRow {
      object_ids: ObjectIds { project_id: &session.project_id, log_id: "g" },
      is_delete: false,
      input_row: InputRow { byte_size: *byte_size },
    };
    let announcement = Announcement {
      content_type: "application/json",
      size_bytes: body_bytes,
      rows: row_bytes.iter().map(announced).collect(),
    };
    let body = json_body(&announcement);
    let call = authorized(settings, Method::POST, &announce_url(session), body, Reads::Body);
    (Self::Announcing, call)
  }

  /// Handles the response of the request in flight. `body` is the one that was announced.
  pub fn handle_response(
    &mut self,
    settings: &Settings,
    session: &Session,
    body: Bytes,
    result: Result<Response, TransportError>,
    now: Now,
  ) -> Step {
    let next = match self {
      Self::Announcing => announced(settings, session, body, result, now),
      Self::Storing { key, origin } => stored(settings, session, key, origin, result, now),
      Self::Referring => match check(result, braintrust_outcome, now) {
        Ok(_) => return Step::Delivered,
        Err((why, outcome)) => Err(OverflowError {
          step: "a large upload's reference",
          url: redact_url(&session.logs_url),
          why,
          outcome,
          is_storage: false,
        }),
      },
    };
    match next {
      Ok((upload, call)) => {
        *self = upload;
        Step::Send(call)
      }
      Err(error) => Step::Failed(error),
    }
  }
}

type Next = Result<(OverflowUpload, Call), OverflowError>;

fn announce_url(session: &Session) -> String {
  format!("{}/overflow", session.logs_url)
}

fn announced(
  settings: &Settings,
  session: &Session,
  body: Bytes,
  result: Result<Response, TransportError>,
  now: Now,
) -> Next {
  let failed = |why, outcome| OverflowError {
    step: "announcing a large upload",
    url: redact_url(&announce_url(session)),
    why,
    outcome,
    is_storage: false,
  };
  let response =
    check(result, braintrust_outcome, now).map_err(|(why, outcome)| failed(why, outcome))?;
  // What goes to Braintrust encrypted goes nowhere in the clear.
  let is_plain = Url::parse(&session.logs_url).is_ok_and(|logs| logs.scheme() == "http");
  let is_safe = |url: &Url| url.scheme() == "https" || (is_plain && url.scheme() == "http");
  let target = serde_json::from_slice::<Target>(&response.body)
    .ok()
    .filter(|target| !target.key.is_empty() && is_safe(&target.url))
    .ok_or_else(|| {
      failed("the answer names no place to upload to".into(), ExportOutcome::Rejected)
    })?;
  // The rest of the address is a secret: it opens the storage.
  let origin = target.url.origin().ascii_serialization();
  let call = target.call(settings, body).ok_or_else(|| {
    storage_error(&origin, "it cannot be done as it is asked for".into(), ExportOutcome::Rejected)
  })?;
  Ok((OverflowUpload::Storing { key: target.key, origin }, call))
}

fn stored(
  settings: &Settings,
  session: &Session,
  key: &str,
  origin: &str,
  result: Result<Response, TransportError>,
  now: Now,
) -> Next {
  check(result, storage_outcome, now)
    .map_err(|(why, outcome)| storage_error(origin, why, outcome))?;
  let rows = StoredRows { r#type: "logs3_overflow", key };
  let body = json_body(&Reference { rows, api_version: 2 });
  let call = authorized(settings, Method::POST, &session.logs_url, body, Reads::Status);
  Ok((OverflowUpload::Referring, call))
}

fn storage_error(origin: &str, why: String, outcome: ExportOutcome) -> OverflowError {
  OverflowError { step: "a large upload", url: origin.to_owned(), why, outcome, is_storage: true }
}

impl Target {
  /// The upload. The storage is not Braintrust: the key does not go with it. `None` if the server asks for what
  /// cannot be done.
  fn call(&self, settings: &Settings, body: Bytes) -> Option<Call> {
    let mut headers = self.headers()?;
    let (method, body) = match self.method {
      TargetMethod::Put => (Method::PUT, Body::Bytes(body)),
      TargetMethod::Post => {
        headers.remove(CONTENT_TYPE);
        (Method::POST, self.form(body)?)
      }
    };
    let timeout = settings.request_timeout.saturating_mul(TIMEOUT_FACTOR);
    let url = self.url.to_string();
    Some(Call { method, url, headers, body, timeout, reads: Reads::Status })
  }

  /// The headers that the upload should have. `None` if some are none.
  fn headers(&self) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in self.headers.iter().flatten() {
      headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    for header in CLIENT_HEADERS {
      headers.remove(header);
    }
    let (azure, name, value) = AZURE;
    if matches!(self.method, TargetMethod::Put) && self.url.as_str().contains(azure) {
      headers.insert(name, value);
    }
    Some(headers)
  }

  /// The form to upload: the fields as they came, and last the body. `None` if there are no fields, or the body's
  /// media type is none.
  fn form(&self, file: Bytes) -> Option<Body> {
    let fields = self.fields.as_ref()?;
    let media_type = fields.get("Content-Type").map_or("application/json", String::as_str);
    // A media type has a slash and nothing that ends a header.
    let is_media_type = media_type.contains('/') && HeaderValue::from_str(media_type).is_ok();
    let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    is_media_type.then(|| Body::Form { fields, file, media_type: media_type.to_owned() })
  }
}

/// The response if it is a success, else why not and what that means: `outcome` maps the status and what it would mean for
/// an ordinary upload.
fn check(
  result: Result<Response, TransportError>,
  outcome: fn(u16, ExportOutcome) -> ExportOutcome,
  now: Now,
) -> Result<Response, (String, ExportOutcome)> {
  let ordinary = classify(&result, now.unix_ms);
  let response = result.map_err(|error| (error.to_string(), ordinary.clone()))?;
  match ordinary {
    ExportOutcome::Delivered => Ok(response),
    ordinary => Err((response.describe(), outcome(response.status, ordinary))),
  }
}

/// Braintrust refused a step. A key that is not known here is known nowhere; all else may hold for this way alone.
fn braintrust_outcome(status: u16, ordinary: ExportOutcome) -> ExportOutcome {
  match ordinary {
    ExportOutcome::Unauthorized if status != 401 => ExportOutcome::Rejected,
    ExportOutcome::Split => ExportOutcome::Rejected,
    ordinary => ordinary,
  }
}

/// The storage refused the upload. It knows no key, so none is wrong; an address that has expired, or a clock that
/// is wrong, may be better next time.
fn storage_outcome(status: u16, ordinary: ExportOutcome) -> ExportOutcome {
  match (status, ordinary) {
    (_, ExportOutcome::Retry(delay)) => ExportOutcome::Retry(delay),
    (400 | 401 | 403, _) => ExportOutcome::Retry(Duration::ZERO),
    _ => ExportOutcome::Rejected,
  }
}
