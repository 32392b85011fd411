//! One request in, one verdict out.
//!
//! Owns everything that is HTTP: the client, login and registration, limits, the way for what is too
//! large, and what an answer means. It knows neither rows nor Flue: bodies are bytes. Retrying is the
//! engine's business: of what is here only [`Backoff`], which it holds, remembers failures.

mod backoff;
mod client;
mod crypto;
mod overflow;
mod roots;
mod session;

pub use backoff::Backoff;
pub use client::Client;
pub use export::classify::{Verdict, classify};
#[cfg(test)]
pub use overflow::OverflowError;
pub use overflow::upload_apart;
pub use session::{ConnectError, Session, USUAL_LIMIT, ask_limit, connect};

#[cfg(test)]
mod tests;
