//! One world from its beginning to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{coverage::Coverage, finding::Finding, plan::Plan, world::World};

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
