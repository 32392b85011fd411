//! The messages that were delivered to agents, and how far Flue has processed them.

use std::borrow::Cow;

use indexmap::IndexMap;

pub use self::record::{Restored, Root, Submission};
use crate::{caller_context::CallerContext, identity, metadata, outcome};
use braintrust_row::{Json, Row, RowId, SpanContext, sort_by_key};
use flue_event::{Event, Ids, Outcome, SubmissionQueued, SubmissionRunning, Usage};

/// How many submissions are remembered, if no more await their end. 1.0-beta dispatches are never settled.
const MAX_REMEMBERED: usize = 4096;

/// How many are remembered at most: as many as spans may be open. A filter may drop the events that settle them.
const MAX_AWAITED: usize = 16_384;

/// How many are forgotten at once when there are more.
const EVICTED: usize = MAX_REMEMBERED / 8;

/// How many of the latest submissions are searched first for one with a keyed id.
const RECENT: usize = 256;

/// How many of them a snapshot holds. There are more only if nothing settles them.
const MAX_IN_SNAPSHOT: usize = 256;

/// A submission is settled within this time after its response, in milliseconds, or not at all.
const SETTLES_WITHIN: i64 = 10_000;

/// The open submissions, by the id of their delivery. The id of a keyed submission may repeat on another database: once
/// its operation has started, its conversation follows its id. Only operations have one, so that other events belong to
/// the submission for which they are next.
#[derive(Default)]
pub struct Submissions(IndexMap<String, Submission>);

impl Submissions {
  /// The event's submission, if it is known.
  pub fn get(&self, ids: &Ids<'_>) -> Option<&Submission> {
    self.0.get(&*self.key(ids)?)
  }

  /// The event's submission, added if it is new. `None` if the event has neither id.
  pub fn entry(&mut self, ids: &Ids<'_>) -> Option<&mut Submission> {
    let key = self.key(ids)?.into_owned();
    Some(self.at(key, ids))
  }

  /// The submission of an operation that begins: a new one, the one of which it is an attempt, or the one in which it
  /// works in a conversation of its own. `None` if the event has neither id.
  pub fn begin(&mut self, ids: &Ids<'_>) -> Option<&mut Submission> {
    let id = identity::delivery_id(ids)?;
    let Some(own) = keyed(id, ids.conversation.as_deref()) else { return self.entry(ids) };
    if self.0.contains_key(&own) {
      return self.0.get_mut(&own);
    }
    if let Some(begun) = self.0.shift_remove(id) {
      if let Some(others) = begun.others.checked_sub(1) {
        self.0.insert(id.to_owned(), begun.of_another(others));
      }
      return Some(self.0.entry(own).or_insert(begun));
    }
    // Another one with this id would have announced its attempt.
    let is_within = |known: &Submission| known.running_at.is_some() && !known.settled;
    let host = self.with_id(id).rfind(|(_, known)| is_within(known)).map(|(key, _)| key.clone());
    Some(self.at(host.unwrap_or(own), ids))
  }

  /// The submission that an event settles, added if it is new. `None` if the event has neither id.
  pub fn settling(&mut self, ids: &Ids<'_>) -> Option<&mut Submission> {
    let id = identity::delivery_id(ids)?;
    let ended = self.with_id(id).find(|(_, known)| known.ended_at.is_some() && !known.settled);
    match ended.map(|(key, _)| key.clone()) {
      Some(key) => self.0.get_mut(&key),
      None => self.entry(ids),
    }
  }

  /// The submissions with a keyed id whose operation has started, the oldest first.
  fn with_id(&self, id: &str) -> impl DoubleEndedIterator<Item = (&String, &Submission)> {
    let is_of = move |key: &str| key.strip_prefix(id).is_some_and(|rest| rest.starts_with(' '));
    // Events come for the latest ones: a way through all of them would cost more than the event.
    let recent = self.0.len().saturating_sub(RECENT);
    let is_recent = || self.0.iter().skip(recent).any(|(key, _)| is_of(key));
    let skipped = match identity::is_keyed(id) {
      false => self.0.len(),
      true if is_recent() => recent,
      true => 0,
    };
    self.0.iter().skip(skipped).filter(move |(key, _)| is_of(key))
  }

