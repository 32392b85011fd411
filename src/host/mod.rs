//! The Node host: one thread that drives the exporters of an environment.
//!
//! The JavaScript thread pushes events and commands into the [`event_queue`] and never waits, except at the end of the
//! process or of the environment, with a deadline. The first event or connection starts the thread of the [`engine`],
//! which never keeps the process alive. If the future of an exporter panics, its rows are counted as lost and its flushes
//! complete; the others continue.
//!
//! | file | |
//! |---|---|
//! | [`slab`], [`chunks`], [`command`], [`drained`], [`event_queue`] | from the JavaScript thread |
//! | [`mask_exchange`], [`exit_signal`] | to the JavaScript thread |
//! | [`shared`] | the state of both threads |
//! | [`disk`] | the spool, on a thread of its own |
//! | [`opening`] | its opening |
//! | [`engine`] | the thread |
//! | [`driver`] | the loop that drives one exporter |
//! | [`handle`] | what JavaScript holds of an exporter |
//! | [`absolute_paths`] | the paths of its settings |
//! | [`ending`] | the end of the process: what is waited for |
//! | [`process_exit`] | the end of the process on the main thread, and after JavaScript's |
//! | [`stderr`] | diagnostics and the debug log, written by a thread of their own |
//! | [`probe`] | a connection without an exporter |
//! | [`secrets`] | the API keys that the process knows |

mod absolute_paths;
mod chunks;
mod command;
mod disk;
mod drained;
mod driver;
mod ending;
mod engine;
mod event_queue;
mod exit_signal;
mod handle;
mod mask_exchange;
mod opening;
mod probe;
mod process_exit;
mod secrets;
mod shared;
mod slab;
mod stderr;

pub use chunks::EventText;
pub use command::Report;
pub use ending::ExitStep;
pub use engine::Engine;
pub use handle::ExporterHandle;
pub use probe::{Plan, probe};
pub use process_exit::{begin as begin_process_exit, end_now as end_process, print_line};
pub use secrets::secrets;
