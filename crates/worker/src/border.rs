//! The functions that the module exports: numbers as arguments, texts in one input buffer and one output buffer.
//!
//! JavaScript calls [`reserve`], writes a text to the address that it returns, and passes the length in bytes to
//! another function. That one may leave a text in the output buffer ([`output_address`], [`output_length`]) and bytes
//! in the body buffer. Any call may move the buffers and grow the memory: views are made anew afterwards. Times are in
//! milliseconds. A recorder is named by the number that [`open`] returns; other numbers have no effect.

#![allow(unsafe_code, reason = "exported names, and the input buffer that JavaScript fills")]

use std::{borrow::Cow, cell::RefCell, sync::Arc, time::Duration};

use bytes::Bytes;
use export::{
  Now,
  admission::Priority,
  config::Settings,
  secrets::Secrets,
  transport::{Body, Request},
};
use flue_event::TRANSLATED_KINDS;
use translate::FlueContext;

use crate::{
  messages::{Answer, RequestHead},
  mirror::Change,
  recorder::{Description, Recorder},
  recorders::Recorders,
  settings,
};

/// A larger input buffer is freed after its use.
const LARGE: usize = 1024 * 1024;
/// The longest timeout: a day.
const MAX_TIMEOUT_MS: f64 = 86_400_000.0;

#[derive(Default)]
struct Border {
  input: Vec<u8>,
  output: String,
  body: Bytes,
  recorders: Recorders,
  /// The settings that were parsed last: the recorders of all storages share theirs, and what is compiled of them.
  settings: Option<(String, Settings)>,
  /// The API keys that the isolate knows.
  secrets: Arc<Secrets>,
}

thread_local! {
  static BORDER: RefCell<Border> = RefCell::default();
}

impl Border {
  /// Removes the text that JavaScript has written.
  fn text(&mut self, bytes: usize) -> String {
    let text = utf8(self.bytes(bytes)).into_owned();
    self.free_large();
    text
  }

  fn bytes(&self, bytes: usize) -> &[u8] {
    self.input.get(..bytes).unwrap_or_default()
  }

  fn free_large(&mut self) {
    if self.input.len() > LARGE {
      self.input = Vec::new();
    }
  }

  fn put(&mut self, text: Option<String>) -> u32 {
    let is_some = text.is_some();
    self.output = text.unwrap_or_default();
    u32::from(is_some)
  }
}

/// The text that JavaScript has encoded: valid, which takes less time to check than to correct.
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
  str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn with<T>(run: impl FnOnce(&mut Border) -> T) -> T {
  BORDER.with_borrow_mut(run)
}

fn with_recorder<T: Default>(number: u32, run: impl FnOnce(&mut Recorder) -> T) -> T {
  with(|border| border.recorders.with(number, run))
}

fn now(elapsed: f64, unix: f64) -> Now {
  Now {
    elapsed: Duration::try_from_secs_f64(elapsed / 1000.0).unwrap_or_default(),
    unix_ms: unix as i64,
  }
}

/// Makes the input buffer this long, keeps its content, and returns its address.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
  with(|border| {
    if border.input.len() < bytes {
      border.input.resize(bytes, 0);
    }
    border.input.as_mut_ptr()
  })
}

/// The address of the text that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn output_address() -> *const u8 {
  with(|border| border.output.as_ptr())
}

/// Its length in bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn output_length() -> usize {
  with(|border| border.output.len())
}

/// The address of the bytes that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn body_address() -> *const u8 {
  with(|border| border.body.as_ptr())
}

/// Their number.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn body_length() -> usize {
  with(|border| border.body.len())
}

/// Frees the bytes that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn free_body() {
  with(|border| border.body = Bytes::new());
}

/// Makes a recorder of settings and returns its number. 0 when they are not usable; the output states why.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn open(bytes: usize) -> u32 {
  with(|border| {
    let text = border.text(bytes);
    let known = border.settings.as_ref().filter(|(known, _)| *known == text);
    let parse = || {
      border.secrets.add_from(&text);
      settings::parse(&text)
    };
    match known.map_or_else(parse, |(_, settings)| Ok(settings.clone())) {
      Ok(settings) => {
        border.settings = Some((text, settings.clone()));
        border.recorders.add(Recorder::new(settings, &border.secrets))
      }
      Err(error) => {
        border.output = border.secrets.hide(error.to_string());
        0
      }
    }
  })
}

/// Frees a recorder and what it holds.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn close(recorder: u32) {
  with(|border| border.recorders.remove(recorder));
}

