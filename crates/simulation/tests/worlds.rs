//! Two thousand worlds, and those in which something was wrong once.

#![allow(clippy::panic, reason = "a finding fails the test")]

use std::thread;

use simulation::{coverage::Coverage, generate::generate, run, shrink::shrink};

/// Plays the worlds of some seeds.
fn play(seeds: impl Iterator<Item = u64>) -> Coverage {
  let mut coverage = Coverage::default();
  for seed in seeds {
    let plan = generate(seed);
    if let Some(finding) = run(&plan, &mut coverage, None) {
      let (smallest, finding) = shrink(&plan, &finding);
      let mut log = Vec::new();
      run(&smallest, &mut Coverage::default(), Some(&mut log));
      panic!("seed {seed}: {finding}\n{smallest}\n{}", log.join("\n"));
    }
  }
  coverage
}

#[test]
fn two_thousand_worlds_have_no_finding_and_every_fault_occurs_in_them() {
  let mut coverage = Coverage::default();
  thread::scope(|scope| {
    let halves = [0, 1].map(|half| scope.spawn(move || play((half..2_000).step_by(2))));
    for half in halves {
      match half.join() {
        Ok(of_half) => coverage.merge(&of_half),
        Err(panic) => std::panic::resume_unwind(panic),
      }
    }
  });
  assert_eq!(coverage.get("worlds"), 2_000);
  let faults = coverage.iter().filter(|(what, _)| what.starts_with("fault: ")).count();
  assert_eq!(faults, 24, "{:?}", coverage.iter().collect::<Vec<_>>());
  for what in ["crashes", "crashes within an operation", "snapshots adopted", "overflow upload"] {
    assert!(coverage.get(what) > 0, "{what}");
  }
}

/// Seeds that found what the changelog's fixes mend. They say less when the generator changes.
#[test]
fn worlds_in_which_something_was_wrong_have_no_finding() {
  let seeds = [
    2, 39, 54, 225, 1145, 2620, 5221, 6493, 16_525, 16_997, 18_596, 27_019, 29_237, 102_026,
    227_246, 365_959, 442_862, 572_341, 40_911, 783_870,
  ];
  play(seeds.into_iter());
}

#[test]
fn a_world_is_the_same_each_time() {
  for seed in 0..50 {
    let log = || {
      let mut log = Vec::new();
      run(&generate(seed), &mut Coverage::default(), Some(&mut log));
      log
    };
    assert_eq!(log(), log(), "seed {seed}");
  }
}
