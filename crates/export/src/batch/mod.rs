//! Rows to request bodies.
//!
//! [`RowQueue`] merges queued rows by span; [`RowBatch`] is a list of rows that are masked and encoded together;
//! [`EncodedBatch`] is the body of a request.

mod encoded;
mod queue;
mod rows;

pub use encoded::EncodedBatch;
pub use queue::{Limits, Pushed, RowQueue};
pub use rows::{Encoded, RowBatch, difference};

#[cfg(test)]
mod tests;
