//! The Node host of `flue-braintrust`: Flue events in, Braintrust spans out.
//!
//! The JavaScript thread passes an event as text through [`binding`]; the thread of the [`host`] does
//! everything else. The crates of `crates/` translate events and deliver rows; they do no I/O.

mod binding;
mod clock;
mod host;
mod spool_io;
mod transport;
