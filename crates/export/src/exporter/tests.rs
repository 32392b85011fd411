//! The exporter as a host drives it, with a server that responds as a test wants.

mod adopted;
mod attachments;
mod disk;
mod endings;
mod firewall;
mod flushed;
mod found;
mod keys;
mod overflow;
mod refused;
mod slow;
mod spooled;
mod stated;

use std::{cell::Cell, mem};

use bytes::Bytes;
use serde_json::{Value, json};
use spool::{Adopted, Operation};

use super::*;
use crate::{
  admission::Priority,
  counters::Stats,
  loss::LossReason,
  masking::MaskRequest,
  transport::{Body, Request},
};

const START: i64 = 1_795_417_364_000;

/// Responds to a request by its path and its body.
type ByBody<'a> = &'a dyn Fn(&str, &str) -> Result<Response, TransportError>;

/// A host with virtual time and no spool.
struct Host {
  exporter: Exporter,
  account: Arc<Account>,
  elapsed: Duration,
  /// The bodies of `POST /logs3`, in the order in which they came.
  uploads: Vec<Value>,
  completed: Vec<(TicketId, bool)>,
}

impl Host {
  fn new(options: Value) -> Self {
    Self::with(options, Account::new(SECOND, &Arc::default(), Box::new(|_| {})))
  }

  fn with(options: Value, account: Account) -> Self {
    let mut all = json!({ "apiKey": "sk-test", "appUrl": "http://127.0.0.1:9" });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let settings = Settings::parse(&json!({ "options": all }).to_string()).unwrap();
    let account = Arc::new(account);
    let now = Now { elapsed: Duration::ZERO, unix_ms: START };
    let exporter = Exporter::new(Arc::new(settings), account.clone(), &SpoolStatus::Unused, 1, now);
    Self { exporter, account, elapsed: Duration::ZERO, uploads: Vec::new(), completed: Vec::new() }
  }

  fn now(&self) -> Now {
    Now { elapsed: self.elapsed, unix_ms: START + self.elapsed.as_millis() as i64 }
  }

  /// One whole run of a workflow.
  fn run(&mut self, id: &str) {
    for kind in ["run_start", "run_end"] {
      let event = json!({ "v": 3, "type": kind, "runId": id, "workflowName": "w" }).to_string();
      self.exporter.handle_event(&event, Priority::Start, self.now()).unwrap();
    }
  }

  /// Responds to all requests until there are none, by the number of uploads before.
  fn respond(&mut self, respond: &dyn Fn(&str, usize) -> Response) {
    let uploads = Cell::new(self.uploads.len());
    self.respond_by_body(&|path, _| {
      let response = respond(path, uploads.get());
      uploads.set(uploads.get() + usize::from(path == "/logs3"));
      Ok(response)
    });
  }

  /// The same by the body.
  fn respond_by_body(&mut self, respond: ByBody<'_>) {
    loop {
      self.exporter.handle_timeout(self.now());
      let Some(Request { id, call, .. }) = self.exporter.poll_request() else { break };
      let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
      let body = if let Body::Bytes(body) = &call.body { body } else { &Bytes::new() };
      let response = respond(&path, std::str::from_utf8(body).unwrap());
      if path == "/logs3" {
        self.uploads.push(serde_json::from_slice(body).unwrap());
      }
      self.exporter.handle_response(id, response, self.now());
    }
    while let Some(output) = self.exporter.poll_output() {
      if let Output::Completed { ticket, complete } = output {
        self.completed.push((ticket, complete));
      }
    }
  }

  /// Lets time pass, from one timeout to the next.
  fn pass(&mut self, time: Duration, respond: &dyn Fn(&str, usize) -> Response) {
    self.pass_to(time, |host| host.respond(respond));
  }

  /// The same with responses by the body.
  fn pass_by_body(&mut self, time: Duration, respond: ByBody<'_>) {
    self.pass_to(time, |host| host.respond_by_body(respond));
  }

  fn pass_to(&mut self, time: Duration, respond: impl Fn(&mut Self)) {
    let end = self.elapsed + time;
    respond(self);
    while let Some(due) = self.exporter.poll_timeout(self.now()).filter(|due| *due <= end) {
      self.elapsed = self.elapsed.max(due);
      respond(self);
    }
    self.elapsed = end;
    respond(self);
  }

  fn stats(&self) -> Stats {
    let stats = self.account.counters.stats();
    let in_memory = self.exporter.in_memory();
    assert_eq!(stats.pending, in_memory.rows as u64);
    assert_eq!(stats.bytes.pending, in_memory.bytes as u64);
    stats
  }
}

