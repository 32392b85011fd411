//! Uploads of attachments.

use std::{ops::Range, time::Duration};

use translate::{Attach, Attachment};

use super::{
  in_flight::Purpose,
  responses::SHUTDOWN_DELAY,
  state::{Connection, Delivery},
};
use crate::{
  attachment_upload::{AttachmentError, AttachmentUpload, Content, Step, state_failure},
  attachments::{Attachments, Failure, Offer, References},
  connection::Session,
  loss::LossReason,
  outcome::{ExportOutcome, is_of_intermediary},
  time::Now,
  transport::{Response, TransportError},
};

/// The attempts of an upload, as in Braintrust's rules for its own packages.
const MAX_ATTEMPTS: u32 = 9;
/// The longest delay between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// Offers the files of an event that is being translated.
pub struct Offers<'a> {
  pub delivery: &'a mut Delivery,
  pub now: Now,
}

impl Attach for Offers<'_> {
  fn attach(&mut self, attachment: Attachment) -> bool {
    self.delivery.offer_attachment(attachment, self.now)
  }

  fn redacted(&self, text: &str) -> Vec<Range<usize>> {
    let redactor = self.delivery.settings.redactor.as_deref();
    redactor.map(|redactor| redactor.matches(text)).unwrap_or_default()
  }

  /// The announcement of a file passes neither rules nor masking function.
  fn shows_type(&self, media_type: &str) -> bool {
    !self.delivery.masks_any()
      && self.redacted(media_type).is_empty()
      && !self.delivery.account.secrets.are_in(media_type.as_bytes())
  }
}

impl Delivery {
  /// Whether files are uploaded.
  pub fn attaches(&self) -> bool {
    self.attachments.is_some()
  }

  /// Offers a file. False when a placeholder stands for it.
  fn offer_attachment(&mut self, attachment: Attachment, now: Now) -> bool {
    let room = self.settings.queue_room().saturating_sub(self.shared_bytes());
    let Some(attachments) = &mut self.attachments else { return false };
    // Nothing is hidden inside a file: one that has a key, or that a rule would change, is not uploaded, nor is text that
    // a rule cannot read. In UTF-16, a NUL stands beside each character of ASCII.
    let bytes = &attachment.bytes;
    let has_nuls = bytes.contains(&0);
    let without_nuls =
      if has_nuls { String::from_utf8_lossy(bytes).replace('\0', "") } else { String::new() };
    let redactor = self.settings.redactor.as_deref();
    let is_covered = redactor.is_some_and(|redactor| match std::str::from_utf8(bytes) {
      Ok(text) => redactor.changes(text) || has_nuls && redactor.changes(&without_nuls),
      Err(_) => attachment.may_be_text(),
    });
    let secrets = &self.account.secrets;
    if is_covered || secrets.are_in(bytes) || secrets.are_in(without_nuls.as_bytes()) {
      return false;
    }
    match attachments.offer(attachment, room) {
      Offer::Taken => true,
      Offer::Lost => false,
      Offer::Full => {
        self.account.counters.accept_attachments(1);
        let why = "there is no room for it";
        self.account.lose_attachments(LossReason::QueueFull, 1, why, now.elapsed);
        false
      }
    }
  }

  /// The rows of the event are enqueued.
  pub fn attachments_offered(&mut self) {
    if let Some(attachments) = &mut self.attachments {
      attachments.event_ended(self.queue.next_sequence());
    }
  }

  /// The attachments that wait for their upload or are in flight.
  pub fn unsettled_attachments(&self) -> usize {
    self.attachments.as_ref().map_or(0, Attachments::unsettled)
  }

  /// The number of the next attachment.
  pub fn next_attachment(&self) -> u64 {
    self.attachments.as_ref().map_or(0, Attachments::next_number)
  }

  /// Whether every attachment with an earlier number is settled.
  pub fn has_uploaded_before(&self, number: u64) -> bool {
    self.attachments.as_ref().is_none_or(|attachments| attachments.is_settled_before(number))
  }

  /// Finds the attachments that encoded rows refer to.
  pub(super) fn find_attachments(&mut self, rows: &[u8], now: Now) {
    let Some(attachments) = &mut self.attachments else { return };
    let References { wanted, lost } = attachments.find(rows);
    self.account.counters.accept_attachments(wanted + lost);
    if lost > 0 {
      let why = "the event that has it was refused before";
      self.account.lose_attachments(LossReason::QueueFull, lost, why, now.elapsed);
    }
  }

