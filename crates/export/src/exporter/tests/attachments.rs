//! Attachments, from an event to Braintrust's confirmation.

mod faults;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::*;
use crate::{masking::MaskRequest, transport::Call};

/// A file without a pattern.
fn file(seed: u8, length: usize) -> Vec<u8> {
  let mut state = u64::from(seed) + 1;
  let noise = std::iter::repeat_with(move || {
    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (state >> 33) as u8
  });
  b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".iter().copied().chain(noise).take(length).collect()
}

fn image(bytes: &[u8]) -> Value {
  json!({ "type": "image", "data": STANDARD.encode(bytes), "mimeType": "image/png" })
}

/// What a server was asked, and what it answers.
struct Server<'a> {
  requests: Vec<(String, Call)>,
  answer: &'a mut dyn FnMut(&str, usize) -> Option<Response>,
}

fn json_response(body: Value) -> Response {
  Response { status: 200, body: body.to_string().into(), ..Response::default() }
}

impl Server<'_> {
  /// The answers of Braintrust, but for those of `answer`, which also gets how often the path was asked for before.
  fn answer(&mut self, path: &str) -> Response {
    let before = self.requests.iter().filter(|(asked, _)| asked == path).count();
    if let Some(response) = (self.answer)(path, before) {
      return response;
    }
    match path {
      "/attachment" => json_response(json!({
        "signedUrl": "http://127.0.0.1:9/bucket?signature=secret",
        "headers": { "content-type": "image/png", "host": "elsewhere" },
      })),
      _ => braintrust(path, 0),
    }
  }

  fn bodies(&self, path: &str) -> Vec<Value> {
    let calls = self.requests.iter().filter(|(asked, _)| asked == path);
    let texts = calls.map(|(_, call)| {
      let Body::Bytes(body) = &call.body else { panic!() };
      serde_json::from_slice(body).unwrap()
    });
    texts.collect()
  }

  fn count(&self, path: &str) -> usize {
    self.requests.iter().filter(|(asked, _)| asked == path).count()
  }

  fn rows(&self) -> String {
    self.bodies("/logs3").iter().map(Value::to_string).collect()
  }
}

const PUT: &str = "/bucket?signature=secret";

impl Host {
  fn attaching(options: Value) -> Self {
    let mut all = json!({ "attachments": true });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    Self::new(all)
  }

  fn workflow(&mut self, id: &str, input: &Value, output: &Value) {
    for event in [
      json!({ "v": 3, "type": "run_start", "runId": id, "workflowName": "w", "input": input }),
      json!({ "v": 3, "type": "run_end", "runId": id, "workflowName": "w", "result": output }),
    ] {
      self.exporter.handle_event(&event.to_string(), Priority::Start, self.now()).unwrap();
    }
  }

  fn serve(&mut self, time: Duration, server: &mut Server<'_>, mask: &dyn Fn(&str) -> String) {
    let end = self.elapsed + time;
    loop {
      self.exporter.handle_timeout(self.now());
      let mut is_busy = false;
      while let Some(MaskRequest { batch, content }) = self.exporter.poll_mask() {
        is_busy = true;
        self.exporter.handle_masked(batch, &mask(&content), self.now());
      }
      while let Some(Request { id, call, .. }) = self.exporter.poll_request() {
        is_busy = true;
        let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
        let response = server.answer(&path);
        server.requests.push((path, call));
        self.exporter.handle_response(id, Ok(response), self.now());
      }
      while let Some(output) = self.exporter.poll_output() {
        if let Output::Completed { ticket, complete } = output {
          self.completed.push((ticket, complete));
        }
      }
      if is_busy {
        continue;
      }
      match self.exporter.poll_timeout(self.now()).filter(|due| *due <= end) {
        Some(due) => self.elapsed = self.elapsed.max(due),
        None => break,
      }
    }
    self.elapsed = end;
    let (stats, unsettled) =
      (self.stats().attachments, self.exporter.delivery.unsettled_attachments());
    assert_eq!(stats.pending, unsettled as u64);
  }
}

fn works(_: &str, _: usize) -> Option<Response> {
  None
}

fn unmasked(content: &str) -> String {
  content.to_owned()
}

fn serve(
  host: &mut Host,
  time: Duration,
  answer: &mut dyn FnMut(&str, usize) -> Option<Response>,
) -> Vec<(String, Call)> {
  let mut server = Server { requests: Vec::new(), answer };
  host.serve(time, &mut server, &unmasked);
  server.requests
}

