//! Submissions: what was delivered to an agent and which span is its root.
//!
//! A submission has no span of its own. Its first operation is the root of its trace and takes its
//! identity from the submission, which survives a crash, rather than from the operation, which does not.

use indexmap::IndexMap;

use super::{
  Translator, facts, identity,
  tree::{Activity, Parent, Place},
};
use crate::{
  event::{Event, Ids},
  span::{Json, Row, SpanRef},
};

/// How many submissions are remembered after their root has closed, should `submission_settled` never
/// come (1.0-beta dispatches have none, and a filter may withhold it).
const REMEMBERED: usize = 4096;

/// A delivery whose root is known.
struct Submission {
  conversation: Option<String>,
  root: SpanRef,
  /// When its first attempt began, milliseconds since the epoch.
  start: i64,
  /// The root's operation, of the attempt that runs now.
  operation: String,
}

/// The deliveries under way, by `submissionId` or `dispatchId`.
#[derive(Default)]
pub struct Submissions(IndexMap<String, Submission>);

impl Submissions {
  /// The id under which the event was delivered.
  fn id<'e>(ids: &'e Ids<'_>) -> Option<&'e str> {
    ids.submission.as_deref().or(ids.dispatch.as_deref())
  }

  /// The root of the event's submission, if it is known.
  pub fn root(&self, ids: &Ids<'_>) -> Option<SpanRef> {
    self.0.get(Self::id(ids)?).map(|submission| submission.root)
  }

  /// The root that the event's operation is, were it the first of its submission.
  pub fn identity(ids: &Ids<'_>) -> Option<SpanRef> {
    let conversation = ids.conversation.as_deref().unwrap_or_default();
    let submission = ids
      .submission
      .as_deref()
      .map(|id| identity::submission(id, conversation));
    submission.or_else(|| ids.dispatch.as_deref().map(identity::dispatch))
  }
}

impl Translator {
  /// Where an operation stands that was delivered to an agent and is not part of a task or a run, and
  /// when it began. `None` when the event names no delivery.
  pub(super) fn delivered(
    &mut self,
    ids: &Ids<'_>,
    operation: &str,
    start: i64,
    rows: &mut Vec<Row>,
  ) -> Option<(Place, i64)> {
    let id = Submissions::id(ids)?;
    let root = Submissions::identity(ids)?;
    let conversation = ids.conversation.as_deref();
    let mut first_start = start;

    if let Some(known) = self.submissions.0.get(id) {
      if known.conversation.as_deref() != conversation {
        // Work of a hook or a tool in a conversation of its own. No id names its parent: it belongs to
        // the tool that runs now, else to the root.
        let host = Activity::Operation(known.operation.clone());
        let (parent, span) = self.tree.running_tool(&host).unwrap_or((host, known.root));
        let own = identity::operation(span.trace, operation);
        return Some((
          Place {
            span: own,
            parent: Parent::Span(parent, span),
          },
          start,
        ));
      }
      first_start = known.start;
      if known.operation != operation {
        // A conversation never runs two operations at once: the earlier attempt is dead. Its parts
        // close; the root goes on.
        self
          .tree
          .close(&Activity::Operation(known.operation.clone()), start, rows);
      }
    }
    let submission = Submission {
      conversation: conversation.map(str::to_owned),
      root,
      start: first_start,
      operation: operation.to_owned(),
    };
    self.submissions.0.insert(id.to_owned(), submission);
    if self.submissions.0.len() > REMEMBERED {
      self.submissions.0.shift_remove_index(0);
    }
    Some((
      Place {
        span: root,
        parent: Parent::None,
      },
      first_start,
    ))
  }

  /// The end of a delivery: its root closes, if it still is open.
  pub(super) fn submission_settled(
    &mut self,
    event: &Event<'_>,
    outcome: Option<&str>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let settled = Submissions::id(&event.ids).and_then(|id| self.submissions.0.shift_remove(id));
    let Some(submission) = settled else {
      return rows;
    };
    let root = Activity::Operation(submission.operation);
    if let Some(mut row) = self.tree.close(&root, event.at, &mut rows) {
      row.fact("flue.interrupted", Some(Json::of(&true)));
      row.fact("flue.submission_outcome", facts::text(outcome));
      rows.push(row);
    }
    rows
  }
}
