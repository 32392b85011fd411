//! A server that tells everything it was told.

use super::*;

/// Everything that can be echoed: in the reason, in headers, and in the body.
fn echo(status: u16, request: &Request) -> Act {
  let key = request.header("authorization").unwrap_or_default();
  let headers = [
    format!("location: http://127.0.0.1:9/{key}"),
    format!("retry-after: {key}"),
    format!("www-authenticate: {key}"),
  ];
  let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
  answer(&format!("{status} {key}"), &headers, request.head())
}

#[tokio::test]
async fn a_key_that_is_echoed_is_never_told_on() {
  for status in [200, 302, 400, 401, 403, 404, 407, 413, 429, 500, 503, 999] {
    let server = Server::start(move |_, request| echo(status, request)).await;
    let settings = settings(&server.url, json!({}));
    let client = Caller::new(settings.clone());
    let error = client.connect(&settings).await.unwrap_err();
    assert_silent(&error, status);

    // The settings name the project and the address, so that the echo does not come before the upload.
    let session = session(&client, &server.url).await;
    let answered = client.post(&session.logs_url, "{}".into()).await.unwrap();
    assert!(!answered.describe().contains("verysecret"), "{}", answered.describe());
    assert_silent(&client.upload_overflow(&session, "{}".into(), &[]).await.unwrap_err(), status);
    assert!(server.requests().iter().all(|request| request.head().contains(KEY)));
  }
}

#[tokio::test]
async fn nor_is_one_that_comes_in_something_that_is_no_answer() {
  for start in ["", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: "] {
    let server = Server::start(move |_, request| {
      Act::Send(format!("{start}{}\r\n\r\n", request.header("authorization").unwrap()).into())
    })
    .await;
    let (client, settings) = (client(&server.url), settings(&server.url, json!({})));
    assert_silent(&client.connect(&settings).await.unwrap_err(), 0);
    if let Err(error) = client.post(&server.url, "{}".into()).await {
      assert_silent(&error, 0);
    }
  }
}

fn assert_silent(error: &impl std::error::Error, status: u16) {
  let text = format!("{error} {error:?}");
  assert!(!text.contains("verysecret"), "{status}: {text}");
}
