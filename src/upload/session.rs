//! Where rows go: login, the project, the server's limits.
//!
//! Nothing here is asked for that is known already: with an id no project is registered, and with an id
//! and an address there is no login either. A failure is never remembered; the engine asks again.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::timeout;

use super::{
  classify::{Verdict, classify},
  client::{Answer, Client, TransportError},
};
use crate::{
  clock,
  config::{self, Settings},
};

/// What Braintrust takes in one request unless it says otherwise.
const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// What to look at when the server is not Braintrust.
const WRONG_ADDRESS: &str = "check BRAINTRUST_APP_URL and BRAINTRUST_API_URL";
/// What to look at when it does not know the key.
const WRONG_KEY: &str = "check BRAINTRUST_API_KEY";

/// How long `/version` may take: much less than the end of the process may wait.
const VERSION_TIMEOUT: Duration = Duration::from_millis(500);

/// A place to send rows to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
  /// Address of `POST /logs3`.
  pub logs_url: String,
  /// The project's UUID.
  pub project_id: String,
  /// The most bytes one request may have.
  pub payload_bytes: usize,
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
  let (api_url, project_id) = match (&settings.api_url, &settings.project_id) {
    (Some(api_url), Some(project)) => (api_url.clone(), project.clone()),
    (api_url, project) => {
      let organisation = login(client, settings).await?;
      let project = match project {
        Some(project) => project.clone(),
        None => register(client, settings, &organisation).await?,
      };
      let told = organisation.api_url.and_then(|url| config::address("api_url", url).ok());
      (api_url.clone().or(told).ok_or(ConnectError::NoAddress)?, project)
    }
  };
  let api_url = api_url.trim_end_matches('/');
  let payload_bytes = payload_bytes(client, api_url).await;
  Ok(Session { logs_url: format!("{api_url}/logs3"), project_id, payload_bytes })
}

async fn login(client: &Client, settings: &Settings) -> Result<Organisation, ConnectError> {
  let url = format!("{}/api/apikey/login", settings.app_url);
  let answer = client.post(&url, Bytes::new()).await;
  let Login { org_info } = read("login", &url, answer)?;
  let Some(wanted) = &settings.org_name else {
    return org_info.into_iter().next().ok_or(ConnectError::NoOrganisation);
  };
  let names: Vec<String> = org_info.iter().map(|org| format!("{:?}", org.name)).collect();
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
  let answer = client.post(&url, body.into()).await;
  let Registered { project } = read("registering the project", &url, answer)?;
  Ok(project.id)
}

/// The server's limit. Not worth a failure, nor a long wait: without an answer the usual limit serves.
async fn payload_bytes(client: &Client, api_url: &str) -> usize {
  let url = format!("{api_url}/version");
  let version = timeout(VERSION_TIMEOUT, client.get(&url)).await.ok();
  let version = version.and_then(|answer| read::<Version>("version", &url, answer).ok());
  let limit = version.and_then(|version| version.logs3_payload_max_bytes);
  limit.filter(|limit| *limit > 0).unwrap_or(PAYLOAD_BYTES)
}

fn read<T: for<'de> Deserialize<'de>>(
  step: &'static str,
  url: &str,
  result: Result<Answer, TransportError>,
) -> Result<T, ConnectError> {
  let failed = |why, verdict| ConnectError::Failed { step, url: Client::shown(url), why, verdict };
  let verdict = classify(&result, clock::now());
  let answer = result.map_err(|error| failed(error.to_string(), verdict.clone()))?;
  let told = answer.describe();
  match verdict {
    Verdict::Delivered => serde_json::from_slice(&answer.body).map_err(|_| {
      failed(format!("the answer is not Braintrust's ({WRONG_ADDRESS})"), Verdict::Suspended)
    }),
    Verdict::Suspended => {
      let hint = if answer.is_redirect() { WRONG_ADDRESS } else { WRONG_KEY };
      Err(failed(format!("{told} ({hint})"), verdict))
    }
    Verdict::Later(_) => Err(failed(told, verdict)),
    // Login and registration exist on every Braintrust: this is another server.
    Verdict::Rejected | Verdict::Split => {
      Err(failed(format!("{told} ({WRONG_ADDRESS})"), Verdict::Suspended))
    }
  }
}
