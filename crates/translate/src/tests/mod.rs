//! The translation, mostly on events recorded from real Flue runs.

mod adoption;
mod custom_spans;
mod garbage;
mod late;
mod left_out;
mod logs;
mod no_room;
mod nulls;
mod parents;
mod properties;
mod recordings;
mod recovery;
mod rules;
mod settlements;
mod snapshot;
mod tool_calls;
mod trace;
mod turn_inputs;
mod usage;

use std::{fs, path::PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use trace::Trace;

use crate::Translator;

/// The recordings of these Flue releases are in `__test__/corpus`.
const RELEASES: [&str; 4] = ["0.8.1", "0.11.1", "1.0.0-beta.9", "2.1.0"];

/// The kinds of events that only this package's JavaScript emits.
const OWN_KINDS: &[&str] =
  &["history_forgotten", "span_start", "span_log", "span_end", "feedback", "caller_named"];

/// The members of a recorded line that are read here.
#[derive(Deserialize)]
struct Line<'a> {
  #[serde(borrow)]
  event: Option<&'a RawValue>,
  #[serde(borrow)]
  mark: Option<&'a RawValue>,
}

/// The names of all recordings of a release.
fn recordings(release: &str) -> Vec<String> {
  let mut names: Vec<String> = fs::read_dir(folder().join(release))
    .unwrap()
    .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
    .collect();
  names.sort();
  names
}

/// The lines of a recording: one process's events in a row; several after a crash.
fn processes(release: &str, name: &str) -> Vec<Vec<String>> {
  let file = folder().join(release).join(format!("{name}.ndjson"));
  let mut processes = vec![Vec::new()];
  for line in fs::read_to_string(file).unwrap().lines() {
    let Line { event, mark } = serde_json::from_str(line).unwrap();
    if mark.is_some_and(|mark| mark.get().contains("\"pid\":")) {
      processes.push(Vec::new());
    }
    if let Some(event) = event {
      let text: Vec<u16> = event.get().encode_utf16().collect();
      processes.last_mut().unwrap().push(flue_event::Utf8::default().read(&text).into_owned());
    }
  }
  processes.retain(|events| !events.is_empty());
  processes
}

fn folder() -> PathBuf {
  PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../__test__/corpus"))
}

/// Translates one process's events into a trace; its end interrupts open spans.
fn translate<'a>(events: impl IntoIterator<Item = &'a String>, trace: &mut Trace) {
  let mut translator = Translator::default();
  let last = translate_all(&mut translator, events, trace);
  trace.take(translator.close_all(last));
  assert_eq!(translator.open_spans(), 0);
}

/// The same for a process that crashes. Returns its translator and the time of its last event.
fn translate_until_crash<'a>(
  snapshot: Option<Vec<u8>>,
  events: impl IntoIterator<Item = &'a String>,
  trace: &mut Trace,
) -> (Translator, i64) {
  let mut translator = Translator::default();
  if let Some(snapshot) = snapshot {
    trace.take(translator.restore(&snapshot).unwrap());
  }
  let last = translate_all(&mut translator, events, trace);
  (translator, last)
}

fn translate_all<'a>(
  translator: &mut Translator,
  events: impl IntoIterator<Item = &'a String>,
  trace: &mut Trace,
) -> i64 {
  let mut last = 0;
  for text in events {
    let event = flue_event::decode(text, last).unwrap();
    last = last.max(event.at);
    trace.take(translator.translate(&event));
  }
  last
}

/// Operations, each started by a tool call of the one before: `o0` is the outermost, and has no event of its own.
fn nested(depth: usize) -> Vec<String> {
  let at = r#""timestamp":"2026-11-23T07:02:44Z""#;
  let level = |n: usize| {
    let ids = format!(r#""toolCallId":"c{n}","operationId":"o{n}""#);
    let next = n + 1;
    [
      format!(r#"{{"type":"tool_start",{at},{ids}}}"#),
      format!(
        r#"{{"type":"operation_start",{at},"operationId":"o{next}","$callingTool":{{{ids}}}}}"#
      ),
    ]
  };
  (0..depth).flat_map(level).collect()
}

/// The end of the outermost of the [`nested`] operations.
fn end_of_nested() -> String {
  r#"{"type":"operation","timestamp":"2026-11-23T07:02:44Z","operationId":"o0"}"#.to_owned()
}

/// The whole recording as one trace. Each process restores the snapshot of the previous one.
fn replay(release: &str, name: &str) -> Trace {
  let mut trace = Trace::default();
  let mut snapshot = None;
  let processes = processes(release, name);
  for (n, events) in processes.iter().enumerate() {
    let (mut translator, last) = translate_until_crash(snapshot, events, &mut trace);
    if n + 1 == processes.len() {
      trace.take(translator.close_all(last));
    }
    snapshot = translator.snapshot(last, true);
  }
  trace
}
