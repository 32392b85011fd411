//! Certificates of `NODE_EXTRA_CA_CERTS`.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::{
  TlsAcceptor,
  rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};

use super::*;

/// An HTTPS server whose certificate nobody knows. Gives its address and the certificate, in PEM form, of
/// who issued its own.
async fn unknown_server() -> (String, String) {
  let mut authority = CertificateParams::default();
  authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  let authority_key = KeyPair::generate().unwrap();
  let pem = authority.self_signed(&authority_key).unwrap().pem();
  let issuer = Issuer::new(authority, authority_key);
  let key = KeyPair::generate().unwrap();
  let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
  let certificate = params.signed_by(&key, &issuer).unwrap();

  let provider = Arc::new(rustls::crypto::ring::default_provider());
  let config = ServerConfig::builder_with_provider(provider)
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
      vec![certificate.der().clone()],
      PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    )
    .unwrap();
  let acceptor = TlsAcceptor::from(Arc::new(config));
  let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
  let url = format!("https://{}", listener.local_addr().unwrap());
  tokio::spawn(async move {
    while let Ok((stream, _)) = listener.accept().await {
      let Ok(mut stream) = acceptor.accept(stream).await else { continue };
      server::read(&mut stream).await.unwrap();
      let Act::Send(bytes) = answer("200 OK", &[], "{}") else { unreachable!() };
      server::send(&mut stream, &bytes).await;
    }
  });
  (url, pem)
}

fn trusting(url: &str, file: &Path) -> Caller {
  let given = json!({
    "options": {"apiKey": KEY, "appUrl": url, "requestTimeoutMs": 5000},
    "env": {"NODE_EXTRA_CA_CERTS": file}
  });
  Caller::new(Settings::parse(&given.to_string()).unwrap())
}

#[tokio::test]
async fn a_server_whose_issuer_is_named_by_the_environment_is_trusted_and_no_other() {
  let (url, pem) = unknown_server().await;
  let error = client(&url).post(&url, "{}".into()).await.err().unwrap().to_string();
  assert!(error.starts_with("no connection: invalid peer certificate"), "{error}");

  let dir = tempfile::tempdir().unwrap();
  let file = dir.path().join("company.pem");
  // Such files often have comments, and more than one certificate.
  std::fs::write(&file, format!("# Our company\n{}\n{pem}", unknown_server().await.1)).unwrap();
  let client = trusting(&url, &file);
  assert!(client.client.certificate_error().is_none());
  assert_eq!(client.post(&url, "{}".into()).await.unwrap().status, 200);
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_complained_of_and_delivery_goes_on() {
  let dir = tempfile::tempdir().unwrap();
  let file = |name: &str, text: &str| {
    std::fs::write(dir.path().join(name), text).unwrap();
    dir.path().join(name)
  };
  let framed =
    |inside: &str| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
  let server = Server::always(answer("200 OK", &[], "{}")).await;
  for (path, says) in [
    (dir.path().join("missing.pem"), "missing.pem cannot be read"),
    (dir.path().to_owned(), "cannot be read"),
    (file("empty.pem", ""), "empty.pem holds no certificate"),
    (file("other.pem", "hello"), "other.pem holds no certificate"),
    (file("broken.pem", &framed("???")), "broken.pem cannot be used"),
    (file("wrong.pem", &framed("aGVsbG8=")), "wrong.pem cannot be used"),
  ] {
    let client = trusting(&server.url, &path);
    let complaint = client.client.certificate_error().unwrap().to_string();
    assert!(complaint.starts_with("NODE_EXTRA_CA_CERTS"), "{complaint}");
    assert!(complaint.contains(says), "{complaint}");
    assert_eq!(client.post(&server.url, "{}".into()).await.unwrap().status, 200);
  }
}
