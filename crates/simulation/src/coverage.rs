//! What the worlds had in them: a simulator that never meets a fault proves nothing of it.

use std::collections::BTreeMap;

use crate::plan::FaultKind;

/// How often things happened.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
  counts: BTreeMap<&'static str, u64>,
}

impl Coverage {
  /// Counts one.
  pub fn count(&mut self, what: &'static str) {
    self.add(what, 1);
  }

  /// Counts several.
  pub fn add(&mut self, what: &'static str, times: u64) {
    *self.counts.entry(what).or_default() += times;
  }

  /// Adds what others counted.
  pub fn merge(&mut self, other: &Self) {
    for (what, times) in &other.counts {
      self.add(what, *times);
    }
  }

  /// How often that happened.
  pub fn get(&self, what: &str) -> u64 {
    self.counts.get(what).copied().unwrap_or(0)
  }

  /// Everything, by name.
  pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
    self.counts.iter().map(|(what, times)| (*what, *times))
  }
}

impl FaultKind {
  /// The name in the summary.
  pub fn name(&self) -> &'static str {
    match self {
      Self::Slow(_) => "fault: server slow",
      Self::Hung { stores: true } => "fault: server hung, rows stored",
      Self::Hung { stores: false } => "fault: server hung",
      Self::Page { stores: true } => "fault: page answered, rows stored",
      Self::Page { stores: false } => "fault: page answered",
      Self::Stuck => "fault: some requests hang",
      Self::Refused => "fault: connection refused",
      Self::Status(_) => "fault: error status",
      Self::NoRoute(_) => "fault: no route",
      Self::Busy { .. } => "fault: Retry-After",
      Self::Unauthorized(_) => "fault: key refused",
      Self::Lying => "fault: rows stored, error answered",
      Self::Flapping => "fault: server flapping",
      Self::Storage => "fault: storage of overflow fails",
      Self::Overflow(_) => "fault: announcement of overflow fails",
      Self::DiskFull => "fault: disk full",
      Self::DiskSlow(_) => "fault: disk slow",
      Self::DiskFails(_) => "fault: disk fails",
      Self::DiskTears(_) => "fault: write torn",
      Self::DiskDenied => "fault: disk denied",
      Self::Damage => "fault: segment damaged",
      Self::MaskSlow(_) => "fault: masking slow",
      Self::MaskGarbage => "fault: masking returns garbage",
      Self::MaskNever => "fault: masking never returns",
    }
  }
}
