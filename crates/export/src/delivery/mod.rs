//! Delivery: encodes rows as batches, sends batches, and handles responses.
//!
//! Without a spool, rows are encoded only when the batch can be sent, or when they end and take less memory encoded;
//! until then updates of their spans are merged into them. With a spool, all rows are encoded and written as segments
//! every `CHECKPOINT`.
//!
//! | file | |
//! |---|---|
//! | `in_flight`, `state` | the state, and the requests in flight |
//! | `batches` | rows to batches |
//! | `spooling` | batches to and from the spool |
//! | `requests` | requests to send |
//! | `repeats` | repetitions of requests that are not answered |
//! | `responses` | effects of a response on its batch and on the connection |
//! | `oversize` | rows that are too large for a request |
//! | `attachments` | uploads of attachments |
//! | `bad_rows` | requests that fail because of one row |
//! | `masking` | rows to and from the masking function |
//! | `shutdown` | the end of the process |
//! | `advance` | due work |

mod advance;
mod attachments;
mod bad_rows;
mod batches;
mod in_flight;
mod masking;
mod oversize;
mod repeats;
mod requests;
mod responses;
mod shutdown;
mod spooling;
mod state;

pub use attachments::Offers;
pub use state::{Delivery, Mark};
