//! What begins while there is no room for it, and what begins in that once there is.

use super::{RELEASES, processes, recordings, trace::Trace, translate_all};
use crate::Translator;
use braintrust_row::Row;
use flue_event::Body;

/// The trace of these events, of which those before `room` come while no span may be opened.
fn traced(events: &[String], room: usize) -> Trace {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  for text in &events[..room] {
    let event = flue_event::decode(text, 0).unwrap();
    if translator.would_open(&event) {
      translator.ignore(&event);
    } else {
      trace.take(translator.translate(&event));
    }
  }
  let last = translate_all(&mut translator, &events[room..], &mut trace);
  trace.take(translator.close_all(last));
  trace
}

fn is_interrupted(row: &Row) -> bool {
  row.metadata.get("flue.interrupted").is_some_and(|is| is.as_str() == "true")
}

#[test]
fn what_begins_in_a_span_for_which_there_was_no_room_opens_that() {
  const RECORDINGS: [&str; 5] =
    ["multi-turn-tools-thinking", "task-subagent", "workflow-image", "actions", "logs-and-hooks"];
  for release in RELEASES {
    for name in recordings(release).iter().filter(|name| RECORDINGS.contains(&name.as_str())) {
      let mut events = processes(release, name).concat();
      events.retain(|text| {
        !matches!(flue_event::decode(text, 0).unwrap().body, Body::Other | Body::MessageEnd(_))
      });
      let whole = traced(&events, 0);
      for room in 1..events.len().min(24) {
        let trace = traced(&events, room);
        for row in trace.rows.values() {
          let is_placed = row.parent.is_some() == trace.parent(row).is_some();
          assert!(is_placed, "{release} {name} {room} {:?}", row.name);
          // Its own end closes it.
          let was_interrupted = whole.rows.get(&row.span.row).is_none_or(is_interrupted);
          assert!(
            was_interrupted || !is_interrupted(row),
            "{release} {name} {room} {:?}",
            row.name
          );
        }
      }
    }
  }
}