#[test]
fn a_file_is_uploaded_once_without_the_key_and_every_row_refers_to_it() {
  let mut host = Host::attaching(json!({}));
  let bytes = file(1, 3_000);
  let text = format!("see data:image/png;base64,{}", STANDARD.encode(&bytes));
  for id in ["a", "b", "c"] {
    host.workflow(
      id,
      &json!([image(&bytes)]),
      &json!({ "text": text, "json": image(&bytes).to_string() }),
    );
  }
  let mut server = Server { requests: Vec::new(), answer: &mut works };
  host.serve(10 * SECOND, &mut server, &unmasked);
  let [announced] = server.bodies("/attachment").try_into().unwrap();
  let key = announced["key"].as_str().unwrap();
  let hash = Sha256::digest(&bytes);
  assert!(
    key.starts_with(&format!("{:02x}{:02x}{:02x}{:02x}-", hash[0], hash[1], hash[2], hash[3]))
  );
  let reference = json!({ "type": "braintrust_attachment", "key": key, "filename": announced["filename"], "content_type": "image/png" });
  assert_eq!(
    announced,
    json!({ "key": key, "filename": announced["filename"], "content_type": "image/png", "org_id": "o" })
  );
  let uploads: Vec<&Call> =
    server.requests.iter().filter(|(path, _)| path == PUT).map(|(_, call)| call).collect();
  let [put] = uploads.as_slice() else { panic!("{} uploads", uploads.len()) };
  assert!(matches!(&put.body, Body::Bytes(body) if *body == bytes));
  assert_eq!(put.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["content-type"]);
  assert_eq!(
    server.bodies("/attachment/status"),
    [json!({ "key": key, "org_id": "o", "status": { "upload_status": "done" } })]
  );
  let logs = server.bodies("/logs3");
  let rows: Vec<&Value> = logs.iter().flat_map(|body| body["rows"].as_array().unwrap()).collect();
  assert_eq!(rows.len(), 3);
  for row in rows {
    assert_eq!(row["input"][0]["data"], reference, "{row}");
    assert!(row["output"]["text"].as_str().unwrap().ends_with(&format!(", key {key}]")), "{row}");
    let inner: Value = serde_json::from_str(row["output"]["json"].as_str().unwrap()).unwrap();
    assert_eq!(inner["data"], reference);
  }
  let stats = host.stats().attachments;
  assert_eq!((stats.accepted, stats.uploaded, stats.bytes), (1, 1, 3_000));
  assert!(host.exporter.is_at_rest());
}

#[test]
fn what_no_row_shows_is_not_uploaded() {
  let bytes = file(2, 3_000);
  let secret =
    format!("data:text/plain;base64,{}", STANDARD.encode("my password is hunter2 ".repeat(20)));
  let (input, output) = (json!({ "file": image(&bytes) }), json!({ "file": secret }));
  for (options, uploads) in [
    (json!({ "content": false }), 0),
    (json!({ "content": { "input": false, "output": false } }), 0),
    (json!({ "content": { "input": false } }), 1),
    (json!({ "redact": { "keys": ["file"] } }), 0),
    (json!({ "redact": { "paths": ["input.file", "output"] } }), 0),
    (json!({ "redact": { "patterns": ["hunter\\d"] } }), 1),
    (json!({ "maxFieldBytes": 128 }), 0),
    (json!({}), 2),
  ] {
    let mut host = Host::attaching(options.clone());
    host.workflow("a", &input, &output);
    let mut server = Server { requests: Vec::new(), answer: &mut works };
    host.serve(10 * SECOND, &mut server, &unmasked);
    assert_eq!((server.count("/attachment"), server.count(PUT)), (uploads, uploads), "{options}");
    assert_eq!(server.count("/logs3"), 1);
    assert_eq!(host.exporter.memory_bytes(), 0, "{options}");
    let stats = host.stats().attachments;
    assert_eq!((stats.accepted, stats.uploaded), (uploads as u64, uploads as u64), "{options}");
  }
}

