//! What one conversation emits: events in the order of a real one, as JSON text.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use export::admission::Priority::{self, Continuation, MinimalEnd, Note, Start};
use fastrand::Rng;

/// Stands in content that a masking function must hide.
pub const SECRET: &str = "SECRET";
/// Stands where [`SECRET`] stood.
pub const MASKED: &str = "HIDDEN";
/// Stands in content that a redaction rule must remove.
pub const TOKEN: &str = "tok-live-7f3a";

/// A text as the masking function returns it.
pub fn mask(text: &str) -> String {
  text.replace(SECRET, MASKED)
}

/// How placeholders with a key, and those without, begin.
const ATTACHED: &str = "[image attached: ";
const OMITTED: &str = "[image data omitted: ";
/// The key in a placeholder: what precedes it, and its length.
const BEFORE_KEY: &str = ", key ";
const KEY_LENGTH: usize = 36;

/// The text as it is without attachments: which files have a key depends on the room that they find.
pub fn without_keys(text: &str) -> String {
  let mut parts = text.split(ATTACHED);
  let mut out = parts.next().unwrap_or_default().to_owned();
  for part in parts {
    out.push_str(OMITTED);
    let (details, rest) = part.split_once(BEFORE_KEY).unwrap_or((part, ""));
    out.push_str(details);
    // A field may be cut within it.
    let is_of_key = |c: char| c.is_ascii_hexdigit() || c == '-';
    let end = rest.find(|c| !is_of_key(c)).unwrap_or(rest.len()).min(KEY_LENGTH);
    out.push_str(rest.get(end..).unwrap_or_default());
  }
  out
}

/// One of the files that events have.
fn file(number: usize) -> Vec<u8> {
  let mut state = number as u64;
  let noise = std::iter::repeat_with(move || {
    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (state >> 33) as u8
  });
  b"\x89PNG".iter().copied().chain(noise).take(60 + number * 211).collect()
}

/// An event.
pub struct Emitted {
  /// The event as JSON.
  pub text: String,
  /// Its priority.
  pub priority: Priority,
  /// The end without content that follows it when it is refused.
  pub minimal_end: Option<String>,
}

/// Writes the events of one conversation.
pub struct Conversation<'a> {
  rng: &'a mut Rng,
  number: usize,
  large: usize,
  has_files: bool,
  counter: u64,
  messages: Vec<String>,
  emitted: Vec<Emitted>,
}

impl<'a> Conversation<'a> {
  /// Writes at least `least` events. Large content has up to `large` bytes.
  pub fn write(
    rng: &'a mut Rng,
    number: usize,
    least: usize,
    large: usize,
    has_files: bool,
  ) -> Vec<Emitted> {
    let mut conversation =
      Self { rng, number, large, has_files, counter: 0, messages: Vec::new(), emitted: Vec::new() };
    while conversation.emitted.len() < least {
      match conversation.rng.u8(..10) {
        0..4 => conversation.operation("", 0),
        4..6 => conversation.run(),
        6 => conversation.submission(),
        7..9 => conversation.custom(None),
        _ => conversation.garbage(),
      }
    }
    conversation.emitted
  }

  fn next(&mut self) -> u64 {
    self.counter += 1;
    self.counter
  }

  fn id(&mut self, kind: &str) -> String {
    let (number, counter) = (self.number, self.next());
    format!("{kind}-{number}-{counter}")
  }

  fn text(&mut self) -> String {
    let number = self.next();
    let mut text = format!("{SECRET} {number} {TOKEN} ");
    let bytes = match self.rng.u8(..40) {
      0 => self.rng.usize(..=self.large),
      1..4 => 1500,
      _ => self.rng.usize(..60),
    };
    while text.len() < bytes {
      let _written = write!(text, "{number:x} words of an answer; ");
    }
    if self.has_files && self.rng.u8(..6) == 0 {
      let file = STANDARD.encode(file(self.rng.usize(..24)));
      let _written = write!(text, "data:image/png;base64,{file} ");
    }
    text
  }

