use std::{
  sync::atomic::{AtomicUsize, Ordering},
  time::Duration,
};

use super::*;
use export::outcome::ExportOutcome;
use tokio::time::Instant;

const LIMIT: usize = 5_242_880;

fn limit() -> Value {
  json!(LIMIT)
}

async fn connected(
  act: impl Fn(&str, &Request) -> Act + Send + Sync + 'static,
) -> Result<Session, ConnectError> {
  let server = Server::start(act).await;
  client(&server.url).connect(&settings(&server.url, json!({}))).await
}

#[tokio::test]
async fn a_session_combines_the_login_the_project_and_the_limit_of_the_server() {
  let server = Server::start(|url, request| braintrust(url, request, &limit())).await;
  let session = client(&server.url).connect(&settings(&server.url, json!({}))).await.unwrap();
  assert_eq!(session.api_url, server.url);
  assert_eq!(session.logs_url, format!("{}/logs3", server.url));
  assert_eq!(session.project_id, PROJECT);
  assert_eq!((session.limit, session.max_bytes()), (Some(LIMIT), LIMIT));
  assert!(session.allows_overflow());
  let asked = ["POST /api/apikey/login", "POST /api/project/register", "GET /version"];
  assert_eq!(server.lines(), asked);
  for request in server.requests() {
    assert_eq!(request.header("authorization"), Some("Bearer sk-verysecret-4711"));
  }
}

