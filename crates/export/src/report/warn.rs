//! Warnings: one line on stderr for each sort of trouble, and the same for a program that asks.

use std::{
  collections::VecDeque,
  io::Write,
  mem,
  sync::{Mutex, PoisonError},
  time::{Duration, Instant},
};

use serde::Serialize;

use super::LossReason;

/// The most warnings that are kept for a program that does not ask for them.
const KEPT: usize = 64;

/// The sorts of trouble a user hears of, each with a code to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
  /// Braintrust cannot be reached or does not work; delivery is tried again.
  Unreachable,
  /// The server refused the API key, has no such organisation, or is not Braintrust.
  Refused,
  /// Rows or events are lost.
  Lost,
  /// What was lost in all, told at the end.
  Exit,
  /// What should outlive the process cannot be kept.
  Spool,
  /// Certificates that were named cannot be used.
  Certificates,
}

impl Warning {
  fn code(self) -> &'static str {
    match self {
      Self::Unreachable => "FLUE_BRAINTRUST_UNREACHABLE",
      Self::Refused => "FLUE_BRAINTRUST_REFUSED",
      Self::Lost => "FLUE_BRAINTRUST_LOST",
      Self::Exit => "FLUE_BRAINTRUST_EXIT",
      Self::Spool => "FLUE_BRAINTRUST_SPOOL",
      Self::Certificates => "FLUE_BRAINTRUST_CERTIFICATES",
    }
  }
}

/// A warning as a program gets it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Trouble {
  pub code: &'static str,
  pub message: String,
  /// Why something was lost, if that is what happened.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub reason: Option<&'static str>,
  /// How many rows that were, since the warning before.
  #[serde(skip_serializing_if = "Option::is_none")]
  pub rows: Option<u64>,
}

/// Which warnings were given already.
pub struct Warnings {
  /// The shortest time between two warnings of one reason.
  period: Duration,
  state: Mutex<State>,
}

#[derive(Default)]
struct State {
  given: Vec<Warning>,
  losses: [Told; LossReason::ALL.len()],
  troubles: VecDeque<Trouble>,
}

/// What was told of the losses for one reason.
#[derive(Clone, Copy, Default)]
struct Told {
  last: Option<Instant>,
  /// The rows that were lost since.
  untold: u64,
}

impl Warnings {
  /// Losses of one reason are told at once, and then after `period` at the earliest.
  pub fn new(period: Duration) -> Self {
    Self { period, state: Mutex::default() }
  }

  /// Says `message`, unless the same sort of warning was given before.
  pub fn once(&self, warning: Warning, message: &str) {
    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.given.contains(&warning) {
      return;
    }
    state.given.push(warning);
    state.say(Trouble {
      code: warning.code(),
      message: message.to_owned(),
      reason: None,
      rows: None,
    });
  }

  /// Says that rows are lost and `why`, unless losses for that reason were told of lately: then the next
  /// warning tells of them, too.
  pub fn lost(&self, reason: LossReason, rows: usize, why: &str) {
    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(told) = state.losses.get_mut(reason as usize) else { return };
    told.untold += rows as u64;
    if told.last.is_some_and(|last| last.elapsed() < self.period) {
      return;
    }
    told.last = Some(Instant::now());
    let rows = mem::take(&mut told.untold);
    let message =
      format!("{} lost ({}): {why}; {}.", rows_are(rows), reason.name(), reason.way_out());
    let (code, reason) = (Warning::Lost.code(), Some(reason.name()));
    state.say(Trouble { code, message, reason, rows: Some(rows) });
  }

  /// The warnings since this was asked last; of very many only the latest.
  pub fn take(&self) -> Vec<Trouble> {
    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
    mem::take(&mut state.troubles).into()
  }
}

/// So many rows, with their verb.
pub fn rows_are(count: u64) -> String {
  format!("{count} {}", if count == 1 { "row is" } else { "rows are" })
}

impl State {
  fn say(&mut self, trouble: Trouble) {
    let line = format!("[flue-braintrust] {}: {}\n", trouble.code, trouble.message);
    // If stderr is closed there is nobody left to tell.
    let _closed = std::io::stderr().write_all(line.as_bytes());
    if self.troubles.len() >= KEPT {
      self.troubles.pop_front();
    }
    self.troubles.push_back(trouble);
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_first_loss_of_each_reason_is_told_and_what_follows_at_most_once_a_period() {
    let warnings = Warnings::new(Duration::from_millis(40));
    let rows = || warnings.take().iter().map(|trouble| (trouble.reason, trouble.rows)).collect();
    for _ in 0..3 {
      warnings.lost(LossReason::QueueFull, 2, "too much waits");
    }
    warnings.lost(LossReason::Rejected, 1, "400");
    let told: Vec<_> = rows();
    assert_eq!(told, [(Some("queue_full"), Some(2)), (Some("rejected"), Some(1))]);
    std::thread::sleep(Duration::from_millis(60));
    warnings.lost(LossReason::QueueFull, 1, "too much waits");
    let told: Vec<_> = rows();
    assert_eq!(told, [(Some("queue_full"), Some(5))]);
  }

  #[test]
  fn trouble_that_lasts_is_told_once() {
    let warnings = Warnings::new(Duration::ZERO);
    warnings.once(Warning::Refused, "401");
    warnings.once(Warning::Refused, "401");
    assert_eq!(warnings.take().len(), 1);
  }
}
