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
async fn a_session_is_what_the_login_the_project_and_the_server_tell() {
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
async fn what_goes_wrong_for_a_while_at_login_or_registration_is_tried_again() {
  for path in ["POST /api/apikey/login", "POST /api/project/register"] {
    let slow = answer("429 Slow Down", &["retry-after: 7"], "");
    for (fault, wait) in [
      (answer("200 OK", &[], "<html>one moment</html>"), 0),
      (answer("200 OK", &[], ""), 0),
      (answer("200 OK", &[], r#"{"error": "maintenance"}"#), 0),
      (answer("500 Oops", &[], "{}"), 0),
      (answer("503 Busy", &[], "{}"), 0),
      (slow, 7),
      (Act::Reset, 0),
      (Act::Silence, 0),
      (Act::Flood(head("200 OK")), 0),
    ] {
      let tries = AtomicUsize::new(0);
      let server = Server::start(move |url, request| {
        let fails = request.line() == path && tries.fetch_add(1, Ordering::Relaxed) == 0;
        if fails { fault.clone() } else { braintrust(url, request, &limit()) }
      })
      .await;
      let (client, settings) = (client(&server.url), settings(&server.url, json!({})));
      let error = client.connect(&settings).await.unwrap_err();
      assert_eq!(
        error.outcome(),
        ExportOutcome::Retry(Duration::from_secs(wait)),
        "{path}: {error}"
      );
      assert!(error.to_string().contains(path.trim_start_matches("POST ")), "{error}");
      assert!(client.connect(&settings).await.is_ok(), "{path}");
    }
  }
}

#[tokio::test]
async fn a_server_that_is_not_braintrusts_is_said_to_be_none() {
  let page = answer("200 OK", &[], "<html>");
  let error = connected(move |_, _| page.clone()).await.unwrap_err();
  assert!(
    error.to_string().ends_with(
      "the answer is not Braintrust's (check BRAINTRUST_APP_URL and BRAINTRUST_API_URL)"
    )
  );
}

#[tokio::test]
async fn what_will_not_pass_suspends_and_says_what_to_look_at() {
  for (status, hint) in [
    ("401 No", "BRAINTRUST_API_KEY"),
    ("403 No", "BRAINTRUST_API_KEY"),
    ("407 No", "HTTPS_PROXY"),
    ("302 There", "BRAINTRUST_APP_URL"),
    ("404 What", "BRAINTRUST_APP_URL"),
    ("413 Much", "BRAINTRUST_APP_URL"),
  ] {
    let error = connected(move |_, _| answer(status, &[], "{}")).await.unwrap_err();
    assert_eq!(error.outcome(), ExportOutcome::Unauthorized, "{status}");
    assert!(error.to_string().contains(hint), "{error}");
  }
}

#[tokio::test]
async fn a_message_names_some_organisations_but_not_all_of_very_many() {
  let names: Vec<Value> =
    (0..500).map(|n| json!({"id": "o", "name": format!("org-{n}")})).collect();
  let login = json!({"org_info": names}).to_string();
  let server = Server::always(answer("200 OK", &[], &login)).await;
  let settings = settings(&server.url, json!({"orgName": "acme"}));
  let error = client(&server.url).connect(&settings).await.unwrap_err();
  assert_eq!(error.outcome(), ExportOutcome::Unauthorized);
  let text = error.to_string();
  assert!(text.contains(r#""org-9", others (check BRAINTRUST_ORG_NAME)"#), "{text}");
}

#[tokio::test]
async fn without_an_answer_the_usual_limit_serves_until_the_server_tells_its_own() {
  for fault in [
    answer("500 Oops", &[], ""),
    answer("404 What", &[], ""),
    answer("200 OK", &[], "<html>"),
    answer("200 OK", &[], r#"{"logs3_payload_max_bytes": null}"#),
    answer("200 OK", &[], r#"{"logs3_payload_max_bytes": 0}"#),
    answer("200 OK", &[], r#"{"logs3_payload_max_bytes": -1}"#),
    answer("200 OK", &[], "{}"),
    Act::Reset,
    Act::Silence,
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
    // A request may take 30 seconds here, but nobody waits so long for this.
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((session.limit, session.max_bytes()), (None, 6 * 1024 * 1024));
    assert!(!session.allows_overflow());
    session.limit = client.ask_limit(&session.api_url).await;
    assert_eq!((session.limit, session.max_bytes()), (Some(LIMIT), LIMIT));
    assert!(session.allows_overflow());
  }
}

#[tokio::test]
async fn the_user_may_want_smaller_requests_and_larger_ones_where_the_server_says_nothing() {
  for (told, wanted, most) in [
    (limit(), 1_000, 1_000),
    (limit(), 50_000_000, LIMIT),
    (json!(null), 1_000, 1_000),
    (json!(null), 50_000_000, 50_000_000),
  ] {
    let server = Server::start(move |url, request| braintrust(url, request, &told)).await;
    let settings = settings(&server.url, json!({"maxRequestBytes": wanted}));
    let session = client(&server.url).connect(&settings).await.unwrap();
    assert_eq!(session.max_bytes(), most);
  }
}
