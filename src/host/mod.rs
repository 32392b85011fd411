//! The Node host: one thread that owns the exporter.
//!
//! The JavaScript thread pushes events and commands into the [`event_queue`] and never waits, except in
//! [`ExporterHandle::wait_shutdown`], which has a deadline. The [`thread`] is started by the first event; it never keeps the
//! process alive. If it panics, what it held is counted as lost and every flush is answered.
//!
//! | file | |
//! |---|---|
//! | [`chunks`], [`command`], [`drained`], [`event_queue`] | what crosses from the JavaScript thread |
//! | [`mask_exchange`], [`exit_signal`] | what crosses back |
//! | [`shared`] | all of it |
//! | [`thread`] | the loop that drives the exporter |
//! | [`handle`] | the JavaScript thread's end |
//! | [`probe`] | a connection without an exporter |

mod chunks;
mod command;
mod drained;
mod event_queue;
mod exit_signal;
mod handle;
mod mask_exchange;
mod probe;
mod shared;
mod thread;

pub use chunks::EventText;
pub use command::Report;
pub use handle::ExporterHandle;
pub use probe::{Plan, probe};
