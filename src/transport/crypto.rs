//! The cryptography of TLS: that of ring, without private keys, as there are no client certificates. What signs
//! with them is a sizeable part of the binary.

use std::sync::Arc;

use rustls::{
  Error,
  crypto::{CryptoProvider, KeyProvider, ring},
  pki_types::PrivateKeyDer,
  sign::SigningKey,
};

/// What rustls calls into.
pub fn provider() -> CryptoProvider {
  CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() }
}

#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
  fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
    Err(Error::General("there are no client certificates".to_owned()))
  }
}
