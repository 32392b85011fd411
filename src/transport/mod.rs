//! HTTP for the exporter: a request in, a response or an error out.
//!
//! It handles TLS, proxies, timeouts, and how much of a response is read. The crate `export` decides what to send and
//! what a response means.

mod certificate;
mod client;
mod connect;
mod crypto;
mod encoding;
mod resolver;
mod roots;
mod trust;
mod verifier;

pub use client::{Client, ClientError};
pub use connect::connect;

#[cfg(test)]
mod tests;