#[tokio::test]
async fn temporary_failures_of_login_and_registration_are_retried() {
  for path in ["POST /api/apikey/login", "POST /api/project/register"] {
    let slow = response("429 Slow Down", &["retry-after: 7"], "");
    for (fault, wait) in [
      (response("200 OK", &[], "<html>one moment</html>"), 0),
      (response("200 OK", &[], ""), 0),
      (response("200 OK", &[], r#"{"error": "maintenance"}"#), 0),
      (response("500 Oops", &[], "{}"), 0),
      (response("503 Busy", &[], "{}"), 0),
      (slow, 7),
      (Act::Reset, 0),
      (Act::Hang, 0),
      (Act::Flood(head("200 OK")), 0),
    ] {
      let first = client_for(&fault);
      let tries = AtomicUsize::new(0);
      let server = Server::start(move |url, request| {
        let fails = request.line() == path && tries.fetch_add(1, Ordering::Relaxed) == 0;
        if fails { fault.clone() } else { braintrust(url, request, &limit()) }
      })
      .await;
      let settings = settings(&server.url, json!({}));
      let error = first(&server.url).connect(&settings).await.unwrap_err();
      assert_eq!(
        error.outcome(),
        ExportOutcome::Retry(Duration::from_secs(wait)),
        "{path}: {error}"
      );
      assert!(error.to_string().contains(path.trim_start_matches("POST ")), "{error}");
      assert!(client(&server.url).connect(&settings).await.is_ok(), "{path}");
    }
  }
}

#[tokio::test]
async fn a_server_that_is_not_braintrust_is_reported() {
  let page = response("200 OK", &[], "<html>");
  let error = connected(move |_, _| page.clone()).await.unwrap_err();
  assert!(error.is_unconfirmed());
  assert!(error.to_string().ends_with(
    "the response is not from Braintrust (check BRAINTRUST_APP_URL and BRAINTRUST_API_URL)"
  ));
}

#[tokio::test]
async fn a_permanent_failure_suspends_delivery_and_names_the_setting_to_check() {
  for (status, hint) in [
    ("401 No", "BRAINTRUST_API_KEY"),
    ("403 No", "BRAINTRUST_API_KEY"),
    ("407 No", "HTTPS_PROXY"),
    ("302 There", "BRAINTRUST_APP_URL"),
    ("404 What", "BRAINTRUST_APP_URL"),
    ("413 Much", "BRAINTRUST_APP_URL"),
  ] {
    let error = connected(move |_, _| response(status, &[], "{}")).await.unwrap_err();
    assert_eq!(error.outcome(), ExportOutcome::Unauthorized, "{status}");
    assert!(error.to_string().contains(hint), "{error}");
  }
}

/// Connects to a server whose login has these organizations.
async fn login(organizations: Value, options: Value) -> Result<Session, ConnectError> {
  let server = Server::start(move |url, request| {
    if request.line() == "POST /api/apikey/login" {
      let login = json!({"org_info": organizations}).to_string();
      return response("200 OK", &[], &login.replace("SERVER", url));
    }
    braintrust(url, request, &limit())
  })
  .await;
  client(&server.url).connect(&settings(&server.url, options)).await
}

#[tokio::test]
async fn an_organization_that_cannot_be_read_hides_no_other_one() {
  let odd = [
    json!({"id": 7, "name": "b"}),
    json!({"id": "o2", "name": null, "api_url": null}),
    json!({"id": "o2", "name": 7, "api_url": 5}),
    json!("b"),
    json!(null),
  ];
  for other in odd {
    let usable = json!({"id": "o1", "name": "acme", "api_url": " SERVER/ "});
    let first = login(json!([usable, other]), json!({})).await.unwrap();
    assert_eq!(first.org_id.as_deref(), Some("o1"), "{other}");
    let named = login(json!([other, usable]), json!({"orgName": "acme"})).await.unwrap();
    assert_eq!(named.org_id.as_deref(), Some("o1"), "{other}");
  }
}

#[tokio::test]
async fn the_first_organization_needs_no_name_but_an_id() {
  let usable = json!({"id": "o1", "name": "acme", "api_url": "SERVER"});
  let unnamed = json!({"id": "o2", "name": null, "api_url": "SERVER"});
  let session = login(json!([unnamed, usable]), json!({})).await.unwrap();
  assert_eq!((session.org_id.as_deref(), session.org_name), (Some("o2"), None));
  let error = login(json!([{"name": "b"}, usable]), json!({})).await.unwrap_err();
  assert_eq!(error.outcome(), ExportOutcome::Unauthorized);
  assert!(error.to_string().contains("BRAINTRUST_ORG_NAME"), "{error}");
}

#[tokio::test]
async fn an_error_names_at_most_ten_organizations() {
  let names: Vec<Value> =
    (0..500).map(|n| json!({"id": "o", "name": format!("org-{n}")})).collect();
  let login = json!({"org_info": names}).to_string();
  let server = Server::always(response("200 OK", &[], &login)).await;
  let settings = settings(&server.url, json!({"orgName": "acme"}));
  let error = client(&server.url).connect(&settings).await.unwrap_err();
  assert_eq!(error.outcome(), ExportOutcome::Unauthorized);
  let text = error.to_string();
  assert!(text.contains(r#""org-9", others (check BRAINTRUST_ORG_NAME)"#), "{text}");
}

#[tokio::test]
async fn the_default_limit_applies_until_the_server_states_one() {
  for fault in [
    response("500 Oops", &[], ""),
    response("404 What", &[], ""),
    response("200 OK", &[], "<html>"),
    response("200 OK", &[], r#"{"logs3_payload_max_bytes": null}"#),
    response("200 OK", &[], r#"{"logs3_payload_max_bytes": 0}"#),
    response("200 OK", &[], r#"{"logs3_payload_max_bytes": -1}"#),
    response("200 OK", &[], "{}"),
    Act::Reset,
    Act::Hang,
    Act::Drip(head("200 OK")),
  ] {
    let tries = AtomicUsize::new(0);
    let server = Server::start(move |url, request| {
      let fails = tries.fetch_add(1, Ordering::Relaxed) == 0;
      if fails { fault.clone() } else { braintrust(url, request, &limit()) }
    })
    .await;
    let client = Caller::new(settings(&server.url, json!({})));
    let began = Instant::now();
    let mut session = session(&client, &server.url).await;
    // The request for the limit has a shorter timeout than other requests.
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((session.limit, session.max_bytes()), (None, 6 * 1024 * 1024));
    assert!(!session.allows_overflow());
    session.limit = client.ask_limit(&session.api_url).await;
    assert_eq!((session.limit, session.max_bytes()), (Some(LIMIT), LIMIT));
    assert!(session.allows_overflow());
  }
}

#[tokio::test]
async fn the_user_can_lower_the_limit_and_raise_it_if_the_server_states_none() {
  for (stated, wanted, most) in [
    (limit(), 1_000, 1_000),
    (limit(), 50_000_000, LIMIT),
    (json!(null), 1_000, 1_000),
    (json!(null), 50_000_000, 50_000_000),
  ] {
    let server = Server::start(move |url, request| braintrust(url, request, &stated)).await;
    let settings = settings(&server.url, json!({"maxRequestBytes": wanted}));
    let session = client(&server.url).connect(&settings).await.unwrap();
    assert_eq!(session.max_bytes(), most);
  }
}

#[tokio::test]
async fn a_response_with_many_headers_or_odd_ones_is_read() {
  let many: Vec<String> = (0..900).map(|n| format!("x-trace-{n}: {n}")).collect();
  let many: Vec<&str> = many.iter().map(String::as_str).collect();
  for headers in [&many[..], &["x-note: caf\u{e9}"], &["x-folded: one\r\n two"], &["x bad: 1"]] {
    let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    let server = Server::start(move |url, request| {
      let Act::Send(bytes) = braintrust(url, request, &limit()) else { unreachable!() };
      let text = String::from_utf8(bytes).unwrap();
      Act::Send(
        text.replacen("\r\n\r\n", &format!("\r\n{}\r\n\r\n", headers.join("\r\n")), 1).into(),
      )
    })
    .await;
    let session = client(&server.url).connect(&settings(&server.url, json!({}))).await.unwrap();
    assert_eq!(session.project_id, PROJECT);
  }
}

#[tokio::test]
async fn an_encoded_response_is_decoded_although_none_is_asked_for() {
  // `{"org_info":[]}`
  for (encoding, bytes, is_known) in [
    ("gzip", "1f8b0800000000000203ab56ca2f4a8fcfcc4bcb57b28a8ead0500f047c9b20f000000", true),
    ("deflate", "789cab56ca2f4a8fcfcc4bcb57b28a8ead05002c9d0582", true),
    ("deflate", "ab56ca2f4a8fcfcc4bcb57b28a8ead0500", true),
    ("BR", "0b07807b226f72675f696e666f223a5b5d7d03", true),
    (
      "gzip, identity",
      "1f8b0800000000000203ab56ca2f4a8fcfcc4bcb57b28a8ead0500f047c9b20f000000",
      true,
    ),
    // gzip in br, by two headers.
    (
      "gzip\r\ncontent-encoding: br",
      "0b11801f8b0800000000000203ab56ca2f4a8fcfcc4bcb57b28a8ead0500f047c9b20f00000003",
      true,
    ),
    // No encodings.
    ("utf-8", "7b226f72675f696e666f223a5b5d7d", true),
    ("none, gzip", "1f8b0800000000000203ab56ca2f4a8fcfcc4bcb57b28a8ead0500f047c9b20f000000", true),
    ("zstd", "28b52ffd", false),
  ] {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let body: Vec<u8> = bytes.as_bytes().chunks(2).map(digits).collect();
    let head = format!(
      "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncontent-encoding: {encoding}\r\nconnection: close\r\n\r\n",
      body.len()
    );
    let server = Server::always(Act::Send([head.into_bytes(), body].concat())).await;
    let client = client(&server.url);
    let answer = client.ask(&server.url, "{}".into()).await;
    if is_known {
      assert_eq!(answer.unwrap().body, r#"{"org_info":[]}"#, "{encoding}");
    } else {
      assert!(answer.unwrap_err().to_string().contains("unknown encoding \"zstd\""));
    }
    assert_eq!(server.requests().remove(0).header("accept-encoding"), Some("identity"));
  }
}
