use std::time::Duration;

use super::*;
use export::{outcome::ExportOutcome, overflow::OverflowPart};
use tokio::time::Instant;

const BODY: &str = r#"{"rows":[{"id":"ä"},{"id":"b"}],"api_version":2}"#;
const ROWS: [usize; 2] = [11, 10];
const RETRY: ExportOutcome = ExportOutcome::Retry(Duration::ZERO);

/// A Braintrust server, and a storage server on another port. Braintrust responds with `target`, in which `STORAGE`
/// stands for the storage's address; `fault` may replace any response.
struct Servers {
  braintrust: Server,
  storage: Server,
}

impl Servers {
  async fn new(
    target: impl ToString,
    fault: impl Fn(&str) -> Option<Act> + Clone + Send + Sync + 'static,
  ) -> Self {
    let other = fault.clone();
    let storage = Server::start(move |_, request| {
      other(request.line()).unwrap_or_else(|| response("201 Created", &[], "<Done/>"))
    })
    .await;
    let target = target.to_string().replace("STORAGE", &storage.url);
    let braintrust = Server::start(move |url, request| {
      let usual = || match request.line() {
        "POST /logs3/overflow" => response("200 OK", &[], &target),
        _ => braintrust(url, request, &json!(1_000)),
      };
      fault(request.line()).unwrap_or_else(usual)
    })
    .await;
    Self { braintrust, storage }
  }

  async fn upload(&self) -> Result<(), OverflowError> {
    self.upload_by(client).await
  }

  async fn upload_by(&self, client: fn(&str) -> Caller) -> Result<(), OverflowError> {
    let session = session(&super::client(&self.braintrust.url), &self.braintrust.url).await;
    client(&self.braintrust.url).upload_overflow(&session, BODY.into(), &ROWS).await
  }

  /// The one request to the storage.
  fn stored(&self) -> Request {
    let [request] = self.storage.requests().try_into().unwrap();
    request
  }
}

fn put() -> Value {
  json!({
    "method": "PUT",
    "signedUrl": "STORAGE/bucket/object?signature=s3cr3t",
    "headers": {"content-type": "application/json", "x-amz-acl": "private", "Host": "elsewhere", "content-length": "1"},
    "key": "over/flow-1"
  })
}

fn post() -> Value {
  json!({
    "method": "POST",
    "signedUrl": "STORAGE/bucket?signature=s3cr3t",
    "headers": {"Content-Type": "text/plain", "x-amz-acl": "private"},
    "fields": {"key": "over/flow-1", "Content-Type": "application/json", "a-policy": "p\"q"},
    "key": "over/flow-1"
  })
}

#[tokio::test]
async fn a_body_is_announced_then_uploaded_without_the_key_then_referenced() {
  let servers = Servers::new(put(), |_| None).await;
  servers.upload().await.unwrap();
  let [version, announced, referred] = servers.braintrust.requests().try_into().unwrap();
  assert_eq!(version.line(), "GET /version");

  assert_eq!(announced.line(), "POST /logs3/overflow");
  let meta = |bytes: usize| {
    json!({
      "object_ids": {"project_id": PROJECT, "log_id": "g"}, "is_delete": false,
      "input_row": {"byte_size": bytes}
    })
  };
  let announcement: Value = serde_json::from_slice(&announced.body).unwrap();
  assert_eq!(
    announcement,
    json!({
      "content_type": "application/json", "size_bytes": BODY.len(), "rows": [meta(11), meta(10)]
    })
  );

  let stored = servers.stored();
  assert_eq!(stored.line(), "PUT /bucket/object?signature=s3cr3t");
  assert_eq!(stored.body, BODY.as_bytes());
  assert_eq!(stored.header("content-type"), Some("application/json"));
  assert_eq!(stored.header("x-amz-acl"), Some("private"));
  assert_eq!(stored.header("content-length"), Some(BODY.len().to_string().as_str()));
  assert_eq!(stored.header("host"), servers.storage.url.strip_prefix("http://"));
  assert_eq!(stored.header("x-ms-blob-type"), None);

  assert_eq!(referred.line(), "POST /logs3");
  let reference: Value = serde_json::from_slice(&referred.body).unwrap();
  assert_eq!(
    reference,
    json!({"rows": {"type": "logs3_overflow", "key": "over/flow-1"}, "api_version": 2})
  );
  for ours in [announced, referred] {
    assert_eq!(ours.header("authorization"), Some("Bearer sk-verysecret-4711"));
    assert_eq!(ours.header("content-type"), Some("application/json"));
  }
}

