//! The requests in flight.

use std::time::Duration;

use crate::{connection::Session, overflow::OverflowUpload};

/// A request in flight.
pub(super) struct InFlight {
  /// When it began; for a later step of a sequence, when the first one began.
  pub began: Duration,
  /// Its address as it may be printed, without secrets.
  pub url: String,
  /// What its response is for.
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
