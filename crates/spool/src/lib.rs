//! The spool: a directory of small immutable files that outlive their process.
//!
//! A segment that one process writes is delivered by it, or adopted and delivered by another. It survives a crash
//! of the process, and with `fsync` a crash of the machine. The crate stores bytes: it knows neither rows nor Flue,
//! and time is an argument. `docs/spool-format.md` states the guarantees and the format.
//!
//! The directory listing is the queue, so there is no index that could disagree with it. A file appears by being
//! renamed, and removing it is the acknowledgement: a crash at any point leaves a valid state.
//!
//! The files, each of which imports only those above it:
//!
//! | file | |
//! |---|---|
//! | `files` | the file system that the spool needs |
//! | `name` | file names: the owner of a file, and its kind |
//! | `checksum` | the checksum of files |
//! | `file` | the format of a file |
//! | `dead_process` | dead processes whose locks this process holds, and the adoption of their files |
//! | `process` | the files of one process: segments, and the snapshot of open spans |
//! | `examine` | what is done with a file of a dead process, and expiry |
//! | `adopt` | adoption of files of dead processes |
//! | `operation` | operations as values, for a core without I/O |
//! | [`inspect`] | a read-only listing of a directory |
//! | `memory` | a file system in memory, for tests and simulations (feature `memory`) |

mod adopt;
mod checksum;
mod dead_process;
mod examine;
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

pub use adopt::{Adopted, FileCounts};
pub use files::{FileHead, Files};
pub use inspect::Listing;
pub use name::Id;
pub use operation::{Completion, Operation};
pub use process::{Options, ReadError, Segment, Spool};

pub use self::{
  file::{DecodeError, Header, decode},
  name::{Kind, Name, NotSpoolFile},
};