#[test]
fn a_file_in_a_text_that_a_rule_changes_is_not_uploaded() {
  let encoded = STANDARD.encode(&file(4, 900)[26..]);
  let (lines, token) = (encoded.as_bytes().chunks(64), encoded.replace(['+', '/', '='], "a"));
  let lines: Vec<_> = lines.map(|line| std::str::from_utf8(line).unwrap()).collect();
  let (begin, end) = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----");
  let pem = format!("{begin}\n{}\n{end}\n", lines.join("\n"));
  let cases = [
    (json!({ "builtins": ["private-keys"] }), format!("cat key\n{pem}")),
    (json!({ "builtins": ["private-keys"] }), json!({ "data": pem }).to_string()),
    (json!({ "builtins": ["bearer-tokens"] }), format!("Authorization: Bearer {encoded}")),
    (json!({ "builtins": ["api-keys"] }), format!("token ya29.{token}")),
    (json!({ "patterns": [r"IQoJ[\w+\/=-]{20,}"] }), format!("IQoJ{token}")),
    (json!({ "patterns": [r#""data":"[\w+\/=]+""#] }), json!({ "data": encoded }).to_string()),
  ];
  for (rules, text) in cases {
    for (rules, uploads) in [(rules, 0), (json!({ "builtins": ["emails"] }), 1)] {
      let mut host = Host::attaching(json!({ "redact": rules }));
      host.workflow("a", &json!({ "data": text, "text": text }), &json!(1));
      let mut server = Server { requests: Vec::new(), answer: &mut works };
      host.serve(10 * SECOND, &mut server, &unmasked);
      assert_eq!(server.count(PUT), uploads, "{rules} {text}");
      assert!(!server.rows().contains(lines[0]), "{rules} {text}");
    }
  }
}

/// How many files are uploaded for an input with this one.
fn uploads_of(options: Value, media_type: &str, bytes: &[u8]) -> usize {
  let mut host = Host::attaching(options);
  let url = format!("data:{media_type};base64,{}", STANDARD.encode(bytes));
  host.workflow("a", &json!({ "url": url }), &json!(1));
  let mut server = Server { requests: Vec::new(), answer: &mut works };
  host.serve(10 * SECOND, &mut server, &unmasked);
  server.count(PUT)
}

#[test]
fn text_that_rules_cannot_read_is_not_uploaded() {
  let latin: Vec<u8> =
    "caf\u{e9} ".chars().map(|c| c as u8).chain(*b"hunter2 and more text").collect();
  for (media_type, rules, uploads) in [
    ("text/plain", json!({ "patterns": ["hunter\\d"] }), 0),
    ("text/csv", json!({ "patterns": ["hunter\\d"] }), 0),
    ("application/json", json!({ "patterns": ["hunter\\d"] }), 0),
    ("image/svg+xml", json!({ "patterns": ["hunter\\d"] }), 0),
    ("application/sql", json!({ "patterns": ["hunter\\d"] }), 0),
    ("application/octet-stream", json!({ "patterns": ["hunter\\d"] }), 0),
    ("application/pdf", json!({ "patterns": ["hunter\\d"] }), 1),
    ("text/plain", json!({}), 1),
  ] {
    let options = json!({ "redact": rules });
    assert_eq!(uploads_of(options, media_type, &latin), uploads, "{media_type} {rules}");
  }
}

#[test]
fn rules_and_keys_find_what_is_in_utf_16() {
  let key = "sk-0123456789abcdef0123456789";
  let bytes = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
  };
  let other = "name;mail\nAda;someone else\n".repeat(4);
  for order in [u16::to_le_bytes, u16::to_be_bytes] {
    for (text, media_type, uploads) in [
      (format!("{other}hunter2"), "text/csv", 0),
      (format!("{other}hunter2"), "application/octet-stream", 0),
      (format!("\u{feff}{other}hunter2"), "application/octet-stream", 0),
      (format!("{other}\u{e9} hunter2"), "application/octet-stream", 0),
      (format!("{other}{key}"), "application/octet-stream", 0),
      (other.clone(), "text/csv", 1),
    ] {
      let options = json!({ "apiKey": key, "redact": { "patterns": ["hunter\\d"] } });
      let found = uploads_of(options, media_type, &bytes(&text, order));
      assert_eq!(found, uploads, "{media_type} {text:?}");
    }
  }
}

#[test]
fn what_separates_texts_by_nuls_is_searched_as_it_is() {
  let options = json!({ "redact": { "patterns": ["^hunter\\d|\\bhunter"] } });
  assert_eq!(uploads_of(options, "text/plain", "name\0hunter2\0".repeat(9).as_bytes()), 0);
}

#[test]
fn a_file_with_an_api_key_is_not_uploaded() {
  let key = "sk-0123456789abcdef0123456789";
  let text = |key: &str| format!("BRAINTRUST_API_KEY={key}\n").repeat(8);
  for (bytes, uploads) in [
    (text(key).into_bytes(), 0),
    ([file(1, 900), key.into()].concat(), 0),
    (text("sk-another-key").into_bytes(), 1),
  ] {
    let mut host = Host::attaching(json!({ "apiKey": key }));
    let file = json!({ "type": "file", "mimeType": "text/plain", "data": STANDARD.encode(&bytes) });
    host.workflow("a", &file, &json!(1));
    let mut server = Server { requests: Vec::new(), answer: &mut works };
    host.serve(10 * SECOND, &mut server, &unmasked);
    assert_eq!((server.count(PUT), server.count("/attachment")), (uploads, uploads));
    assert_eq!(server.rows().contains("data omitted"), uploads == 0, "{}", server.rows());
  }
}

#[test]
fn a_media_type_that_rules_or_a_mask_may_change_is_not_announced() {
  let bytes = file(5, 900)[26..].to_vec();
  let of = |media_type: &str, rules: Value, masking: Masking| {
    let mut host = Host::attaching(json!({ "redact": rules }));
    host.exporter.set_masking(masking);
    let file = json!({ "type": "file", "data": STANDARD.encode(&bytes), "mediaType": media_type });
    host.workflow("a", &file, &json!(1));
    let mut server = Server { requests: Vec::new(), answer: &mut works };
    host.serve(10 * SECOND, &mut server, &unmasked);
    server.bodies("/attachment")[0]["content_type"].as_str().unwrap().to_owned()
  };
  let (rules, unknown) = (json!({ "patterns": ["ACME-[A-Z]+"] }), "application/octet-stream");
  let own = "application/x.ACME-PLUM";
  assert_eq!(of(own, json!({}), Masking::Off), "application/x.acme-plum");
  assert_eq!(of(own, rules.clone(), Masking::Off), unknown);
  assert_eq!(of(own, json!({}), Masking::On), unknown);
  assert_eq!(of("Text/CSV", json!({}), Masking::On), "text/csv");
  assert_eq!(of("application/pdf", rules, Masking::On), "application/pdf");
}

#[test]
fn the_masking_function_decides_what_is_uploaded() {
  let bytes = file(3, 3_000);
  for (mask, uploads) in [
    (&(|content: &str| content.replace("-8", "-9")) as &dyn Fn(&str) -> String, 0),
    (&|_: &str| r#"[{"input":"masked"}]"#.to_owned(), 0),
    (&|_: &str| "garbage".to_owned(), 0),
    (&|content: &str| content.to_owned(), 1),
  ] {
    let mut host = Host::attaching(json!({}));
    host.exporter.set_masking(Masking::On);
    host.workflow("a", &json!({ "file": image(&bytes) }), &json!(1));
    let mut server = Server { requests: Vec::new(), answer: &mut works };
    host.serve(10 * SECOND, &mut server, mask);
    assert_eq!((server.count(PUT), server.count("/logs3")), (uploads, 1));
    assert_eq!(host.exporter.memory_bytes(), 0);
  }
}

#[test]
fn rows_arrive_when_the_server_refuses_attachments_which_is_reported_once() {
  let mut host = Host::attaching(json!({}));
  let mut refuses = |path: &str, _: usize| (path == "/attachment").then(|| status(400, None));
  for seed in 0..3 {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 500)), &json!(1));
    serve(&mut host, SECOND, &mut refuses);
  }
  // A file that was lost is shown as a placeholder from then on.
  host.workflow("again", &image(&file(0, 500)), &json!(1));
  let mut server = Server { requests: Vec::new(), answer: &mut refuses };
  host.serve(SECOND, &mut server, &unmasked);
  assert_eq!(server.count("/attachment"), 0);
  assert!(server.rows().contains("[image data omitted: image/png, 500 bytes"));
  let stats = host.stats();
  assert_eq!((stats.sent, stats.lost.len()), (4, 0));
  assert_eq!(stats.attachments.lost, [("rejected", 3)].into());
  let diagnostics = host.account.diagnostics.take();
  let reports: Vec<u64> =
    diagnostics.iter().filter_map(|diagnostic| diagnostic.attachments).collect();
  assert!(reports.iter().sum::<u64>() >= 1 && reports.len() <= 3, "{diagnostics:?}");
  assert!(diagnostics[0].message.contains("400 Bad Request"), "{diagnostics:?}");
}

#[test]
fn a_storage_that_fails_is_asked_again_and_then_the_failure_is_stated() {
  let mut host = Host::attaching(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let mut fails = |path: &str, _: usize| (path == PUT).then(|| status(500, None));
  let mut server = Server { requests: Vec::new(), answer: &mut fails };
  host.serve(600 * SECOND, &mut server, &unmasked);
  assert_eq!((server.count("/attachment"), server.count(PUT)), (9, 9));
  let [stated] = server.bodies("/attachment/status").try_into().unwrap();
  assert_eq!(stated["status"]["upload_status"], "error");
  let why = stated["status"]["error_message"].as_str().unwrap();
  assert!(why.contains("500") && !why.contains("secret"), "{why}");
  assert_eq!(host.stats().attachments.lost, [("rejected", 1)].into());
  assert_eq!((host.stats().sent, host.exporter.memory_bytes()), (1, 0));
}

#[test]
fn a_storage_that_fails_for_a_while_gets_the_file_with_a_new_address() {
  let mut host = Host::attaching(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let requests = serve(&mut host, 60 * SECOND, &mut |path, before| match path {
    PUT if before < 3 => Some(status([403, 503, 500][before], None)),
    "/attachment" if before == 1 => Some(status(429, Some("2"))),
    _ => None,
  });
  let count = |path: &str| requests.iter().filter(|(asked, _)| asked == path).count();
  assert_eq!((count("/attachment"), count(PUT), count("/attachment/status")), (5, 4, 1));
  assert_eq!(host.stats().attachments.uploaded, 1);
}

#[test]
fn a_stored_file_is_not_uploaded_again_for_its_confirmation() {
  let mut host = Host::attaching(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let requests = serve(&mut host, 60 * SECOND, &mut |path, before| {
    (path == "/attachment/status" && before < 3).then(|| status(503, None))
  });
  let count = |path: &str| requests.iter().filter(|(asked, _)| asked == path).count();
  assert_eq!((count("/attachment"), count(PUT), count("/attachment/status")), (1, 1, 4));
  assert_eq!(host.stats().attachments.uploaded, 1);
}

#[test]
fn an_outage_loses_no_attachment() {
  let mut host = Host::attaching(json!({}));
  for seed in 0..20 {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 500)), &json!(1));
  }
  serve(&mut host, 900 * SECOND, &mut |path, _| {
    (path != "/api/apikey/login").then(|| status(503, None))
  });
  assert_eq!(host.stats().attachments.lost.len(), 0);
  let requests = serve(&mut host, 60 * SECOND, &mut works);
  assert_eq!(requests.iter().filter(|(path, _)| path == PUT).count(), 20);
  assert_eq!((host.stats().attachments.uploaded, host.stats().sent), (20, 20));
}

#[test]
fn memory_is_bounded_and_what_has_no_room_is_counted() {
  let mut host = Host::attaching(json!({ "maxQueueBytes": 1024 * 1024 }));
  for seed in 0..100 {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 20_000)), &json!(1));
    assert!(host.exporter.memory_bytes() <= 1024 * 1024);
  }
  let before = host.stats().attachments.lost["queue_full"];
  assert!((60..100).contains(&before), "{before}");
  serve(&mut host, 60 * SECOND, &mut works);
  let stats = host.stats();
  assert_eq!((stats.sent, stats.attachments.uploaded), (100, 100 - before));
  assert_eq!(stats.attachments.pending, 0);
}