#[tokio::test]
async fn the_storage_does_not_receive_the_key() {
  for target in [put(), post()] {
    let servers = Servers::new(target, |_| None).await;
    servers.upload().await.unwrap();
    let stored = servers.stored();
    assert_eq!(stored.header("authorization"), None);
    assert!(!stored.head().contains("verysecret"), "{}", stored.head());
    assert!(!String::from_utf8_lossy(&stored.body).contains("verysecret"));
  }
}

#[tokio::test]
async fn azure_receives_the_blob_type() {
  let mut target = put();
  target["signedUrl"] = json!("STORAGE/acme.blob.core.windows.net/object?sig=s3cr3t");
  target["headers"] = json!(null);
  let servers = Servers::new(target, |_| None).await;
  servers.upload().await.unwrap();
  let stored = servers.stored();
  assert_eq!(stored.header("x-ms-blob-type"), Some("BlockBlob"));
  assert_eq!(stored.header("content-type"), None);
}

#[tokio::test]
async fn a_form_has_its_fields_in_order_and_then_the_body() {
  let target = r#"{
    "method": "POST", "signedUrl": "STORAGE/bucket?signature=s3cr3t", "key": "over/flow-1",
    "headers": {"Content-Type": "text/plain", "x-amz-acl": "private"},
    "fields": {"key": "over/flow-1", "Content-Type": "application/json", "a-policy": "p\"q"}
  }"#;
  let servers = Servers::new(target, |_| None).await;
  servers.upload().await.unwrap();
  let stored = servers.stored();
  assert_eq!(stored.line(), "POST /bucket?signature=s3cr3t");
  assert_eq!(stored.header("x-amz-acl"), Some("private"));
  assert_eq!(stored.header("content-length"), Some(stored.body.len().to_string().as_str()));
  let kind = stored.header("content-type").unwrap();
  let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
  let form = String::from_utf8(stored.body.clone()).unwrap().replace(boundary, "B");
  let field = |name: &str, value: &str| {
    format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
  };
  let fields = [
    field("key", "over/flow-1"),
    field("Content-Type", "application/json"),
    field("a-policy", "p\"q"),
  ];
  let file = format!(
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\
     Content-Type: application/json\r\n\r\n{BODY}\r\n--B--\r\n"
  );
  assert_eq!(form, fields.concat() + &file);
}

#[tokio::test]
async fn an_invalid_upload_target_is_rejected_and_nothing_is_sent() {
  let mut faults: Vec<Value> = vec![json!("<html>"), json!({}), json!({"method": "PUT"})];
  for (name, value) in [
    ("method", json!("PATCH")),
    ("signedUrl", json!("not an address")),
    ("signedUrl", json!("file:///etc/passwd")),
    ("key", json!("")),
    ("key", json!(null)),
    ("headers", json!({"bad header": "x"})),
    ("headers", json!({"x-header": "a\nb"})),
  ] {
    let mut target = put();
    target[name] = value;
    faults.push(target);
  }
  let mut form = post();
  form["fields"] = json!(null);
  faults.push(form.clone());
  form["fields"] = json!({"Content-Type": "no kind at all"});
  faults.push(form);
  for target in faults {
    let servers = Servers::new(target.clone(), |_| None).await;
    let error = servers.upload().await.unwrap_err();
    // What is not an object at all is not Braintrust's answer.
    let expected =
      if target.is_object() { ExportOutcome::Rejected } else { ExportOutcome::Unconfirmed };
    assert_eq!(error.outcome, expected, "{target}");
    assert_eq!(servers.storage.lines(), Vec::<String>::new());
    assert_eq!(servers.braintrust.lines(), ["GET /version", "POST /logs3/overflow"]);
  }
}

