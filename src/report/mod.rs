//! Numbers, not text: what was accepted, sent, is pending or lost, and why.
//!
//! The identity `accepted = sent + pending + lost` holds whenever nothing is under way. Pure but for
//! [`warn`], which writes one line to stderr. No payload text and no key is ever part of either.

mod counters;
mod loss;
mod warn;

pub use counters::{Counters, Stats};
pub use loss::LossReason;
pub use warn::{Warning, Warnings};
