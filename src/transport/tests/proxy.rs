//! Proxies: which requests reach them, and what their refusals lead to.

use tokio::{
  io::{AsyncReadExt, AsyncWriteExt},
  net::TcpListener,
};

use super::*;
use export::outcome::{ExportOutcome, classify};

/// A host that only a proxy reaches: names below `.test` do not exist.
const HOST: &str = "http://braintrust.test";

fn proxied(url: &str, env: Value) -> Caller {
  let options = json!({"apiKey": KEY, "appUrl": url, "requestTimeoutMs": 5000});
  Caller::new(Settings::parse(&json!({"options": options, "env": env}).to_string()).unwrap())
}

/// The outcome of one upload, and its cause.
async fn upload(url: &str, env: Value) -> (ExportOutcome, String) {
  let result = proxied(url, env).post(url, "{}".into()).await;
  let outcome = classify(&result, 0);
  (outcome, result.map_or_else(|error| error.to_string(), |response| response.describe()))
}

/// A proxy's address with credentials that must not be printed.
fn with_credentials(proxy: &Server) -> String {
  proxy.url.replace("http://", "http://us%40er:p%3Ass%2Fword@")
}

#[tokio::test]
async fn credentials_are_decoded_and_sent_to_the_proxy_only() {
  let proxy = Server::always(response("200 OK", &[], "{}")).await;
  let env = json!({"HTTP_PROXY": format!(" {} ", with_credentials(&proxy))});
  assert_eq!(upload(HOST, env).await.0, ExportOutcome::Delivered);
  let request = proxy.requests().remove(0);
  assert_eq!(request.line(), "POST http://braintrust.test/");
  // `us@er:p:ss/word`
  assert_eq!(request.header("proxy-authorization"), Some("Basic dXNAZXI6cDpzcy93b3Jk"));
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_suspends_delivery_and_is_named() {
  for url in [HOST, "https://braintrust.test"] {
    let proxy = Server::always(response("407 Proxy Authentication Required", &[], "<html>")).await;
    for (address, expected) in [
      (proxy.url.clone(), "requires credentials (set ALL_PROXY to"),
      (with_credentials(&proxy), "refuses the credentials in ALL_PROXY"),
    ] {
      let (outcome, why) = upload(url, json!({"ALL_PROXY": address})).await;
      assert_eq!(outcome, ExportOutcome::Unauthorized, "{why}");
      assert!(why.contains(&format!("the proxy {}/ {expected}", proxy.url)), "{why}");
      assert!(!why.contains("ss/word") && !why.contains("ss%2Fword"), "{why}");
    }
  }
}

#[tokio::test]
async fn a_tunnel_that_fails_otherwise_is_retried_and_the_proxy_is_named() {
  let proxy = Server::always(response("502 Bad Gateway", &[], "")).await;
  let (outcome, why) = upload("https://braintrust.test", json!({"https_proxy": proxy.url})).await;
  assert_eq!(outcome, ExportOutcome::Retry(std::time::Duration::ZERO));
  assert!(why.contains(&format!("no connection through the proxy {}/", proxy.url)), "{why}");
}

#[tokio::test]
async fn a_variable_that_names_no_proxy_stops_requests_instead_of_sending_them_directly() {
  let server = Server::always(response("200 OK", &[], "{}")).await;
  let url = server.url.replace("127.0.0.1", "127.0.0.2");
  for value in ["http://", "http://user:12#3word@p.test", "ftp://p.test", "p.test:port"] {
    let (outcome, why) = upload(&url, json!({"HTTP_PROXY": value})).await;
    assert_eq!(outcome, ExportOutcome::Unauthorized, "{value}");
    assert!(why.contains("HTTP_PROXY") && !why.contains("3word"), "{why}");
  }
  assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_excluded_host_is_requested_directly() {
  let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
  let url = format!("http://{}", listener.local_addr().unwrap());
  let direct = tokio::spawn(async move {
    for _ in 0..3 {
      let (mut stream, _) = listener.accept().await.unwrap();
      let request = server::read(&mut stream).await.unwrap();
      assert_eq!(request.line(), "POST /");
      let Act::Send(bytes) = response("200 OK", &[], "{}") else { unreachable!() };
      server::send(&mut stream, &bytes).await;
    }
  });
  let proxy = Server::always(response("200 OK", &[], "{}")).await;
  let port = url.rsplit(':').next().unwrap();
  for list in ["*", " a.test , 127.0.0.0/8 ", &format!("127.0.0.2:{port}")] {
    let env = json!({"http_proxy": proxy.url, "NO_PROXY": list});
    assert_eq!(upload(&url, env).await.0, ExportOutcome::Delivered, "{list}");
  }
  direct.await.unwrap();
  assert!(proxy.requests().is_empty());
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_and_refuses_wrong_credentials() {
  for (accepted, expected) in [(true, None), (false, Some("refuses the credentials in ALL_PROXY"))]
  {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
      let (mut stream, _) = listener.accept().await.unwrap();
      // The methods; the method of user and password; the credentials.
      let mut methods = [0; 2];
      stream.read_exact(&mut methods).await.unwrap();
      stream.read_exact(&mut vec![0; methods[1].into()]).await.unwrap();
      stream.write_all(&[5, 2]).await.unwrap();
      let mut credentials = [0; 3 + 4 + 4];
      stream.read_exact(&mut credentials).await.unwrap();
      assert_eq!(&credentials, b"\x01\x04user\x04s3cr");
      stream.write_all(&[1, u8::from(!accepted)]).await.unwrap();
      if !accepted {
        return;
      }
      // CONNECT to a name of 15 bytes.
      let mut connect = [0; 5 + 15 + 2];
      stream.read_exact(&mut connect).await.unwrap();
      assert_eq!(&connect, b"\x05\x01\x00\x03\x0fbraintrust.test\x00\x50");
      stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await.unwrap();
      server::read(&mut stream).await.unwrap();
      let Act::Send(bytes) = response("200 OK", &[], "{}") else { unreachable!() };
      server::send(&mut stream, &bytes).await;
    });
    let (outcome, why) =
      upload(HOST, json!({"ALL_PROXY": format!("socks://user:s3cr@{at}")})).await;
    match expected {
      None => assert_eq!(outcome, ExportOutcome::Delivered, "{why}"),
      Some(expected) => {
        assert_eq!(outcome, ExportOutcome::Unauthorized, "{why}");
        assert!(why.contains(expected) && !why.contains("s3cr"), "{why}");
      }
    }
    proxy.await.unwrap();
  }
}
