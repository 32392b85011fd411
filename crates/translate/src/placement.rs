//! A span's placement in its trace, its label and its start.

use serde::{Deserialize, Serialize};

use crate::{
  activity::{Activity, call_scope},
  identity,
};
use braintrust_row::{Row, SpanContext, SpanId, SpanType, TraceId, time::seconds};
use flue_event::Ids;

/// An activity and its span.
#[derive(Clone, Debug)]
pub struct ActivitySpan {
  /// The activity.
  pub activity: Activity,
  /// Its span.
  pub span: SpanContext,
}

impl ActivitySpan {
  /// A tool call of these ids.
  pub fn tool_call(ids: &Ids<'_>, call: &str, trace: TraceId) -> Self {
    let span = identity::tool(trace, call_scope(ids), call);
    Self { activity: Activity::tool(ids, call), span }
  }

  /// The placement of a child, whose identity is `span`.
  pub fn parent_of(self, span: SpanContext) -> SpanPlacement {
    SpanPlacement { span, parent: self.into() }
  }
}

impl From<ActivitySpan> for Parent {
  fn from(ActivitySpan { activity, span }: ActivitySpan) -> Self {
    Self::Span(activity, span)
  }
}

/// The identity of a span and its parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpanPlacement {
  /// The span's own identity.
  pub span: SpanContext,
  /// Its parent.
  pub parent: Parent,
}

impl SpanPlacement {
  /// Whether the span of this activity is the root of what a process records of a trace: what calls it, if anything, is
  /// another program.
  pub fn is_root(&self, activity: &Activity) -> bool {
    !matches!(self.parent, Parent::Within(_)) && self.is_work(activity)
  }

  /// Whether the span of this activity succeeds or fails as a whole: such a root, or a run or a submission below a custom
  /// span, which may end before it.
  pub fn is_work(&self, activity: &Activity) -> bool {
    match self.parent {
      Parent::None => true,
      // The parent of a custom span is known by its id alone.
      Parent::Remote(_) | Parent::Within(_) => {
        matches!(activity, Activity::Run(_) | Activity::Operation(_))
      }
      Parent::Span(..) | Parent::Unknown => false,
    }
  }
}

/// A span's parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parent {
  /// None: the span is the root of its trace.
  None,
  /// A span. Its activity is usually open; after a crash another process may have opened it.
  Span(Activity, SpanContext),
  /// A span that is not tracked: the application's, or another program's.
  #[serde(rename = "Beyond")]
  Remote(SpanId),
  /// A custom span in a trace whose root this process records. In a snapshot, it is [`Parent::Remote`]: for the next
  /// process, it is.
  #[serde(rename(serialize = "Beyond", deserialize = "Within"))]
  Within(SpanId),
  /// Known only to the process that opened the span.
  Unknown,
}

impl Parent {
  /// The activity of the parent, if that is a tracked span.
  pub fn activity(&self) -> Option<&Activity> {
    match self {
      Self::Span(activity, _) => Some(activity),
      Self::None | Self::Remote(_) | Self::Within(_) | Self::Unknown => None,
    }
  }

  /// The span that is not tracked, if it is one, and whether this process records the root of its trace.
  pub fn caller(&self) -> (Option<SpanId>, bool) {
    match *self {
      Self::Within(caller) => (Some(caller), true),
      Self::Remote(caller) => (Some(caller), false),
      Self::None | Self::Span(..) | Self::Unknown => (None, false),
    }
  }
}

/// A span's name and type, the same in each of its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpanLabel {
  /// `None` if only the span's start, which never came, has it.
  pub name: Option<String>,
  /// `None` for a span of the application's without a type.
  pub kind: Option<SpanType>,
}

impl SpanLabel {
  /// A label with both.
  pub fn new(kind: SpanType, name: String) -> Self {
    Self { name: Some(name), kind: Some(kind) }
  }
}

/// When a span began, milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Start {
  /// At this time.
  At(i64),
  /// In another process, whose row has the time; rows of this process must not overwrite it. The part of the
  /// span in this process began at this time.
  #[serde(rename = "Earlier")]
  Resumed(i64),
}

impl Start {
  /// Writes the time to the span's row, if that is for this process to do.
  pub fn write(self, row: &mut Row) {
    if let Self::At(time) = self {
      row.created = Some(time);
      row.set_metric("start", Some(seconds(time)));
    }
  }

  /// The time, in either case.
  pub fn time(self) -> i64 {
    match self {
      Self::At(time) | Self::Resumed(time) => time,
    }
  }
}