/// Starts a recorder. The two halves of the seed are random.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn start(recorder: u32, high: u32, low: u32, elapsed: f64, unix: f64) {
  let seed = (u64::from(high) << 32) | u64::from(low);
  with_recorder(recorder, |recorder| recorder.start(seed, now(elapsed, unix)));
}

/// Lets a recorder that has started log in, although no row waits.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn connect(recorder: u32) {
  with_recorder(recorder, Recorder::connect);
}

/// Keeps unconfirmed rows in a storage: events wait for [`open_storage`].
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn await_storage(recorder: u32) {
  with_recorder(recorder, Recorder::await_storage);
}

/// Adds a file of the storage: its name, and behind it its content, or at least a header of it. `total` is the length
/// of the file.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn add_file(
  recorder: u32,
  name: usize,
  content: usize,
  total: f64,
  elapsed: f64,
  unix: f64,
) {
  with(|border| {
    let key = utf8(border.bytes(name)).into_owned();
    let content = border.input.get(name..name + content).unwrap_or_default().to_vec();
    border.recorders.with(recorder, |recorder| {
      recorder.add_file(key, &content, total as u64, now(elapsed, unix));
    });
    border.free_large();
  });
}

/// Lets a recorder use its storage, whose files are listed, or do without it if there is a text, which states why. 0
/// when it does without: a later call may succeed. The two halves of the seed are random.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn open_storage(
  recorder: u32,
  failure: usize,
  high: u32,
  low: u32,
  elapsed: f64,
  unix: f64,
) -> u32 {
  let seed = (u64::from(high) << 32) | u64::from(low);
  let failure = with(|border| (failure > 0).then(|| border.text(failure)));
  let is_used =
    with_recorder(recorder, |recorder| recorder.open_storage(seed, failure, now(elapsed, unix)));
  u32::from(is_used)
}

/// Leaves the key, and the content, of the next change of the storage: 1 to put, 2 to delete, 3 to get it, 0 when
/// there is none. The changes that are taken at once are carried out in this order, and completed together.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn take_change(recorder: u32) -> u32 {
  let Some(change) = with_recorder(recorder, Recorder::take_change) else { return 0 };
  let (kind, key, content) = match change {
    Change::Put { key, content } => (1, key, content),
    Change::Delete { key } => (2, key, Vec::new()),
    Change::Get { key } => (3, key, Vec::new()),
  };
  with(|border| {
    border.body = Bytes::from(content);
    border.put(Some(key));
  });
  kind
}

/// Completes the changes that were taken: with the content that was read, or with the text why they have failed.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn complete_storage(
  recorder: u32,
  bytes: usize,
  has_failed: u32,
  elapsed: f64,
  unix: f64,
) {
  let result = with(|border| {
    let result =
      if has_failed == 0 { Ok(border.bytes(bytes).to_vec()) } else { Err(border.text(bytes)) };
    border.free_large();
    result
  });
  with_recorder(recorder, |recorder| recorder.complete_storage(result, now(elapsed, unix)));
}

/// Records an event; 0 when it is refused. `cut` is 1 when content was cut from it.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn record(
  recorder: u32,
  bytes: usize,
  priority: u32,
  cut: u32,
  elapsed: f64,
  unix: f64,
) -> u32 {
  let priority = match priority {
    0 => Priority::Start,
    1 => Priority::Continuation,
    2 => Priority::MinimalEnd,
    _ => Priority::Note,
  };
  with(|border| {
    // The input is not copied: it is lent to the recorder.
    let input = std::mem::take(&mut border.input);
    let text = utf8(input.get(..bytes).unwrap_or_default());
    let is_accepted = border
      .recorders
      .with(recorder, |recorder| recorder.record(&text, priority, cut != 0, now(elapsed, unix)));
    drop(text);
    border.input = input;
    border.free_large();
    u32::from(is_accepted)
  })
}

/// 1 when a trace with this id is recorded, as far as its id decides.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn samples(recorder: u32, bytes: usize) -> u32 {
  let trace = with(|border| border.text(bytes));
  u32::from(with_recorder(recorder, |recorder| recorder.samples(&trace)))
}

/// Leaves what a span propagates to other processes, after the content policy and the rules; nothing when it is not an
/// object.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn redact_propagated(recorder: u32, bytes: usize) {
  let event = with(|border| border.text(bytes));
  let text = with_recorder(recorder, |recorder| recorder.redact_propagated(&event));
  with(|border| border.put(text));
}

/// Counts an event that came after the shutdown.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn refuse(recorder: u32, elapsed: f64, unix: f64) {
  with_recorder(recorder, |recorder| recorder.refuse(now(elapsed, unix)));
}

