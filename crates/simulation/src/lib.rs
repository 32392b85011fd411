//! A host with virtual time that tries to break the exporter.
//!
//! One seed is one world: a random program of events, flushes, crashes and restarts, a server and a disk that fail in
//! random ways, and a clock that jumps from one event to the next. After every step the [invariants](Finding) are
//! checked. `docs/simulation.md` lists them.
//!
//! | module | |
//! |---|---|
//! | [`plan`], [`conversation`], [`generate`] | what happens in a world |
//! | [`server`], [`view`] | Braintrust, and what it should have |
//! | [`mod@reference`], [`host`] | a process, and the rows that it should produce |
//! | [`world`], `recovery` | the scheduler; the end of a world, when nothing fails any more |
//! | `application`, `lifetime` | the events of the application; the start, flushes and shutdown of a process |
//! | `traffic`, `responses`, `masking`, `spooling` | what a process asks for: requests, masking, operations on the spool |
//! | `disk_faults` | the faults of the disk |
//! | `checks`, `request_checks`, `on_disk` | the invariants |
//! | `play`, [`shrink`], [`coverage`] | one world; the smallest world that still fails; what the worlds had in them |

#![allow(
  clippy::indexing_slicing,
  clippy::string_slice,
  clippy::expect_used,
  reason = "development only: a simulator that meets what it does not expect should stop"
)]

mod application;
mod checks;
pub mod conversation;
pub mod coverage;
mod disk_faults;
mod finding;
pub mod generate;
pub mod host;
mod lifetime;
mod masking;
mod on_disk;
pub mod plan;
mod play;
mod recovery;
pub mod reference;
mod request_checks;
mod responses;
pub mod server;
pub mod shrink;
mod spooling;
mod traffic;
pub mod view;
pub mod world;

pub use finding::Finding;
pub use play::run;
