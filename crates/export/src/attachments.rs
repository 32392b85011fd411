//! The attachments of an exporter: those that wait for a row that refers to them, those that wait for their upload, and
//! those that are settled.
//!
//! A content is a candidate until the rows of its event are encoded. It is uploaded only if one of these rows, as it is
//! sent, contains its key: content that the content policy, a redaction rule, the masking function or a cut has removed
//! is not uploaded.

use std::{
  collections::{BTreeMap, VecDeque},
  time::Duration,
};

use memchr::memchr_iter;
use translate::{Attachment, AttachmentKey};

use crate::attachment_upload::Content;

/// The most uploads at once, beside those of rows. Each may be repeated, and a Worker has six connections for everything.
pub const MAX_UPLOADS: usize = if cfg!(target_family = "wasm") { 1 } else { 2 };
/// The most contents that are not settled.
const MAX_HELD: usize = 10_000;
/// The most settled contents that are remembered. A forgotten one is uploaded again if it recurs.
const MAX_SETTLED: usize = 10_000;
/// The bytes of memory of an attachment beside its content. An estimate.
const ENTRY_BYTES: usize = 256;
/// The offsets of the later hyphens of a key from the first one, which follows eight digits.
const HYPHENS: [usize; 3] = [5, 10, 15];
const FIRST_HYPHEN: usize = 8;

/// An attachment that is in memory.
struct Held {
  content: Content,
  state: State,
  /// The entries of [`Attachments::awaited`] for it.
  awaited: usize,
  /// The attempts that failed.
  attempts: u32,
  /// The acknowledged uploads of rows when the last one failed.
  acknowledged_before: Option<u64>,
  /// The earliest time of the next attempt; `None`: now.
  retry_at: Option<Duration>,
  /// Whether the bytes are stored, so that only the confirmation is left.
  is_stored: bool,
}

/// What an attachment waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
  /// A row that refers to it.
  Candidate,
  /// Its upload. The number is its position in the order of the rows.
  Waiting(u64),
  /// A response.
  InFlight(u64),
}

/// The outcome of a content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
  /// It is uploaded.
  Uploaded,
  /// It cannot be uploaded.
  Lost,
  /// There was no room for it.
  Refused,
  /// No row referred to it.
  Withheld,
}

/// The rows of an event, which have to be encoded before a candidate in it is withheld.
struct AwaitedRows {
  key: AttachmentKey,
  /// The rows with lower sequence numbers; `None` while the event is translated.
  sequence: Option<u64>,
  /// The rows are in batches with lower keys; `None` while some are in the queue.
  batch: Option<u64>,
}

/// The result of offering a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
  /// A reference may replace it.
  Taken,
  /// There is no room for it.
  Full,
  /// An earlier offer was lost, and is counted.
  Lost,
}

/// The attachments that rows refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct References {
  /// Those that wait for their upload from now on.
  pub wanted: usize,
  /// Those that were withheld before, and are lost.
  pub lost: usize,
}

/// The circumstances of a failed attempt.
pub struct Failure {
  /// Whether the attempt counts: the attachment, rather than the network, may be the cause.
  pub counts: bool,
  /// The acknowledged uploads of rows until now.
  pub acknowledged: u64,
}

/// The attachments that are not settled, and the recently settled ones.
pub struct Attachments {
  max_bytes: usize,
  bytes: usize,
  held: BTreeMap<AttachmentKey, Held>,
  /// In the order of the events.
  awaited: VecDeque<AwaitedRows>,
  settled: BTreeMap<AttachmentKey, Settled>,
  settled_order: VecDeque<AttachmentKey>,
  next_number: u64,
  /// The organization's id, if connecting does not find it.
  pub org_id: Option<String>,
  /// Whether an attachment was lost because Braintrust has no such endpoint, and none was uploaded since: others get one
  /// attempt.
  pub has_no_endpoint: bool,
}

impl Attachments {
  /// No attachments, of at most `max_bytes`.
  pub fn new(max_bytes: usize) -> Self {
    Self {
      max_bytes,
      bytes: 0,
      held: BTreeMap::new(),
      awaited: VecDeque::new(),
      settled: BTreeMap::new(),
      settled_order: VecDeque::new(),
      next_number: 0,
      org_id: None,
      has_no_endpoint: false,
    }
  }

