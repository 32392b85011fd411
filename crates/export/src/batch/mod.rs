//! Rows to payloads.
//!
//! Owns the rows that wait ([`RowQueue`]) and the form in which they leave ([`Payload`]). Rows of one span
//! are merged while they wait. Knows nothing of where payloads go, or when.

mod payload;
mod picked;
mod queue;

pub use payload::Payload;
pub use picked::{Picked, Sealed};
pub use queue::{Limits, RowQueue};

#[cfg(test)]
mod tests;
