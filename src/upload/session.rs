//! Where rows go: login, the project, the server's limits.
//!
//! Nothing here is asked for that is known already: with an id no project is registered, and with an id
//! and an address there is no login either. A failure is never remembered; the engine asks again.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::timeout;

use export::{
  classify::{Verdict, classify},
  response::{Answer, TransportError},
};

use super::client::Client;
use crate::clock;
use export::config::{self, Settings};

/// What Braintrust takes in one request as far as is known when it does not say.
pub const USUAL_LIMIT: usize = 6 * 1024 * 1024;

/// What to look at when the server is not Braintrust.
const WRONG_ADDRESS: &str = "check BRAINTRUST_APP_URL and BRAINTRUST_API_URL";
/// What to look at when it does not know the key.
const WRONG_KEY: &str = "check BRAINTRUST_API_KEY";
/// What to look at when a proxy does not know who asks.
const WRONG_PROXY: &str = "check the credentials in HTTPS_PROXY or HTTP_PROXY";

/// The steps on the way to a session, as they are named in messages.
const LOGIN: &str = "login";
const ORGANISATION: &str = "choosing the organisation";
const REGISTRATION: &str = "registering the project";

/// How many organisations a message names.
const NAMES_SHOWN: usize = 10;

/// How long `/version` may hold up the first rows: much less than the end of the process may wait.
const LIMIT_TIMEOUT: Duration = Duration::from_millis(500);

/// A place to send rows to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
  /// Base address of the data plane, without a trailing slash.
  pub api_url: String,
  /// Address of `POST /logs3`.
  pub logs_url: String,
  /// The project's UUID.
  pub project_id: String,
  /// The organisation, if the login told it.
  pub org_name: Option<String>,
  /// The most bytes of one request, as the server told; `None`: not known, or not yet.
  pub limit: Option<usize>,
  /// The most bytes of one request, as the user wants it.
  wanted: Option<usize>,
}

impl Session {
  /// The most bytes one request may have: what the server and the user say, the smaller if both do.
  pub fn max_bytes(&self) -> usize {
    self.limit.into_iter().chain(self.wanted).min().unwrap_or(USUAL_LIMIT)
  }

  /// Whether a larger body may be uploaded apart. Only a server that tells its limit takes that.
  pub fn allows_overflow(&self) -> bool {
    self.limit.is_some()
  }
}

/// Why there is no place to send to.
#[derive(Debug, Error)]
pub enum ConnectError {
  /// It may work later; `verdict` says how.
  #[error("{step} at {url} failed: {why}")]
  Failed {
    /// What was tried.
    step: &'static str,
    /// Where.
    url: String,
    /// What came of it.
    why: String,
    /// The status of the answer, if one came.
    status: Option<u16>,
    /// What that means.
    verdict: Verdict,
  },
  /// The key opens no organisation of that name.
  #[error(
    "the API key opens no organisation named {wanted:?}, but {known} (check BRAINTRUST_ORG_NAME)"
  )]
  UnknownOrganisation {
    /// The name that was asked for.
    wanted: String,
    /// The names that there are.
    known: String,
  },
  /// The login tells no address to send rows to.
  #[error("the login tells no address to send rows to (set BRAINTRUST_API_URL)")]
  NoAddress,
  /// The key opens no organisation at all.
  #[error("the API key opens no organisation")]
  NoOrganisation,
}

impl ConnectError {
  /// What was tried.
  pub fn step(&self) -> &'static str {
    match self {
      Self::Failed { step, .. } => step,
      Self::UnknownOrganisation { .. } | Self::NoAddress | Self::NoOrganisation => ORGANISATION,
    }
  }

  /// The status of the answer that says so; `None`: no answer came, or one that is well as such.
  pub fn status(&self) -> Option<u16> {
    if let Self::Failed { status, .. } = self { *status } else { None }
  }

  /// What it means for the rows that wait.
  pub fn verdict(&self) -> Verdict {
    match self {
      Self::Failed { verdict, .. } => verdict.clone(),
      _ => Verdict::Suspended,
    }
  }
}

#[derive(Deserialize)]
struct Login {
  org_info: Vec<Organisation>,
}

