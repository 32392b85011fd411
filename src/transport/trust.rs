//! Which servers the loggers of a process trust. Those with the same settings share it: the certificates that variables
//! name can take megabytes, and a good part of a second to read.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use export::config::TrustSettings;
use rustls::{ClientConfig, Error};

use super::{crypto, roots::Configured, verifier::Verifier};

/// What is in use, by its settings.
static SHARED: Mutex<Vec<(TrustSettings, Weak<Trust>)>> = Mutex::new(Vec::new());

/// The verification of servers.
pub struct Trust {
  /// The configuration of TLS.
  pub tls: ClientConfig,
  /// What the user must know of the certificates: files that are not used, or that nothing is verified.
  pub warning: Option<String>,
}

impl Trust {
  /// The trust with these settings: that of another logger, if there is one, else what the files contain now. Files that
  /// cannot be used are read again for the next logger.
  ///
  /// # Errors
  /// When TLS cannot be set up.
  pub fn of(settings: &TrustSettings) -> Result<Arc<Self>, Error> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.retain(|(_, trust)| trust.strong_count() > 0);
    let present = shared.iter().find(|(its, _)| its == settings);
    if let Some(trust) = present.and_then(|(_, trust)| trust.upgrade()) {
      return Ok(trust);
    }
    let configured = Configured::read(settings);
    let is_whole = configured.errors.is_empty();
    let warning = warning(&configured, settings.is_verified);
    let tls = tls(configured, settings.is_verified)?;
    let trust = Arc::new(Self { tls, warning });
    if is_whole {
      shared.push((settings.clone(), Arc::downgrade(&trust)));
    }
    Ok(trust)
  }
}

fn tls(configured: Configured, is_verified: bool) -> Result<ClientConfig, Error> {
  let provider = Arc::new(crypto::provider());
  let verifier = Verifier::new(configured.certificates, is_verified, provider.clone());
  let mut tls = ClientConfig::builder_with_provider(provider)
    .with_safe_default_protocol_versions()?
    .dangerous()
    .with_custom_certificate_verifier(Arc::new(verifier))
    .with_no_client_auth();
  tls.alpn_protocols = vec![b"http/1.1".to_vec()];
  Ok(tls)
}

fn warning(configured: &Configured, is_verified: bool) -> Option<String> {
  let unverified = "NODE_TLS_REJECT_UNAUTHORIZED=0: certificates are not verified; whoever intercepts the connection \
                    reads the API key and the traces";
  let mut warnings: Vec<String> = configured.errors.iter().map(ToString::to_string).collect();
  if !is_verified {
    warnings.push(unverified.to_owned());
  }
  (!warnings.is_empty()).then(|| warnings.join("; "))
}
