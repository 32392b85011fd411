//! Decodes Flue's runtime events, of every Flue release, into one type.
//!
//! Owns the knowledge of Flue's event shapes: code after [`decode`] sees an [`Event`] and never asks which
//! release emitted it. Messages, arguments and results stay borrowed JSON text. No I/O, no clock.
//!
//! The files, each importing only from those before it:
//! `value`, `time`, `members` → `fields` (the members of an event's JSON) → `ids`, `caller`, `carrier`, `outcome`, `usage` →
//! one file per Flue concept (`run`, `submission`, `operation`, `turn`, `task`, `tool`, `compaction`,
//! `log`, `custom_span`, `feedback`) → `event` → `fallback_ids`, `content_policy` → `decode`. `utf8` stands alone.

mod caller;
mod carrier;
mod compaction;
mod content_policy;
mod custom_span;
mod decode;
mod event;
mod fallback_ids;
mod feedback;
mod fields;
mod ids;
mod log;
pub mod members;
mod operation;
mod outcome;
mod run;
mod submission;
mod task;
mod time;
mod tool;
mod turn;
mod usage;
mod utf8;
mod value;

pub use caller::{Caller, CallerNamed};
pub use carrier::TraceCarrier;
pub use compaction::{CompactionEnd, CompactionStart};
pub use content_policy::{ContentPolicy, OMITTED_MESSAGE};
pub use custom_span::{CustomSpan, CustomSpanIds, SpanUpdate};
pub use decode::{DecodeError, TRANSLATED_KINDS, decode};
pub use event::{Body, Event};
pub use fallback_ids::is_fallback;
pub use feedback::Feedback;
pub use fields::id;
pub use ids::Ids;
pub use log::Log;
pub use operation::{CallingTool, OperationEnd, OperationStart};
pub use outcome::{Failure, Outcome};
pub use run::{RunEnd, RunStart};
pub use submission::{SubmissionQueued, SubmissionRecovery, SubmissionRunning, SubmissionSettled};
pub use task::{Delegation, TaskEnd, TaskStart};
pub use tool::{Tool, ToolEnd, ToolStart};
pub use turn::{Model, RequestDelta, Response, TurnEnd, TurnRequest};
pub use usage::Usage;
pub use utf8::Utf8;
pub use value::{RawJson, Text};
