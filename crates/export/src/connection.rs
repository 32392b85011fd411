//! The connection to Braintrust: login, project, and the server's limit, one request after the other.
//!
//! Steps whose result is configured are skipped: a project id makes the registration unnecessary, and a project id
//! with an address the login as well. Failures are not cached: the next attempt begins with the first step.

use std::time::Duration;

use braintrust_row::Destination;
use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

pub use self::error::ConnectError;
use self::error::{LOGIN, REGISTRATION};
use crate::{
  config::{self, Settings},
  headers::Headers,
  outcome::{ExportOutcome, WRONG_ADDRESS, classify, not_confirmed},
  time::Now,
  transport::{Body, Call, Reads, Response, TransportError, has_credentials, redact_url},
};

mod error;

/// The media type of every request and response.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The most bytes of one request as long as the server does not state its limit.
pub const DEFAULT_MAX_BYTES: usize = 6 * 1024 * 1024;

/// The remedy when the server refuses the key.
const WRONG_KEY: &str = "check BRAINTRUST_API_KEY";
/// The remedy when a proxy refuses its credentials.
const WRONG_PROXY: &str = "check the credentials in HTTPS_PROXY or HTTP_PROXY";

/// How many organizations a message names.
const MAX_NAMES: usize = 10;

/// The timeout of `/version`, which delays the first rows: much shorter than the default exit timeout.
const LIMIT_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection to one project: where rows are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
  /// Base address of the data plane, without a trailing slash.
  pub api_url: String,
  /// Address of `POST /logs3`.
  pub logs_url: String,
  /// The UUID of the project, or of the experiment.
  pub project_id: String,
  /// Whether it is an experiment's.
  pub is_experiment: bool,
  /// The organization; `None`: there was no login.
  pub org_name: Option<String>,
  /// Its id, likewise.
  pub org_id: Option<String>,
  /// The most bytes of one request, as the server states; `None`: it has not stated one.
  pub limit: Option<usize>,
  /// The most bytes of one request, as the user sets.
  configured: Option<usize>,
}

impl Session {
  /// What receives the rows.
  pub fn receiver(&self) -> Destination {
    let id = self.project_id.clone();
    if self.is_experiment { Destination::Experiment(id) } else { Destination::Project(id) }
  }

  /// The most bytes of one request: the smaller of the server's and the user's limits.
  pub fn max_bytes(&self) -> usize {
    self.limit.into_iter().chain(self.configured).min().unwrap_or(DEFAULT_MAX_BYTES)
  }

  /// Whether a larger body may take the overflow upload. Only a server that states its limit supports it.
  pub fn allows_overflow(&self) -> bool {
    self.limit.is_some()
  }
}

#[derive(Deserialize)]
struct Login {
  /// Each is read by itself: one that is not Braintrust's does not hide the others.
  org_info: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
struct Organization {
  id: String,
  name: Option<String>,
  api_url: Option<String>,
}

#[derive(Serialize)]
struct Register<'a> {
  project_name: &'a str,
  org_id: &'a str,
}

#[derive(Deserialize)]
struct Registered {
  project: Project,
}

#[derive(Deserialize)]
struct Project {
  id: String,
}

#[derive(Deserialize)]
struct Version {
  logs3_payload_max_bytes: Option<usize>,
}

/// The next step of a connection.
#[derive(Debug)]
pub enum Step {
  /// Send this, and give the response to [`Connecting::handle_response`].
  Send(Call),
  /// Connected.
  Connected(Session),
  /// The connection failed; the next attempt starts anew.
  Failed(ConnectError),
}

/// A connection that is being made.
#[derive(Debug)]
pub struct Connecting {
  /// The address of the request that is in flight.
  url: String,
  awaits: Awaits,
}

/// The response that comes next.
#[derive(Debug)]
enum Awaits {
  Login,
  Registration(Organization),
  Limit(Session),
  Nothing,
}

impl Connecting {
  /// Begins with the first request that is needed.
  pub fn start(settings: &Settings) -> (Self, Step) {
    let mut connecting = Self { url: String::new(), awaits: Awaits::Nothing };
    let step = match (&settings.api_url, known_receiver(settings)) {
      (Some(api_url), Some(project)) => {
        connecting.ask_limit(settings, api_url.clone(), project.clone(), None)
      }
      _ => {
        let call = login_call(settings);
        connecting.url.clone_from(&call.url);
        connecting.awaits = Awaits::Login;
        Step::Send(call)
      }
    };
    (connecting, step)
  }

  /// Handles the response of the request in flight.
  pub fn handle_response(
    &mut self,
    settings: &Settings,
    result: Result<Response, TransportError>,
    now: Now,
  ) -> Step {
    let step = match std::mem::replace(&mut self.awaits, Awaits::Nothing) {
      Awaits::Login => self.logged_in(settings, result, now),
      Awaits::Registration(organization) => parse(REGISTRATION, &self.url, result, now)
        .and_then(|Registered { project }| self.resolved(settings, organization, project.id)),
      Awaits::Limit(session) => Ok(Step::Connected(Session { limit: limit(result), ..session })),
      Awaits::Nothing => Err(ConnectError::NoAddress),
    };
    step.unwrap_or_else(Step::Failed)
  }

