//! The login, and the organization of the key that its response names.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
  call::{authorized, parse},
  error::{ConnectError, LOGIN},
};
use crate::{
  config::Settings,
  time::Now,
  transport::{Call, Reads, Response, TransportError},
};

/// How many organizations a message names.
const MAX_NAMES: usize = 10;

#[derive(Deserialize)]
struct Login {
  /// Each is read by itself: one that is not Braintrust's does not hide the others.
  org_info: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Organization {
  pub(super) id: String,
  pub(super) name: Option<String>,
  pub(super) api_url: Option<String>,
}

/// The request that logs in.
pub(crate) fn login_call(settings: &Settings) -> Call {
  let url = format!("{}/api/apikey/login", settings.app_url);
  authorized(settings, Method::POST, &url, Bytes::new(), Reads::Body)
}

/// The organization in the response to it.
pub(super) fn organization(
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