#[test]
fn a_flush_waits_for_attachments_and_a_shutdown_until_its_deadline() {
  let mut host = Host::attaching(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let ticket = host.exporter.flush(100 * SECOND, host.now());
  let mut late = |path: &str, before: usize| {
    (path == "/attachment" && before < 2).then(|| status(503, Some("10")))
  };
  serve(&mut host, 9 * SECOND, &mut late);
  assert_eq!((host.stats().sent, host.completed.len()), (1, 0));
  serve(&mut host, 60 * SECOND, &mut late);
  assert_eq!(host.completed, [(ticket, true)]);
  host.completed.clear();
  host.workflow("b", &image(&file(2, 500)), &json!(1));
  let deadline = host.elapsed + SECOND;
  let ticket = host.exporter.shutdown(deadline, host.now());
  serve(&mut host, 60 * SECOND, &mut |path, _| {
    (path == "/attachment").then(|| status(503, Some("1")))
  });
  assert_eq!(host.completed, [(ticket, false)]);
  assert_eq!((host.stats().sent, host.stats().attachments.lost.len()), (2, 1));
  let diagnostics = host.account.diagnostics.take();
  assert!(
    diagnostics.iter().any(|one| one.message.contains("1 attachment is lost")),
    "{diagnostics:?}"
  );
}

#[test]
fn a_shutdown_delivers_attachments() {
  let mut host = Host::attaching(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let ticket = host.exporter.shutdown(2 * SECOND, host.now());
  serve(&mut host, SECOND / 100, &mut works);
  assert_eq!(host.completed, [(ticket, true)]);
  assert_eq!(host.stats().attachments.uploaded, 1);
}

#[test]
fn a_row_that_fails_once_as_the_process_ends_costs_no_attachment() {
  for is_exit in [false, true] {
    let mut host = Host::attaching(json!({}));
    host.workflow("a", &image(&file(12, 3_000)), &json!(1));
    let deadline = host.now().elapsed + 9 * SECOND;
    if is_exit {
      host.exporter.deliver_before_exit(deadline, true, host.now());
    } else {
      host.exporter.shutdown(deadline, host.now());
    }
    let mut fails_first = |path: &str, before: usize| {
      let failures = usize::from(path == "/logs3") + 3 * usize::from(path == PUT);
      (before < failures).then(|| status(503, None))
    };
    serve(&mut host, 9 * SECOND, &mut fails_first);
    assert_eq!((host.stats().sent, host.stats().attachments.uploaded), (1, 1), "{is_exit}");
  }
}

#[test]
fn without_a_login_one_finds_the_organization() {
  let project = "00000000-0000-4000-8000-000000000001";
  let mut host = Host::attaching(json!({ "apiUrl": "http://127.0.0.1:9", "projectId": project }));
  for seed in 0..4 {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 500)), &json!(1));
  }
  let mut server = Server { requests: Vec::new(), answer: &mut works };
  host.serve(10 * SECOND, &mut server, &unmasked);
  assert!((1..=2).contains(&server.count("/api/apikey/login")));
  assert!(server.bodies("/attachment").iter().all(|body| body["org_id"] == "o"));
  assert_eq!(host.stats().attachments.uploaded, 4);
}

