//! What outlives the process.
//!
//! Owns a directory of small immutable files, and the promise that what one process wrote there is
//! delivered by it or found by another: it survives the death of the process, though not that of the
//! machine unless asked to. Knows neither rows, nor Flue, nor the clock: it stores bytes, and is told the
//! time. `docs/spool-format.md` states the promise and the bytes.
//!
//! The listing is the queue: there is no ledger that could disagree with it. A file appears by being
//! renamed, and its removal is the acknowledgement, so that every crash falls between two states that
//! are both right.
//!
//! | module | |
//! |---|---|
//! | [`files`] | what is asked of a file system |
//! | [`name`] | file names: whose a file is, and what |
//! | [`file`] | the bytes of a file |
//! | [`dead`] | a dead process whose lock we hold |
//! | [`process`] | what this process keeps: payloads, and the record of what it has open |
//! | [`adopt`] | what dead processes left, and what is too old |
//! | `memory` | a file system in memory, for tests and simulations (feature `memory`) |

mod adopt;
mod dead;
mod file;
mod files;
pub mod inspect;
mod name;
mod operation;
mod process;

#[cfg(any(test, feature = "memory"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use adopt::{Adopted, Tally};
pub use files::{Files, Look};
pub use inspect::Listing;
pub use name::Id;
pub use operation::{Completion, Operation};
pub use process::{Entry, Options, ReadError, Spool};

pub use self::{
  file::{DecodeError, Header, decode},
  name::{Foreign, Kind, Name},
};
