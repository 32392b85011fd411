//! Delivery without I/O.

pub mod batch;
pub mod classify;
pub mod config;
pub mod report;
pub mod response;
