//! The log lines of one span, bounded.

use crate::metadata;
use braintrust_row::{Json, Row, time};
use flue_event::{Event, Log};

/// The most lines that one span keeps.
const MAX_LINES: usize = 100;
/// The most bytes of lines that one span keeps.
const MAX_BYTES: usize = 64 * 1024;
/// The most bytes of attributes that one line keeps; larger ones are replaced by their size.
const MAX_ATTRIBUTES: usize = 8 * 1024;

/// The lines of one span, in order.
#[derive(Default)]
pub struct SpanLogs {
  lines: Vec<Json>,
  bytes: usize,
  dropped: usize,
  /// When the last line was written, and its index among the events: two observers report each line twice.
  last: Option<(i64, u64)>,
}

impl SpanLogs {
  /// The lines of a span after its end: later ones than its own.
  pub fn after(own: &Self, ended_at: i64) -> Self {
    Self { last: own.last.max(Some((ended_at, 0))), ..Self::default() }
  }

  /// Adds a line after the end of the span. False if it is a repetition: it is earlier than the end, or than others.
  pub fn push_late(&mut self, event: &Event<'_>, log: &Log<'_>) -> bool {
    let written = (event.at, event.index.map_or(0, f64::to_bits));
    let is_later = Some(written) > self.last;
    if is_later {
      self.push(event, log);
      self.last = Some(written);
    }
    is_later
  }

  /// Adds a line, unless it repeats the last one or there is no room.
  pub fn push(&mut self, event: &Event<'_>, log: &Log<'_>) {
    let written = event.index.map(|index| (event.at, index.to_bits()));
    if written.is_some() && written == self.last {
      return;
    }
    self.last = written;
    let line = line(event.at, log);
    let bytes = line.bytes();
    if self.lines.len() < MAX_LINES && self.bytes + bytes <= MAX_BYTES {
      self.bytes += bytes;
      self.lines.push(line);
    } else {
      self.dropped += 1;
    }
  }

  /// Writes the lines, and how many were dropped, by these names.
  pub fn write(&self, row: &mut Row, [lines, dropped]: [&'static str; 2]) {
    if !self.lines.is_empty() {
      let all: Vec<_> = self.lines.iter().map(Json::as_str).collect();
      row.set_metadata(lines, Some(Json::concat(&["[", &all.join(","), "]"])));
    }
    if self.dropped > 0 {
      row.set_metadata(dropped, metadata::number(Some(self.dropped as f64)));
    }
  }
}

fn line(at: i64, log: &Log<'_>) -> Json {
  let time = Json::text(&time::iso(at));
  let level = Json::text(log.level.as_deref().unwrap_or("info"));
  let message = Json::text(log.message.as_deref().unwrap_or_default());
  let mut line = format!(
    r#"{{"time":{},"level":{},"message":{}"#,
    time.as_str(),
    level.as_str(),
    message.as_str()
  );
  if let Some(attributes) = log.attributes {
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
