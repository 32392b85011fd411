//! The upload of an attachment.
//!
//! Three steps: announce the attachment to Braintrust, which responds with a storage address; upload the bytes there,
//! without the key; confirm to Braintrust that they are stored. An attempt begins with the first step, because the
//! address may have expired; once the bytes are stored, with the last. Braintrust requires the organization's id: if
//! connecting needs no login, one login precedes the first upload.

use bytes::Bytes;
use http::Method;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use translate::AttachmentKey;
use url::Url;

use crate::{
  config::Settings,
  connection::{Session, authorized, json_body, login_call, org_id},
  outcome::{ExportOutcome, classify},
  storage::{
    TIMEOUT_FACTOR, braintrust_outcome, check, is_safe, signed_url, storage_outcome, upload_headers,
  },
  time::Now,
  transport::{Body, Call, Reads, Response, TransportError, redact_url},
};

/// A file to upload. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Content {
  /// Its key.
  pub key: AttachmentKey,
  /// Its media type.
  pub media_type: String,
  /// Its file name.
  pub filename: String,
  /// Its bytes.
  pub bytes: Bytes,
}

/// Why an upload failed.
#[derive(Debug, Error)]
#[error("{step} at {url}: {why}")]
pub struct AttachmentError {
  step: &'static str,
  url: String,
  why: String,
  /// The effect of the failure on the attachment.
  pub outcome: ExportOutcome,
  /// Whether Braintrust knows the attachment, so that its failure can be reported there.
  pub is_announced: bool,
  /// Whether the storage failed and not Braintrust.
  pub is_storage: bool,
  /// The status of the response; `None`: there is none.
  pub status: Option<u16>,
}

/// An upload that is in flight.
#[derive(Debug)]
pub enum AttachmentUpload {
  /// Logging in for the organization's id.
  LoggingIn {
    /// Whether an earlier attempt has stored the bytes.
    is_stored: bool,
  },
  /// Announcing the attachment to Braintrust.
  Announcing,
  /// Uploading the bytes to the storage.
  Storing {
    /// The storage's address, without its secret.
    origin: String,
  },
  /// Confirming to Braintrust that the bytes are stored.
  Confirming,
}

/// The next step of an upload.
#[derive(Debug)]
pub enum Step {
  /// Send this, and pass the response to [`AttachmentUpload::handle_response`].
  Send(Call),
  /// The upload is confirmed.
  Uploaded,
  /// The upload failed.
  Failed(AttachmentError),
}

#[derive(Serialize)]
struct Announcement<'a> {
  key: String,
  filename: &'a str,
  content_type: &'a str,
  org_id: &'a str,
}

/// The storage's address.
#[derive(Deserialize)]
struct Target {
  #[serde(rename = "signedUrl", deserialize_with = "signed_url")]
  url: Url,
  #[serde(default)]
  headers: Option<IndexMap<String, String>>,
}

#[derive(Serialize)]
struct StatusUpdate<'a> {
  key: String,
  org_id: &'a str,
  status: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
  upload_status: &'static str,
  #[serde(skip_serializing_if = "Option::is_none")]
  error_message: Option<&'a str>,
}

impl AttachmentUpload {
  /// Begins an attempt. `org` is the organization's id, unless a login has to find it; `is_stored`, whether an earlier
  /// attempt has stored the bytes.
  pub fn start(
    settings: &Settings,
    session: &Session,
    org: Option<&str>,
    content: &Content,
    is_stored: bool,
  ) -> (Self, Call) {
    match org {
      None => (Self::LoggingIn { is_stored }, login_call(settings)),
      Some(org) if is_stored => (Self::Confirming, confirm(settings, session, org, content)),
      Some(org) => (Self::Announcing, announce(settings, session, org, content)),
    }
  }

  /// Handles the response of the request in flight. A login sets `org`.
  pub fn handle_response(
    &mut self,
    settings: &Settings,
    session: &Session,
    org: &mut Option<String>,
    content: &Content,
    result: Result<Response, TransportError>,
    now: Now,
  ) -> Step {
    let status = result.as_ref().ok().map(|response| response.status);
    let next = match self {
      Self::LoggingIn { is_stored } => logged_in(settings, result, now).map(|found| {
        // Without one, it is looked for again with the next file. The one that another file's login has found stays:
        // that file is confirmed where it was announced.
        *org = org.take().or(found);
        let id = org.as_deref().unwrap_or_default();
        Self::start(settings, session, Some(id), content, *is_stored)
      }),
      Self::Announcing => announced(settings, session, content, result, now),
      Self::Storing { origin } => match check(result, classify, storage_outcome, now) {
        Ok(_) => {
          let org = org.as_deref().unwrap_or_default();
          Ok((Self::Confirming, confirm(settings, session, org, content)))
        }
        Err((why, outcome)) => Err(storage_error(origin, why, outcome)),
      },
      Self::Confirming => match check(result, classify, braintrust_outcome, now) {
        Ok(_) => return Step::Uploaded,
        Err((why, outcome)) => {
          let url = redact_url(&status_url(session));
          let step = "confirming an attachment";
          Err(AttachmentError { is_announced: true, ..error(step, url, why, outcome) })
        }
      },
    };
    match next {
      Ok((upload, call)) => {
        *self = upload;
        Step::Send(call)
      }
      Err(error) => Step::Failed(AttachmentError { status, ..error }),
    }
  }
}

