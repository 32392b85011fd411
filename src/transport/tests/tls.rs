//! Which certificates of servers are trusted, and which are named when they are not.

use std::{path::Path, sync::Arc};

use rcgen::{
  BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose,
  GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use tokio::net::TcpListener;
use tokio_rustls::{
  TlsAcceptor,
  rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
  },
};

use super::{super::verifier::without_platform, *};

/// Serves any certificate: a server's configuration would refuse one of version 1.
#[derive(Debug)]
struct Unchecked(Arc<CertifiedKey>);

impl ResolvesServerCert for Unchecked {
  fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
    Some(self.0.clone())
  }
}

/// The names of a server that runs on this machine.
fn named(names: &[&str]) -> CertificateParams {
  CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// Parameters without alternative names.
fn common_name(name: &str) -> CertificateParams {
  let mut params = CertificateParams::default();
  params.distinguished_name.push(DnType::CommonName, name);
  params
}

/// An authority: its certificate and what issues with it.
fn authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
  let mut params = common_name(name);
  params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  let key = KeyPair::generate().unwrap();
  (params.self_signed(&key).unwrap(), Issuer::new(params, key))
}

/// An HTTPS server with this chain, the key of which is that of the first certificate. Returns its port.
async fn serve(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> u16 {
  let provider = Arc::new(rustls::crypto::ring::default_provider());
  let config = ServerConfig::builder_with_provider(provider)
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_cert_resolver(Arc::new(Unchecked(Arc::new(CertifiedKey::new(
      chain,
      rustls::crypto::ring::sign::any_supported_type(&key).unwrap(),
    )))));
  let acceptor = TlsAcceptor::from(Arc::new(config));
  let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
  let port = listener.local_addr().unwrap().port();
  tokio::spawn(async move {
    while let Ok((stream, _)) = listener.accept().await {
      let Ok(mut stream) = acceptor.accept(stream).await else { continue };
      server::read(&mut stream).await.unwrap();
      let Act::Send(bytes) = response("200 OK", &[], "{}") else { unreachable!() };
      server::send(&mut stream, &bytes).await;
    }
  });
  port
}

fn secret(key: &KeyPair) -> PrivateKeyDer<'static> {
  PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// An HTTPS server whose certificate is not trusted. Returns its URL, and its issuer's certificate in PEM form.
async fn unknown_server() -> (String, String) {
  let (root, issuer) = authority("root");
  let key = KeyPair::generate().unwrap();
  let certificate = named(&["127.0.0.1"]).signed_by(&key, &issuer).unwrap();
  let port = serve(vec![certificate.into()], secret(&key)).await;
  (format!("https://127.0.0.1:{port}"), root.pem())
}

/// Requests a server at `host` with a chain of this leaf, and trusts a file with this text. `Err`: why it is not
/// trusted.
async fn request(
  host: &str,
  (chain, key): (&[&Certificate], &KeyPair),
  file: &str,
) -> Result<u16, String> {
  let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
  request_port(host, serve(chain, secret(key)).await, file).await
}

async fn request_port(host: &str, port: u16, file: &str) -> Result<u16, String> {
  let url = format!("https://{host}:{port}");
  let dir = tempfile::tempdir().unwrap();
  let path = dir.path().join("trusted.pem");
  std::fs::write(&path, file).unwrap();
  let response = trusting(&url, &path).post(&url, "{}".into()).await;
  response.map(|response| response.status).map_err(|error| error.to_string())
}

fn trusting(url: &str, file: &Path) -> Caller {
  let raw = json!({
    "options": {"apiKey": KEY, "appUrl": url, "requestTimeoutMs": 30_000},
    "env": {"NODE_EXTRA_CA_CERTS": file}
  });
  Caller::new(Settings::parse(&raw.to_string()).unwrap())
}

#[tokio::test]
async fn a_server_is_trusted_only_if_its_issuer_is_in_the_configured_file() {
  let (url, pem) = unknown_server().await;
  // The certificates of the platform are read within it.
  let patient = Caller::new(settings(&url, json!({"requestTimeoutMs": 30_000})));
  let error = patient.post(&url, "{}".into()).await.err().unwrap().to_string();
  assert!(error.starts_with("no connection: invalid peer certificate"), "{error}");

  let dir = tempfile::tempdir().unwrap();
  let file = dir.path().join("company.pem");
  // Such files often have comments, and more than one certificate.
  std::fs::write(&file, format!("# Our company\n{}\n{pem}", unknown_server().await.1)).unwrap();
  let client = trusting(&url, &file);
  assert!(client.client.certificate_warning().is_none());
  assert_eq!(client.post(&url, "{}".into()).await.unwrap().status, 200);

  // A client that takes its place trusts the same, also when the file is gone.
  std::fs::remove_file(&file).unwrap();
  let renewed = Caller { client: client.client.renewed().unwrap(), settings: client.settings };
  assert_eq!(renewed.post(&url, "{}".into()).await.unwrap().status, 200);
}

#[tokio::test]
async fn clients_with_the_same_settings_share_what_one_of_them_has_read() {
  let (url, pem) = unknown_server().await;
  let dir = tempfile::tempdir().unwrap();
  let file = dir.path().join("company.pem");
  assert!(trusting(&url, &file).client.certificate_warning().is_some());
  // What could not be read is read again.
  std::fs::write(&file, pem).unwrap();
  let first = trusting(&url, &file);
  std::fs::remove_file(&file).unwrap();
  let second = trusting(&url, &file);
  drop(first);
  assert!(second.client.certificate_warning().is_none());
  assert_eq!(second.post(&url, "{}".into()).await.unwrap().status, 200);
  // Nothing is kept for clients that are gone.
  drop(second);
  assert!(trusting(&url, &file).client.certificate_warning().is_some());
}

#[tokio::test]
async fn unusable_certificates_are_reported_and_delivery_continues() {
  let dir = tempfile::tempdir().unwrap();
  let file = |name: &str, text: &str| {
    std::fs::write(dir.path().join(name), text).unwrap();
    dir.path().join(name)
  };
  let framed =
    |inside: &str| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
  let server = Server::always(response("200 OK", &[], "{}")).await;
  // Nobody writes to it: who waits for it waits for ever.
  let fifo = dir.path().join("fifo.pem");
  #[cfg(unix)]
  rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
  for (path, expected) in [
    (dir.path().join("missing.pem"), "missing.pem cannot be read"),
    (dir.path().to_owned(), "cannot be read"),
    (fifo, "fifo.pem cannot be read"),
    (file("empty.pem", ""), "empty.pem contains no PEM certificate"),
    (file("other.pem", "hello"), "other.pem contains no PEM certificate"),
    (file("broken.pem", &framed("???")), "certificate 1 in "),
    (file("wrong.pem", &framed("aGVsbG8=")), "wrong.pem cannot be used"),
  ] {
    let client = trusting(&server.url, &path);
    let error = client.client.certificate_warning().unwrap().to_owned();
    assert!(error.starts_with("NODE_EXTRA_CA_CERTS"), "{error}");
    assert!(error.contains(expected), "{error}");
    assert_eq!(client.post(&server.url, "{}".into()).await.unwrap().status, 200);
  }
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_trusted_when_it_is_configured() {
  for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
    let key = KeyPair::generate().unwrap();
    let mut params = named(&["127.0.0.1"]);
    params.is_ca = is_ca;
    let leaf = params.self_signed(&key).unwrap();
    let trusted = request("127.0.0.1", (&[&leaf], &key), &leaf.pem()).await;
    assert_eq!(trusted, Ok(200), "{is_ca:?}");

    // Another one of the same name is not.
    let other = KeyPair::generate().unwrap();
    let forged = params.self_signed(&other).unwrap();
    let why = request("127.0.0.1", (&[&forged], &other), &leaf.pem()).await.unwrap_err();
    assert!(why.starts_with("no connection: invalid peer certificate: "), "{why}");
  }
}

#[tokio::test]
async fn the_common_name_counts_when_there_is_no_alternative_name() {
  let (root, issuer) = authority("root");
  let key = KeyPair::generate().unwrap();
  let leaf = |params: &CertificateParams| params.signed_by(&key, &issuer).unwrap();
  let mut other_name = common_name("localhost");
  other_name.subject_alt_names = vec![SanType::DnsName("other.test".try_into().unwrap())];
  for (params, host, expected) in [
    (common_name("localhost"), "localhost", None),
    (common_name("LOCALHOST."), "localhost", None),
    (common_name("*.localhost"), "localhost", Some("not for this host, only for *.localhost")),
    (common_name("*"), "localhost", Some("not for this host, only for *")),
    (common_name("127.0.0.1"), "127.0.0.1", Some("not for this host, only for 127.0.0.1")),
    (common_name("other.test"), "localhost", Some("not for this host, only for other.test")),
    (other_name, "localhost", Some("not for this host, only for other.test")),
  ] {
    let answer = request(host, (&[&leaf(&params)], &key), &root.pem()).await;
    match expected {
      None => assert_eq!(answer, Ok(200), "{params:?}"),
      Some(why) => {
        let error = answer.unwrap_err();
        assert!(error.contains(why), "{error}");
      }
    }
  }
}

#[tokio::test]
async fn forms_that_only_openssl_reads_are_trusted_by_configured_issuers_alone() {
  let (root, issuer) = authority("root");
  let mut params = common_name("between");
  params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
  let between_key = KeyPair::generate().unwrap();
  let between = params.signed_by(&between_key, &issuer).unwrap();
  let between_issuer = Issuer::new(params, between_key);
  // An authority's certificate that a server uses: rustls does not take it.
  let mut server = named(&["127.0.0.1"]);
  server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  let key = KeyPair::generate().unwrap();
  let direct = server.signed_by(&key, &issuer).unwrap();
  assert_eq!(request("127.0.0.1", (&[&direct], &key), &root.pem()).await, Ok(200));
  let chained = server.signed_by(&key, &between_issuer).unwrap();
  assert_eq!(request("127.0.0.1", (&[&chained, &between], &key), &root.pem()).await, Ok(200));

  let unknown = request("127.0.0.1", (&[&direct], &key), &authority("other").0.pem()).await;
  assert!(unknown.unwrap_err().contains("is issued by CN=root, which is not trusted"));
  // The issuer's name alone is no proof.
  let forged = request("127.0.0.1", (&[&direct], &key), &authority("root").0.pem()).await;
  assert!(forged.unwrap_err().contains("is issued by CN=root, which is not trusted"));
  let missing = request("127.0.0.1", (&[&chained], &key), &root.pem()).await;
  assert!(missing.unwrap_err().contains("is issued by CN=between, which is not trusted"));
}

#[tokio::test]
async fn what_openssl_refuses_is_refused() {
  let (root, issuer) = authority("root");
  let key = KeyPair::generate().unwrap();
  let server = || {
    let mut params = named(&["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
  };
  let mut expired = server();
  expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
  let mut client = server();
  client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
  let mut signer = server();
  signer.key_usages = vec![KeyUsagePurpose::KeyCertSign];
  for (params, expected) in
    [(expired, "which is not now"), (client, "is not for servers"), (signer, "is not for servers")]
  {
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let why = request("127.0.0.1", (&[&leaf], &key), &root.pem()).await.unwrap_err();
    assert!(why.contains(expected), "{why}");
  }
  // An authority that is limited to other names.
  let mut limited = common_name("limited");
  limited.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  limited.name_constraints = Some(NameConstraints {
    permitted_subtrees: vec![GeneralSubtree::DnsName("corp.test".to_owned())],
    excluded_subtrees: vec![],
  });
  let limited_key = KeyPair::generate().unwrap();
  let limited_root = limited.self_signed(&limited_key).unwrap();
  let limited_issuer = Issuer::new(limited, limited_key);
  let leaf = common_name("localhost").signed_by(&key, &limited_issuer).unwrap();
  let why = request("localhost", (&[&leaf], &key), &limited_root.pem()).await.unwrap_err();
  assert!(why.contains("invalid peer certificate"), "{why}");
  // A server's certificate issues none.
  let (no_authority, no_authority_key) = (named(&["other.test"]), KeyPair::generate().unwrap());
  let middle = no_authority.signed_by(&no_authority_key, &issuer).unwrap();
  let no_issuer = Issuer::new(no_authority, no_authority_key);
  let leaf = server().signed_by(&key, &no_issuer).unwrap();
  assert!(request("127.0.0.1", (&[&leaf, &middle], &key), &root.pem()).await.is_err());
  // A path may be shorter than a chain.
  let mut params = common_name("short");
  params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
  let short_key = KeyPair::generate().unwrap();
  let short = params.self_signed(&short_key).unwrap();
  let short_issuer = Issuer::new(params, short_key);
  let mut between = common_name("between");
  between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  let between_key = KeyPair::generate().unwrap();
  let below = between.signed_by(&between_key, &short_issuer).unwrap();
  let leaf = server().signed_by(&key, &Issuer::new(between, between_key)).unwrap();
  assert!(request("127.0.0.1", (&[&leaf, &below], &key), &short.pem()).await.is_err());
}

#[tokio::test]
async fn every_usable_certificate_of_a_file_is_used() {
  let (root, issuer) = authority("root");
  let key = KeyPair::generate().unwrap();
  let leaf = named(&["127.0.0.1"]).signed_by(&key, &issuer).unwrap();
  let pem = root.pem();
  let broken = "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n";
  for file in [
    format!("\u{feff}{pem}"),
    format!("{}\u{feff}{pem}", authority("other").0.pem()),
    format!("{pem}{broken}"),
    format!("{broken}{pem}"),
    pem.replace('\n', "\r\n"),
    pem.replace(" CERTIFICATE", " X509 CERTIFICATE"),
    format!("{}{pem}", key.serialize_pem()),
  ] {
    assert_eq!(request("127.0.0.1", (&[&leaf], &key), &file).await, Ok(200), "{file}");
  }
}

#[tokio::test]
async fn the_variables_of_openssl_and_the_switch_of_node_apply() {
  let (url, pem) = unknown_server().await;
  let dir = tempfile::tempdir().unwrap();
  let file = dir.path().join("0a1b2c3d.0");
  std::fs::write(&file, pem).unwrap();
  #[cfg(unix)]
  rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::RUSR).unwrap();
  for (variable, value, expected) in [
    ("SSL_CERT_FILE", file.as_path(), true),
    ("SSL_CERT_DIR", dir.path(), true),
    ("NODE_TLS_REJECT_UNAUTHORIZED", Path::new("0"), true),
    ("NODE_TLS_REJECT_UNAUTHORIZED", Path::new("1"), false),
    ("SSL_CERT_DIR", Path::new("/nowhere"), false),
  ] {
    let raw = json!({"options": {"apiKey": KEY, "appUrl": url}, "env": {variable: value}});
    let client = Caller::new(Settings::parse(&raw.to_string()).unwrap());
    let answer = client.post(&url, "{}".into()).await;
    assert_eq!(answer.is_ok(), expected, "{variable}={value:?}: {answer:?}");
    let is_unverified = value == Path::new("0");
    assert_eq!(client.client.certificate_warning().is_some(), is_unverified, "{variable}");
  }
}

#[tokio::test]
async fn certificates_of_version_1_are_trusted_as_in_node() {
  const AUTHORITY: &str = include_str!("../../../__test__/fixtures/tls/authority.pem");
  const ISSUED: &str = include_str!("../../../__test__/fixtures/tls/version-1.pem");
  const SELF_SIGNED: &str =
    include_str!("../../../__test__/fixtures/tls/version-1-self-signed.pem");
  const KEY: &str = include_str!("../../../__test__/fixtures/tls/key.pem");
  for (leaf, trusted, host, expected) in [
    (ISSUED, AUTHORITY, "localhost", Ok(200)),
    (SELF_SIGNED, SELF_SIGNED, "localhost", Ok(200)),
    (ISSUED, AUTHORITY, "127.0.0.1", Err("not for this host, only for localhost")),
    (ISSUED, SELF_SIGNED, "localhost", Err("is issued by CN=Company CA, which is not trusted")),
    (SELF_SIGNED, AUTHORITY, "localhost", Err("is signed by itself and not trusted")),
  ] {
    let chain = vec![CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap()];
    let port = serve(chain, PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap()).await;
    match (request_port(host, port, trusted).await, expected) {
      (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
      (answer, expected) => assert_eq!(answer, expected.map_err(str::to_owned)),
    }
  }
}

#[test]
fn without_the_verifier_of_the_platform_the_given_roots_decide_alone() {
  let provider = Arc::new(super::super::crypto::provider());
  let (root, issuer) = authority("root");
  let (other, _) = authority("other");
  let key = KeyPair::generate().unwrap();
  let leaf = named(&["localhost"]).signed_by(&key, &issuer).unwrap();
  let verify = |root: &Certificate, name: &str| {
    let roots = [root.der().clone()].into_iter();
    let verifier = without_platform(roots, provider.clone()).unwrap();
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let now = rustls::pki_types::UnixTime::now();
    verifier.verify_server_cert(leaf.der(), &[], &name, &[], now).is_ok()
  };
  assert!(verify(&root, "localhost"));
  assert!(!verify(&root, "elsewhere"));
  assert!(!verify(&other, "localhost"));
}
