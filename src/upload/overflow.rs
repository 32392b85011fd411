//! The way for what is larger than one request may be: uploaded apart, then referred to.
//!
//! Three steps: Braintrust is told what will come and names an address; the body goes there, to
//! another server, which gets neither the key nor any header of ours; then Braintrust is told that it
//! is there. Each try begins anew: how long an address or a key is good for, nobody says.

use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use reqwest::{
  Method, Url,
  header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
  },
  multipart::{Form, Part},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use thiserror::Error;

use export::{
  classify::{Verdict, classify},
  response::{Answer, TransportError},
};

use super::{
  client::{Client, JSON, status},
  session::Session,
};
use crate::clock;

/// Azure's storage wants to be told what to make of an upload.
const AZURE: (&str, HeaderName, HeaderValue) = (
  "blob.core.windows.net",
  HeaderName::from_static("x-ms-blob-type"),
  HeaderValue::from_static("BlockBlob"),
);
/// Headers that are the client's business, whatever else the upload should have.
const OWN_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Why a body did not arrive apart.
#[derive(Debug, Error)]
#[error("{step} at {at}: {why}")]
pub struct OverflowError {
  step: &'static str,
  at: String,
  why: String,
  verdict: Verdict,
  is_storage: bool,
}

impl OverflowError {
  /// What it means for the body: `Later` and `Suspended` as for any request, or `Rejected`, which
  /// rejects this way of uploading and not the rows: smaller, they may go the usual way.
  pub fn verdict(&self) -> Verdict {
    self.verdict.clone()
  }

  /// Whether the other server failed and not Braintrust. Then nothing else need wait, and a few tries
  /// are enough: it may be one that can never be reached from here.
  pub fn is_storage(&self) -> bool {
    self.is_storage
  }
}

#[derive(Serialize)]
struct Announcement<'a> {
  content_type: &'static str,
  size_bytes: usize,
  rows: Vec<Announced<'a>>,
}

#[derive(Serialize)]
struct Announced<'a> {
  object_ids: Objects<'a>,
  is_delete: bool,
  input_row: InputRow,
}

#[derive(Serialize)]
struct Objects<'a> {
  project_id: &'a str,
  log_id: &'static str,
}

#[derive(Serialize)]
struct InputRow {
  byte_size: usize,
}

/// Where the body should go, and how.
#[derive(Deserialize)]
struct Target {
  method: Verb,
  #[serde(rename = "signedUrl", deserialize_with = "address")]
  url: Url,
  #[serde(default)]
  headers: Option<IndexMap<String, String>>,
  #[serde(default)]
  fields: Option<IndexMap<String, String>>,
  key: String,
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
  Url::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
  Put,
  Post,
}

#[derive(Serialize)]
struct Reference<'a> {
  rows: Uploaded<'a>,
  api_version: u8,
}

#[derive(Serialize)]
struct Uploaded<'a> {
  r#type: &'static str,
  key: &'a str,
}

/// Uploads `body`, the whole of a `POST /logs3`, apart. `rows` are the sizes of its rows in bytes, in
/// their order. Worth a try only if the session says that it is allowed.
pub async fn upload_apart(
  client: &Client,
  session: &Session,
  body: Bytes,
  rows: &[usize],
) -> Result<(), OverflowError> {
  let target = announce(client, session, body.len(), rows).await?;
  deposit(client, &target, body).await?;
  refer(client, session, &target.key).await
}

/// Says what will come, and is told where it should go.
async fn announce(
  client: &Client,
  session: &Session,
  size_bytes: usize,
  rows: &[usize],
) -> Result<Target, OverflowError> {
  let url = format!("{}/overflow", session.logs_url);
  let announced = |byte_size: &usize| Announced {
    object_ids: Objects { project_id: &session.project_id, log_id: "g" },
    is_delete: false,
    input_row: InputRow { byte_size: *byte_size },
  };
  let announcement =
    Announcement { content_type: JSON, size_bytes, rows: rows.iter().map(announced).collect() };
  let result = client.ask(&url, json(&announcement)).await;
  let failed = |why, verdict| OverflowError {
    step: "announcing a large upload",
    at: Client::shown(&url),
    why,
    verdict,
    is_storage: false,
  };
  let answer = judged(result, braintrust_refuses).map_err(|(why, verdict)| failed(why, verdict))?;
  let target = serde_json::from_slice::<Target>(&answer.body).ok();
  // What goes to Braintrust encrypted goes nowhere in the clear.
  let plain = Url::parse(&session.logs_url).is_ok_and(|logs| logs.scheme() == "http");
  let safe = |url: &Url| url.scheme() == "https" || (plain && url.scheme() == "http");
  target
    .filter(|target| !target.key.is_empty() && safe(&target.url))
    .ok_or_else(|| failed("the answer names no place to upload to".into(), Verdict::Rejected))
}