type Next = Result<(AttachmentUpload, Call), AttachmentError>;

fn announce_url(session: &Session) -> String {
  format!("{}/attachment", session.api_url)
}

fn status_url(session: &Session) -> String {
  format!("{}/attachment/status", session.api_url)
}

fn announce(settings: &Settings, session: &Session, org_id: &str, content: &Content) -> Call {
  let body = json_body(&Announcement {
    key: content.key.to_string(),
    filename: &content.filename,
    content_type: &content.media_type,
    org_id,
  });
  authorized(settings, Method::POST, &announce_url(session), body, Reads::Body)
}

fn confirm(settings: &Settings, session: &Session, org: &str, content: &Content) -> Call {
  let status = Status { upload_status: "done", error_message: None };
  status_call(settings, session, org, content.key, status)
}

/// The request that informs Braintrust why an attachment is lost. Its response does not matter.
pub fn state_failure(
  settings: &Settings,
  session: &Session,
  org: &str,
  key: AttachmentKey,
  why: &str,
) -> Call {
  let status = Status { upload_status: "error", error_message: Some(why) };
  Call { reads: Reads::Status, ..status_call(settings, session, org, key, status) }
}

fn status_call(
  settings: &Settings,
  session: &Session,
  org_id: &str,
  key: AttachmentKey,
  status: Status<'_>,
) -> Call {
  let body = json_body(&StatusUpdate { key: key.to_string(), org_id, status });
  authorized(settings, Method::POST, &status_url(session), body, Reads::Status)
}

/// The organization's id in the response of the login. If there is none, the id in requests is empty, as in the
/// `braintrust` package.
fn logged_in(
  settings: &Settings,
  result: Result<Response, TransportError>,
  now: Now,
) -> Result<Option<String>, AttachmentError> {
  match org_id(settings, result, now) {
    Ok(id) => Ok(Some(id).filter(|id| !id.is_empty())),
    Err(refused) => match refused.outcome() {
      outcome @ ExportOutcome::Retry(_) => {
        let url = redact_url(&settings.app_url);
        Err(error("the login for an attachment", url, refused.to_string(), outcome))
      }
      _ => Ok(None),
    },
  }
}

fn announced(
  settings: &Settings,
  session: &Session,
  content: &Content,
  result: Result<Response, TransportError>,
  now: Now,
) -> Next {
  let failed = |why, outcome| {
    error("announcing an attachment", redact_url(&announce_url(session)), why, outcome)
  };
  let response = check(result, classify, braintrust_outcome, now)
    .map_err(|(why, outcome)| failed(why, outcome))?;
  let invalid = || failed("the response states no upload address".into(), ExportOutcome::Rejected);
  let target: Target = response.json().ok_or_else(|| {
    // A page of another server is not a response of Braintrust.
    failed("the response states no upload address".into(), ExportOutcome::Unconfirmed)
  })?;
  if !is_safe(&target.url, session) {
    return Err(invalid());
  }
  // The rest of the address is a secret: it grants access to the storage.
  let origin = target.url.origin().ascii_serialization();
  let headers =
    upload_headers(target.headers.iter().flatten(), &target.url, true).ok_or_else(invalid)?;
  let call = Call {
    method: Method::PUT,
    url: target.url.to_string(),
    headers,
    body: Body::Bytes(content.bytes.clone()),
    timeout: settings.request_timeout.saturating_mul(TIMEOUT_FACTOR),
    reads: Reads::Status,
  };
  Ok((AttachmentUpload::Storing { origin }, call))
}

fn error(step: &'static str, url: String, why: String, outcome: ExportOutcome) -> AttachmentError {
  AttachmentError { step, url, why, outcome, is_announced: false, is_storage: false, status: None }
}

fn storage_error(origin: &str, why: String, outcome: ExportOutcome) -> AttachmentError {
  let step = "the upload of an attachment";
  let error = error(step, origin.to_owned(), why, outcome);
  AttachmentError { is_announced: true, is_storage: true, ..error }
}
