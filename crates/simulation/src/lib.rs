//! A host with virtual time that tries to break the exporter.
//!
//! One seed is one world: a random program of events, flushes, deaths and restarts, a server and a disk that fail in
//! random ways, and a clock that jumps from one event to the next. After every step the [invariants](Finding) are
//! checked. `docs/simulation.md` lists them.
//!
//! | module | |
//! |---|---|
//! | [`plan`], [`conversation`], [`generate`] | what happens in a world |
//! | [`server`], [`view`] | Braintrust, and what it should have |
//! | [`reference`], [`host`] | a process, and the rows that it should produce |
//! | [`world`], `traffic`, `spooling`, `on_disk`, `checks` | the scheduler, and the invariants |
//! | `play`, [`shrink`], [`coverage`] | one world; the smallest world that still fails; what the worlds had in them |

#![allow(
  clippy::indexing_slicing,
  clippy::string_slice,
  clippy::expect_used,
  reason = "development only: a simulator that meets what it does not expect should stop"
)]

mod checks;
pub mod conversation;
pub mod coverage;
mod finding;
pub mod generate;
pub mod host;
mod on_disk;
pub mod plan;
mod play;
pub mod reference;
pub mod server;
pub mod shrink;
mod spooling;
mod traffic;
pub mod view;
pub mod world;

pub use finding::Finding;
pub use play::run;
