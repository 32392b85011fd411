//! Trusted certificates besides the platform's: the bundled ones, and those of the files that variables name.

use std::{
  env, fs, io,
  path::{Path, PathBuf},
};

use export::config::TrustSettings;
use rustls::{
  RootCertStore,
  pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// The mark that editors of Windows put before a text, and that concatenated files have between two.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const BEGIN: &str = "-----BEGIN ";

/// Why certificates that a variable names are not used. Delivery continues with the other ones.
#[derive(Debug, Error)]
pub enum RootsError {
  /// The file cannot be read.
  #[error("{variable}: {} cannot be read: {why}", path.display())]
  Unreadable {
    /// The variable.
    variable: &'static str,
    /// The file.
    path: PathBuf,
    /// The system's error.
    why: io::Error,
  },
  /// The file contains no certificate.
  #[error("{variable}: {} contains no PEM certificate", path.display())]
  NoCertificate {
    /// The variable.
    variable: &'static str,
    /// The file.
    path: PathBuf,
  },
  /// A certificate in the file is invalid.
  #[error("{variable}: certificate {number} in {} cannot be used: {why}", path.display())]
  Unusable {
    /// The variable.
    variable: &'static str,
    /// The file.
    path: PathBuf,
    /// Its place in the file, from one.
    number: usize,
    /// The parser's error.
    why: String,
  },
}

/// The certificates that variables name, and what is wrong with their files.
#[derive(Debug, Default)]
pub struct Configured {
  /// The usable certificates.
  pub certificates: Vec<CertificateDer<'static>>,
  /// Why others are not used.
  pub errors: Vec<RootsError>,
}

/// The bundled roots, for container images without roots.
pub fn bundled() -> impl Iterator<Item = CertificateDer<'static>> {
  webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned()
}

impl Configured {
  /// Reads the files that the settings name.
  pub fn read(trust: &TrustSettings) -> Self {
    let mut configured = Self::default();
    let files = [("NODE_EXTRA_CA_CERTS", &trust.extra_ca_certs), ("SSL_CERT_FILE", &trust.ca_file)];
    for (variable, path) in files {
      if let Some(path) = path {
        configured.add_file(variable, path);
      }
    }
    for dir in trust.ca_dirs.iter().flat_map(env::split_paths) {
      // As in OpenSSL, a directory without certificates is not an error.
      for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let found = Self::of_file("SSL_CERT_DIR", &entry.path());
        configured.certificates.extend(found.certificates);
      }
    }
    configured
  }

  fn add_file(&mut self, variable: &'static str, path: &Path) {
    let Self { certificates, errors } = Self::of_file(variable, path);
    self.certificates.extend(certificates);
    self.errors.extend(errors);
  }

  fn of_file(variable: &'static str, path: &Path) -> Self {
    let pem = match read(path) {
      Ok(pem) => pem,
      Err(why) => {
        let error = RootsError::Unreadable { variable, path: path.to_owned(), why };
        return Self { errors: vec![error], ..Self::default() };
      }
    };
    let mut read = Self::default();
    for (index, certificate) in certificates(&pem).into_iter().enumerate() {
      match certificate {
        Ok(certificate) => read.certificates.push(certificate),
        Err(why) => read.errors.push(RootsError::Unusable {
          variable,
          path: path.to_owned(),
          number: index + 1,
          why,
        }),
      }
    }
    if read.certificates.is_empty() && read.errors.is_empty() {
      read.errors.push(RootsError::NoCertificate { variable, path: path.to_owned() });
    }
    read
  }
}

/// Reads a regular file: a FIFO that nobody writes to would stop the delivery of all loggers.
fn read(path: &Path) -> io::Result<Vec<u8>> {
  if !fs::metadata(path)?.is_file() {
    return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
  }
  fs::read(path)
}

/// The certificates of a PEM text, each parsed by itself: an invalid one does not hide the others.
fn certificates(pem: &[u8]) -> Vec<Result<CertificateDer<'static>, String>> {
  let text = String::from_utf8_lossy(pem).replace(BYTE_ORDER_MARK, "");
  // The old name of the same form, which OpenSSL reads, too.
  let text = text.replace("X509 CERTIFICATE-----", "CERTIFICATE-----");
  let sections =
    text.split(BEGIN).skip(1).filter(|section| section.starts_with("CERTIFICATE-----"));
  sections.map(|section| certificate(&format!("{BEGIN}{section}"))).collect()
}

fn certificate(section: &str) -> Result<CertificateDer<'static>, String> {
  let der =
    CertificateDer::from_pem_slice(section.as_bytes()).map_err(|error| error.to_string())?;
  // An invalid certificate would make the set-up of TLS fail: each one is tried alone first.
  let mut trial = RootCertStore::empty();
  trial.add(der.clone()).map_err(|error| error.to_string())?;
  Ok(der)
}