/// Uploads the body to where it should go.
async fn deposit(client: &Client, target: &Target, body: Bytes) -> Result<(), OverflowError> {
  let failed = |(why, verdict)| OverflowError {
    step: "a large upload",
    // The rest of the address opens the storage to whoever has it.
    at: target.url.origin().ascii_serialization(),
    why,
    verdict,
    is_storage: true,
  };
  let unclear = || failed(("it cannot be done as it is asked for".into(), Verdict::Rejected));
  let mut headers = target.headers().ok_or_else(unclear)?;
  let request = match target.method {
    Verb::Put => client.to_stranger(Method::PUT, target.url.clone()).headers(headers).body(body),
    Verb::Post => {
      headers.remove(CONTENT_TYPE);
      let form = target.form(body).ok_or_else(unclear)?;
      client.to_stranger(Method::POST, target.url.clone()).headers(headers).multipart(form)
    }
  };
  judged(status(request).await, storage_refuses).map(|_| ()).map_err(failed)
}

/// Says that the body is there.
async fn refer(client: &Client, session: &Session, key: &str) -> Result<(), OverflowError> {
  let uploaded = Uploaded { r#type: "logs3_overflow", key };
  let result =
    client.post(&session.logs_url, json(&Reference { rows: uploaded, api_version: 2 })).await;
  judged(result, braintrust_refuses).map(|_| ()).map_err(|(why, verdict)| OverflowError {
    step: "a large upload's reference",
    at: Client::shown(&session.logs_url),
    why,
    verdict,
    is_storage: false,
  })
}

impl Target {
  /// The headers that the upload should have. `None` if some are none.
  fn headers(&self) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in self.headers.iter().flatten() {
      headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    for own in OWN_HEADERS {
      headers.remove(own);
    }
    let (azure, name, value) = AZURE;
    if matches!(self.method, Verb::Put) && self.url.as_str().contains(azure) {
      headers.insert(name, value);
    }
    Some(headers)
  }

  /// The form to upload: the fields as they came, and last the body. `None` if there are no fields,
  /// or none that make a form.
  fn form(&self, body: Bytes) -> Option<Form> {
    let fields = self.fields.as_ref()?;
    let kind = fields.get("Content-Type").map_or(JSON, String::as_str);
    let length = u64::try_from(body.len()).ok()?;
    let file = Part::stream_with_length(body, length).file_name("blob").mime_str(kind).ok()?;
    let form =
      fields.iter().fold(Form::new(), |form, (name, value)| form.text(name.clone(), value.clone()));
    Some(form.part("file", file))
  }
}

/// The answer if it is a success, else why not and what that means: `meaning` is told the status and
/// what it would mean for an ordinary upload.
fn judged(
  result: Result<Answer, TransportError>,
  meaning: fn(u16, Verdict) -> Verdict,
) -> Result<Answer, (String, Verdict)> {
  let verdict = classify(&result, clock::now());
  let answer = result.map_err(|error| (error.to_string(), verdict.clone()))?;
  match verdict {
    Verdict::Delivered => Ok(answer),
    verdict => Err((answer.describe(), meaning(answer.status, verdict))),
  }
}

/// Braintrust refused a step. A key that is not known here is known nowhere; all else may be true of
/// this way alone.
fn braintrust_refuses(status: u16, verdict: Verdict) -> Verdict {
  match verdict {
    Verdict::Suspended if status != 401 => Verdict::Rejected,
    Verdict::Split => Verdict::Rejected,
    verdict => verdict,
  }
}

/// The storage refused the upload. It knows no key, so none is wrong; an address that has run out, or
/// a clock that is wrong, may be better next time.
fn storage_refuses(status: u16, verdict: Verdict) -> Verdict {
  match (status, verdict) {
    (_, Verdict::Later(wait)) => Verdict::Later(wait),
    (400 | 401 | 403, _) => Verdict::Later(Duration::ZERO),
    _ => Verdict::Rejected,
  }
}

/// The body of a request. What is serialised here cannot fail to be.
fn json(value: &impl Serialize) -> Bytes {
  serde_json::to_vec(value).unwrap_or_default().into()
}
