//! Logs: `log` events, kept with the span they belong to.

use super::{Translator, activity::Activity, facts, tool, tree::Open};
use braintrust_row::time;
use braintrust_row::{Json, Row};
use flue_event::{Event, Payload};

/// The most lines one span keeps.
const MAX_LINES: usize = 100;
/// The most bytes of lines one span keeps.
const MAX_BYTES: usize = 64 * 1024;
/// Attributes larger than this are left out of their line.
const MAX_ATTRIBUTES: usize = 8 * 1024;

/// The lines of one span, in order.
#[derive(Default)]
pub struct Logs {
  lines: Vec<Json>,
  bytes: usize,
  dropped: usize,
  /// When the last line was written, and its place among the events: two observers tell it twice.
  last: Option<(i64, u64)>,
}

impl Logs {
  fn push(&mut self, at: i64, index: Option<f64>, line: Json) {
    let written = index.map(|index| (at, index.to_bits()));
    if written.is_some() && written == self.last {
      return;
    }
    self.last = written;
    let bytes = line.as_str().len();
    if self.lines.len() < MAX_LINES && self.bytes + bytes <= MAX_BYTES {
      self.bytes += bytes;
      self.lines.push(line);
    } else {
      self.dropped += 1;
    }
  }

  /// Writes the lines, and how many there was no room for.
  pub fn write(&self, row: &mut Row) {
    if !self.lines.is_empty() {
      let lines: Vec<_> = self.lines.iter().map(Json::as_str).collect();
      row.fact("flue.logs", Some(Json::concat(&["[", &lines.join(","), "]"])));
    }
    if self.dropped > 0 {
      row.fact("flue.logs_dropped", facts::number(Some(self.dropped as f64)));
    }
  }
}

impl Translator {
  pub(super) fn log(
    &mut self,
    event: &Event<'_>,
    level: Option<&str>,
    message: Option<&str>,
    attributes: Payload<'_>,
    call: Option<&str>,
  ) {
    if !self.options.logs {
      return;
    }
    let line = line(event.at, level, message, attributes);
    if let Some(span) = self.log_owner(event, call) {
      span.logs.push(event.at, event.index, line);
    }
  }

  /// The innermost open span that the event names: its tool call, operation, or run.
  fn log_owner(&mut self, event: &Event<'_>, call: Option<&str>) -> Option<&mut Open> {
    let (enclosing, span) = self.enclosing(&event.ids)?;
    let call = call.map(|call| tool::call_span(&event.ids, call, span.trace).0);
    let run = event.ids.run.as_ref().map(|run| Activity::Run(run.to_string()));
    let owner = [call, Some(enclosing), run]
      .into_iter()
      .flatten()
      .find(|activity| self.tree.get(activity).is_some_and(|open| open.look.is_some()))?;
    self.tree.get_mut(&owner)
  }
}

fn line(at: i64, level: Option<&str>, message: Option<&str>, attributes: Payload<'_>) -> Json {
  let time = Json::text(&time::iso(at));
  let level = Json::text(level.unwrap_or("info"));
  let message = Json::text(message.unwrap_or_default());
  let mut line = format!(
    r#"{{"time":{},"level":{},"message":{}"#,
    time.as_str(),
    level.as_str(),
    message.as_str()
  );
  if let Some(attributes) = attributes {
    let bytes = attributes.get().len();
    let shown = if bytes <= MAX_ATTRIBUTES {
      attributes.get().to_owned()
    } else {
      format!("\"[{bytes} bytes left out]\"")
    };
    line.push_str(",\"attributes\":");
    line.push_str(&shown);
  }
  line.push('}');
  Json::concat(&[&line])
}
