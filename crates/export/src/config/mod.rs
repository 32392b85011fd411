//! What the user configures, checked and complete.
//!
//! An option of `initLogger` takes precedence over a variable of the environment, that over `.env.braintrust`, and that
//! over the default. Blank means unset. The host reads the environment and the file; the rules are here.

mod error;
mod raw;
mod resolve;
mod settings;
mod values;

pub use error::ConfigError;
pub use raw::RawConfig;
pub use settings::{ApiKey, Settings, SpoolSettings};
pub use values::address;

#[cfg(test)]
mod tests;
