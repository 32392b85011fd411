//! The requests in flight.

use std::time::Duration;

use crate::{
  attachment_upload::{AttachmentUpload, Content},
  connection::Session,
  overflow::OverflowUpload,
  time::Now,
  transport::{Call, RequestId},
};

/// A call that awaits its response. When that takes long, the call is sent again on a fresh connection, and the first
/// response counts: rows are merges, so a repetition is harmless.
pub(super) struct InFlight {
  /// When it began; for a later step of a sequence, when the first one began.
  pub began: Duration,
  /// Its address as it may be printed, without secrets.
  pub url: String,
  /// What its response is for.
  pub purpose: Purpose,
  /// The call, to repeat it.
  pub call: Call,
  /// The requests that carry it, the oldest first: at most two.
  pub requests: Vec<Attempt>,
  /// How often it was repeated.
  pub repeats: u32,
  /// When it is repeated at the earliest; `None`: never.
  pub repeat_at: Option<Duration>,
}

/// One request of a call.
pub(super) struct Attempt {
  pub id: RequestId,
  pub began: Duration,
}

impl InFlight {
  /// That it has no response, for messages.
  pub fn no_response(&self, now: Now) -> String {
    let ms = now.elapsed.saturating_sub(self.began).as_millis();
    format!("{} has not responded for {}.{} s", self.url, ms / 1000, ms % 1000 / 100)
  }

  /// Whether its requests count among the uploads of rows.
  pub fn is_upload(&self) -> bool {
    matches!(self.purpose, Purpose::Upload(_) | Purpose::Overflow { .. })
  }
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
  /// This attachment.
  Attachment {
    content: Content,
    upload: AttachmentUpload,
    session: Session,
  },
  /// To state at Braintrust that an attachment is lost.
  AttachmentFailure,
}

impl Purpose {
  /// Whether a call is repeated. Never the upload to a storage, which is large and has an address that may be valid once.
  pub fn is_repeatable(&self) -> bool {
    match self {
      Self::Connect | Self::Upload(_) => true,
      Self::Overflow { upload, .. } => !matches!(upload, OverflowUpload::Storing { .. }),
      Self::Attachment { upload, .. } => !matches!(upload, AttachmentUpload::Storing { .. }),
      Self::Limit | Self::AttachmentFailure => false,
    }
  }
}
