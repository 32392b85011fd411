//! What crosses the border as JSON.

use bytes::Bytes;
use export::{
  config::Settings,
  connection::Session,
  counters::Stats,
  headers::Headers,
  transport::{Body, Call, Reads, Response, TransportError},
};
use serde::{Deserialize, Serialize, Serializer};

/// Where Braintrust shows spans.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceDestination {
  app_url: String,
  /// `None`: the login has not stated it yet.
  org_name: Option<String>,
  project_name: String,
  /// `None`: the registration has not stated it yet.
  project_id: Option<String>,
  /// The experiment that receives the spans; `None`: the logs of the project do.
  experiment_id: Option<String>,
  /// Whether traces join those of callers.
  distributed: bool,
  /// Whether only a part of all traces is recorded, as far as the settings decide.
  is_sampled: bool,
  /// Whether traces with errors are recorded, too.
  keeps_errors: bool,
  /// The share of traces that is recorded, as far as the settings decide.
  sample_rate: f64,
  /// Whether a connection was made: the members above are final.
  is_connected: bool,
}

impl TraceDestination {
  /// As far as the settings state it.
  pub fn new(settings: &Settings) -> Self {
    Self {
      app_url: settings.app_url.clone(),
      org_name: settings.org_name.clone(),
      project_name: settings.project_name.clone(),
      project_id: settings.project_id.clone(),
      experiment_id: settings.experiment_id.clone(),
      distributed: settings.translation.distributed,
      is_sampled: settings.sample_rate < 1.0,
      keeps_errors: settings.keep_errors,
      sample_rate: settings.sample_rate,
      is_connected: false,
    }
  }

  /// Records what the login states.
  pub fn set_session(&mut self, session: &Session) {
    self.org_name = session.org_name.clone().or(self.org_name.take());
    self.project_id = Some(session.project_id.clone());
    self.is_connected = true;
  }
}

/// The state of a recorder after a poll.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
  /// In how many milliseconds to poll again although nothing happens; `None`: never.
  pub timeout_ms: Option<u64>,
  /// Whether every accepted row is delivered or lost.
  pub is_settled: bool,
  /// The events that wait for the storage: they are not rows yet.
  pub waiting: usize,
  /// The flushes and shutdowns that have ended, by their tickets, and whether each is complete.
  pub completed: Vec<(u64, bool)>,
  /// The requests to abort: another one with the same content is answered or takes their place.
  pub cancelled: Vec<u64>,
  /// Diagnostics and lines of the debug log, for the console.
  pub lines: Vec<String>,
  /// The counters.
  pub stats: Stats,
}

/// A request without the bytes of its body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestHead<'a> {
  id: u64,
  method: &'a str,
  url: &'a str,
  #[serde(serialize_with = "as_object")]
  headers: &'a Headers,
  timeout_ms: u64,
  /// Whether the body of the response is read.
  reads_body: bool,
  /// The form, if the body is the file of one.
  #[serde(skip_serializing_if = "Option::is_none")]
  form: Option<Form<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Form<'a> {
  fields: &'a [(String, String)],
  media_type: &'a str,
}

impl<'a> RequestHead<'a> {
  /// The head of a request.
  pub fn new(id: u64, call: &'a Call) -> Self {
    let form = match &call.body {
      Body::Bytes(_) => None,
      Body::Form { fields, media_type, .. } => Some(Form { fields, media_type }),
    };
    Self {
      id,
      method: call.method.as_str(),
      url: &call.url,
      headers: &call.headers,
      timeout_ms: u64::try_from(call.timeout.as_millis()).unwrap_or(u64::MAX),
      reads_body: call.reads == Reads::Body,
      form,
    }
  }
}

/// The headers that are text, as an object.
fn as_object<S: Serializer>(headers: &Headers, serializer: S) -> Result<S::Ok, S::Error> {
  serializer
    .collect_map(headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?))))
}

/// The response of a request, or why there is none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
  /// The id of the request.
  pub id: u64,
  status: Option<u16>,
  retry_after: Option<String>,
  content_type: Option<String>,
  #[serde(default)]
  body: String,
  #[serde(default)]
  error: String,
}

impl Answer {
  /// The response, as the exporter takes it.
  ///
  /// # Errors
  /// When there is none.
  pub fn into_result(self) -> Result<Response, TransportError> {
    let Self { status, retry_after, content_type, body, error, .. } = self;
    let Some(status) = status else { return Err(TransportError::Failed(error)) };
    Ok(Response { status, retry_after, content_type, body: Bytes::from(body) })
  }
}