/// Four runs, each with a file, where no login precedes the rows; what is announced of the files.
fn four_runs(answer: &mut dyn FnMut(&str, usize) -> Option<Response>) -> (Stats, Vec<Value>) {
  let project = "00000000-0000-4000-8000-000000000001";
  let mut host = Host::attaching(json!({ "apiUrl": "http://127.0.0.1:9", "projectId": project }));
  let mut server = Server { requests: Vec::new(), answer };
  for seed in 0..4 {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 500)), &json!(1));
    host.serve(10 * SECOND, &mut server, &unmasked);
  }
  (host.stats(), server.bodies("/attachment"))
}

#[test]
fn a_login_that_was_refused_once_is_repeated_for_the_next_file() {
  for code in [302, 401, 403, 404] {
    let (stats, announced) = four_runs(&mut |path, before| {
      (path == "/api/apikey/login" && before == 0).then(|| status(code, None))
    });
    let orgs: Vec<_> = announced.iter().map(|body| body["org_id"].as_str().unwrap()).collect();
    assert_eq!((orgs, stats.attachments.uploaded), (vec!["", "o", "o", "o"], 4), "{code}");
  }
}

#[test]
fn without_the_setting_nothing_is_uploaded() {
  let mut host = Host::new(json!({}));
  host.workflow("a", &image(&file(1, 500)), &json!(1));
  let mut server = Server { requests: Vec::new(), answer: &mut works };
  host.serve(10 * SECOND, &mut server, &unmasked);
  assert_eq!(server.count("/attachment"), 0);
  assert!(server.rows().contains("[image data omitted: image/png, 500 bytes, sha256 "));
}