  /// Emits an event; rarely not, or twice.
  fn emit(&mut self, kind: &str, members: &str, priority: Priority) {
    let chance = self.rng.u8(..40);
    if chance == 0 {
      return;
    }
    let base = self.ids(kind, members);
    let text = format!("{{\"v\":3,\"type\":\"{kind}\"{base}{members}}}");
    let minimal_end = (priority == Continuation).then(|| self.minimal_end(kind, members));
    let twice = chance == 1;
    if twice {
      let (text, minimal_end) = (text.clone(), minimal_end.clone());
      self.emitted.push(Emitted { text, priority, minimal_end });
    }
    self.emitted.push(Emitted { text, priority, minimal_end });
  }

  fn ids(&self, kind: &str, members: &str) -> String {
    if members.contains("runId") || kind.starts_with("span_") {
      return String::new();
    }
    format!(",\"conversationId\":\"c{0}\",\"instanceId\":\"i{0}\"", self.number)
  }

  /// The least that closes the span: its ids.
  fn minimal_end(&self, kind: &str, members: &str) -> String {
    let names = ["runId", "operationId", "turnId", "toolCallId", "taskId", "spanId", "rootSpanId"];
    let mut text = format!("{{\"v\":3,\"type\":\"{kind}\"{}", self.ids(kind, members));
    for name in names {
      let key = format!("\"{name}\":\"");
      if let Some((_, rest)) = members.split_once(&key)
        && let Some((value, _)) = rest.split_once('"')
      {
        let _written = write!(text, ",\"{name}\":\"{value}\"");
      }
    }
    text.push('}');
    text
  }

  fn run(&mut self) {
    let id = self.id("run");
    let (input, name) = (self.text(), self.rng.u8(..3));
    let run = format!(",\"runId\":\"{id}\"");
    let start = format!("{run},\"workflowName\":\"w{name}\",\"input\":{{\"text\":\"{input}\"}}");
    self.emit("run_start", &start, Start);
    for _ in 0..self.rng.u8(1..3) {
      self.operation(&run, 0);
    }
    let output = self.text();
    self.emit("run_end", &format!("{run},\"result\":\"{output}\",\"durationMs\":7"), Continuation);
  }

  fn submission(&mut self) {
    let id = self.id("sub");
    let member = format!(",\"submissionId\":\"{id}\"");
    self.emit("submission_queued", &format!("{member},\"kind\":\"dispatch\""), Note);
    self.emit("submission_running", &format!("{member},\"attemptCount\":1"), Note);
    self.operation(&member, 0);
    if self.rng.u8(..4) == 0 {
      self.emit("submission_recovery", &format!("{member},\"outcome\":\"requeued\""), Continuation);
      self.emit("submission_running", &format!("{member},\"attemptCount\":2"), Note);
      self.operation(&member, 0);
    }
    let outcome = if self.rng.bool() { "completed" } else { "failed" };
    self.emit("submission_settled", &format!("{member},\"outcome\":\"{outcome}\""), Continuation);
  }

  fn operation(&mut self, around: &str, depth: u8) {
    let id = self.id("op");
    let members = format!("{around},\"operationId\":\"{id}\"");
    self.emit("operation_start", &format!("{members},\"operationKind\":\"prompt\""), Start);
    for _ in 0..self.rng.u8(1..4) {
      self.turn(&members, depth);
    }
    if self.rng.u8(..6) == 0 {
      let start = format!("{members},\"reason\":\"threshold\",\"eventIndex\":{}", self.next());
      self.emit("compaction_start", &start, Start);
      self.emit("compaction", &format!("{members},\"messagesBefore\":9"), Continuation);
      self.messages.clear();
    }
    if self.rng.u8(..4) == 0 {
      let message = self.text();
      let log = format!("{members},\"level\":\"info\",\"message\":\"{message}\"");
      self.emit("log", &log, Note);
    }
    let output = self.text();
    let end = format!("{members},\"operationKind\":\"prompt\",\"agentOutput\":\"{output}\"");
    self.emit("operation", &end, Continuation);
  }

  fn turn(&mut self, around: &str, depth: u8) {
    let (id, text) = (self.id("turn"), self.text());
    let members = format!("{around},\"turnId\":\"{id}\"");
    self.messages.push(format!("{{\"role\":\"user\",\"content\":\"{text}\"}}"));
    if self.messages.len() > 8 {
      self.messages.clear();
    }
    let list = self.messages.join(",");
    let request = format!(
      "{members},\"request\":{{\"requestedModel\":\"m\",\"input\":{{\"messages\":[{list}]}}}}"
    );
    self.emit("turn_request", &request, Start);
    for _ in 0..self.rng.u8(..3) {
      self.tool(&members, depth);
    }
    let answer = self.text();
    let usage = "{\"input\":5,\"output\":7,\"totalTokens\":12}";
    let first = if self.rng.bool() { ",\"$firstDeltaAt\":1795417364000" } else { "" };
    let end = format!(
      "{members}{first},\"durationMs\":3,\"response\":{{\"output\":\"{answer}\",\"usage\":{usage}}}"
    );
    self.emit("turn", &end, Continuation);
  }

