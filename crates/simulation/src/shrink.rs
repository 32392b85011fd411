//! The smallest world that still fails: parts of the plan are removed as long as the same invariant breaks.

use std::time::Duration;

use crate::{coverage::Coverage, finding::Finding, plan::Plan, play::run};

/// The most worlds that are played.
const MAX_RUNS: usize = 3_000;

/// Shrinks a plan that fails with `finding`.
pub fn shrink(plan: &Plan, finding: &Finding) -> (Plan, Finding) {
  let mut best = (plan.clone(), finding.clone());
  let mut runs = 0;
  let mut attempt = |best: &mut (Plan, Finding), plan: Plan| {
    runs += 1;
    if runs > MAX_RUNS {
      return false;
    }
    match run(&plan, &mut Coverage::default(), None) {
      Some(found) if found.invariant == best.1.invariant => {
        *best = (plan, found);
        true
      }
      _ => false,
    }
  };
  loop {
    let before = (best.0.steps.len(), best.0.faults.len());
    let mut size = best.0.steps.len().div_ceil(2);
    while size > 0 {
      let mut at = 0;
      while at < best.0.steps.len() {
        let mut plan = best.0.clone();
        let end = (at + size).min(plan.steps.len());
        plan.steps.drain(at..end);
        if !attempt(&mut best, plan) {
          at += size;
        }
      }
      size /= 2;
    }
    for at in (0..best.0.faults.len()).rev() {
      let mut plan = best.0.clone();
      plan.faults.remove(at);
      attempt(&mut best, plan);
    }
    if (best.0.steps.len(), best.0.faults.len()) == before {
      break;
    }
  }
  simplify(&mut best, &mut attempt);
  best
}

/// Settings that do not matter become ordinary, and times round.
fn simplify(
  best: &mut (Plan, Finding),
  attempt: &mut impl FnMut(&mut (Plan, Finding), Plan) -> bool,
) {
  let changes: [fn(&mut Plan); 9] = [
    |plan| plan.setup.disk_micros = 0,
    |plan| plan.setup.batch_rows = None,
    |plan| plan.setup.max_requests = 8,
    |plan| plan.setup.request_bytes = None,
    |plan| plan.setup.field_bytes = None,
    |plan| plan.setup.redacts = false,
    |plan| plan.setup.is_addressed = true,
    |plan| plan.setup.poison = None,
    |plan| {
      for step in &mut plan.steps {
        step.at = Duration::from_millis(step.at.as_millis() as u64);
      }
    },
  ];
  for change in changes {
    let mut plan = best.0.clone();
    change(&mut plan);
    attempt(best, plan);
  }
}
