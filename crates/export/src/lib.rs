//! Delivery without I/O: events in, requests out; responses in, accounting out.
//!
//! [`Exporter`] is what a host drives. Its parts stand in import order:
//!
//! | module | |
//! |---|---|
//! | [`loss`], [`counters`], [`debug_log`], [`diagnostics`] | what is counted, logged and reported |
//! | [`config`], [`admission`] | what the user asks for, and the bound of what waits |
//! | [`transport`], [`outcome`], [`backoff`] | requests, what responses mean, when to try again |
//! | [`connection`], [`overflow`] | login, project and limits; the way of an oversize row |
//! | [`batch`], `outbox`, [`masking`], `spool_writer`, `open_spans` | the rows that wait, by state |
//! | `delivery` | rows to Braintrust |
//! | [`exporter`] | the whole |

pub mod admission;
pub mod backoff;
pub mod batch;
pub mod config;
pub mod connection;
pub mod counters;
pub mod debug_log;
mod delivery;
pub mod diagnostics;
pub mod exporter;
pub mod loss;
pub mod masking;
mod open_spans;
mod outbox;
pub mod outcome;
pub mod overflow;
mod spool_writer;
pub mod time;
pub mod transport;

pub use exporter::{Exporter, Output, TicketId};
pub use spool_writer::{OperationId, SpoolStatus};
pub use time::Now;
