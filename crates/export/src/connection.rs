//! The connection to Braintrust: login, project, and the server's limit, one request after the other.
//!
//! Steps whose result is configured are skipped: a project id makes the registration unnecessary, and a project id
//! with an address the login as well. Failures are not cached: the next attempt begins with the first step.

use std::time::Duration;

use braintrust_row::Destination;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

pub use self::error::ConnectError;
use self::{
  call::parse,
  error::REGISTRATION,
  organization::{Organization, organization},
};
pub(crate) use self::{
  call::{authorized, json_body},
  organization::{login_call, org_id},
};
use crate::{
  config::{self, Settings},
  time::Now,
  transport::{Call, Reads, Response, TransportError},
};

mod call;
mod error;
mod organization;

/// The most bytes of one request as long as the server does not state its limit.
pub const DEFAULT_MAX_BYTES: usize = 6 * 1024 * 1024;

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
  /// The organization's id; `None`: there was no login.
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
    let stated = organization.api_url.clone().and_then(|url| config::address("api_url", url).ok());
    let api_url = settings.api_url.clone().or(stated).ok_or(ConnectError::NoAddress)?;
    Ok(self.ask_limit(settings, api_url, project_id, Some(organization)))
  }

  fn ask_limit(
    &mut self,
    settings: &Settings,
    api_url: String,
    project_id: String,
    organization: Option<Organization>,
  ) -> Step {
    let (org_id, org_name) = organization.map(|found| (found.id, found.name)).unzip();
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