fn status(status: u16, retry_after: Option<&str>) -> Response {
  Response { status, retry_after: retry_after.map(str::to_owned), ..Response::default() }
}

/// Responds as Braintrust does.
fn braintrust(path: &str, _uploads: usize) -> Response {
  let body = match path {
    "/api/apikey/login" => {
      json!({ "org_info": [{ "id": "o", "name": "acme", "api_url": "http://127.0.0.1:9" }] })
    }
    "/api/project/register" => json!({ "project": { "id": "p" } }),
    "/version" => json!({ "logs3_payload_max_bytes": 100_000 }),
    _ => json!({ "ok": true }),
  };
  Response { status: 200, body: body.to_string().into(), ..Response::default() }
}

const SECOND: Duration = Duration::from_secs(1);

fn at(ms: u64) -> Now {
  Now { elapsed: Duration::from_millis(ms), unix_ms: START + ms as i64 }
}

#[test]
fn no_request_is_sent_before_there_is_a_row() {
  let mut host = Host::new(json!({}));
  host.pass(60 * SECOND, &|path, _| panic!("{path} is requested"));
  assert_eq!(host.exporter.poll_timeout(host.now()), None);
}

#[test]
fn a_connection_that_is_asked_for_needs_no_row_and_is_tried_again_until_it_is_there() {
  let mut host = Host::new(json!({}));
  host.exporter.connect();
  host.pass(60 * SECOND, &|path, _| {
    assert_eq!(path, "/api/apikey/login");
    status(503, None)
  });
  assert!(host.exporter.poll_timeout(host.now()).is_some());
  assert_eq!(host.account.diagnostics.take().len(), 1);
  let ticket = host.exporter.flush(host.elapsed + SECOND, host.now());
  host.respond(&|_, _| status(503, None));
  assert_eq!(host.completed, [(ticket, true)]);
  host.pass(600 * SECOND, &braintrust);
  host.exporter.connect();
  host.pass(60 * SECOND, &|path, _| panic!("{path} is requested"));
  assert_eq!(host.exporter.poll_timeout(host.now()), None);
  host.run("run_1");
  host.pass(SECOND, &|path, uploads| {
    assert_eq!(path, "/logs3");
    braintrust(path, uploads)
  });
  assert_eq!(host.uploads.len(), 1);
}

#[test]
fn a_connection_that_is_not_there_delays_no_end() {
  let mut host = Host::new(json!({}));
  host.exporter.connect();
  host.exporter.handle_timeout(host.now());
  let ticket = host.exporter.shutdown(60 * SECOND, host.now());
  host.exporter.handle_timeout(host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(ticket, true)]);
}

/// Feedback of a user.
fn feedback(row: &str, source: &str, user: u8) -> String {
  let span = json!({ "scores": { "s": user }, "metadata": { "user": user } });
  json!({ "v": 3, "type": "feedback", "spanId": row, "kind": source, "span": span }).to_string()
}

#[test]
fn feedback_of_two_users_that_waits_together_is_sent_in_two_requests_one_after_the_other() {
  let mut host = Host::new(json!({}));
  let row = "a".repeat(32);
  for (source, user) in [("app", 1), ("app", 0), ("api", 0)] {
    let text = feedback(&row, source, user);
    host.exporter.handle_event(&text, Priority::Start, host.now()).unwrap();
  }
  let ticket = host.exporter.flush(10 * SECOND, host.now());
  host.respond(&braintrust);
  assert_eq!(host.completed, [(ticket, true)]);
  let audits: Vec<_> = host
    .uploads
    .iter()
    .flat_map(|upload| {
      let rows = upload["rows"].as_array().unwrap();
      assert_eq!(rows.len(), 1);
      rows.iter().map(|row| (row["_audit_source"].clone(), row["_audit_metadata"]["user"].clone()))
    })
    .collect();
  let expected = [("app", 1), ("app", 0), ("api", 0)];
  assert_eq!(audits, expected.map(|(source, user)| (json!(source), json!(user))));
  let stats = host.stats();
  assert_eq!((stats.accepted, stats.sent, stats.pending), (3, 3, 0));
}

