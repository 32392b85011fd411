//! Which servers are trusted: those that the platform and the bundled roots vouch for, and those that Node takes with
//! the certificates that variables name.

use std::sync::{Arc, OnceLock};

use rustls::{
  CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
  client::{
    WebPkiServerVerifier,
    danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
  },
  crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
  },
  pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{
  certificate::{Certificate, Distrust},
  roots,
};

/// The most authorities between a server's certificate and a configured one.
const MAX_AUTHORITIES: u8 = 3;
/// The most certificates of a server that are looked at besides its own.
const MAX_INTERMEDIATES: usize = 6;

/// Verifies the certificates of servers.
#[derive(Debug)]
pub struct Verifier {
  /// The platform's verifier, strict in form. To read the platform's certificates takes longer than all other work of a
  /// short process, and a server without TLS needs none: they are read in the first handshake.
  strict: OnceLock<Result<Arc<dyn ServerCertVerifier>, Error>>,
  extra: Vec<CertificateDer<'static>>,
  /// Those of `extra` that this crate reads.
  configured: Vec<Certificate>,
  provider: Arc<CryptoProvider>,
  is_verified: bool,
}

impl Verifier {
  /// A verifier that trusts `extra` besides the platform's and the bundled roots. If not `is_verified`, it trusts every
  /// certificate. Where the platform's verifier cannot be set up, as in Wine, the others decide alone.
  pub fn new(
    extra: Vec<CertificateDer<'static>>,
    is_verified: bool,
    provider: Arc<CryptoProvider>,
  ) -> Self {
    let configured = extra.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    Self { strict: OnceLock::new(), extra, configured, provider, is_verified }
  }

  /// The verifier that is strict in form.
  ///
  /// # Errors
  /// When none can be set up.
  fn strict(&self) -> Result<&dyn ServerCertVerifier, Error> {
    let strict = self.strict.get_or_init(|| {
      // Slim container images have no certificates of their own: bundled roots stand beside the platform's.
      let roots = || roots::bundled().chain(self.extra.iter().cloned());
      let provider = || self.provider.clone();
      match rustls_platform_verifier::Verifier::new_with_extra_roots(roots(), provider()) {
        Ok(platform) => Ok(Arc::new(platform)),
        Err(_) => without_platform(roots(), provider()),
      }
    });
    strict.as_deref().map_err(Clone::clone)
  }

  /// The algorithms of signatures.
  fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
    &self.provider.signature_verification_algorithms
  }

  /// Verifies a server by the configured certificates alone, with the forms of certificates that OpenSSL reads.
  fn verify_configured(
    &self,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server: &ServerName<'_>,
    now: UnixTime,
  ) -> Result<(), Distrust> {
    let leaf = Certificate::parse(end_entity)?;
    let intermediates: Vec<Certificate> = intermediates
      .iter()
      .take(MAX_INTERMEDIATES)
      .filter_map(|der| Certificate::parse(der).ok())
      .collect();
    let is_pinned = leaf.is_self_issued() && self.configured.iter().any(|root| root.is(&leaf));
    if !is_pinned && !self.is_chained(&leaf, &intermediates, 0, now) {
      return Err(leaf.unknown_issuer());
    }
    leaf.check_time(now)?;
    leaf.check_use()?;
    leaf.check_name(server)
  }

  /// Whether issuers lead from `child` to a configured certificate. `below` are the authorities up to here.
  fn is_chained(
    &self,
    child: &Certificate,
    intermediates: &[Certificate],
    below: u8,
    now: UnixTime,
  ) -> bool {
    let is_issuer = |issuer: &&Certificate, is_root| {
      issuer.is_authority(below, is_root)
        && issuer.check_time(now).is_ok()
        && child.is_issued_by(issuer, self.algorithms())
    };
    self.configured.iter().any(|root| is_issuer(&root, true))
      || (below < MAX_AUTHORITIES
        && intermediates
          .iter()
          .filter(|issuer| is_issuer(issuer, false))
          .any(|issuer| self.is_chained(issuer, intermediates, below + 1, now)))
  }

  /// Verifies a signature of the handshake by the key of a certificate that rustls does not read.
  fn verify_handshake(
    &self,
    message: &[u8],
    cert: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
  ) -> Option<HandshakeSignatureValid> {
    let cert = Certificate::parse(cert).ok()?;
    let (_, algorithms) =
      self.algorithms().mapping.iter().find(|(scheme, _)| *scheme == signed.scheme)?;
    algorithms
      .iter()
      .any(|algorithm| cert.verifies(*algorithm, message, signed.signature()))
      .then(HandshakeSignatureValid::assertion)
  }
}

/// A verifier, strict in form, that trusts these roots alone.
pub fn without_platform(
  roots: impl Iterator<Item = CertificateDer<'static>>,
  provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
  let mut store = RootCertStore::empty();
  store.add_parsable_certificates(roots);
  let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
  match builder.build() {
    Ok(verifier) => Ok(verifier),
    Err(error) => Err(Error::General(error.to_string())),
  }
}

impl ServerCertVerifier for Verifier {
  fn verify_server_cert(
    &self,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server: &ServerName<'_>,
    ocsp: &[u8],
    now: UnixTime,
  ) -> Result<ServerCertVerified, Error> {
    if !self.is_verified {
      return Ok(ServerCertVerified::assertion());
    }
    let strict = self.strict()?;
    let strict = match strict.verify_server_cert(end_entity, intermediates, server, ocsp, now) {
      Ok(verified) => return Ok(verified),
      // A revocation that the platform knows of counts, whoever else vouches for the certificate.
      Err(error @ Error::InvalidCertificate(CertificateError::Revoked)) => return Err(error),
      Err(error) => error,
    };
    match self.verify_configured(end_entity, intermediates, server, now) {
      Ok(()) => Ok(ServerCertVerified::assertion()),
      Err(reason) => Err(merge(strict, reason)),
    }
  }

  fn verify_tls12_signature(
    &self,
    message: &[u8],
    cert: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
  ) -> Result<HandshakeSignatureValid, Error> {
    let strict = verify_tls12_signature(message, cert, signed, self.algorithms());
    strict.or_else(|error| self.verify_handshake(message, cert, signed).ok_or(error))
  }

  fn verify_tls13_signature(
    &self,
    message: &[u8],
    cert: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
  ) -> Result<HandshakeSignatureValid, Error> {
    let strict = verify_tls13_signature(message, cert, signed, self.algorithms());
    strict.or_else(|error| {
      // TLS 1.3 has no signatures of this kind.
      let is_old = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
      ]
      .contains(&signed.scheme);
      let verified = if is_old { None } else { self.verify_handshake(message, cert, signed) };
      verified.ok_or(error)
    })
  }

  fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
    self.algorithms().supported_schemes()
  }
}

/// The more specific of two reasons.
fn merge(strict: Error, reason: Distrust) -> Error {
  let is_issuer_unknown = matches!(
    reason,
    Distrust::UnknownIssuer { .. } | Distrust::SelfSigned(_) | Distrust::Unreadable(_)
  );
  let is_form = matches!(
    strict,
    Error::InvalidCertificate(
      CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_)
    )
  );
  if is_issuer_unknown && !is_form {
    return strict;
  }
  Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(reason))))
}
