//! The functions that the module exports: numbers as arguments, texts in one input buffer and one output buffer.
//!
//! JavaScript calls [`reserve`](buffers::reserve), writes a text to the address that it returns, and passes the length in
//! bytes to another function. That one may leave a text in the output buffer
//! ([`output_address`](buffers::output_address), [`output_length`](buffers::output_length)) and bytes in the body
//! buffer. Any call may move the buffers and grow the memory: views are made anew afterwards. Times are in milliseconds.
//! A recorder is named by the number that [`open`] returns; other numbers have no effect.

#![allow(unsafe_code, reason = "exported names")]

use std::time::Duration;

use export::{
  admission::Priority,
  transport::{Body, Request},
};
use flue_event::TRANSLATED_KINDS;
use translate::FlueContext;

use self::buffers::{now, utf8, with, with_recorder};
use crate::{
  messages::{Answer, RequestHead},
  recorder::{Description, Recorder},
  settings,
};

pub mod buffers;
pub mod storage;

/// The longest timeout: a day.
const MAX_TIMEOUT_MS: f64 = 86_400_000.0;

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
  let mut kinds = serde_json::Map::new();
  for kind in TRANSLATED_KINDS {
    kinds.insert((*kind).to_owned(), (Priority::of_kind(kind) as u8).into());
  }
  with(|border| border.put(serde_json::to_string(&kinds).ok()));
}

/// Ends the instance, as an unexpected failure does: the tests of the host call it.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn trap() {
  std::process::abort();
}