#[test]
fn rows_of_one_span_are_merged_and_sent_after_a_delay() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.pass(SECOND, &braintrust);
  let [upload] = host.uploads.as_slice() else { panic!("{:?}", host.uploads) };
  assert_eq!(upload["rows"].as_array().unwrap().len(), 1);
  assert_eq!(upload["rows"][0]["project_id"], "p");
  let stats = host.stats();
  assert_eq!((stats.accepted, stats.sent, stats.pending), (1, 1, 0));
}

#[test]
fn feedback_is_merged_with_the_span_that_waits_and_counts_as_lost_when_it_cannot_be_used() {
  let mut host = Host::new(json!({}));
  let context: translate::FlueContext = serde_json::from_str(r#"{"runId":"r"}"#).unwrap();
  let row = context.span().unwrap().row.to_string();
  let feedback = |score: f64, id: &str| {
    json!({ "type": "feedback", "spanId": id, "commentId": "00112233445566778899aabbccddeeff", "message": "c",
      "span": { "scores": { "s": score } } })
    .to_string()
  };
  for text in [feedback(0.5, &row), feedback(2.0, &row)] {
    host.exporter.handle_event(&text, Priority::Start, host.now()).unwrap();
  }
  host.run("r");
  host.pass(SECOND, &braintrust);
  let rows: Vec<&Value> =
    host.uploads.iter().flat_map(|body| body["rows"].as_array().unwrap()).collect();
  let [run, comment] = rows.as_slice() else { panic!("{rows:?}") };
  assert_eq!((&run["id"], &run["scores"]["s"]), (&json!(row), &json!(0.5)));
  assert_eq!(run["span_attributes"]["name"], "workflow:w");
  assert_eq!((&comment["origin"]["id"], &comment["comment"]["text"]), (&json!(row), &json!("c")));
  let stats = host.stats();
  assert_eq!((stats.accepted, stats.sent), (3, 2));
  assert_eq!(stats.lost, std::collections::BTreeMap::from([("invalid_feedback", 1)]));
}

#[test]
fn a_log_line_that_no_span_shows_is_lost() {
  for (options, lost) in [(json!({}), Some(&2)), (json!({ "logs": false }), None)] {
    let mut host = Host::new(options);
    host.run("r");
    for ids in [json!({}), json!({ "runId": "r" }), json!({ "operationId": "o" })] {
      let mut line = json!({ "v": 3, "type": "log", "message": "m" });
      line.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
      host.exporter.handle_event(&line.to_string(), Priority::Start, host.now()).unwrap();
    }
    host.pass(SECOND, &braintrust);
    let stats = host.stats();
    assert_eq!((stats.lost.get("no_span"), stats.pending), (lost, 0));
  }
}

#[test]
fn the_root_of_a_trace_has_the_fields_of_the_settings_and_of_its_event_and_no_other_row_has() {
  let fields =
    json!({ "tags": ["a", "b"], "metadata": { "team": "t", "flue.run_id": "no", "x": 1 } });
  let mut host = Host::new(json!({ "traceFields": fields }));
  let added = json!({ "tags": ["b", "c"], "metadata": { "team": "own" } });
  for event in [
    json!({ "v": 3, "type": "run_start", "runId": "r", "workflowName": "w", "$enrichment": added }),
    json!({ "v": 3, "type": "operation_start", "runId": "r", "operationId": "o", "operationKind": "prompt", "$enrichment": 7 }),
    json!({ "v": 3, "type": "operation", "runId": "r", "operationId": "o", "operationKind": "prompt" }),
    json!({ "v": 3, "type": "run_end", "runId": "r" }),
  ] {
    host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  }
  host.pass(SECOND, &braintrust);
  let rows: Vec<&Value> =
    host.uploads.iter().flat_map(|body| body["rows"].as_array().unwrap()).collect();
  let [run, operation] = rows.as_slice() else { panic!("{rows:?}") };
  assert_eq!(run["tags"], json!(["b", "c", "a"]));
  for (name, value) in [("team", json!("own")), ("x", json!(1)), ("flue.run_id", json!("r"))] {
    assert_eq!(run["metadata"][name], value);
  }
  assert_eq!((operation.get("tags"), operation["metadata"].get("team")), (None, None));
}

#[test]
fn a_failed_batch_is_retried_after_the_delay_of_retry_after() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  let busy = |path: &str, uploads: usize| match (path, uploads) {
    ("/logs3", 0) => status(503, Some("20")),
    _ => braintrust(path, uploads),
  };
  host.pass(19 * SECOND, &busy);
  assert_eq!((host.uploads.len(), host.stats().pending), (1, 1));
  host.pass(2 * SECOND, &busy);
  assert_eq!((host.uploads.len(), host.stats().sent), (2, 1));
  assert_eq!(host.uploads[0], host.uploads[1]);
}

