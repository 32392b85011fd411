//! Rows to request bodies.
//!
//! [`RowQueue`] holds the rows that wait, merged by span; [`RowBatch`] the rows that leave it together, on their way
//! through masking; [`EncodedBatch`] the bytes of a request.

mod encoded;
mod queue;
mod rows;

pub use encoded::EncodedBatch;
pub use queue::{Limits, Pushed, RowQueue};
pub use rows::{Encoded, RowBatch};

#[cfg(test)]
mod tests;
