//! Translates Flue events into Braintrust rows.
//!
//! Owns the rules of the trace: which activity becomes which span, below which parent, with what in it.
//! Synchronous, without I/O and without a clock; it remembers only open spans, unsettled submissions and
//! the messages that later events build on.
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
//! Every span that was opened is closed: by its own end, else with its parent, else by
//! [`Translator::close_all`]. The latter two are marked `flue.interrupted`.
//!
//! The files, each importing only from those before it:
//! 1. Leaves: `identity` (Flue's ids → span ids), `activity`, `facts`, `error`, `usage`, `messages`, `content`,
//!    `options`.
//! 2. One open span: `placement`, `span_logs`, `handed_down` → `open_span`.
//! 3. All that is remembered: `recent` → `tree`; `history` → `conversation`; `submissions` → `state`.
//! 4. One handler per Flue concept: `run`, `submission` (both with `caller`) → `operation`; `compaction` → `turn` →
//!    `tool`; `task`; `log`; `own`; and `unseen`, which opens what encloses an event.
//! 5. `remains`, which writes open spans down and reads them; and on top `translator`.

mod activity;
mod caller;
mod compaction;
mod content;
mod conversation;
mod error;
mod facts;
mod handed_down;
mod history;
mod identity;
mod log;
mod messages;
mod open_span;
mod operation;
mod options;
mod own;
mod placement;
mod recent;
mod remains;
mod run;
mod span_logs;
mod state;
mod submission;
mod submissions;
mod task;
mod tool;
mod translator;
mod tree;
mod turn;
mod unseen;
mod usage;

#[cfg(test)]
mod tests;

pub use identity::Whereabouts;
pub use messages::Form;
pub use options::{Options, TurnInput};
pub use translator::Translator;