  /// Drops the attachments that no row refers to.
  pub(super) fn withhold_attachments(&mut self) {
    if let Some(attachments) = &mut self.attachments {
      let masked = self.masked.first_key();
      attachments.withhold(self.queue.first_sequence(), self.queue.next_key(), masked);
    }
  }

  /// Begins the uploads that may begin now.
  pub(super) fn send_attachments(&mut self, session: &Session, now: Now) {
    while let Some(attachments) = &mut self.attachments
      && let Some((content, is_stored)) = attachments.start(now.elapsed)
    {
      let org = session.org_id.as_deref().or(attachments.org_id.as_deref());
      let (upload, call) =
        AttachmentUpload::start(&self.settings, session, org, &content, is_stored);
      let purpose = Purpose::Attachment { content, upload, session: session.clone() };
      self.request(call, purpose, now.elapsed, now);
    }
  }

  /// When the next upload begins.
  pub(super) fn attachment_timeout(&self) -> Option<Duration> {
    let may_send = matches!(self.connection, Connection::Up(_)) && self.retry_at.is_none();
    self.attachments.as_ref().filter(|_| may_send)?.next_retry()
  }

  pub(super) fn attachment_response(
    &mut self,
    content: Content,
    mut upload: AttachmentUpload,
    session: Session,
    began: Duration,
    result: Result<Response, TransportError>,
    now: Now,
  ) {
    let Some(attachments) = &mut self.attachments else { return };
    let mut org = session.org_id.clone().or_else(|| attachments.org_id.clone());
    let step = upload.handle_response(&self.settings, &session, &mut org, &content, result, now);
    attachments.org_id = org;
    match step {
      Step::Send(call) => {
        if matches!(upload, AttachmentUpload::Confirming) {
          attachments.stored(content.key);
        }
        self.request(call, Purpose::Attachment { content, upload, session }, began, now);
      }
      Step::Uploaded => {
        let bytes = attachments.uploaded(content.key);
        self.account.counters.attachment_uploaded(bytes);
      }
      Step::Failed(error) => self.attachment_failed(&content, &session, error, now),
    }
  }

  fn attachment_failed(
    &mut self,
    content: &Content,
    session: &Session,
    error: AttachmentError,
    now: Now,
  ) {
    let Some(attachments) = &mut self.attachments else { return };
    let why = error.to_string();
    let at_least = match error.outcome {
      ExportOutcome::Retry(at_least) => Some(at_least),
      ExportOutcome::Unconfirmed | ExportOutcome::Unauthorized => Some(Duration::ZERO),
      _ => None,
    };
    // If rows fail as well, or no server responds, the network is at fault: rows wait then, too. A shutdown has a
    // deadline instead, but does not wait for it when there may be no such address.
    let is_shutdown = self.shutdown_since.is_some();
    let is_its_own = error.is_storage || (error.status.is_some() && self.backoff.failures() == 0);
    let is_of_intermediary = error.status.is_some_and(is_of_intermediary);
    let has_no_endpoint = is_of_intermediary && !error.is_storage;
    let counts = is_its_own && (!is_shutdown || is_of_intermediary);
    let failure = Failure { counts, acknowledged: self.acknowledged };
    let attempts = attachments.failed(content.key, &failure);
    let most = if has_no_endpoint && attachments.has_no_endpoint { 1 } else { MAX_ATTEMPTS };
    if let Some(at_least) = at_least.filter(|_| attempts < most) {
      let delay = self.backoff.delay_of(attempts.max(1), MAX_DELAY).max(at_least);
      let delay = if is_shutdown { delay.min(SHUTDOWN_DELAY) } else { delay };
      attachments.put_back(content.key, now.elapsed + delay);
    } else {
      attachments.lost(content.key);
      attachments.has_no_endpoint |= has_no_endpoint;
      let org = session.org_id.clone().or_else(|| attachments.org_id.clone());
      let reason = match error.outcome {
        ExportOutcome::Unauthorized => LossReason::Unauthorized,
        _ => LossReason::Rejected,
      };
      self.account.lose_attachments(reason, 1, &why, now.elapsed);
      if error.is_announced {
        let org = org.unwrap_or_default();
        let call = state_failure(&self.settings, session, &org, content.key, &why);
        self.request(call, Purpose::AttachmentFailure, now.elapsed, now);
      }
    }
    self.account.failed(why);
  }
}
