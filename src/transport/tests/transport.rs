use std::time::Duration;

use super::*;
use export::{
  outcome::{ExportOutcome, classify},
  transport::{Response, TransportError},
};
use tokio::{io::AsyncReadExt, time::Instant};

/// What becomes of one upload.
async fn upload(act: Act) -> (ExportOutcome, String) {
  let server = Server::always(act).await;
  verdict(client(&server.url).post(&server.url, "{}".into()).await)
}

/// The same, with 30 seconds for a request.
async fn upload_patiently(act: Act) -> (ExportOutcome, String) {
  let server = Server::always(act).await;
  let client = Caller::new(settings(&server.url, json!({})));
  verdict(client.post(&server.url, "{}".into()).await)
}

/// What becomes of one question.
async fn ask(act: Act) -> (ExportOutcome, String) {
  let server = Server::always(act).await;
  verdict(client(&server.url).ask(&server.url, "{}".into()).await)
}

fn verdict(result: Result<Response, TransportError>) -> (ExportOutcome, String) {
  let verdict = classify(&result, 0);
  (verdict, result.map_or_else(|error| error.to_string(), |answer| answer.describe()))
}

const AGAIN: ExportOutcome = ExportOutcome::Retry(Duration::ZERO);

#[tokio::test]
async fn a_black_hole_holds_a_request_as_long_as_one_may_take_and_no_longer() {
  let began = Instant::now();
  let (verdict, why) = upload(Act::Silence).await;
  assert_eq!(verdict, AGAIN);
  assert!(why.starts_with("no answer in time"), "{why}");
  assert!((390..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_is_not_there_or_breaks_off_is_tried_again() {
  // A port that was just given back, so that nobody listens there.
  let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
  let url = format!("http://{free}");
  let (verdict, why) = verdict(client(&url).post(&url, "{}".into()).await);
  assert_eq!(verdict, AGAIN);
  assert!(why.starts_with("no connection"), "{why}");

  let halves = ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-le", "nonsense\r\n\r\n"];
  for act in halves.map(|half| Act::Send(half.into())).into_iter().chain([Act::Reset]) {
    let (verdict, why) = upload(act).await;
    assert_eq!(verdict, AGAIN);
    assert!(why.starts_with("the connection broke"), "{why}");
  }
}

#[tokio::test]
async fn the_server_says_when_to_come_again() {
  let (verdict, why) = upload(answer("429 Slow Down", &["retry-after: 7"], "{}")).await;
  assert_eq!(verdict, ExportOutcome::Retry(Duration::from_secs(7)));
  assert_eq!(why, "429 Too Many Requests");
}

#[tokio::test]
async fn an_upload_has_arrived_once_the_status_says_so_whatever_becomes_of_the_body() {
  let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\"".to_vec();
  let broken = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n".to_vec();
  let acts = [
    answer("200 OK", &[], "<html>"),
    answer("204 No Content", &[], ""),
    Act::Send(half),
    Act::Send(broken),
    Act::Flood(head("200 OK")),
    Act::Drip(head("200 OK")),
  ];
  for act in acts {
    let began = Instant::now();
    let (verdict, _) = upload_patiently(act).await;
    assert_eq!(verdict, ExportOutcome::Delivered);
    // Long before the time of the request is over.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
  }
}

#[tokio::test]
async fn an_error_is_told_by_its_status_and_its_body_is_left_alone() {
  for endless in [Act::Flood(head("503 Busy")), Act::Drip(head("503 Busy"))] {
    let began = Instant::now();
    let (verdict, why) = upload_patiently(endless.clone()).await;
    assert_eq!((verdict, why.as_str()), (AGAIN, "503 Service Unavailable"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(ask(endless).await.0, AGAIN);
  }
}

#[tokio::test]
async fn an_answer_that_matters_is_read_whole_but_not_for_ever() {
  let whole = format!("[{}1]", " ".repeat(1_000_000));
  let server = Server::always(answer("200 OK", &[], &whole)).await;
  let answered = client(&server.url).get(&server.url).await.unwrap();
  assert_eq!(answered.body.len(), whole.len());

  let (verdict, why) = ask(Act::Flood(head("200 OK"))).await;
  assert_eq!((verdict, why.as_str()), (AGAIN, "the answer is endless"));
  let began = Instant::now();
  let (verdict, why) = ask(Act::Drip(head("200 OK"))).await;
  assert_eq!(verdict, AGAIN);
  assert!(why.starts_with("no answer in time"), "{why}");
  assert!(began.elapsed() < Duration::from_secs(5));
  let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\"".to_vec();
  assert_eq!(ask(Act::Send(half)).await.0, AGAIN);
}

#[tokio::test]
async fn a_connection_is_used_again_when_the_answer_was_read_to_its_end() {
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

/// What becomes of a large upload that is answered before it is read. How the server goes on after its
/// answer is told by `after`.
async fn interrupted<F: Future<Output = ()> + Send>(
  after: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> (ExportOutcome, String) {
  let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
  let url = format!("http://{}", listener.local_addr().unwrap());
  tokio::spawn(async move {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_exact(&mut [0; 1_000]).await.unwrap();
    let Act::Send(refusal) = answer("413 Much", &[], "{}") else { unreachable!() };
    server::send(&mut stream, &refusal).await;
    after(stream).await;
  });
  let client = Caller::new(settings(&url, json!({"requestTimeoutMs": 2_000})));
  verdict(client.post(&url, vec![b' '; 32 * 1024 * 1024].into()).await)
}

#[tokio::test]
async fn a_refusal_is_heard_also_by_who_is_still_speaking() {
  let reads_on = interrupted(|mut stream| async move {
    let _left = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
  });
  let (verdict, why) = reads_on.await;
  assert_eq!(verdict, ExportOutcome::Split, "{why}");
  let reads_no_more = interrupted(|_stream| std::future::pending());
  let (verdict, why) = reads_no_more.await;
  assert_eq!(verdict, ExportOutcome::Split, "{why}");
}

#[tokio::test]
async fn credentials_in_the_address_stand_for_the_key() {
  let server = Server::always(answer("200 OK", &[], "{}")).await;
  let url = server.url.replace("http://", "http://me:pass@");
  client(&url).post(&url, "{}".into()).await.unwrap();
  let [request] = server.requests().try_into().unwrap();
  assert_eq!(request.header("authorization"), Some("Basic bWU6cGFzcw=="));
  assert_eq!(request.head().matches("uthorization").count(), 1);
}