#[test]
fn a_batch_that_is_too_large_is_split_until_it_is_accepted() {
  let mut host = Host::new(json!({}));
  (0..8).for_each(|n| host.run(&format!("run_{n}")));
  let picky = |path: &str, uploads: usize| match path {
    "/logs3" if uploads < 3 => status(413, None),
    _ => braintrust(path, uploads),
  };
  host.pass(SECOND, &picky);
  let rows = |upload: &Value| upload["rows"].as_array().unwrap().len();
  assert_eq!(host.uploads.iter().map(rows).collect::<Vec<_>>()[..3], [8, 4, 4]);
  assert_eq!((host.stats().sent, host.stats().pending), (8, 0));
}

#[test]
fn rows_are_masked_before_they_are_encoded() {
  let mut host = Host::new(json!({}));
  host.exporter.set_masking(Masking::On);
  host.run("run_1");
  host.pass(SECOND, &braintrust);
  assert_eq!((host.uploads.len(), host.stats().pending), (0, 1));
  let MaskRequest { batch, content } = host.exporter.poll_mask().unwrap();
  assert!(content.contains("workflow:w"));
  host.exporter.handle_masked(batch, r#"[{"name":"hidden"}]"#, host.now());
  host.pass(SECOND, &braintrust);
  assert_eq!(host.uploads[0]["rows"][0]["span_attributes"]["name"], "hidden");
}

#[test]
fn rows_that_wait_when_the_masking_function_is_removed_are_masked_and_later_ones_are_not() {
  let mut host = Host::new(json!({}));
  host.exporter.set_masking(Masking::On);
  host.run("run_1");
  host.exporter.set_masking(Masking::Off);
  host.run("run_2");
  host.pass(SECOND, &braintrust);
  let MaskRequest { batch, .. } = host.exporter.poll_mask().unwrap();
  assert!(host.exporter.poll_mask().is_none());
  host.exporter.handle_masked(batch, r#"[{"name":"hidden"}]"#, host.now());
  host.pass(SECOND, &braintrust);
  let rows = host.uploads.iter().flat_map(|upload| upload["rows"].as_array().unwrap());
  let names: Vec<_> = rows.map(|row| row["span_attributes"]["name"].clone()).collect();
  assert_eq!(names, ["workflow:w", "hidden"]);
}

#[test]
fn what_was_open_when_the_masking_function_is_removed_is_masked_to_its_end() {
  let mut host = Host::new(json!({}));
  let pass = |host: &mut Host, kind: &str, run: &str, more: Value| {
    let mut event = json!({ "v": 3, "type": kind, "runId": run, "workflowName": run });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  };
  // It is open before, and only a log line is written under the masking function.
  pass(&mut host, "run_start", "early", json!({}));
  host.pass(SECOND, &braintrust);
  host.exporter.set_masking(Masking::On);
  pass(&mut host, "run_start", "open", json!({ "input": { "metadata": { "of": "secret" } } }));
  pass(&mut host, "log", "early", json!({ "level": "info", "message": "secret" }));
  host.pass(SECOND, &braintrust);
  let MaskRequest { batch, .. } = host.exporter.poll_mask().unwrap();
  host.exporter.handle_masked(batch, r#"[{"name":"hidden"}]"#, host.now());
  host.exporter.set_masking(Masking::Off);
  host.pass(SECOND, &braintrust);
  let sent = host.uploads.len();
  // What they keep is in later rows; the operation repeats the metadata of its run.
  pass(
    &mut host,
    "operation_start",
    "open",
    json!({ "operationId": "op", "operationKind": "prompt" }),
  );
  pass(&mut host, "run_end", "open", json!({}));
  pass(&mut host, "run_end", "early", json!({}));
  host.run("later");
  host.pass(SECOND, &braintrust);
  let MaskRequest { batch, content } = host.exporter.poll_mask().unwrap();
  assert_eq!(content.matches("secret").count(), 2, "{content}");
  assert!(!content.contains("later"), "{content}");
  let rows = serde_json::from_str::<Value>(&content).unwrap().as_array().unwrap().len();
  let masked = vec![json!({ "name": "hidden" }); rows];
  host.exporter.handle_masked(batch, &json!(masked).to_string(), host.now());
  host.pass(SECOND, &braintrust);
  let text = json!(host.uploads[sent..]).to_string();
  assert!(!text.contains("secret") && text.contains("workflow:w"), "{text}");
  assert_eq!(host.stats().pending, 0);
}

#[test]
fn without_a_way_to_mask_what_was_open_ends_without_content_and_what_came_later_has_it() {
  let mut host = Host::new(json!({}));
  let end = json!({ "v": 3, "type": "run_end", "runId": "open", "result": "secret" }).to_string();
  host.exporter.set_masking(Masking::On);
  host.exporter.handle_event(&end.replace("end", "start"), Priority::Start, host.now()).unwrap();
  host.exporter.set_masking(Masking::Off);
  host.exporter.set_masking(Masking::Unavailable);
  host.exporter.handle_event(&end, Priority::Continuation, host.now()).unwrap();
  host.run("later");
  host.pass(SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.sent, stats.pending, stats.cut, stats.lost.len()), (3, 0, 2, 0));
  let text = json!(host.uploads).to_string();
  assert!(!text.contains("secret") && text.contains("later"), "{text}");
  assert!(text.contains(r#""output":"[flue-braintrust: left out"#), "{text}");
}

#[test]
fn that_rows_are_not_masked_is_reported_although_a_full_queue_was_before() {
  let mut host = Host::new(json!({}));
  host.account.note_cut(Priority::MinimalEnd, false);
  host.exporter.set_masking(Masking::On);
  host.run("in");
  host.exporter.set_masking(Masking::Unavailable);
  host.pass(SECOND, &braintrust);
  let reported = host.account.diagnostics.take();
  let cuts: Vec<_> = reported.iter().filter(|it| it.code == "FLUE_BRAINTRUST_CUT").collect();
  let [full, unmasked] = cuts[..] else { panic!("{reported:?}") };
  assert!(full.message.contains("maxQueueBytes") && unmasked.message.contains("exitTimeoutMs"));
}

#[test]
fn of_a_partly_masked_batch_the_other_rows_are_sent_without_content() {
  let mut host = Host::new(json!({}));
  host.exporter.set_masking(Masking::On);
  (0..3).for_each(|run| host.run(&format!("run_{run}")));
  host.pass(SECOND, &braintrust);
  let MaskRequest { batch, .. } = host.exporter.poll_mask().unwrap();
  host.exporter.handle_partly_masked(batch, r#"[{"name":"hidden"}]"#, host.now());
  host.pass(SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.sent, stats.cut, stats.lost.len(), stats.pending), (3, 2, 0, 0));
  let uploads = json!(host.uploads);
  let rows: Vec<&Value> =
    uploads.as_array().unwrap().iter().flat_map(|body| body["rows"].as_array().unwrap()).collect();
  let names: Vec<_> = rows.iter().map(|row| row["span_attributes"]["name"].as_str()).collect();
  assert_eq!(names, [Some("hidden"), None, None]);
  assert!(rows.iter().all(|row| row["metrics"]["start"].is_number()), "{rows:?}");
}

#[test]
fn feedback_that_nobody_can_mask_any_more_is_lost() {
  let mut host = Host::new(json!({}));
  host.exporter.set_masking(Masking::On);
  let feedback = feedback("0123456789abcdef", "external", 1);
  host.exporter.handle_event(&feedback, Priority::Continuation, host.now()).unwrap();
  host.exporter.set_masking(Masking::Unavailable);
  host.pass(SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.sent, stats.lost["not_delivered_at_exit"], stats.pending), (0, 1, 0));
}

#[test]
fn the_debug_log_shows_requests_batches_and_drops_and_neither_content_nor_key() {
  use std::sync::Mutex;

  let lines = Arc::new(Mutex::new(Vec::new()));
  let sink = lines.clone();
  let mut account = Account::new(SECOND, &Arc::default(), Box::new(|_| {}));
  account.show_log(Box::new(move |line| sink.lock().unwrap().push(line.to_owned())));
  let mut host = Host::with(json!({ "appUrl": "http://me:pass@127.0.0.1:9" }), account);
  let event = r#"{"v":3,"type":"run_start","runId":"run_1","input":"secret input"}"#;
  host.exporter.handle_event(event, Priority::Start, host.now()).unwrap();
  host.pass(SECOND, &|path, uploads| match path {
    "/logs3" => status(400, None),
    _ => braintrust(path, uploads),
  });
  let log = lines.lock().unwrap().join("\n");
  for part in [
    "request 0: POST http://127.0.0.1:9/api/apikey/login, 0 bytes",
    "response 0: 200 OK in 0 ms",
    "batch 0: 1 rows, ",
    "response 3: 400 Bad Request in 0 ms",
    "1 rows dropped: rejected (http://127.0.0.1:9/logs3 answered 400 Bad Request)",
  ] {
    assert!(log.contains(part), "{part} in\n{log}");
  }
  assert!(!["secret", "sk-test", "pass"].iter().any(|secret| log.contains(secret)), "{log}");
}

#[test]
fn base64_of_events_and_custom_spans_is_no_part_of_a_row() {
  let bytes = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  let image = json!({ "type": "image", "data": bytes, "mimeType": "image/png" });
  let text = format!("![chart](data:image/png;base64,{bytes}) and {}", json!({ "chart": image }));
  let messages = json!([
    { "role": "user", "content": [{ "type": "text", "text": text }, image] },
    { "role": "toolResult", "toolCallId": "c", "toolName": "t", "content": [{ "type": "text", "text": image.to_string() }] },
  ]);
  let span = json!({ "name": "s", "input": [image, text], "output": image.to_string(), "metadata": { "m": image } });
  let custom = |kind: &str| {
    json!({ "v": 3, "type": kind, "spanId": "00112233445566778899aabbccddeeff",
      "rootSpanId": "ffeeddccbbaa99887766554433221100", "span": span })
  };
  for turn_input in ["auto", "full", "delta"] {
    let mut host = Host::new(json!({ "turnInput": turn_input }));
    for event in [
      json!({ "v": 3, "type": "operation_start", "operationId": "o", "operationKind": "prompt" }),
      json!({ "v": 3, "type": "turn_request", "operationId": "o", "turnId": "1", "purpose": "agent",
        "conversationId": "c", "request": { "input": { "messages": messages, "systemPrompt": text } } }),
      json!({ "v": 3, "type": "tool_start", "operationId": "o", "toolCallId": "c", "toolName": "t", "args": image }),
      json!({ "v": 3, "type": "tool", "operationId": "o", "toolCallId": "c", "toolName": "t",
        "result": { "content": [image, { "type": "text", "text": text }] } }),
      json!({ "v": 3, "type": "log", "operationId": "o", "message": text, "attributes": image }),
      json!({ "v": 3, "type": "turn_request", "operationId": "o", "turnId": "2", "purpose": "agent",
        "conversationId": "c", "request": { "input": { "$history": { "kept": 2 }, "messages": messages } } }),
      json!({ "v": 3, "type": "operation", "operationId": "o", "operationKind": "prompt", "agentOutput": text,
        "isError": true, "error": { "message": text } }),
      custom("span_start"),
      custom("span_log"),
      custom("span_end"),
    ] {
      let text = event.to_string();
      host.exporter.handle_event(&text, Priority::Start, host.now()).unwrap();
    }
    host.pass(SECOND, &braintrust);
    let sent = json!(host.uploads).to_string();
    assert!(sent.matches(", 70 bytes, sha256 ").count() > 20, "{sent}");
    assert!(sent.contains("![chart]([image data omitted: image/png, 70 bytes, sha256 "), "{sent}");
    let is_part = |char: char| char.is_ascii_alphanumeric() || "+/".contains(char);
    let longest = sent.split(|char| !is_part(char)).map(str::len).max().unwrap();
    assert!(longest < 40, "{longest}: {sent}");
  }
}

#[test]
fn a_server_that_did_not_state_its_limit_is_asked_again_before_a_row_is_cut() {
  for states_later in [true, false] {
    let mut host = Host::new(json!({}));
    let input = "x".repeat(200_000);
    let event =
      json!({ "v": 3, "type": "run_start", "runId": "run_1", "workflowName": "w", "input": input });
    host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
    let (asked, overflows) = (Cell::new(0), Cell::new(0));
    host.pass(SECOND, &|path, uploads| match path {
      "/version" => {
        asked.set(asked.get() + 1);
        if asked.get() > 1 && states_later { braintrust(path, 0) } else { status(503, None) }
      }
      "/logs3" if uploads < 2 => status(413, None),
      "/logs3/overflow" => {
        overflows.set(overflows.get() + 1);
        status(503, None)
      }
      _ => braintrust(path, uploads),
    });
    assert_eq!(asked.get(), 2);
    assert_eq!(overflows.get() > 0, states_later);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent), if states_later { (0, 0) } else { (1, 1) });
  }
}
