//! The log lines of spans, bounded.

use crate::metadata;
use braintrust_row::{Json, Row, RowId, SpanContext, time};
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

  /// Writes the lines, and how many were dropped.
  pub fn write(&self, row: &mut Row) {
    self.write_as(row, ["flue.logs", "flue.logs_dropped"]);
  }

  fn write_as(&self, row: &mut Row, [lines, dropped]: [&'static str; 2]) {
    if !self.lines.is_empty() {
      let all: Vec<_> = self.lines.iter().map(Json::as_str).collect();
      row.set_metadata(lines, Some(Json::concat(&["[", &all.join(","), "]"])));
    }
    if self.dropped > 0 {
      row.set_metadata(dropped, metadata::number(Some(self.dropped as f64)));
    }
  }
}

/// The most spans whose late lines are remembered.
const MAX_LATE: usize = 64;

/// The lines of spans that had ended before, of the latest such spans. A span's own lines are not kept once it has ended, so
/// that these stand beside them.
#[derive(Default)]
pub struct LateLogs(Vec<(RowId, SpanLogs)>);

impl LateLogs {
  /// Adds a line. Returns the row with all late lines of the span.
  pub fn push(&mut self, span: SpanContext, event: &Event<'_>, log: &Log<'_>) -> Row {
    let known = self.0.iter().position(|(row, _)| *row == span.row);
    let mut lines = known.map(|at| self.0.remove(at).1).unwrap_or_default();
    self.0.truncate(MAX_LATE - 1);
    lines.push(event, log);
    let mut row = Row::of(span);
    lines.write_as(&mut row, ["flue.late_logs", "flue.late_logs_dropped"]);
    self.0.insert(0, (span.row, lines));
    row
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
