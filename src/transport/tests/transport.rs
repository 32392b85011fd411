use std::time::Duration;

use super::*;
use export::{
  outcome::{ExportOutcome, classify_upload},
  transport::{Response, TransportError},
};
use tokio::{io::AsyncReadExt, time::Instant};

/// The outcome of one upload.
async fn upload(act: Act) -> (ExportOutcome, String) {
  let client = client_for(&act);
  let server = Server::always(act).await;
  outcome(client(&server.url).post(&server.url, "{}".into()).await)
}

/// The outcome of one upload with the default timeout of 30 seconds.
async fn upload_with_default_timeout(act: Act) -> (ExportOutcome, String) {
  let server = Server::always(act).await;
  outcome(client(&server.url).post(&server.url, "{}".into()).await)
}

/// The outcome of one request whose response body is read.
async fn ask(act: Act) -> (ExportOutcome, String) {
  let client = client_for(&act);
  let server = Server::always(act).await;
  outcome(client(&server.url).ask(&server.url, "{}".into()).await)
}

fn outcome(result: Result<Response, TransportError>) -> (ExportOutcome, String) {
  let outcome = classify_upload(&result, 0);
  (outcome, result.map_or_else(|error| error.to_string(), |response| response.describe()))
}

const RETRY: ExportOutcome = ExportOutcome::Retry(Duration::ZERO);

#[tokio::test]
async fn a_request_without_a_response_times_out() {
  let began = Instant::now();
  let (outcome, why) = upload(Act::Hang).await;
  assert_eq!(outcome, RETRY);
  assert!(why.starts_with("no response in time"), "{why}");
  assert!((390..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_refused_or_broken_connection_is_retried() {
  // A port that was just released: nothing listens there.
  let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
  let url = format!("http://{free}");
  let (outcome, why) = outcome(client(&url).post(&url, "{}".into()).await);
  assert_eq!(outcome, RETRY);
  assert!(why.starts_with("no connection"), "{why}");

  let halves = ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-le", "nonsense\r\n\r\n"];
  for act in halves.map(|half| Act::Send(half.into())).into_iter().chain([Act::Reset]) {
    let (outcome, why) = upload(act).await;
    assert_eq!(outcome, RETRY);
    assert!(why.starts_with("the connection broke"), "{why}");
  }
}

#[tokio::test]
async fn retry_after_sets_the_delay() {
  let (outcome, why) = upload(response("429 Slow Down", &["retry-after: 7"], "{}")).await;
  assert_eq!(outcome, ExportOutcome::Retry(Duration::from_secs(7)));
  assert_eq!(why, "429 Too Many Requests");
}

#[tokio::test]
async fn a_success_is_a_delivery_only_with_the_whole_body_of_an_acknowledgement() {
  let (outcome, _) = ask(response("201 Created", &[], r#"["row"]"#)).await;
  assert_eq!(outcome, ExportOutcome::Delivered);
  for page in [response("200 OK", &[], "<html>"), response("204 No Content", &[], "")] {
    assert_eq!(ask(page).await.0, ExportOutcome::Unconfirmed);
  }
  let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\"".to_vec();
  let broken = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n".to_vec();
  let acts =
    [Act::Send(half), Act::Send(broken), Act::Flood(head("200 OK")), Act::Drip(head("200 OK"))];
  for act in acts {
    assert_eq!(ask(act).await.0, RETRY);
  }
}

#[tokio::test]
async fn the_content_type_of_a_response_is_read() {
  let server = Server::always(response("200 OK", &["content-type: text/html; q"], "<html>")).await;
  let response = client(&server.url).get(&server.url).await.unwrap();
  assert_eq!(response.describe_body(), "text/html");
}

#[tokio::test]
async fn an_error_response_is_classified_without_reading_its_body() {
  for endless in [Act::Flood(head("503 Busy")), Act::Drip(head("503 Busy"))] {
    let began = Instant::now();
    let (outcome, why) = upload_with_default_timeout(endless.clone()).await;
    assert_eq!((outcome, why.as_str()), (RETRY, "503 Service Unavailable"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(ask(endless).await.0, RETRY);
  }
}

#[tokio::test]
async fn a_response_body_is_read_to_its_end_within_a_size_and_a_time() {
  let whole = format!("[{}1]", " ".repeat(1_000_000));
  let server = Server::always(response("200 OK", &[], &whole)).await;
  let response = client(&server.url).get(&server.url).await.unwrap();
  assert_eq!(response.body.len(), whole.len());

  let (outcome, why) = ask(Act::Flood(head("200 OK"))).await;
  assert_eq!((outcome, why.as_str()), (RETRY, "the response is too large"));
  let began = Instant::now();
  let (outcome, why) = ask(Act::Drip(head("200 OK"))).await;
  assert_eq!(outcome, RETRY);
  assert!(why.starts_with("no response in time"), "{why}");
  assert!(began.elapsed() < Duration::from_secs(5));
  let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\"".to_vec();
  assert_eq!(ask(Act::Send(half)).await.0, RETRY);
}

#[tokio::test]
async fn a_connection_is_reused_after_the_response_is_read_to_its_end() {
  use tokio::{net::TcpListener, sync::mpsc};
  let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
  let url = format!("http://{}", listener.local_addr().unwrap());
  let (count, mut connections) = mpsc::unbounded_channel();
  tokio::spawn(async move {
    while let Ok((mut stream, _)) = listener.accept().await {
      count.send(()).unwrap();
      tokio::spawn(async move {
        while server::read(&mut stream).await.is_some() {
          server::send(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        }
      });
    }
  });
  let client = client(&url);
  for _ in 0..5 {
    assert_eq!(client.post(&url, "{}".into()).await.unwrap().status, 200);
  }
  connections.recv().await.unwrap();
  assert!(connections.try_recv().is_err());
}

/// The outcome of a large upload when the server responds before it has read the body, and then does `after`.
async fn interrupted<F: Future<Output = ()> + Send>(
  after: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> (ExportOutcome, String) {
  let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
  let url = format!("http://{}", listener.local_addr().unwrap());
  tokio::spawn(async move {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_exact(&mut [0; 1_000]).await.unwrap();
    let Act::Send(refusal) = response("413 Much", &[], "{}") else { unreachable!() };
    server::send(&mut stream, &refusal).await;
    after(stream).await;
  });
  let client = Caller::new(settings(&url, json!({"requestTimeoutMs": 2_000})));
  outcome(client.post(&url, vec![b' '; 32 * 1024 * 1024].into()).await)
}

#[tokio::test]
async fn a_response_that_comes_during_an_upload_is_read() {
  let reads_on = interrupted(|mut stream| async move {
    let _left = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
  });
  let (outcome, why) = reads_on.await;
  assert_eq!(outcome, ExportOutcome::Split, "{why}");
  let reads_no_more = interrupted(|_stream| std::future::pending());
  let (outcome, why) = reads_no_more.await;
  assert_eq!(outcome, ExportOutcome::Split, "{why}");
}

#[tokio::test]
async fn credentials_in_the_url_replace_the_key() {
  let server = Server::always(response("200 OK", &[], "{}")).await;
  let url = server.url.replace("http://", "http://me:pass@");
  client(&url).post(&url, "{}".into()).await.unwrap();
  let [request] = server.requests().try_into().unwrap();
  assert_eq!(request.header("authorization"), Some("Basic bWU6cGFzcw=="));
  assert_eq!(request.head().matches("uthorization").count(), 1);
}
