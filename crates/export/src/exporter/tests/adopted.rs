//! What is sent of the open spans that another process left.

use std::io;

use super::{
  spooled::{done, spooling_with},
  *,
};

/// A process: its exporter, whose disk may refuse segments.
struct Process {
  exporter: Exporter,
  disk_is_full: bool,
  is_online: bool,
  /// Whether a run comes before whatever is due.
  is_busy: bool,
  /// What it finds at its start.
  left: Vec<Vec<u8>>,
  /// The last snapshot that it has written.
  snapshot: Option<Vec<u8>>,
  rows: Vec<Value>,
}

impl Process {
  fn new(options: &Value, left: Option<Vec<u8>>) -> Self {
    let exporter = spooling_with(options);
    let left = Vec::from_iter(left);
    let rows = Vec::new();
    Self {
      exporter,
      disk_is_full: false,
      is_online: true,
      is_busy: false,
      left,
      snapshot: None,
      rows,
    }
  }

  fn event(&mut self, ms: u64, kind: &str, more: Value) {
    let mut event = json!({ "v": 3, "type": kind, "runId": "r1", "workflowName": "w" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    self.exporter.handle_event(&event.to_string(), Priority::Start, at(ms)).unwrap();
  }

  /// Performs what is due at a time.
  fn work(&mut self, ms: u64) {
    let now = at(ms);
    for step in 0.. {
      if self.is_busy {
        for kind in ["run_start", "run_end"] {
          self.event(ms, kind, json!({ "runId": format!("r1 at {ms}, {step}") }));
        }
      }
      self.exporter.handle_timeout(now);
      let mut is_busy = false;
      while let Some((id, operation)) = self.exporter.poll_spool() {
        is_busy = true;
        let completion = self.perform(&operation);
        self.exporter.handle_spool(id, completion, now);
      }
      while let Some(Request { id, call, .. }) = self.exporter.poll_request() {
        is_busy = true;
        let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
        let response = if self.is_online { braintrust(&path, 0) } else { status(500, None) };
        if self.is_online
          && path == "/logs3"
          && let Body::Bytes(body) = &call.body
        {
          let body: Value = serde_json::from_slice(body).unwrap();
          self.rows.extend(body["rows"].as_array().unwrap().clone());
        }
        self.exporter.handle_response(id, Ok(response), now);
      }
      if !is_busy {
        break;
      }
    }
  }

  fn perform(&mut self, operation: &Operation) -> Completion {
    if self.disk_is_full && matches!(operation, Operation::Write { .. }) {
      return Completion::Written(Err(io::Error::other("no space")));
    }
    if let Operation::WriteSnapshot(content) = operation {
      self.snapshot = Some(content.clone());
    }
    done(operation, &mut self.left)
  }

  fn is_interrupted(&self) -> bool {
    self.rows.iter().any(|row| row["metadata"]["flue.interrupted"] == true)
  }
}

/// What a process leaves that dies in a trace which only an error has it record.
fn left_of_an_error(options: &Value) -> Vec<u8> {
  let mut process = Process::new(options, None);
  process.work(0);
  process.event(10, "run_start", json!({}));
  process.event(20, "operation_start", json!({ "operationId": "o1", "operationKind": "prompt" }));
  let failed = json!({ "operationId": "o1", "operationKind": "prompt", "isError": true, "error": { "message": "x" } });
  process.event(30, "operation", failed);
  process.work(500);
  assert_eq!(process.rows.len(), 2);
  process.snapshot.unwrap()
}

#[test]
fn a_trace_that_an_error_released_stays_recorded_in_the_next_process() {
  let options = json!({ "sampleRate": 0, "keepErrors": true });
  let left = left_of_an_error(&options);
  let mut adopter = Process::new(&options, Some(left.clone()));
  adopter.work(0);
  adopter.work(1_000);
  assert!(adopter.is_interrupted());

  let mut next = Process::new(&options, Some(left));
  next.work(0);
  next.event(100, "run_end", json!({ "isError": false, "result": "done" }));
  next.work(1_000);
  let last = next.rows.last().unwrap();
  assert_eq!(
    (&last["output"], &last["metadata"]["flue.interrupted"]),
    (&json!("done"), &json!(false))
  );
}

/// Whether the process after an adopter closes again what a process before both has left.
fn closes_again(disk_is_full: bool, is_busy: bool) -> bool {
  let mut first = Process::new(&json!({}), None);
  first.work(0);
  first.event(10, "run_start", json!({}));
  first.work(500);
  let mut adopter = Process::new(&json!({}), first.snapshot);
  (adopter.disk_is_full, adopter.is_online, adopter.is_busy) = (disk_is_full, false, is_busy);
  adopter.work(0);
  adopter.work(1_000);
  let mut next = Process::new(&json!({}), adopter.snapshot);
  next.work(0);
  next.work(1_000);
  next.is_interrupted()
}

#[test]
fn spans_are_closed_although_their_first_adopter_dies_with_a_full_disk() {
  // Otherwise the adopter's segment has the row.
  assert_eq!([false, true].map(|disk_is_full| closes_again(disk_is_full, false)), [false, true]);
}

#[test]
fn the_next_process_does_not_close_again_what_an_adopter_that_is_never_quiet_has_closed() {
  assert_eq!([false, true].map(|disk_is_full| closes_again(disk_is_full, true)), [false, true]);
}
