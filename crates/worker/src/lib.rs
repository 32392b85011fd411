//! The host of Cloudflare Workers: the core as a WebAssembly module without imports.
//!
//! JavaScript passes text, time and randomness, and sends the requests. It calls the functions of [`border`], and no
//! other.
//!
//! Only the module exports them: in a program, names such as `open` would replace those of the C library.
//!
//! | file | |
//! |---|---|
//! | [`settings`] | the defaults that differ in an isolate |
//! | [`messages`] | what crosses the border as JSON |
//! | [`mirror`] | the files of the spool in a storage of JavaScript |
//! | [`storage`] | the operations on them |
//! | [`recorder`] | an exporter and its state |
//! | [`recorders`] | all of them, and the memory that they share |
//! | [`border`] | the functions that the module exports |

pub mod border;
mod messages;
mod mirror;
mod recorder;
mod recorders;
mod settings;
mod storage;
