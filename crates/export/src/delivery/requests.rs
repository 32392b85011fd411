//! Requests to send, and their purposes.

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::{
  in_flight::{Attempt, InFlight, Purpose},
  state::{Connection, Delivery},
};
use crate::{
  attachment_upload::AttachmentUpload,
  connection::{Connecting, Session, Step, authorized, limit_call},
  outbox::{OversizeState, QueuedBatch},
  overflow::OverflowUpload,
  time::Now,
  transport::{Call, Reads, Request, redact_url},
};

/// The most overflow uploads of a row before it is cut: the storage may be unreachable from this network.
pub(super) const MAX_OVERFLOW_ATTEMPTS: u32 = 3;

impl Delivery {
  /// Sends the batches that may be sent now.
  pub(super) fn send(&mut self, session: &Session, urgent: bool, now: Now) {
    if self.limit_due.is_some_and(|due| due <= now.elapsed) {
      self.limit_due = None;
      let call = limit_call(&self.settings, &session.api_url);
      self.request(call, Purpose::Limit, now.elapsed, now);
    }
    let to = session.receiver();
    while self.uploads() < self.settings.max_requests {
      // Batches that fail repeatedly must not be the only ones that are tried.
      if !self.outbox.has_fresh(now.elapsed) {
        if !self.spool.is_open() {
          self.encode_next(&to, urgent, now);
        } else if self.has_room_to_load() {
          self.load(now);
        }
        // Nor may they take the request of the one that is being loaded.
        let is_last = self.uploads() + 1 == self.settings.max_requests;
        if is_last && self.uploads() > 0 && self.outbox.is_loading() {
          break;
        }
      }
      let Some(key) = self.outbox.start(now.elapsed) else {
        self.load(now);
        break;
      };
      if self.spool.is_open() {
        let change = self.outbox.absorb(key, self.limits());
        self.account.counters.correct(change);
      }
      let Some(queued) = self.outbox.address(key, &to) else { break };
      let upload = Upload::of(queued);
      self.upload(key, upload, session, now);
    }
  }

  pub(super) fn connect(&mut self, now: Now) {
    let (connecting, step) = Connecting::start(&self.settings);
    self.connection = Connection::Connecting(connecting);
    if let Step::Send(call) = step {
      self.request(call, Purpose::Connect, now.elapsed, now);
    }
  }

  fn upload(&mut self, key: u64, upload: Upload, session: &Session, now: Now) {
    self.account.counters.request();
    let Upload { body, row_bytes, oversize } = upload;
    let is_large = oversize.refused || body.len() > session.max_bytes();
    if is_large && row_bytes.len() == 1 && may_overflow(session, oversize) {
      let (upload, call) = OverflowUpload::start(&self.settings, session, body.len(), &row_bytes);
      let purpose = Purpose::Overflow { key, upload, session: session.clone() };
      self.request(call, purpose, now.elapsed, now);
      return;
    }
    let call = authorized(&self.settings, Method::POST, &session.logs_url, body, Reads::Body);
    self.request(call, Purpose::Upload(key), now.elapsed, now);
  }

  /// Sends a call. `began` is when the first call of its sequence did.
  pub(super) fn request(&mut self, call: Call, purpose: Purpose, began: Duration, now: Now) {
    let id = self.next_request;
    self.next_request += 1;
    let size = call.body.len();
    let url = match &purpose {
      // The address of the storage contains a secret.
      Purpose::Overflow { upload: OverflowUpload::Storing { origin, .. }, .. }
      | Purpose::Attachment { upload: AttachmentUpload::Storing { origin }, .. } => origin.clone(),
      _ => redact_url(&call.url),
    };
    self.account.log.line(format_args!("request {id}: {} {url}, {size} bytes", call.method));
    let repeat_at = purpose.is_repeatable().then_some(now.elapsed);
    let requests = vec![Attempt { id, began: now.elapsed }];
    let copy = call.clone();
    self.in_flight.push(InFlight {
      began,
      url,
      purpose,
      call: copy,
      requests,
      repeats: 0,
      repeat_at,
    });
    self.requests.push_back(Request { id, call, is_repeat: false });
  }
}

/// The parts of a batch that an upload needs.
struct Upload {
  body: Bytes,
  row_bytes: Vec<usize>,
  oversize: OversizeState,
}

impl Upload {
  fn of(queued: &QueuedBatch) -> Self {
    let QueuedBatch { batch, oversize, .. } = queued;
    Self { body: batch.body(), row_bytes: batch.row_sizes(), oversize: *oversize }
  }
}

/// Whether a row that is too large may take the overflow upload.
pub(super) fn may_overflow(session: &Session, oversize: OversizeState) -> bool {
  session.allows_overflow()
    && oversize.overflow_attempts < MAX_OVERFLOW_ATTEMPTS
    && oversize.cut_to.is_none()
}
