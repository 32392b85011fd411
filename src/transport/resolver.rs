//! Looks names up, each on a thread of its own.
//!
//! The HTTP client's own resolver panics when the system refuses a thread. Here that is an error as any other: the request
//! is repeated. Nor does the end of an exporter wait for a look-up that hangs.

use std::{io, net::ToSocketAddrs, thread};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

/// The resolver of the system.
pub struct SystemResolver;

impl Resolve for SystemResolver {
  fn resolve(&self, name: Name) -> Resolving {
    let (done, found) = oneshot::channel();
    let thread = thread::Builder::new().name("flue-braintrust-names".into());
    let started = thread.spawn(move || {
      // Nobody may wait for it any more.
      drop(done.send((name.as_str(), 0).to_socket_addrs()));
    });
    Box::pin(async move {
      started
        .map_err(|error| io::Error::new(error.kind(), format!("no thread can start ({error})")))?;
      let addresses = found.await??;
      Ok(Box::new(addresses) as Addrs)
    })
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  async fn look_up(name: &str) -> Result<usize, String> {
    let found = SystemResolver.resolve(name.parse().unwrap()).await;
    found.map(Iterator::count).map_err(|error| error.to_string())
  }

  #[tokio::test]
  async fn a_name_has_addresses_or_an_error() {
    assert!(look_up("localhost").await.unwrap() > 0);
    assert!(!look_up("a name with spaces").await.unwrap_err().is_empty());
  }
}
