//! Trusted roots besides the platform's: the bundled ones, and those of `NODE_EXTRA_CA_CERTS`.

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

/// Why the certificates of `NODE_EXTRA_CA_CERTS` are not used. Delivery continues with the other roots.
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
  /// The file contains no certificate.
  #[error("NODE_EXTRA_CA_CERTS: {} contains no PEM certificate", path.display())]
  NoCertificate {
    /// The file.
    path: PathBuf,
  },
  /// A certificate in the file is invalid.
  #[error("NODE_EXTRA_CA_CERTS: the certificates in {} cannot be used: {why}", path.display())]
  Unusable {
    /// The file.
    path: PathBuf,
    /// The parser's error.
    why: String,
  },
}

/// The bundled roots, for container images without roots.
pub fn bundled() -> impl Iterator<Item = Certificate> {
  webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok())
}

/// Reads the certificates of a PEM file.
///
/// # Errors
/// When the file cannot be read, contains no certificate, or contains an invalid one.
pub fn read(path: &Path) -> Result<Vec<Certificate>, RootsError> {
  let pem = fs::read(path).map_err(|why| RootsError::Unreadable { path: path.to_owned(), why })?;
  let unusable = |why: String| RootsError::Unusable { path: path.to_owned(), why };
  let mut certificates = Vec::new();
  // An invalid certificate makes building the client fail: each one is tried alone first.
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
