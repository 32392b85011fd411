//! Certificates by the rules of OpenSSL, which also accepts those of version 1, those with only a common name, and an
//! authority's own certificate as that of a server. rustls accepts none of these.

use rustls::{
  crypto::WebPkiSupportedAlgorithms,
  pki_types::{CertificateDer, IpAddr, ServerName, SignatureVerificationAlgorithm, UnixTime},
};
use thiserror::Error;
use x509_cert::{
  certificate::Version,
  der::{self, Decode, Encode, asn1::ObjectIdentifier, oid::AssociatedOid},
  ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints,
    SubjectAltName, SubjectKeyIdentifier, name::GeneralName,
  },
  name::Name,
  spki::AlgorithmIdentifierOwned,
};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// The extensions that are evaluated here. A certificate with another critical one is not trusted.
const EVALUATED: [ObjectIdentifier; 6] = [
  BasicConstraints::OID,
  KeyUsage::OID,
  ExtendedKeyUsage::OID,
  SubjectAltName::OID,
  SubjectKeyIdentifier::OID,
  AuthorityKeyIdentifier::OID,
];

/// The most characters of a name in a message. Names come from the server.
const MAX_NAME: usize = 100;

/// Why a certificate is not trusted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Distrust {
  /// Its bytes are not a certificate.
  #[error("it cannot be read: {0}")]
  Unreadable(String),
  /// No trusted certificate has issued it.
  #[error(
    "{subject} is issued by {issuer}, which is not trusted (add the certificate of that issuer to NODE_EXTRA_CA_CERTS)"
  )]
  UnknownIssuer {
    /// The name of the certificate.
    subject: String,
    /// The name of its issuer.
    issuer: String,
  },
  /// It is its own issuer, and not trusted.
  #[error("{0} is signed by itself and not trusted (add it to NODE_EXTRA_CA_CERTS)")]
  SelfSigned(String),
  /// It is not valid now.
  #[error(
    "{subject} is valid from {from} to {to}, which is not now (renew it, or set this machine's clock)"
  )]
  NotNow {
    /// The name of the certificate.
    subject: String,
    /// The start of its validity.
    from: String,
    /// The end of its validity.
    to: String,
  },
  /// It is not for servers.
  #[error("{0} is not for servers: its key usage or a critical extension excludes it")]
  NotServer(String),
  /// It is for another host.
  #[error("{subject} is not for this host, only for {names}")]
  WrongName {
    /// The name of the certificate.
    subject: String,
    /// The hosts that it is for.
    names: String,
  },
}

/// A certificate.
#[derive(Debug)]
pub struct Certificate {
  der: Vec<u8>,
  inner: x509_cert::Certificate,
}

impl Certificate {
  /// Reads a certificate.
  ///
  /// # Errors
  /// [`Distrust::Unreadable`] when the bytes are not one.
  pub fn parse(der: &CertificateDer<'_>) -> Result<Self, Distrust> {
    let inner = x509_cert::Certificate::from_der(der)
      .map_err(|error| Distrust::Unreadable(error.to_string()))?;
    Ok(Self { der: der.to_vec(), inner })
  }

  /// Whether both are the same certificate.
  pub fn is(&self, other: &Self) -> bool {
    self.der == other.der
  }

  /// Whether it names itself as its issuer.
  pub fn is_self_issued(&self) -> bool {
    let tbs = &self.inner.tbs_certificate;
    tbs.subject == tbs.issuer
  }

  /// Whether `issuer` has issued it: by name and by signature.
  pub fn is_issued_by(&self, issuer: &Self, algorithms: &WebPkiSupportedAlgorithms) -> bool {
    let Self { inner, .. } = self;
    if inner.tbs_certificate.issuer != issuer.inner.tbs_certificate.subject {
      return false;
    }
    let (Ok(message), Some(signature)) =
      (inner.tbs_certificate.to_der(), inner.signature.as_bytes())
    else {
      return false;
    };
    let signed_by = parameters(&inner.signature_algorithm);
    algorithms.all.iter().any(|algorithm| {
      signed_by.as_deref().is_some_and(|id| id == algorithm.signature_alg_id().as_ref())
        && issuer.verifies(*algorithm, &message, signature)
    })
  }

  /// Whether its key made the signature of `message`, by this algorithm.
  pub fn verifies(
    &self,
    algorithm: &dyn SignatureVerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
  ) -> bool {
    let spki = &self.inner.tbs_certificate.subject_public_key_info;
    let Some(key) = spki.subject_public_key.as_bytes() else { return false };
    parameters(&spki.algorithm).is_some_and(|id| id == algorithm.public_key_alg_id().as_ref())
      && algorithm.verify_signature(key, message, signature).is_ok()
  }

  /// Whether it may issue certificates with `below` authorities between them and itself. A root may be of version 1.
  pub fn is_authority(&self, below: u8, is_root: bool) -> bool {
    if self.inner.tbs_certificate.version == Version::V1 {
      return is_root && self.is_self_issued();
    }
    let may_issue = self.extension::<BasicConstraints>().is_ok_and(|constraints| {
      constraints.is_some_and(|it| it.ca && it.path_len_constraint.is_none_or(|most| below <= most))
    });
    let may_sign = self
      .extension::<KeyUsage>()
      .is_ok_and(|usage| usage.is_none_or(|usage| usage.key_cert_sign()));
    // Constraints of names are not evaluated here, so an authority that has them issues nothing, critical or not.
    let is_constrained = !self.extension::<NameConstraints>().is_ok_and(|it| it.is_none());
    may_issue && may_sign && !is_constrained && self.is_for_servers() && self.is_fully_evaluated()
  }

