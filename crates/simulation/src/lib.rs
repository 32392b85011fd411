//! A host with virtual time that tries to break the exporter.
//!
//! One seed is one world: a random program of events, flushes, deaths and restarts, a server and a disk that fail in
//! random ways, and a clock that jumps from one event to the next. After every step the [invariants](Finding) are
//! checked. `docs/simulation.md` lists them.
//!
//! | module | |
//! |---|---|
//! | [`plan`], [`conversation`], [`generate`] | what happens in a world |
//! | [`server`], [`view`] | Braintrust, and what it should have |
//! | [`reference`], [`host`] | a process, and the rows that it should produce |
//! | [`world`], `traffic`, `spooling`, `checks` | the scheduler, and the invariants |
//! | [`shrink`], [`coverage`] | the smallest world that still fails; what the worlds had in them |

#![allow(
  clippy::indexing_slicing,
  clippy::string_slice,
  clippy::expect_used,
  reason = "development only: a simulator that meets what it does not expect should stop"
)]

mod checks;
pub mod conversation;
pub mod coverage;
pub mod generate;
pub mod host;
pub mod plan;
pub mod reference;
pub mod server;
pub mod shrink;
mod spooling;
mod traffic;
pub mod view;
pub mod world;

use std::{
  fmt,
  panic::{AssertUnwindSafe, catch_unwind},
  time::Duration,
};

use conversation::{MASKED, SECRET};
use coverage::Coverage;
use plan::Plan;
use world::World;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
  /// The invariant.
  pub invariant: &'static str,
  /// When.
  pub at: Duration,
  /// What was found.
  pub detail: String,
}

impl fmt::Display for Finding {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} at {:.3} s: {}", self.invariant, self.at.as_secs_f64(), self.detail)
  }
}

/// Plays a world. The coverage counts what happened in it; `log` collects one line for each thing that happens.
pub fn run(plan: &Plan, coverage: &mut Coverage, log: Option<&mut Vec<String>>) -> Option<Finding> {
  let mut world = World::new(plan, log.is_some());
  let played = catch_unwind(AssertUnwindSafe(|| world.play()));
  let at = world.elapsed();
  coverage.merge(world.coverage());
  if let Some(log) = log {
    log.append(world.log());
  }
  match played {
    Ok(result) => result.err(),
    Err(panic) => {
      let text = panic.downcast_ref::<String>().cloned();
      let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
      Some(Finding { invariant: "no panic", at, detail: text.unwrap_or_default() })
    }
  }
}

/// A text as the masking function returns it.
pub fn mask(text: &str) -> String {
  text.replace(SECRET, MASKED)
}
