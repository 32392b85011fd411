use std::time::Duration;

use super::*;
use export::outcome::ExportOutcome;
use tokio::time::Instant;

const BODY: &str = r#"{"rows":[{"id":"ä"},{"id":"b"}],"api_version":2}"#;
const ROWS: [usize; 2] = [11, 10];
const AGAIN: ExportOutcome = ExportOutcome::Retry(Duration::ZERO);

/// A Braintrust and a storage on another port. `target` is what the one says of the other, whose
/// address stands for `STORAGE`; `fault` may replace an answer.
struct World {
  braintrust: Server,
  storage: Server,
}

impl World {
  async fn new(
    target: impl ToString,
    fault: impl Fn(&str) -> Option<Act> + Clone + Send + Sync + 'static,
  ) -> Self {
    let other = fault.clone();
    let storage = Server::start(move |_, request| {
      other(request.line()).unwrap_or_else(|| answer("201 Created", &[], "<Done/>"))
    })
    .await;
    let target = target.to_string().replace("STORAGE", &storage.url);
    let braintrust = Server::start(move |url, request| {
      let usual = || match request.line() {
        "POST /logs3/overflow" => answer("200 OK", &[], &target),
        _ => braintrust(url, request, &json!(1_000)),
      };
      fault(request.line()).unwrap_or_else(usual)
    })
    .await;
    Self { braintrust, storage }
  }

  async fn upload(&self) -> Result<(), OverflowError> {
    let client = client(&self.braintrust.url);
    let session = session(&client, &self.braintrust.url).await;
    client.upload_overflow(&session, BODY.into(), &ROWS).await
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
async fn a_body_is_announced_then_put_elsewhere_without_the_key_then_referred_to() {
  let world = World::new(put(), |_| None).await;
  world.upload().await.unwrap();
  let [version, announced, referred] = world.braintrust.requests().try_into().unwrap();
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

  let stored = world.stored();
  assert_eq!(stored.line(), "PUT /bucket/object?signature=s3cr3t");
  assert_eq!(stored.body, BODY.as_bytes());
  assert_eq!(stored.header("content-type"), Some("application/json"));
  assert_eq!(stored.header("x-amz-acl"), Some("private"));
  assert_eq!(stored.header("content-length"), Some(BODY.len().to_string().as_str()));
  assert_eq!(stored.header("host"), world.storage.url.strip_prefix("http://"));
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
async fn a_storage_is_told_neither_the_key_nor_who_asks() {
  for target in [put(), post()] {
    let world = World::new(target, |_| None).await;
    world.upload().await.unwrap();
    let stored = world.stored();
    assert_eq!(stored.header("authorization"), None);
    assert!(!stored.head().contains("verysecret"), "{}", stored.head());
    assert!(!String::from_utf8_lossy(&stored.body).contains("verysecret"));
  }
}

#[tokio::test]
async fn azure_is_told_what_to_make_of_it() {
  let mut target = put();
  target["signedUrl"] = json!("STORAGE/acme.blob.core.windows.net/object?sig=s3cr3t");
  target["headers"] = json!(null);
  let world = World::new(target, |_| None).await;
  world.upload().await.unwrap();
  let stored = world.stored();
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
  let world = World::new(target, |_| None).await;
  world.upload().await.unwrap();
  let stored = world.stored();
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
async fn an_answer_that_names_no_place_refuses_the_way_and_nothing_is_sent_anywhere() {
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
    let world = World::new(target.clone(), |_| None).await;
    let error = world.upload().await.unwrap_err();
    assert_eq!(error.outcome, ExportOutcome::Rejected, "{target}");
    assert_eq!(world.storage.lines(), Vec::<String>::new());
    assert_eq!(world.braintrust.lines(), ["GET /version", "POST /logs3/overflow"]);
  }
}

#[tokio::test]
async fn each_failing_step_says_what_it_means_for_the_body() {
  let announce = "POST /logs3/overflow";
  let store = "PUT /bucket/object?signature=s3cr3t";
  let refer = "POST /logs3";
  let seven = ExportOutcome::Retry(Duration::from_secs(7));
  let reset = || Act::Reset;
  let code = |status: &str| answer(status, &["retry-after: 7"], "no");
  for (step, fault, verdict, is_storage) in [
    (announce, reset(), AGAIN, false),
    (announce, Act::Silence, AGAIN, false),
    (announce, Act::Flood(head("200 OK")), AGAIN, false),
    (announce, code("503 Busy"), seven.clone(), false),
    (announce, code("429 Slow Down"), seven.clone(), false),
    (announce, code("401 Who"), ExportOutcome::Unauthorized, false),
    // Nothing but this way may be closed.
    (announce, code("403 No"), ExportOutcome::Rejected, false),
    (announce, code("404 What"), ExportOutcome::Rejected, false),
    (announce, code("413 Much"), ExportOutcome::Rejected, false),
    (announce, code("302 There"), ExportOutcome::Rejected, false),
    (announce, code("501 How"), ExportOutcome::Rejected, false),
    (store, reset(), AGAIN, true),
    (store, code("503 Busy"), seven.clone(), true),
    // A fresh address may do; the key has nothing to do with it.
    (store, code("401 Who"), AGAIN, true),
    (store, code("403 Expired"), AGAIN, true),
    (store, code("400 Expired"), AGAIN, true),
    (store, code("404 What"), ExportOutcome::Rejected, true),
    (store, code("413 Much"), ExportOutcome::Rejected, true),
    (store, code("307 There"), ExportOutcome::Rejected, true),
    (refer, reset(), AGAIN, false),
    (refer, Act::Silence, AGAIN, false),
    (refer, code("500 Oops"), seven.clone(), false),
    (refer, code("401 Who"), ExportOutcome::Unauthorized, false),
    (refer, code("400 Unknown"), ExportOutcome::Rejected, false),
    (refer, code("413 Much"), ExportOutcome::Rejected, false),
  ] {
    let world = World::new(put(), move |line| (line == step).then(|| fault.clone())).await;
    let error = world.upload().await.unwrap_err();
    assert_eq!((error.outcome.clone(), error.is_storage), (verdict, is_storage), "{step}: {error}");
    let requests = world.braintrust.lines().len() + world.storage.lines().len();
    let steps = 2 + [announce, store, refer].iter().position(|at| *at == step).unwrap();
    assert_eq!(requests, steps, "nothing follows a step that failed");
    // Whoever has the address may write to the storage.
    assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
  }
}

#[tokio::test]
async fn a_storage_that_takes_all_and_says_nothing_is_given_up_in_time() {
  let fault = |line: &str| line.starts_with("PUT").then_some(Act::Silence);
  let world = World::new(put(), fault).await;
  let began = Instant::now();
  let error = world.upload().await.unwrap_err();
  assert!(error.to_string().contains("no answer in time"), "{error}");
  // More than the 400 ms of a request, as it is large; but not for ever.
  assert!((1_590..10_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_answer_without_end_is_as_good_as_one_with_an_end() {
  let endless = |line: &str| {
    let last = line.starts_with("PUT") || line == "POST /logs3";
    last.then(|| Act::Flood(head("200 OK")))
  };
  World::new(put(), endless).await.upload().await.unwrap();
}
