//! Rows merged as the server merges them, and shown as a tree.

use std::{collections::HashMap, fmt::Write};

use indexmap::IndexMap;

use braintrust_row::{Json, Row, RowId, SpanType};

/// The rows that the server would hold.
#[derive(Default)]
pub struct Trace {
  pub rows: IndexMap<RowId, Row>,
  /// How often each span was closed.
  pub closed: HashMap<RowId, usize>,
}

impl Trace {
  pub fn take(&mut self, rows: Vec<Row>) {
    for row in rows {
      let id = row.span.row;
      if row.metrics.contains("end") {
        *self.closed.entry(id).or_default() += 1;
      }
      match self.rows.get_mut(&id) {
        Some(known) => {
          // A later object replaces what is none, which garbage may be.
          if let Some(later) = known.merge(row) {
            known.name = later.name.or(known.name.take());
            known.input = later.input.or(known.input.take());
            known.output = later.output.or(known.output.take());
            known.error = later.error.or(known.error.take());
            known.metadata.extend(later.metadata);
            known.metrics.extend(later.metrics);
            known.custom = later.custom.or(known.custom.take());
          }
        }
        None => {
          self.rows.insert(id, row);
        }
      }
    }
  }

  /// The spans of that name.
  pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Row> {
    self.rows.values().filter(move |row| row.name.as_deref() == Some(name))
  }

  /// The names from a span up to its root.
  pub fn path(&self, row: &Row) -> Vec<String> {
    let mut path = vec![name(row).to_owned()];
    let mut at = row;
    while let Some(parent) = self.parent(at) {
      path.push(name(parent).to_owned());
      at = parent;
    }
    path
  }

  /// The row of the parent; `None` for a root, or if it is missing.
  pub fn parent(&self, row: &Row) -> Option<&Row> {
    let parent = row.parent?;
    self.rows.values().find(|other| other.span.span() == parent)
  }

  /// All trees as text, with times relative to the first start.
  pub fn describe(&self) -> String {
    let first = self.rows.values().map(start).fold(f64::INFINITY, f64::min);
    let mut text = String::new();
    for root in self.children(None) {
      self.describe_below(root, 0, first, &mut text);
    }
    text
  }

  fn children(&self, parent: Option<&Row>) -> Vec<&Row> {
    let below = |row: &&Row| row.parent == parent.map(|parent| parent.span.span());
    let mut rows: Vec<&Row> = self.rows.values().filter(below).collect();
    rows.sort_by(|a, b| start(a).total_cmp(&start(b)));
    rows
  }

  fn describe_below(&self, row: &Row, depth: usize, first: f64, text: &mut String) {
    let indent = "  ".repeat(depth);
    let end = row.metrics.get("end").copied().unwrap_or(f64::NAN);
    let (from, to) = ((start(row) - first) * 1e3, (end - first) * 1e3);
    let kind = row.kind.map_or("?", SpanType::as_str);
    writeln!(text, "{indent}{} ({kind}) {from:.0}..{to:.0}", name(row)).unwrap();
    let metrics = row.metrics.iter().filter(|(name, _)| !["start", "end"].contains(name));
    let metrics: Vec<String> = metrics.map(|(name, value)| format!("{name}={value}")).collect();
    writeln!(text, "{indent}  : {}", metrics.join(" ")).unwrap();
    for (name, value) in [("in", &row.input), ("out", &row.output), ("error", &row.error)] {
      if let Some(value) = value {
        writeln!(text, "{indent}  {name}: {}", short(value)).unwrap();
      }
    }
    for name in SHOWN_METADATA {
      if let Some(value) = row.metadata.get(name) {
        writeln!(text, "{indent}  {name}: {}", short(value)).unwrap();
      }
    }
    for child in self.children(Some(row)) {
      self.describe_below(child, depth + 1, first, text);
    }
  }
}

/// The metadata shown in test snapshots; rules check the ids.
const SHOWN_METADATA: &[&str] = &[
  "model",
  "provider",
  "reasoning_effort",
  "max_tokens",
  "flue.operation",
  "flue.turn_purpose",
  "flue.stop_reason",
  "flue.tool_origin",
  "flue.compaction_reason",
  "flue.workflow_phase",
  "flue.submission_outcome",
  "flue.interrupted",
  "flue.cancelled",
  "flue.attempt",
  "flue.joined_submission_ids",
  "flue.recovery",
  "flue.logs",
  "flue.logs_dropped",
];

/// A span's name.
pub fn name(row: &Row) -> &str {
  row.name.as_deref().unwrap_or("?")
}

/// When a span began, in seconds.
pub fn start(row: &Row) -> f64 {
  row.metrics.get("start").copied().unwrap()
}

/// The beginning of a value and its length.
fn short(value: &Json) -> String {
  let text = value.as_str();
  let mut shown: String = text.chars().take(100).collect();
  if shown.len() < text.len() {
    write!(shown, "… ({})", text.len()).unwrap();
  }
  shown
}
