//! The native part of `flue-braintrust`: Flue events in, Braintrust spans out.
//!
//! The modules stand in the order of the data flow. An event enters through [`binding`] on the
//! JavaScript thread and is handed over as text; all else happens on the thread of the [`engine`]:
//! [`event`] decodes it, [`translate`] says what it means for the trace, [`span`] is what that looks
//! like, [`redact`] replaces what must not leave, [`batch`] gathers rows into payloads, [`upload`]
//! delivers them, and [`report`] counts. [`spool`] keeps what must outlive the process. Rows that the
//! application's masking function is to see go back to the JavaScript thread and return, before they
//! become bytes.
//!
//! Who may know whom is a table in `architecture.rs`, which is a test. The core knows neither N-API nor
//! HTTP nor the clock: it can be understood, and tested, without any of them.

// A fuzzer is no Node: nobody calls the binding there, nor what only it calls.
#![cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "the targets call parts"))]

#[cfg(not(fuzzing))]
mod binding;
mod config;
mod engine;
mod event;
mod translate;

mod redact;
mod span;

mod batch;
mod spool;
mod upload;

mod clock;
mod report;
mod time;

#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
mod architecture;