#[derive(Deserialize)]
struct Organisation {
  id: String,
  name: String,
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

/// Finds out where rows go.
pub async fn connect(client: &Client, settings: &Settings) -> Result<Session, ConnectError> {
  let (api_url, project_id, org_name) = match (&settings.api_url, &settings.project_id) {
    (Some(api_url), Some(project)) => (api_url.clone(), project.clone(), None),
    (api_url, project) => {
      let organisation = login(client, settings).await?;
      let project = match project {
        Some(project) => project.clone(),
        None => register(client, settings, &organisation).await?,
      };
      let told = organisation.api_url.and_then(|url| config::address("api_url", url).ok());
      (api_url.clone().or(told).ok_or(ConnectError::NoAddress)?, project, Some(organisation.name))
    }
  };
  let limit = timeout(LIMIT_TIMEOUT, ask_limit(client, &api_url)).await.ok().flatten();
  let logs_url = format!("{api_url}/logs3");
  let wanted = settings.max_request_bytes;
  Ok(Session { api_url, logs_url, project_id, org_name, limit, wanted })
}

async fn login(client: &Client, settings: &Settings) -> Result<Organisation, ConnectError> {
  let url = format!("{}/api/apikey/login", settings.app_url);
  let answer = client.ask(&url, Bytes::new()).await;
  let Login { org_info } = read(LOGIN, &url, answer)?;
  let Some(wanted) = &settings.org_name else {
    return org_info.into_iter().next().ok_or(ConnectError::NoOrganisation);
  };
  let mut names: Vec<String> = org_info.iter().map(|org| format!("{:?}", org.name)).collect();
  if names.len() > NAMES_SHOWN {
    names.truncate(NAMES_SHOWN);
    names.push("others".to_owned());
  }
  org_info.into_iter().find(|org| &org.name == wanted).ok_or_else(|| {
    ConnectError::UnknownOrganisation { wanted: wanted.clone(), known: names.join(", ") }
  })
}

async fn register(
  client: &Client,
  settings: &Settings,
  organisation: &Organisation,
) -> Result<String, ConnectError> {
  let url = format!("{}/api/project/register", settings.app_url);
  let body = Register { project_name: &settings.project_name, org_id: &organisation.id };
  let body = serde_json::to_vec(&body).unwrap_or_default();
  let answer = client.ask(&url, body.into()).await;
  let Registered { project } = read(REGISTRATION, &url, answer)?;
  Ok(project.id)
}

/// The server's limit, for [`Session::limit`]. Not worth a failure: whatever goes wrong, it is not known
/// and may be asked for again.
pub async fn ask_limit(client: &Client, api_url: &str) -> Option<usize> {
  let url = format!("{api_url}/version");
  let version = read::<Version>("version", &url, client.get(&url).await).ok()?;
  version.logs3_payload_max_bytes.filter(|limit| *limit > 0)
}

fn read<T: for<'de> Deserialize<'de>>(
  step: &'static str,
  url: &str,
  result: Result<Answer, TransportError>,
) -> Result<T, ConnectError> {
  let status = result.as_ref().ok().map(|answer| answer.status);
  let failed =
    |why, verdict| ConnectError::Failed { step, url: Client::shown(url), why, status, verdict };
  let verdict = classify(&result, clock::now());
  let answer = result.map_err(|error| failed(error.to_string(), verdict.clone()))?;
  let told = answer.describe();
  match verdict {
    // It may be another server; but one page of a load balancer is no reason to give up.
    Verdict::Delivered => serde_json::from_slice(&answer.body).map_err(|_| {
      let why = format!("the answer is not Braintrust's ({WRONG_ADDRESS})");
      failed(why, Verdict::Later(Duration::ZERO))
    }),
    Verdict::Suspended => {
      let hint = match answer.status {
        407 => WRONG_PROXY,
        _ if answer.is_redirect() => WRONG_ADDRESS,
        _ => WRONG_KEY,
      };
      Err(failed(format!("{told} ({hint})"), verdict))
    }
    Verdict::Later(_) => Err(failed(told, verdict)),
    // Login and registration exist on every Braintrust: this is another server.
    Verdict::Rejected | Verdict::Split => {
      Err(failed(format!("{told} ({WRONG_ADDRESS})"), Verdict::Suspended))
    }
  }
}
