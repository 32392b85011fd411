//! One request in, one verdict out.
//!
//! Owns everything that is HTTP: the client, login and registration, limits, the way for what is too
//! large, and what an answer means. It knows neither rows nor Flue: bodies are bytes. Retrying is the
//! engine's business: of what is here only [`Backoff`], which it holds, remembers failures.

mod backoff;
mod classify;
mod client;
mod crypto;
mod overflow;
mod roots;
mod session;

pub use backoff::Backoff;
pub use classify::{Verdict, classify};
pub use client::Client;
#[cfg(test)]
pub use overflow::OverflowError;
pub use overflow::upload_apart;
pub use session::{ConnectError, Session, USUAL_LIMIT, ask_limit, connect};

#[cfg(any(fuzzing, test))]
pub use client::Answer;

#[cfg(test)]
mod tests;
