//! The overflow upload: how a row is sent that is larger than the limit of one request.
//!
//! Three steps: announce the sizes to Braintrust, which responds with a storage address; upload the body there, without
//! the key; send Braintrust a reference to it. Each attempt begins with the first step, because the address may have
//! expired.

use braintrust_row::Destination;
use bytes::Bytes;
use http::{HeaderValue, Method};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::{
  config::Settings,
  connection::{Session, authorized, json_body},
  outcome::{ExportOutcome, classify, classify_upload, is_of_router, may_be_caused_by_a_row},
  storage::{
    TIMEOUT_FACTOR, braintrust_outcome, check, is_safe, signed_url, storage_outcome, upload_headers,
  },
  time::Now,
  transport::{Body, Call, Reads, Response, TransportError, redact_url},
};

/// Why an overflow upload failed.
#[derive(Debug, Error)]
#[error("{step} at {url}: {why}")]
pub struct OverflowError {
  step: &'static str,
  url: String,
  why: String,
  /// Its effect on the row. [`ExportOutcome::Rejected`] rejects the overflow upload and not the row, which may be sent
  /// truncated.
  pub outcome: ExportOutcome,
  /// The part that failed.
  pub part: OverflowPart,
  /// Whether the content of the row may be why the server fails, as for an ordinary upload.
  pub is_suspect: bool,
  /// Whether Braintrust may have no endpoint for announcements.
  pub has_no_endpoint: bool,
}

/// The parts that an overflow upload needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverflowPart {
  /// Braintrust's endpoint for overflow uploads.
  Announcement,
  /// The storage, which may be unreachable from this network.
  Storage,
  /// Braintrust's endpoint for rows.
  Reference,
}

/// An overflow upload that is in flight.
#[derive(Debug)]
pub enum OverflowUpload {
  /// Announcing the body to Braintrust.
  Announcing,
  /// Uploading the body to the storage.
  Storing {
    /// The storage's key of the body.
    key: String,
    /// The storage's address, without its secret.
    origin: String,
  },
  /// Sending Braintrust the reference.
  Referring,
}

/// The next step of an overflow upload.
#[derive(Debug)]
pub enum Step {
  /// Send this, and pass the response to [`OverflowUpload::handle_response`].
  Send(Call),
  /// Braintrust acknowledged the row.
  Delivered,
  /// The upload failed.
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
#[serde(untagged)]
enum ObjectIds<'a> {
  Project { project_id: &'a str, log_id: &'static str },
  Experiment { experiment_id: &'a str },
}

impl<'a> ObjectIds<'a> {
  fn of(to: &'a Destination) -> Self {
    match to {
      Destination::Project(id) => Self::Project { project_id: id, log_id: "g" },
      Destination::Experiment(id) => Self::Experiment { experiment_id: id },
    }
  }
}

#[derive(Serialize)]
struct InputRow {
  byte_size: usize,
}

/// The storage's address and the form of the upload.
#[derive(Deserialize)]
struct Target {
  method: TargetMethod,
  #[serde(rename = "signedUrl", deserialize_with = "signed_url")]
  url: Url,
  #[serde(default)]
  headers: Option<IndexMap<String, String>>,
  #[serde(default)]
  fields: Option<IndexMap<String, String>>,
  key: String,
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
    let receiver = session.receiver();
    let announced = |byte_size: &usize| AnnouncedRow {
      object_ids: ObjectIds::of(&receiver),
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
      Self::Referring => {
        let is_suspect = may_be_caused_by_a_row(&result);
        match check(result, classify_upload, braintrust_outcome, now) {
          Ok(_) => return Step::Delivered,
          Err((why, outcome)) => Err(OverflowError {
            step: "a large upload's reference",
            url: redact_url(&session.logs_url),
            why,
            outcome,
            part: OverflowPart::Reference,
            is_suspect,
            has_no_endpoint: false,
          }),
        }
      }
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
  let has_no_endpoint = result.as_ref().is_ok_and(|response| is_of_router(response.status));
  let failed = |why, outcome| OverflowError {
    step: "announcing a large upload",
    url: redact_url(&announce_url(session)),
    why,
    outcome,
    part: OverflowPart::Announcement,
    is_suspect: false,
    has_no_endpoint,
  };
  let response = check(result, classify_upload, braintrust_outcome, now)
    .map_err(|(why, outcome)| failed(why, outcome))?;
  let target = response
    .json::<Target>()
    .filter(|target| !target.key.is_empty() && is_safe(&target.url, session))
    .ok_or_else(|| {
      failed("the response states no valid upload address".into(), ExportOutcome::Rejected)
    })?;
  // The rest of the address is a secret: it grants access to the storage.
  let origin = target.url.origin().ascii_serialization();
  let call = target.call(settings, body).ok_or_else(|| {
    storage_error(
      &origin,
      "the server states invalid upload parameters".into(),
      ExportOutcome::Rejected,
    )
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
  check(result, classify, storage_outcome, now)
    .map_err(|(why, outcome)| storage_error(origin, why, outcome))?;
  let rows = StoredRows { r#type: "logs3_overflow", key };
  let body = json_body(&Reference { rows, api_version: 2 });
  let call = authorized(settings, Method::POST, &session.logs_url, body, Reads::Body);
  Ok((OverflowUpload::Referring, call))
}

fn storage_error(origin: &str, why: String, outcome: ExportOutcome) -> OverflowError {
  OverflowError {
    step: "a large upload",
    url: origin.to_owned(),
    why,
    outcome,
    part: OverflowPart::Storage,
    is_suspect: false,
    has_no_endpoint: false,
  }
}

impl Target {
  /// The upload request, without the API key. `None` if the target is invalid.
  fn call(&self, settings: &Settings, body: Bytes) -> Option<Call> {
    let is_put = matches!(self.method, TargetMethod::Put);
    let mut headers = upload_headers(self.headers.iter().flatten(), &self.url, is_put)?;
    let (method, body) = match self.method {
      TargetMethod::Put => (Method::PUT, Body::Bytes(body)),
      TargetMethod::Post => {
        headers.remove("content-type");
        (Method::POST, self.form(body)?)
      }
    };
    let timeout = settings.request_timeout.saturating_mul(TIMEOUT_FACTOR);
    let url = self.url.to_string();
    Some(Call { method, url, headers, body, timeout, reads: Reads::Status })
  }

  /// The form of the upload: the fields in their order, then the body. `None` if there are no fields, or the media
  /// type is invalid.
  fn form(&self, file: Bytes) -> Option<Body> {
    let fields = self.fields.as_ref()?;
    let media_type = fields.get("Content-Type").map_or("application/json", String::as_str);
    // A media type has a slash and nothing that ends a header.
    let is_media_type = media_type.contains('/') && HeaderValue::from_str(media_type).is_ok();
    let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    is_media_type.then(|| Body::Form { fields, file, media_type: media_type.to_owned() })
  }
}