  /// The key of the event's submission, whether it is known or not.
  fn key<'i>(&self, ids: &'i Ids<'_>) -> Option<Cow<'i, str>> {
    let id = identity::delivery_id(ids)?;
    let own = keyed(id, ids.conversation.as_deref()).filter(|own| self.0.contains_key(own));
    if own.is_none() && !self.0.contains_key(id) {
      let open = self.with_id(id).find(|(_, known)| !known.settled);
      let known = open.or_else(|| self.with_id(id).next_back());
      return Some(known.map_or(id.into(), |(key, _)| key.clone().into()));
    }
    Some(own.map_or(id.into(), Cow::Owned))
  }

  /// The submission at a key, added if it is new.
  fn at(&mut self, key: String, ids: &Ids<'_>) -> &mut Submission {
    let length = self.0.len();
    // Not for each one: a way through all of them takes time.
    let is_full = length >= MAX_REMEMBERED && length.is_multiple_of(EVICTED);
    if is_full && !self.0.contains_key(&key) {
      self.evict();
    }
    self.0.entry(key).or_insert_with(|| {
      let recipient = identity::fingerprint(&(ids.agent.as_deref(), ids.instance.as_deref()));
      Submission { recipient, ..Submission::default() }
    })
  }

  /// Forgets the oldest of those that are settled, else of those that never will be. Only if too many others await their
  /// end, those whose operation has ended, else one that has none, else the oldest one.
  fn evict(&mut self) {
    type IsEvicted = fn(&Submission) -> bool;
    let all: [(usize, IsEvicted); 5] = [
      (EVICTED, |submission| submission.settled),
      (EVICTED, |submission| submission.has_ended() && submission.running_at.is_none()),
      (EVICTED, Submission::has_ended),
      (1, |submission| submission.root.is_none()),
      (1, |_| true),
    ];
    let ways = if self.0.len() < MAX_AWAITED { &all[..2] } else { &all };
    for &(most, is_evicted) in ways {
      let before = self.0.len();
      let mut evicted = 0;
      self.0.retain(|_, submission| {
        let stays = evicted == most || !is_evicted(submission);
        evicted += usize::from(!stays);
        stays
      });
      if self.0.len() < before {
        return;
      }
    }
  }

  /// The span of the submission's root, if it is known.
  pub fn root(&self, ids: &Ids<'_>) -> Option<SpanContext> {
    Some(self.get(ids)?.root.as_ref()?.span)
  }

  /// Whether the operation is the root of its submission.
  pub fn is_root(&self, ids: &Ids<'_>, operation: &str) -> bool {
    let root = self.get(ids).and_then(|submission| submission.root.as_ref());
    root.is_some_and(|root| root.operation == operation)
  }

  /// Remembers when the submission was queued.
  pub fn queued(&mut self, event: &Event<'_>, queued: &SubmissionQueued<'_>) {
    let Some(submission) = self.entry(&event.ids) else { return };
    if submission.root.is_some() {
      // A keyed dispatch that is repeated is queued again after it was settled.
      submission.queued_again_at = Some(event.at);
    } else if submission.queued_at.is_none() {
      submission.queued_at = Some(event.at);
      submission.kind = queued.kind.as_deref().map(str::to_owned);
      submission.caller =
        submission.caller.or(queued.caller.as_ref().and_then(CallerContext::named));
    }
  }

  /// Remembers that an attempt began. Returns the root if its operation came before that was announced.
  pub fn running(
    &mut self,
    event: &Event<'_>,
    running: &SubmissionRunning<'_>,
  ) -> Option<SpanContext> {
    let submission = self.attempted(event, running)?;
    let root = submission.root.as_ref().filter(|_| submission.running_at.is_none());
    let begun = root.map(|root| root.span);
    submission.running_at = submission.running_at.or(Some(event.at));
    submission.kind = submission.kind.take().or_else(|| running.kind.as_deref().map(str::to_owned));
    // Attempts come in order; an earlier one is a duplicate.
    submission.attempt = match (submission.attempt, running.attempt) {
      (Some(known), Some(new)) => Some(known.max(new)),
      (known, new) => known.or(new),
    };
    submission.has_first_attempt |= running.attempt.is_some_and(|attempt| attempt <= 1.0);
    submission.max_attempts = running.max_attempts;
    begun
  }

