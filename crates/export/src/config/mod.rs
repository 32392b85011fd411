//! The configuration: raw options and variables in, validated settings out.
//!
//! An option of `initLogger` takes precedence over a variable of the environment, that over `.env.braintrust`, and that
//! over the default. Blank means unset. The host reads the environment and the file; the rules are here.

mod bypass;
mod error;
mod proxy;
mod raw;
mod resolve;
mod settings;
mod values;
mod variables;

pub use error::ConfigError;
pub use proxy::{Proxies, Proxy, ProxyError};
pub use raw::RawConfig;
pub use settings::{ApiKey, Defaults, Settings, SpoolSettings, TrustSettings};
pub use values::address;

#[cfg(test)]
mod tests;
