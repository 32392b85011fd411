//! The debug log: what delivery does, line by line, for those who search for a fault. It holds addresses without
//! credentials, counts, sizes and times, never content and never a key.

use std::fmt;

/// Where a host writes lines.
pub type LineSink = Box<dyn Fn(&str) + Send + Sync>;

/// The log, if it is on.
#[derive(Default)]
pub struct DebugLog(Option<LineSink>);

impl DebugLog {
  /// A log that is on.
  pub fn new(sink: LineSink) -> Self {
    Self(Some(sink))
  }

  /// Writes a line. Its parts are formatted only if the log is on.
  pub fn line(&self, line: fmt::Arguments<'_>) {
    if let Some(sink) = &self.0 {
      sink(&line.to_string());
    }
  }
}