  fn logged_in(
    &mut self,
    settings: &Settings,
    result: Result<Response, TransportError>,
    now: Now,
  ) -> Result<Step, ConnectError> {
    let organization = organization(settings, &self.url, result, now)?;
    if let Some(project) = known_receiver(settings) {
      return self.resolved(settings, organization, project.clone());
    }
    self.url = format!("{}/api/project/register", settings.app_url);
    let register = Register { project_name: &settings.project_name, org_id: &organization.id };
    let body = json_body(&register);
    self.awaits = Awaits::Registration(organization);
    Ok(Step::Send(authorized(settings, Method::POST, &self.url, body, Reads::Body)))
  }

  /// Asks for the limit of the resolved project.
  fn resolved(
    &mut self,
    settings: &Settings,
    organization: Organization,
    project_id: String,
  ) -> Result<Step, ConnectError> {
    let stated = organization.api_url.and_then(|url| config::address("api_url", url).ok());
    let api_url = settings.api_url.clone().or(stated).ok_or(ConnectError::NoAddress)?;
    let (id, name) = (organization.id, organization.name);
    Ok(self.ask_limit(settings, api_url, project_id, Some((id, name))))
  }

  fn ask_limit(
    &mut self,
    settings: &Settings,
    api_url: String,
    project_id: String,
    organization: Option<(String, Option<String>)>,
  ) -> Step {
    let (org_id, org_name) = organization.unzip();
    let mut call = limit_call(settings, &api_url);
    call.timeout = call.timeout.min(LIMIT_TIMEOUT);
    self.url.clone_from(&call.url);
    self.awaits = Awaits::Limit(Session {
      logs_url: format!("{api_url}/logs3"),
      api_url,
      project_id,
      is_experiment: settings.experiment_id.is_some(),
      org_name: org_name.flatten(),
      org_id,
      limit: None,
      configured: settings.max_request_bytes,
    });
    Step::Send(call)
  }
}

/// What receives the rows, if no registration is needed to know it.
fn known_receiver(settings: &Settings) -> Option<&String> {
  settings.experiment_id.as_ref().or(settings.project_id.as_ref())
}

/// The request that logs in.
pub(crate) fn login_call(settings: &Settings) -> Call {
  let url = format!("{}/api/apikey/login", settings.app_url);
  authorized(settings, Method::POST, &url, Bytes::new(), Reads::Body)
}

/// The organization in the response to it.
fn organization(
  settings: &Settings,
  url: &str,
  result: Result<Response, TransportError>,
  now: Now,
) -> Result<Organization, ConnectError> {
  let Login { org_info } = parse(LOGIN, url, result, now)?;
  choose(&org_info, settings.org_name.as_deref())
}

/// The id of the organization in the response to [`login_call`].
pub(crate) fn org_id(
  settings: &Settings,
  result: Result<Response, TransportError>,
  now: Now,
) -> Result<String, ConnectError> {
  organization(settings, &login_call(settings).url, result, now).map(|found| found.id)
}

/// The organization of that name, else the first: another one must not receive the rows.
fn choose(all: &[Box<RawValue>], wanted: Option<&str>) -> Result<Organization, ConnectError> {
  let mut all = all.iter().map(|entry| serde_json::from_str::<Organization>(entry.get()).ok());
  let Some(wanted) = wanted else {
    let first = all.next().ok_or(ConnectError::NoOrganization)?;
    return first.ok_or(ConnectError::UnreadableOrganization);
  };
  let mut names = Vec::new();
  for organization in all.flatten() {
    match &organization.name {
      Some(name) if name == wanted => return Ok(organization),
      Some(name) => names.push(format!("{name:?}")),
      None => {}
    }
  }
  if names.len() > MAX_NAMES {
    names.truncate(MAX_NAMES);
    names.push("others".to_owned());
  }
  let known = names.join(", ");
  Err(ConnectError::UnknownOrganization { wanted: wanted.to_owned(), known })
}

/// The request for the server's limit.
pub fn limit_call(settings: &Settings, api_url: &str) -> Call {
  let url = format!("{api_url}/version");
  authorized(settings, Method::GET, &url, Bytes::new(), Reads::Body)
}

/// The server's limit in the response to [`limit_call`]. `None` when the request fails or
/// the server states no limit; it may be asked again.
pub fn limit(result: Result<Response, TransportError>) -> Option<usize> {
  let response = result.ok().filter(|response| (200..300).contains(&response.status))?;
  let version: Version = response.json()?;
  version.logs3_payload_max_bytes.filter(|limit| *limit > 0)
}

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

fn parse<T: for<'de> Deserialize<'de>>(
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
  let described = response.describe();
  match outcome {
    // It may be another server, or one page of a load balancer: retry.
    ExportOutcome::Delivered => response
      .json()
      .ok_or_else(|| failed(not_confirmed(&response), ExportOutcome::Retry(Duration::ZERO))),
    ExportOutcome::Unauthorized => {
      let remedy = match response.status {
        407 => WRONG_PROXY,
        _ if response.is_redirect() => WRONG_ADDRESS,
        _ => WRONG_KEY,
      };
      Err(failed(format!("{described} ({remedy})"), outcome))
    }
    ExportOutcome::Retry(_) | ExportOutcome::Unconfirmed => Err(failed(described, outcome)),
    // Login and registration exist on every Braintrust: this is another server.
    ExportOutcome::Rejected | ExportOutcome::Split => {
      Err(failed(format!("{described} ({WRONG_ADDRESS})"), ExportOutcome::Unauthorized))
    }
  }
}