  /// Checks its validity at `now`.
  ///
  /// # Errors
  /// [`Distrust::NotNow`].
  pub fn check_time(&self, now: UnixTime) -> Result<(), Distrust> {
    let validity = &self.inner.tbs_certificate.validity;
    let [from, to] = [validity.not_before, validity.not_after];
    if (from.to_unix_duration().as_secs()..=to.to_unix_duration().as_secs())
      .contains(&now.as_secs())
    {
      return Ok(());
    }
    let subject = self.subject();
    let [from, to] = [from, to].map(|time| time.to_date_time().to_string());
    Err(Distrust::NotNow { subject, from, to })
  }

  /// Checks that a server may use it.
  ///
  /// # Errors
  /// [`Distrust::NotServer`].
  pub fn check_use(&self) -> Result<(), Distrust> {
    let may_serve = self.extension::<KeyUsage>().is_ok_and(|usage| {
      usage.is_none_or(|it| it.digital_signature() || it.key_encipherment() || it.key_agreement())
    });
    if may_serve && self.is_for_servers() && self.is_fully_evaluated() {
      return Ok(());
    }
    Err(Distrust::NotServer(self.subject()))
  }

  /// Checks the host by Node's rule: the common name counts if there are no alternative DNS names, and never for an
  /// address.
  ///
  /// # Errors
  /// [`Distrust::WrongName`].
  pub fn check_name(&self, server: &ServerName<'_>) -> Result<(), Distrust> {
    let Ok(alternatives) = self.extension::<SubjectAltName>() else {
      // Alternative names that cannot be read do not make the common name count.
      return Err(Distrust::WrongName {
        subject: self.subject(),
        names: "unreadable names".into(),
      });
    };
    let alternatives = alternatives.map(|names| names.0).unwrap_or_default();
    let mut names: Vec<String> = alternatives
      .iter()
      .filter_map(
        |name| if let GeneralName::DnsName(name) = name { Some(name.to_string()) } else { None },
      )
      .collect();
    if names.is_empty() {
      names = self.common_names();
    }
    let is_named = match server {
      ServerName::IpAddress(address) => alternatives.iter().any(|name| match (name, address) {
        (GeneralName::IpAddress(octets), IpAddr::V4(address)) => {
          octets.as_bytes() == address.as_ref().as_slice()
        }
        (GeneralName::IpAddress(octets), IpAddr::V6(address)) => {
          octets.as_bytes() == address.as_ref().as_slice()
        }
        _ => false,
      }),
      ServerName::DnsName(host) => names.iter().any(|name| is_match(name, host.as_ref())),
      _ => false,
    };
    if is_named {
      return Ok(());
    }
    Err(Distrust::WrongName { subject: self.subject(), names: printable(&names.join(", ")) })
  }

  /// Why it is not trusted, if nothing else is wrong with it.
  pub fn unknown_issuer(&self) -> Distrust {
    if self.is_self_issued() {
      return Distrust::SelfSigned(self.subject());
    }
    let issuer = name(&self.inner.tbs_certificate.issuer);
    Distrust::UnknownIssuer { subject: self.subject(), issuer }
  }

  fn subject(&self) -> String {
    name(&self.inner.tbs_certificate.subject)
  }

  fn common_names(&self) -> Vec<String> {
    let sets = self.inner.tbs_certificate.subject.0.iter();
    sets
      .flat_map(|set| set.0.iter())
      .filter(|attribute| attribute.oid == COMMON_NAME)
      .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
      .collect()
  }

  fn extension<'a, T: Decode<'a> + AssociatedOid>(&'a self) -> Result<Option<T>, der::Error> {
    Ok(self.inner.tbs_certificate.get::<T>()?.map(|(_, extension)| extension))
  }

  fn is_for_servers(&self) -> bool {
    self.extension::<ExtendedKeyUsage>().is_ok_and(|usage| {
      usage.is_none_or(|usage| usage.0.iter().any(|it| [SERVER_AUTH, ANY_USAGE].contains(it)))
    })
  }

  fn is_fully_evaluated(&self) -> bool {
    let extensions = self.inner.tbs_certificate.extensions.iter().flatten();
    extensions.into_iter().all(|it| !it.critical || EVALUATED.contains(&it.extn_id))
  }
}

/// The content of an algorithm's identifier, as `rustls` compares it.
fn parameters(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
  let der = algorithm.to_der().ok()?;
  // The tag and the length: identifiers are shorter than 128 bytes.
  der.get(2..).map(<[u8]>::to_vec)
}

/// Whether the name of a certificate, which may begin with `*.`, is for that host.
fn is_match(pattern: &str, host: &str) -> bool {
  let normal = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
  let (pattern, host) = (normal(pattern), normal(host));
  match (pattern.strip_prefix("*."), host.split_once('.')) {
    // Not a whole top-level domain.
    (Some(domain), Some((_, rest))) => domain.contains('.') && domain == rest,
    _ => pattern == host,
  }
}

fn name(name: &Name) -> String {
  let name = printable(&name.to_string());
  if name.is_empty() { "a certificate without a name".to_owned() } else { name }
}

fn printable(text: &str) -> String {
  text.chars().take(MAX_NAME).map(|it| if it.is_control() { '?' } else { it }).collect()
}
