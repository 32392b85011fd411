//! Translates Flue events into Braintrust rows.
//!
//! Owns the rules of the trace: which activity becomes which span, below which parent, with what in it.
//! Synchronous, without I/O and without a clock. Its state is the open spans, the unsettled submissions and
//! the messages that later requests extend.
//!
//! | Flue activity | span |
//! |---|---|
//! | workflow run | `workflow:<name>` |
//! | operation `prompt`, `skill`, `compact` | `flue.<kind>` |
//! | model turn | `llm:<model>` |
//! | tool call | `tool:<name>` |
//! | delegated task | `task:<agent>` |
//! | compaction | `compaction:<reason>` |
//! | span of the application's own | as the application names it |
//!
//! Every span that was opened is closed: by its own end, else with its parent, else as the oldest of too many, else by
//! [`Translator::close_all`], or in the next process by [`Translator::restore`]. All but the first are marked
//! `flue.interrupted`.
//!
//! The files, each importing only from those before it:
//! 1. Leaves: `attachment`, `activity`, `identity` (Flue's ids → span ids), `metadata`, `outcome`, `usage`, `messages`,
//!    `options`; `payload` (files within texts).
//! 2. One open span: `placement` → `caller_context`; `span_logs`, `message_text` → `run_metadata` → `open_span`.
//! 3. The state: `recent_ids`, `submissions` → `tree`; `tool_calls`; `early_ends`; `recency`, `shown_input` →
//!    `previous_inputs`, `conversations`; all of them → `state`.
//! 4. One handler per Flue concept: `run`, `submission` → `operation`;
//!    `compaction` → `turn` → `tool`; `task`; `log`; `custom_span`; `feedback`; and `implicit`, which opens what encloses
//!    an event.
//! 5. `snapshot`, which writes open spans down and restores them; and on top `translator`.

mod activity;
mod attachment;
mod caller_context;
mod compaction;
mod conversations;
mod custom_span;
mod early_ends;
mod feedback;
mod identity;
mod implicit;
mod log;
mod message_text;
mod messages;
mod metadata;
mod open_span;
mod operation;
mod options;
mod outcome;
mod payload;
mod placement;
mod previous_inputs;
mod recency;
mod recent_ids;
mod run;
mod run_metadata;
mod shown_input;
mod snapshot;
mod span_logs;
mod state;
mod submission;
mod submissions;
mod task;
mod tool;
mod tool_calls;
mod translator;
mod tree;
mod turn;
mod usage;

#[cfg(test)]
mod tests;

pub use attachment::{Attachment, AttachmentKey};
pub use identity::FlueContext;
pub use messages::Form;
pub use options::{Options, TurnInput};
pub use payload::{Attach, with_attachments, without_payloads};
pub use snapshot::RestoredWork;
pub use translator::Translator;
