//! HTTP for the exporter: a request in, a response or an error out.
//!
//! TLS, proxies, timeouts, and how much of a response is read. What to send, and what a response means, is decided in
//! the crate `export`.

mod client;
mod connect;
mod crypto;
mod roots;

pub use client::{Client, ClientError};
pub use connect::connect;

#[cfg(test)]
mod tests;