  /// Offers the content of an event that is being translated. `room` is the number of bytes that it may take beside the
  /// rows.
  pub fn offer(&mut self, attachment: Attachment, room: usize) -> Offer {
    let key = attachment.key;
    match self.settled.get(&key) {
      Some(Settled::Uploaded) => return Offer::Taken,
      Some(Settled::Lost) => return Offer::Lost,
      Some(Settled::Refused | Settled::Withheld) | None => {}
    }
    if self.held.contains_key(&key) {
      self.await_rows(key);
      return Offer::Taken;
    }
    let bytes = attachment.bytes.len() + ENTRY_BYTES;
    if bytes > room.min(self.max_bytes - self.bytes) || self.held.len() >= MAX_HELD {
      let is_known = self.settled.get(&key) == Some(&Settled::Refused);
      self.settle(key, Settled::Refused);
      return if is_known { Offer::Lost } else { Offer::Full };
    }
    self.bytes += bytes;
    let Attachment { media_type, filename, bytes, .. } = attachment;
    let content = Content { key, media_type, filename, bytes: bytes.into() };
    let held = Held {
      content,
      state: State::Candidate,
      attempts: 0,
      acknowledged_before: None,
      awaited: 0,
      retry_at: None,
      is_stored: false,
    };
    self.held.insert(key, held);
    self.await_rows(key);
    Offer::Taken
  }

  /// Makes a candidate wait for the rows of the event that is being translated, too.
  fn await_rows(&mut self, key: AttachmentKey) {
    let is_awaited = |last: &AwaitedRows| last.key == key && last.sequence.is_none();
    if self.awaited.back().is_some_and(is_awaited) {
      return;
    }
    if let Some(held) = self.held.get_mut(&key).filter(|held| held.state == State::Candidate) {
      held.awaited += 1;
      self.awaited.push_back(AwaitedRows { key, sequence: None, batch: None });
    }
  }

  /// The rows of the event are enqueued: they have sequence numbers before `sequence`.
  pub fn event_ended(&mut self, sequence: u64) {
    let fresh = self.awaited.iter_mut().rev().take_while(|rows| rows.sequence.is_none());
    fresh.for_each(|rows| rows.sequence = Some(sequence));
  }

  /// Withholds the candidates whose rows are all encoded. `first_sequence` is that of the oldest row in the queue,
  /// `next_key` the key of the next batch, `first_masked` that of the oldest batch that is being masked.
  pub fn withhold(
    &mut self,
    first_sequence: Option<u64>,
    next_key: u64,
    first_masked: Option<u64>,
  ) {
    while let Some(rows) = self.awaited.front_mut() {
      let Some(sequence) = rows.sequence else { return };
      if rows.batch.is_none() && first_sequence.is_none_or(|first| first >= sequence) {
        rows.batch = Some(next_key);
      }
      let Some(batch) = rows.batch else { return };
      if first_masked.is_some_and(|first| first < batch) {
        return;
      }
      let key = rows.key;
      self.awaited.pop_front();
      let Some(held) = self.held.get_mut(&key) else { continue };
      held.awaited = held.awaited.saturating_sub(1);
      if held.awaited == 0 && held.state == State::Candidate {
        self.remove(key, Settled::Withheld);
      }
    }
  }

  /// Finds the keys in encoded rows.
  pub fn find(&mut self, rows: &[u8]) -> References {
    let mut found = References::default();
    for key in keys(rows) {
      if let Some(held) = self.held.get_mut(&key) {
        if held.state == State::Candidate {
          held.state = State::Waiting(self.next_number);
          self.next_number += 1;
          found.wanted += 1;
        }
      } else if self.settled.get(&key) == Some(&Settled::Withheld) {
        self.settle(key, Settled::Lost);
        found.lost += 1;
      }
    }
    found
  }

  /// Begins the next attempt. Returns the content, and whether it is stored already.
  pub fn start(&mut self, now: Duration) -> Option<(Content, bool)> {
    if self.in_flight() >= MAX_UPLOADS {
      return None;
    }
    let waiting = self.held.values_mut().filter_map(|held| match held.state {
      State::Waiting(number) if held.retry_at.is_none_or(|at| at <= now) => Some((number, held)),
      _ => None,
    });
    let (number, held) = waiting.min_by_key(|(number, _)| *number)?;
    held.state = State::InFlight(number);
    Some((held.content.clone(), held.is_stored))
  }