  /// The submission of which an attempt begins. A first attempt after another one is that of another submission with the
  /// same keyed id.
  fn attempted(
    &mut self,
    event: &Event<'_>,
    running: &SubmissionRunning<'_>,
  ) -> Option<&mut Submission> {
    let ids = &event.ids;
    let id = identity::delivery_id(ids)?;
    let known = self.entry(ids)?;
    let is_first = running.attempt.is_none_or(|attempt| attempt <= 1.0);
    // A duplicate has the same time.
    let is_another = identity::is_keyed(id)
      && is_first
      && known.running_at.is_some_and(|running_at| running_at != event.at);
    if is_another && known.root.is_none() {
      known.others += 1;
    } else if is_another {
      let (queued_at, kind) = (known.queued_again_at.take(), known.kind.clone());
      let another = self.at(id.to_owned(), ids);
      (another.queued_at, another.kind) = (queued_at, kind);
      return Some(another);
    }
    self.entry(ids)
  }

  /// Whether this process knows nothing of the submission but its caller, and how it was queued.
  pub fn is_unseen(&self, ids: &Ids<'_>) -> bool {
    self.get(ids).is_none_or(|known| known.root.is_none() && known.running_at.is_none())
  }

  /// The usage of earlier attempts at the root.
  pub fn usage_before(&self, ids: &Ids<'_>) -> Option<Usage> {
    self.get(ids)?.root.as_ref()?.usage
  }

  /// An attempt has ended; `usage` is that of all attempts so far.
  pub fn set_usage(&mut self, ids: &Ids<'_>, usage: Option<Usage>) {
    if let Some(root) = self.entry(ids).and_then(|submission| submission.root.as_mut()) {
      root.usage = usage;
    }
  }

  /// Whether the outcome of the submission comes with its settlement: it is announced, and not settled.
  pub fn awaits_settlement(&self, ids: &Ids<'_>) -> bool {
    self.get(ids).is_some_and(|known| known.running_at.is_some() && !known.settled)
  }

  /// The root has ended at `at`, milliseconds since the epoch.
  pub fn ended(&mut self, ids: &Ids<'_>, at: i64, outcome: &Outcome<'_>) {
    if let Some(submission) = self.entry(ids) {
      submission.ended_at = Some(at);
      submission.cancelled = outcome.cancelled;
      if outcome.succeeded() {
        submission.responded_at = Some(at);
      }
    }
  }

  /// Settles a submission without an operation: that of another one of its agent may have covered it. Returns that one,
  /// if it is known.
  ///
  /// Only releases that announce attempts join submissions. They settle one with the outcome of its host, just before
  /// the host. The host's operation has ended then, or another process ran it, so that it is not `is_running` in this one.
  pub fn join(
    &mut self,
    event: &Event<'_>,
    is_completed: bool,
    is_running: &dyn Fn(&Root) -> bool,
  ) -> Option<&Submission> {
    let ids = &event.ids;
    let joined = identity::delivery_id(ids)?.to_owned();
    let submission = self.get(ids)?;
    // An attempt of its own may be left out, or have failed before its operation.
    if submission.running_at.is_some() {
      return None;
    }
    let recipient = submission.recipient;
    let fits = |other: &Submission| match (&other.root, other.ended_at) {
      (Some(_), Some(ended_at)) => {
        let is_overdue = ended_at.saturating_add(SETTLES_WITHIN) < event.at;
        !is_overdue && (!is_completed || other.responded_at.is_some())
      }
      (Some(root), None) => is_completed || !is_running(root),
      (None, _) => false,
    };
    let is_host = |other: &Submission| {
      other.recipient == recipient && !other.settled && other.running_at.is_some() && fits(other)
    };
    let host = self.0.values_mut().rev().find(|other| is_host(other))?;
    if !host.joined.contains(&joined) {
      host.joined.push(joined);
    }
    Some(host)
  }

