//! What outlives the process.
//!
//! Owns a directory, and the promise that what one process wrote there is found by the next. Knows
//! neither rows nor Flue: it stores bytes. So far it holds one thing, the [`Record`] of what a process
//! has open; it survives the death of the process, not that of the machine.

mod record;

pub use record::{Inheritance, Record};
