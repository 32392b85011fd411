//! The scheduler: virtual time, and what happens next.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use export::{
  Now,
  config::Settings,
  masking::Masking,
  transport::{RequestId, Response, TransportError},
};
use fastrand::Rng;
use spool::memory::MemoryFiles;

use crate::{
  coverage::Coverage,
  finding::Finding,
  host::{Process, settings},
  plan::{Fault, FaultKind, Plan},
  server::Server,
  view::History,
};

/// The wall clock when a world begins, in milliseconds since the epoch.
pub(crate) const START: i64 = 1_795_417_364_000;

/// Something that is scheduled.
pub enum Event {
  Step(usize),
  Damage,
  Respond(usize, RequestId, Result<Response, TransportError>, usize),
  Operation(usize),
  Masked(usize, u64),
  Timer(usize, u64),
  /// Nothing fails from now on.
  Recover,
  /// Everything must be delivered by now.
  Delivered,
  /// One more process starts, for what others left.
  LastProcess,
  /// Whoever ended naturally has left nothing to the last process.
  LastDelivered,
}

/// A world.
pub struct World {
  pub(crate) plan: Plan,
  pub(crate) settings: Arc<Settings>,
  pub(crate) rng: Rng,
  pub(crate) now: Duration,
  queue: BTreeMap<(Duration, u64), Event>,
  sequence: u64,
  pub(crate) server: Server,
  pub(crate) history: History,
  pub(crate) processes: BTreeMap<usize, Process>,
  pub(crate) slots: [Option<usize>; 2],
  /// The process that each conversation is in: it moves when that is gone.
  pub(crate) owners: BTreeMap<usize, usize>,
  pub(crate) next_process: usize,
  pub(crate) disk: MemoryFiles,
  /// Which process has taken over the files of an ended one.
  pub(crate) adopters: BTreeMap<usize, Option<usize>>,
  pub(crate) coverage: Coverage,
  /// Rows that processes lost which are gone, and those of which they sent only a part.
  pub(crate) lost: u64,
  pub(crate) cut: u64,
  pub(crate) masking: Masking,
  /// Whether every row must be masked.
  pub(crate) must_mask: bool,
  /// Whether the masking function has returned garbage, or could no longer be called.
  pub(crate) has_garbage: bool,
  pub(crate) is_over: bool,
  log: Option<Vec<String>>,
}

/// What a check returns.
pub type Checked = Result<(), Finding>;

impl World {
  /// The world of a plan, before anything happens. It keeps a log on request.
  pub fn new(plan: &Plan, logs: bool) -> Self {
    let disk = MemoryFiles::new();
    disk.disk.borrow_mut().has_dir = true;
    let masking = if plan.setup.masks { Masking::On } else { Masking::Off };
    let mut world = Self {
      settings: Arc::new(settings(&plan.setup)),
      rng: Rng::with_seed(plan.seed ^ 0x9e37_79b9_7f4a_7c15),
      now: Duration::ZERO,
      queue: BTreeMap::new(),
      sequence: 0,
      server: Server::new(plan.setup.clone()),
      history: History::default(),
      processes: BTreeMap::new(),
      slots: [None; 2],
      owners: BTreeMap::new(),
      next_process: 0,
      disk,
      adopters: BTreeMap::new(),
      coverage: Coverage::default(),
      lost: 0,
      cut: 0,
      masking,
      must_mask: plan.setup.masks,
      has_garbage: false,
      is_over: false,
      log: logs.then(Vec::new),
      plan: plan.clone(),
    };
    for (number, step) in plan.steps.iter().enumerate() {
      world.schedule(step.at, Event::Step(number));
    }
    for fault in plan.faults.iter().filter(|fault| fault.kind == FaultKind::Damage) {
      world.schedule(fault.from, Event::Damage);
    }
    let steps = plan.steps.iter().map(|step| step.at);
    let faults = plan.faults.iter().map(|fault| fault.to);
    let end = steps.chain(faults).max().unwrap_or_default();
    world.schedule(end, Event::Recover);
    world
  }

  /// Plays the world to its end.
  ///
  /// # Errors
  /// The first invariant that does not hold.
  pub fn play(&mut self) -> Checked {
    self.coverage.count("worlds");
    while let Some(((at, _), event)) = self.queue.pop_first() {
      self.now = at;
      self.handle(event)?;
    }
    self.check_end()
  }

  /// The time since the world began.
  pub fn elapsed(&self) -> Duration {
    self.now
  }

  /// What happened.
  pub fn coverage(&self) -> &Coverage {
    &self.coverage
  }

  /// One line for each thing that happened.
  pub fn log(&mut self) -> &mut Vec<String> {
    self.log.get_or_insert_default()
  }

  pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
    if let Some(log) = &mut self.log {
      log.push(format!("{:>10.4} s  {}", self.now.as_secs_f64(), line()));
    }
  }

  pub(crate) fn clock(&self) -> Now {
    Now { elapsed: self.now, unix_ms: START + self.now.as_millis() as i64 }
  }

  pub(crate) fn schedule(&mut self, at: Duration, event: Event) {
    self.sequence += 1;
    self.queue.insert((at, self.sequence), event);
  }

  /// The first fault of some kind that lasts now.
  pub(crate) fn fault(&self, wanted: impl Fn(&FaultKind) -> bool) -> Option<FaultKind> {
    if self.is_over {
      return None;
    }
    let lasts = |fault: &&Fault| fault.from <= self.now && self.now < fault.to;
    self.plan.faults.iter().filter(lasts).map(|fault| fault.kind).find(wanted)
  }

  pub(crate) fn finding(&self, invariant: &'static str, detail: impl Into<String>) -> Checked {
    Err(Finding { invariant, at: self.now, detail: detail.into() })
  }

  fn handle(&mut self, event: Event) -> Checked {
    match event {
      Event::Step(number) => {
        let action = self.plan.steps[number].action.clone();
        self.act(action)
      }
      Event::Damage => self.damage(),
      Event::Respond(process, id, result, acknowledges) => {
        self.respond(process, id, result, acknowledges)
      }
      Event::Operation(process) => self.complete_operation(process),
      Event::Masked(process, batch) => self.masked(process, batch),
      Event::Timer(process, number) => self.timer(process, number),
      Event::Recover => self.recover(),
      Event::Delivered => self.delivered(true),
      Event::LastProcess => self.start_last_process(),
      Event::LastDelivered => self.delivered(false),
    }
  }

  fn timer(&mut self, number: usize, timer: u64) -> Checked {
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if process.timer != timer {
      return Ok(());
    }
    if process.spun_at != self.now {
      (process.spun_at, process.spins) = (self.now, 0);
    }
    process.spins += 1;
    let spins = process.spins;
    if spins > 12 {
      return self.finding("no busy loop", "a dozen timeouts are due at one instant");
    }
    self.settle_timer(number)
  }
}
