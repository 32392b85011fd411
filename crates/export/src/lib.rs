//! Delivery without I/O: events in, requests out; responses in, accounting out.
//!
//! A host drives the [`Exporter`]. The modules, in import order:
//!
//! | module | |
//! |---|---|
//! | `time`, [`loss`], [`counters`], [`debug_log`], [`secrets`], [`diagnostics`] | the time of a call; counting, logging and reporting, without keys |
//! | `trace_fields` | tags and metadata of whole traces |
//! | [`config`], [`admission`] | settings, and the bound of queued bytes |
//! | [`transport`], [`outcome`], [`backoff`], `patience` | requests, outcomes, delays of retries and repetitions |
//! | [`connection`], `storage`, [`overflow`] | login, project and limits; the upload of an oversize row |
//! | `attachment_upload`, `attachments` | the upload of an attachment; the attachments that wait for it |
//! | [`batch`], `outbox`, [`masking`], `spool_writer`, `open_spans` | undelivered rows, by state |
//! | `stored_rows`, `delivery` | the rules for rows of other processes; delivery of rows |
//! | `sampling` | the traces that are recorded |
//! | [`exporter`] | the exporter |

pub mod account;
pub mod admission;
mod attachment_upload;
mod attachments;
pub mod backoff;
pub mod batch;
pub mod config;
pub mod connection;
pub mod counters;
pub mod debug_log;
mod delivery;
pub mod diagnostics;
pub mod exporter;
pub mod headers;
pub mod loss;
pub mod masking;
mod open_spans;
mod outbox;
pub mod outcome;
pub mod overflow;
mod patience;
mod sampling;
pub mod secrets;
mod spool_writer;
mod storage;
mod stored_rows;
pub mod time;
mod trace_fields;
pub mod transport;

pub use exporter::{Exporter, Output, TicketId};
pub use spool_writer::{OperationId, SpoolStatus};
pub use time::Now;
pub use translate::RestoredWork;

#[cfg(test)]
mod content_table;