  /// Those that another process may continue if this one ends at `at`. If there are too many, those whose root
  /// `is_open`, then those with a caller, which nothing else states, then the latest.
  pub fn unsettled(&self, at: i64, is_open: &dyn Fn(&Root) -> bool) -> Vec<(&String, &Submission)> {
    let is_unsettled = |submission: &Submission| {
      let is_overdue = submission
        .responded_at
        .is_some_and(|responded_at| responded_at.saturating_add(SETTLES_WITHIN) < at);
      !submission.settled && !is_overdue
    };
    let latest = self.0.iter().rev();
    let mut unsettled: Vec<_> = latest.filter(|(_, submission)| is_unsettled(submission)).collect();
    if unsettled.len() > MAX_IN_SNAPSHOT {
      sort_by_key(&mut unsettled, |(_, submission)| {
        let is_open = submission.root.as_ref().is_some_and(is_open);
        (u64::from(!is_open), u64::from(submission.caller.is_none()))
      });
      unsettled.truncate(MAX_IN_SNAPSHOT);
    }
    unsettled
  }

  /// The operation of the latest attempt at a root, by its row.
  pub fn latest_operation(&self, root: RowId) -> Option<&str> {
    let mut roots = self.0.values().filter_map(|submission| submission.root.as_ref());
    Some(&roots.find(|known| known.span.row == root)?.operation)
  }

  /// The roots of all submissions.
  pub fn roots_mut(&mut self) -> impl Iterator<Item = &mut Root> {
    self.0.values_mut().filter_map(|submission| submission.root.as_mut())
  }

  /// Adds a submission of another process, unless the same or a later attempt of it is known. Attempts without a number
  /// are ordered by `is_older`: whether a known root was left before this one.
  pub fn restore(
    &mut self,
    mut id: String,
    submission: Submission,
    is_older: &dyn Fn(&Root) -> bool,
  ) -> Restored {
    // An earlier release wrote down the id alone.
    if let Some(root) = &submission.root
      && let Some(own) = keyed(&id, root.conversation.as_deref()).filter(|_| !id.contains(' '))
    {
      id = own;
    }
    let Some(known) = self.0.get_mut(&id) else {
      self.0.insert(id, Submission { is_restored: true, ..submission });
      return Restored::default();
    };
    let is_same = submission.attempt == known.attempt && !known.settled;
    let is_left_before = is_same && known.root.as_ref().is_some_and(is_older);
    let is_newer = is_left_before || submission.attempt > known.attempt;
    let older = if is_newer { std::mem::replace(known, submission) } else { submission };
    known.caller = known.caller.or(older.caller);
    let waited = known.restore_queued_at(older.queued_at);
    known.is_restored = true;
    Restored { waited, began_before: older.root.and_then(|root| known.restore_root(root)) }
  }

  /// Those of other processes, with their keys, each once.
  pub fn take_restored(&mut self) -> impl Iterator<Item = (&String, &Submission)> {
    self
      .0
      .iter_mut()
      .filter_map(|(key, known)| std::mem::take(&mut known.is_restored).then_some((key, &*known)))
  }

  /// Writes kind, attempt, waiting time and a settlement that came before it to the row of the root.
  pub fn write_metadata(&self, row: &mut Row, ids: &Ids<'_>) {
    let Some(submission) = self.get(ids) else { return };
    row.set_metadata("flue.submission_kind", metadata::text(submission.kind.as_deref()));
    row.set_metadata("flue.attempt", metadata::number(submission.attempt));
    row.set_metadata("flue.max_attempts", metadata::number(submission.max_attempts));
    row.set_metadata("flue.queue_ms", metadata::number(submission.queue_ms()));
    if let Some(settlement) = &submission.settlement {
      row.metadata.extend(settlement.metadata.clone());
      row.error.clone_from(&settlement.error);
    }
  }

  /// Overwrites what an earlier attempt may have written at its end, now that another has ended. A first
  /// attempt has nothing to overwrite.
  pub fn clear_earlier_failure(&self, row: &mut Row, ids: &Ids<'_>, outcome: &Outcome<'_>) {
    let first = self.get(ids).is_none_or(|submission| submission.attempt == Some(1.0));
    if !first {
      row.set_metadata("flue.interrupted", Some(Json::of(&false)));
      row.error = row.error.take().or(Some(Json::null()));
      if !outcome.cancelled {
        outcome::write_cancelled(row, false);
      }
    }
  }
}

/// The key of a keyed submission with this conversation. `None` without one, and for any other submission.
fn keyed(id: &str, conversation: Option<&str>) -> Option<String> {
  let conversation = conversation.filter(|_| identity::is_keyed(id))?;
  Some(format!("{id} {conversation}"))
}

mod record;
