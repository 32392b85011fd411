//! Numbers, not text: what was accepted, sent, is pending, spooled or lost, and why.
//!
//! The identity `accepted = sent + pending + spooled + lost` holds at every quiet moment, in rows and in
//! bytes. Pure but for [`warn`], which writes lines to stderr. No payload text and no key is ever part of either.

mod counters;
mod loss;
mod warn;

pub use counters::{Amount, Counters, Stats};
pub use loss::LossReason;
pub use warn::{Trouble, Warning, Warnings, rows_are};
