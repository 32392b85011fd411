//! The requests in flight.

use std::time::Duration;

use crate::{connection::Session, overflow::OverflowUpload};

/// A request in flight.
pub(super) struct InFlight {
  /// When it began, or the first of several that belong together.
  pub began: Duration,
  /// Where it went.
  pub url: String,
  pub purpose: Purpose,
}

/// What a request is for.
pub(super) enum Purpose {
  Connect,
  Limit,
  /// The batch of this key.
  Upload(u64),
  /// The same, as an overflow upload.
  Overflow {
    key: u64,
    upload: OverflowUpload,
    session: Session,
  },
}
