//! Whom to trust besides the platform: the bundled roots, and those of `NODE_EXTRA_CA_CERTS`.

use std::{
  fs, io,
  path::{Path, PathBuf},
};

use reqwest::Certificate;
use rustls::{
  RootCertStore,
  pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// Why the certificates of a file are not used. Delivery goes on with the usual ones.
#[derive(Debug, Error)]
pub enum RootsError {
  /// The file cannot be read.
  #[error("NODE_EXTRA_CA_CERTS: {} cannot be read: {why}", path.display())]
  Unreadable {
    /// The file.
    path: PathBuf,
    /// The system's error.
    why: io::Error,
  },
  /// The file has none.
  #[error("NODE_EXTRA_CA_CERTS: {} holds no certificate in PEM form", path.display())]
  NoCertificate {
    /// The file.
    path: PathBuf,
  },
  /// What the file has are no certificates.
  #[error("NODE_EXTRA_CA_CERTS: the certificates in {} cannot be used: {why}", path.display())]
  Unusable {
    /// The file.
    path: PathBuf,
    /// What is wrong with them.
    why: String,
  },
}

/// The roots that come with us, as slim container images have none.
pub fn bundled() -> impl Iterator<Item = Certificate> {
  webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok())
}

/// The certificates of a PEM file, if all of them can be used.
pub fn read(path: &Path) -> Result<Vec<Certificate>, RootsError> {
  let pem = fs::read(path).map_err(|why| RootsError::Unreadable { path: path.to_owned(), why })?;
  let unusable = |why: String| RootsError::Unusable { path: path.to_owned(), why };
  let mut certificates = Vec::new();
  // With one that is none there would be no client at all: each is tried before.
  let mut trial = RootCertStore::empty();
  for der in CertificateDer::pem_slice_iter(&pem) {
    let der = der.map_err(|error| unusable(error.to_string()))?;
    trial.add(der.clone()).map_err(|error| unusable(error.to_string()))?;
    certificates.push(Certificate::from_der(&der).map_err(|error| unusable(error.to_string()))?);
  }
  if certificates.is_empty() {
    return Err(RootsError::NoCertificate { path: path.to_owned() });
  }
  Ok(certificates)
}
