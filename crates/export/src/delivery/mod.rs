//! Rows to Braintrust: which rows become batches when, which batches are sent when, and what becomes of them.
//!
//! Without a spool a row becomes part of a batch when that can be sent, so that what comes for its span meanwhile is
//! merged into it. With a spool all rows become batches and segments every `CHECKPOINT`, whether they can be sent
//! or not.
//!
//! | file | |
//! |---|---|
//! | `in_flight`, `state` | what waits, and what is in flight |
//! | `batches` | rows to batches, batches to and from the spool |
//! | `requests` | which requests are sent |
//! | `responses` | what a response means for its batch, and for the connection |
//! | `advance` | what is due |

mod advance;
mod batches;
mod in_flight;
mod requests;
mod responses;
mod state;

pub use state::Delivery;
