//! Why a connection cannot be made.

use thiserror::Error;

use crate::outcome::ExportOutcome;

/// The steps of a connection, as they are named in messages.
pub(super) const LOGIN: &str = "login";
pub(super) const ORGANIZATION: &str = "choosing the organisation";
pub(super) const REGISTRATION: &str = "registering the project";

/// Why connecting failed.
#[derive(Debug, Error)]
pub enum ConnectError {
  /// A request failed.
  #[error("{step} at {url} failed: {why}")]
  Failed {
    /// The step that failed.
    step: &'static str,
    /// The address, without credentials.
    url: String,
    /// The cause.
    why: String,
    /// The status of the response; `None`: there is none.
    status: Option<u16>,
    /// Its effect on the queued rows.
    outcome: ExportOutcome,
  },
  /// The key has no access to an organization of that name.
  #[error(
    "the API key has no access to organisation {wanted:?}, only to {known} (check BRAINTRUST_ORG_NAME)"
  )]
  UnknownOrganization {
    /// The configured name.
    wanted: String,
    /// The names that the key has access to.
    known: String,
  },
  /// The login states no address to send rows to.
  #[error("the login response states no API URL (set BRAINTRUST_API_URL)")]
  NoAddress,
  /// The key has access to no organization.
  #[error("the API key has access to no organisation (check BRAINTRUST_API_KEY)")]
  NoOrganization,
  /// The first organization has no id, or a value of another type.
  #[error("the first organisation of the login cannot be read (set BRAINTRUST_ORG_NAME)")]
  UnreadableOrganization,
}

impl ConnectError {
  /// The step that failed.
  pub fn step(&self) -> &'static str {
    match self {
      Self::Failed { step, .. } => step,
      _ => ORGANIZATION,
    }
  }

  /// The status of the response that failed; `None`: there is none.
  pub fn status(&self) -> Option<u16> {
    if let Self::Failed { status, .. } = self { *status } else { None }
  }

  /// Whether the status is a success, but the body is not Braintrust's.
  pub fn is_unconfirmed(&self) -> bool {
    self.status().is_some_and(|status| (200..300).contains(&status))
  }

  /// Its effect on the queued rows: [`ExportOutcome::Retry`] or [`ExportOutcome::Unauthorized`].
  pub fn outcome(&self) -> ExportOutcome {
    match self {
      Self::Failed { outcome, .. } => outcome.clone(),
      _ => ExportOutcome::Unauthorized,
    }
  }
}