  fn tool(&mut self, around: &str, depth: u8) {
    let (id, args) = (self.id("call"), self.text());
    let members = format!("{around},\"toolName\":\"grep\",\"toolCallId\":\"{id}\"");
    self.emit("tool_start", &format!("{members},\"args\":{{\"q\":\"{args}\"}}"), Start);
    match self.rng.u8(..8) {
      0 if depth < 2 => self.task(around, depth),
      1 => self.custom(Some("1234567890abcdef")),
      _ => {}
    }
    let (result, failed) = (self.text(), self.rng.u8(..5) == 0);
    self.emit(
      "tool",
      &format!("{members},\"result\":\"{result}\",\"isError\":{failed}"),
      Continuation,
    );
  }

  fn task(&mut self, around: &str, depth: u8) {
    let (id, prompt) = (self.id("task"), self.text());
    let members = format!("{around},\"taskId\":\"{id}\",\"agent\":\"helper\"");
    self.emit("task_start", &format!("{members},\"prompt\":\"{prompt}\""), Start);
    self.operation(&format!(",\"taskId\":\"{id}\""), depth + 1);
    let result = self.text();
    self.emit("task", &format!("{members},\"result\":\"{result}\""), Continuation);
  }

  /// A span of the application, whose state changes often.
  fn custom(&mut self, parent: Option<&str>) {
    let row = format!("{:016x}{:016x}", self.number as u64 + 1, self.next());
    let trace = format!("{:032x}", self.number + 1);
    let mut ids = format!(",\"spanId\":\"{row}\",\"rootSpanId\":\"{trace}\"");
    if let Some(parent) = parent {
      let _written = write!(ids, ",\"parentSpanId\":\"{parent}\"");
    }
    let input = self.text();
    let start = format!("{{\"name\":\"own\",\"type\":\"function\",\"input\":\"{input}\"}}");
    self.emit("span_start", &format!("{ids},\"span\":{start}"), Start);
    for _ in 0..self.rng.u8(..6) {
      let (state, output) = (self.next(), self.text());
      let logged = format!(
        "{{\"output\":\"{output}\",\"metadata\":{{\"state\":{state}}},\"metrics\":{{\"n\":{state}}}}}"
      );
      self.emit("span_log", &format!("{ids},\"span\":{logged}"), Continuation);
      if self.rng.u8(..5) == 0 {
        self.operation("", 2);
      }
      if self.rng.u8(..3) == 0 {
        self.feedback(&ids);
      }
    }
    if self.rng.u8(..10) > 0 {
      let state = self.next();
      let end = format!("{{\"metadata\":{{\"state\":{state}}}}}");
      self.emit("span_end", &format!("{ids},\"span\":{end}"), Continuation);
    }
  }

  /// Feedback about a span of the application: a few from several users, at once.
  fn feedback(&mut self, ids: &str) {
    for _ in 0..self.rng.u8(1..4) {
      let source = ["app", "api", "external"][self.rng.usize(..3)];
      let (user, name, score) = (self.rng.u8(..3), self.rng.u8(..3), self.next() % 2);
      let update =
        format!("{{\"scores\":{{\"s{name}\":{score}}},\"metadata\":{{\"user\":{user}}}}}");
      self.emit("feedback", &format!("{ids},\"kind\":\"{source}\",\"span\":{update}"), Start);
    }
  }

  fn garbage(&mut self) {
    let texts =
      ["", "{", "[1]", "nonsense", "{\"type\":7}", "{\"type\":\"turn\"}", "{\"type\":\"unknown\"}"];
    let text = texts[self.rng.usize(..texts.len())].to_owned();
    let priority = if self.rng.bool() { MinimalEnd } else { Start };
    self.emitted.push(Emitted { text, priority, minimal_end: None });
  }
}
