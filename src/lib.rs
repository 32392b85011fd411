//! The Node host of `flue-braintrust`: Flue events in, Braintrust spans out.
//!
//! An event enters through [`binding`] on the JavaScript thread and is handed over as text; all else
//! happens on the thread of the [`host`]. What events mean, and what becomes of rows, is in the crates
//! of `crates/`, which do no I/O.

mod binding;
mod clock;
mod host;
mod spool_io;
mod transport;
