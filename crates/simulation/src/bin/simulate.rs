//! Plays many worlds: `npm run simulate -- --seeds 2000 [--seed 1] [--threads 2] [--steps] [--all | --find]`.

use std::{
  collections::BTreeMap,
  process::ExitCode,
  sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
  },
  thread,
  time::{Duration, Instant},
};

use simulation::{Finding, coverage::Coverage, generate::generate, run, shrink::shrink};

/// What the command line asks for.
struct Arguments {
  /// The first seed.
  seed: u64,
  /// How many worlds.
  seeds: u64,
  threads: u64,
  /// Whether everything that happens is printed.
  steps: bool,
  /// Whether a finding does not end the search.
  all: bool,
  /// Whether a finding is only named, and not shrunk.
  find: bool,
}

fn arguments() -> Result<Arguments, String> {
  let mut found =
    Arguments { seed: 0, seeds: 2_000, threads: 2, steps: false, all: false, find: false };
  let mut has_seeds = false;
  let mut all = std::env::args().skip(1);
  while let Some(name) = all.next() {
    match name.as_str() {
      "--steps" => {
        found.steps = true;
        continue;
      }
      "--find" => {
        found.find = true;
        continue;
      }
      "--all" => {
        found.all = true;
        continue;
      }
      _ => {}
    }
    let value = all.next().and_then(|value| value.parse().ok());
    let value = value.ok_or_else(|| format!("{name} needs a number"))?;
    match name.as_str() {
      "--seed" => found.seed = value,
      "--seeds" => (found.seeds, has_seeds) = (value, true),
      "--threads" => found.threads = value,
      _ => {
        return Err(format!(
          "unknown: {name}; known: --seeds, --seed, --threads, --steps, --all, --find"
        ));
      }
    }
  }
  if found.seed > 0 && !has_seeds {
    found.seeds = 1;
  }
  Ok(found)
}

fn main() -> ExitCode {
  match arguments() {
    Ok(arguments) => simulate(&arguments),
    Err(error) => {
      eprintln!("{error}");
      ExitCode::FAILURE
    }
  }
}

fn simulate(arguments: &Arguments) -> ExitCode {
  let begun = Instant::now();
  if arguments.steps {
    let plan = generate(arguments.seed);
    let mut log = Vec::new();
    let found = run(&plan, &mut Coverage::default(), Some(&mut log));
    println!("{plan}\n{}", log.join("\n"));
    return report(arguments.seed, found);
  }
  let (coverage, findings) = play(arguments);
  for (what, times) in coverage.iter() {
    println!("{times:>12}  {what}");
  }
  let seconds = begun.elapsed().as_secs_f64();
  let worlds = coverage.get("worlds");
  println!("{worlds} worlds in {seconds:.1} s, {:.0} in a second", worlds as f64 / seconds);
  if arguments.all {
    return report_all(&findings);
  }
  match findings.into_iter().next() {
    None => {
      println!("no finding");
      ExitCode::SUCCESS
    }
    Some((seed, finding)) if arguments.find => report(seed, Some(finding)),
    Some((seed, finding)) => {
      println!("seed {seed}: {finding}\nshrinking …");
      let (plan, finding) = shrink(&generate(seed), &finding);
      let mut log = Vec::new();
      run(&plan, &mut Coverage::default(), Some(&mut log));
      println!("\nThe smallest world that fails in this way:\n{plan}\n{}", log.join("\n"));
      report(seed, Some(finding))
    }
  }
}

/// Plays the worlds: what they covered, and the findings in the order of their seeds.
fn play(arguments: &Arguments) -> (Coverage, Vec<(u64, Finding)>) {
  // A world that panics is a finding; its message is part of it.
  std::panic::set_hook(Box::new(|_| {}));
  let (next, is_found) = (AtomicU64::new(arguments.seed), AtomicBool::new(false));
  let end = arguments.seed + arguments.seeds;
  let coverage = Mutex::new(Coverage::default());
  let findings = Mutex::new(Vec::new());
  thread::scope(|scope| {
    for _ in 0..arguments.threads.max(1) {
      scope.spawn(|| {
        let mut own = Coverage::default();
        loop {
          let seed = next.fetch_add(1, Relaxed);
          if seed >= end || is_found.load(Relaxed) {
            break;
          }
          if let Some(finding) = run(&generate(seed), &mut own, None) {
            is_found.store(!arguments.all, Relaxed);
            findings.lock().unwrap_or_else(PoisonError::into_inner).push((seed, finding));
          }
        }
        coverage.lock().unwrap_or_else(PoisonError::into_inner).merge(&own);
      });
    }
    scope.spawn(|| {
      let mut last = Instant::now();
      while next.load(Relaxed) < end && !is_found.load(Relaxed) {
        thread::sleep(Duration::from_millis(50));
        if last.elapsed() > Duration::from_secs(5) {
          last = Instant::now();
          eprintln!("{} of {} worlds", next.load(Relaxed) - arguments.seed, arguments.seeds);
        }
      }
    });
  });
  let coverage = coverage.into_inner().unwrap_or_else(PoisonError::into_inner);
  let mut findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
  findings.sort_by_key(|(seed, _)| *seed);
  (coverage, findings)
}

/// Prints how many findings each invariant has.
fn report_all(findings: &[(u64, Finding)]) -> ExitCode {
  let mut counts = BTreeMap::<&str, (u64, String)>::new();
  for (seed, finding) in findings {
    let first = || (0, format!("seed {seed}: {finding}"));
    counts.entry(finding.invariant).or_insert_with(first).0 += 1;
  }
  counts.values().for_each(|(count, first)| println!("{count:>6} like {first}"));
  if counts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(seed: u64, found: Option<Finding>) -> ExitCode {
  match found {
    None => {
      println!("seed {seed}: no finding");
      ExitCode::SUCCESS
    }
    Some(finding) => {
      println!("seed {seed}: {finding}");
      ExitCode::FAILURE
    }
  }
}