/// 1 when nothing is lost if the recorder is closed now.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn is_kept(recorder: u32) -> u32 {
  u32::from(with_recorder(recorder, |recorder| recorder.is_kept()))
}

/// How many accepted events wait for the storage.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn waiting(recorder: u32) -> usize {
  with_recorder(recorder, |recorder| recorder.waiting())
}

/// Begins a flush, or a shutdown, and returns its ticket; -1 when there is nothing to wait for.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn flush(
  recorder: u32,
  is_shutdown: u32,
  timeout: f64,
  elapsed: f64,
  unix: f64,
) -> f64 {
  let seconds = timeout.min(MAX_TIMEOUT_MS) / 1000.0;
  let timeout = Duration::try_from_secs_f64(seconds).unwrap_or_default();
  let ticket = with_recorder(recorder, |recorder| {
    recorder.flush(is_shutdown != 0, timeout, now(elapsed, unix))
  });
  ticket.map_or(-1.0, |ticket| ticket as f64)
}

/// Sets whether rows pass through the masking function.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn set_masking(recorder: u32, is_wanted: u32) {
  with_recorder(recorder, |recorder| recorder.set_masking(is_wanted != 0));
}

/// Leaves the next content to mask; 0 when there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn take_mask_request(recorder: u32) -> u32 {
  let request = with_recorder(recorder, Recorder::take_mask_request);
  with(|border| border.put(request))
}

/// Passes masked content. `cut` is the number of rows from which content was cut.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn complete_masking(
  recorder: u32,
  batch: f64,
  bytes: usize,
  cut: u32,
  elapsed: f64,
  unix: f64,
) {
  let content = with(|border| border.text(bytes));
  with_recorder(recorder, |recorder| {
    recorder.complete_masking(batch as u64, &content, cut as usize, now(elapsed, unix));
  });
}

/// Passes the response of a request, as JSON.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn respond(recorder: u32, bytes: usize, elapsed: f64, unix: f64) {
  let text = with(|border| border.text(bytes));
  if let Ok(answer) = serde_json::from_str::<Answer>(&text) {
    with_recorder(recorder, |recorder| recorder.respond(answer, now(elapsed, unix)));
  }
}

/// Does due work and leaves the progress of a recorder.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn poll(recorder: u32, elapsed: f64, unix: f64) {
  let progress = with_recorder(recorder, |recorder| Some(recorder.poll(now(elapsed, unix))));
  let text = progress.and_then(|progress| serde_json::to_string(&progress).ok());
  with(|border| border.put(text));
}

/// Leaves the head and the body of the next request; 0 when there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn take_request(recorder: u32) -> u32 {
  let request = with_recorder(recorder, Recorder::take_request);
  let Some(Request { id, call, .. }) = request else { return 0 };
  let head = serde_json::to_string(&RequestHead::new(id, &call)).ok();
  let (Body::Bytes(body) | Body::Form { file: body, .. }) = call.body;
  with(|border| {
    border.body = body;
    border.put(head)
  })
}

/// Leaves the diagnostics since the last call.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn take_diagnostics(recorder: u32) {
  describe(recorder, Description::Diagnostics);
}

/// Leaves the counters.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn stats(recorder: u32) {
  describe(recorder, Description::Stats);
}

/// Leaves where Braintrust shows spans.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn trace_destination(recorder: u32) {
  describe(recorder, Description::Destination);
}

fn describe(recorder: u32, what: Description) {
  let text = with_recorder(recorder, |recorder| Some(recorder.describe(what)));
  with(|border| border.put(text));
}

/// Leaves the row id and the trace id of the Flue span with these ids, as a list; empty when there is no id.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn flue_span(bytes: usize) {
  with(|border| {
    let context: FlueContext = serde_json::from_str(&border.text(bytes)).unwrap_or_default();
    let span = context.span().map(|span| vec![span.row.to_string(), span.trace.to_string()]);
    let text = serde_json::to_string(&span.unwrap_or_default()).ok();
    border.put(text);
  });
}

/// Leaves the kinds of events that are translated, each with the number of its priority.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn translated_kinds() {
  let kinds: std::collections::BTreeMap<_, _> =
    TRANSLATED_KINDS.iter().map(|kind| (*kind, Priority::of_kind(kind) as u8)).collect();
  with(|border| border.put(serde_json::to_string(&kinds).ok()));
}

/// Ends the instance, as an unexpected failure does: the tests of the host call it.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn trap() {
  std::process::abort();
}