#[tokio::test]
async fn each_failing_step_has_an_outcome_for_the_body() {
  let announce = "POST /logs3/overflow";
  let store = "PUT /bucket/object?signature=s3cr3t";
  let refer = "POST /logs3";
  let seven = ExportOutcome::Retry(Duration::from_secs(7));
  let reset = || Act::Reset;
  let code = |status: &str| response(status, &["retry-after: 7"], "no");
  for (step, fault, outcome) in [
    (announce, reset(), RETRY),
    (announce, Act::Hang, RETRY),
    (announce, Act::Flood(head("200 OK")), RETRY),
    (announce, code("503 Busy"), seven.clone()),
    (announce, code("429 Slow Down"), seven.clone()),
    (announce, code("401 Who"), ExportOutcome::Unauthorized),
    // Only the overflow upload may be forbidden.
    (announce, code("403 No"), ExportOutcome::Rejected),
    (announce, code("404 What"), seven.clone()),
    (announce, code("413 Much"), ExportOutcome::Rejected),
    (announce, code("302 There"), RETRY),
    (announce, code("501 How"), seven.clone()),
    (store, reset(), RETRY),
    (store, code("503 Busy"), seven.clone()),
    // A new address may work; the key is not involved.
    (store, code("401 Who"), RETRY),
    (store, code("403 Expired"), RETRY),
    (store, code("400 Expired"), RETRY),
    (store, code("404 What"), RETRY),
    (store, code("413 Much"), ExportOutcome::Rejected),
    (store, code("307 There"), RETRY),
    (refer, reset(), RETRY),
    (refer, Act::Hang, RETRY),
    (refer, code("500 Oops"), seven.clone()),
    (refer, code("404 What"), seven.clone()),
    (refer, code("401 Who"), ExportOutcome::Unauthorized),
    (refer, code("400 Unknown"), ExportOutcome::Rejected),
    (refer, code("413 Much"), ExportOutcome::Rejected),
  ] {
    let part = match step {
      _ if step == announce => OverflowPart::Announcement,
      _ if step == store => OverflowPart::Storage,
      _ => OverflowPart::Reference,
    };
    let client = client_for(&fault);
    let servers = Servers::new(put(), move |line| (line == step).then(|| fault.clone())).await;
    let error = servers.upload_by(client).await.unwrap_err();
    assert_eq!((error.outcome.clone(), error.part), (outcome, part), "{step}: {error}");
    let requests = servers.braintrust.lines().len() + servers.storage.lines().len();
    let steps = 2 + [announce, store, refer].iter().position(|at| *at == step).unwrap();
    assert_eq!(requests, steps, "nothing follows a step that failed");
    // The address is a secret: it grants access to the storage.
    assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
  }
}

#[tokio::test]
async fn an_upload_to_a_storage_that_does_not_respond_times_out() {
  let fault = |line: &str| line.starts_with("PUT").then_some(Act::Hang);
  let servers = Servers::new(put(), fault).await;
  let began = Instant::now();
  let error = servers.upload_by(hasty).await.unwrap_err();
  assert!(error.to_string().contains("no response in time"), "{error}");
  // Four times the 400 ms of a request.
  assert!((1_590..10_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_endless_response_body_of_the_storage_counts_as_success() {
  let endless = |line: &str| line.starts_with("PUT").then(|| Act::Flood(head("200 OK")));
  Servers::new(put(), endless).await.upload().await.unwrap();
}