  /// Notes that the bytes of an attachment in flight are stored: further attempts only confirm that.
  pub fn stored(&mut self, key: AttachmentKey) {
    if let Some(held) = self.held.get_mut(&key) {
      held.is_stored = true;
    }
  }

  /// Counts a failed attempt. Returns the attempts so far.
  pub fn failed(&mut self, key: AttachmentKey, failure: &Failure) -> u32 {
    let Some(held) = self.held.get_mut(&key) else { return 0 };
    let has_worked = held.acknowledged_before.is_some_and(|before| failure.acknowledged > before);
    held.acknowledged_before = Some(failure.acknowledged);
    held.attempts += u32::from(failure.counts || has_worked);
    held.attempts
  }

  /// Returns an attachment in flight to those that wait, until `retry_at`.
  pub fn put_back(&mut self, key: AttachmentKey, retry_at: Duration) {
    if let Some(held) = self.held.get_mut(&key)
      && let State::InFlight(number) = held.state
    {
      held.state = State::Waiting(number);
      held.retry_at = Some(retry_at);
    }
  }

  /// Settles an uploaded attachment. Returns the size of its content.
  pub fn uploaded(&mut self, key: AttachmentKey) -> usize {
    self.has_no_endpoint = false;
    self.remove(key, Settled::Uploaded)
  }

  /// Settles a lost attachment.
  pub fn lost(&mut self, key: AttachmentKey) {
    self.remove(key, Settled::Lost);
  }

  /// Ends all delays, because the process ends.
  pub fn end_delays(&mut self) {
    self.held.values_mut().for_each(|held| held.retry_at = None);
  }

  /// Removes all that are not settled. Returns how many of them a row refers to.
  pub fn clear(&mut self) -> usize {
    let unsettled = self.unsettled();
    self.held.clear();
    self.awaited.clear();
    self.bytes = 0;
    unsettled
  }

  /// How many wait for their upload or are in flight.
  pub fn unsettled(&self) -> usize {
    self.held.values().filter(|held| held.state != State::Candidate).count()
  }

  /// The number of the next one that waits for its upload.
  pub fn next_number(&self) -> u64 {
    self.next_number
  }

  /// Whether all with earlier numbers are settled.
  pub fn is_settled_before(&self, number: u64) -> bool {
    self.held.values().all(|held| match held.state {
      State::Candidate => true,
      State::Waiting(own) | State::InFlight(own) => own >= number,
    })
  }

  /// When the next waiting attempt may begin. `None` also while the maximum number of uploads is in flight.
  pub fn next_retry(&self) -> Option<Duration> {
    if self.in_flight() >= MAX_UPLOADS {
      return None;
    }
    let waiting = self.held.values().filter(|held| matches!(held.state, State::Waiting(_)));
    waiting.map(|held| held.retry_at.unwrap_or_default()).min()
  }

  /// The bytes of memory that the contents take.
  pub fn memory_bytes(&self) -> usize {
    self.bytes
  }

  fn in_flight(&self) -> usize {
    self.held.values().filter(|held| matches!(held.state, State::InFlight(_))).count()
  }

  fn remove(&mut self, key: AttachmentKey, settled: Settled) -> usize {
    let Some(held) = self.held.remove(&key) else { return 0 };
    let bytes = held.content.bytes.len();
    self.bytes -= bytes + ENTRY_BYTES;
    self.settle(key, settled);
    bytes
  }

  fn settle(&mut self, key: AttachmentKey, settled: Settled) {
    if self.settled.insert(key, settled).is_none() {
      self.settled_order.push_back(key);
    }
    while self.settled_order.len() > MAX_SETTLED {
      if let Some(oldest) = self.settled_order.pop_front() {
        self.settled.remove(&oldest);
      }
    }
  }
}

/// The keys in a text, whatever surrounds them: a masking function may change a reference, and a key has no escapes.
fn keys(text: &[u8]) -> impl Iterator<Item = AttachmentKey> {
  memchr_iter(b'-', text).filter_map(|at| {
    if HYPHENS.iter().any(|more| text.get(at + more) != Some(&b'-')) {
      return None;
    }
    let start = at.checked_sub(FIRST_HYPHEN)?;
    AttachmentKey::parse(text.get(start..start + AttachmentKey::LENGTH)?)
  })
}

#[cfg(test)]
mod tests;
